package import Core
package import SQL
import Access

/// One import as it is kept in the database.
package struct ImportRun: Sendable, Hashable {
  package let id: Int64
  package let spec: ImportSpec
  /// The number of the last row whose outcome is committed; 0 before the first.
  package var lastRow: Int
  package var tally: ImportTally
  package var isFinished: Bool
  package let startedAt: Instant
  package let startedBy: Int64
}

/// Imports a table file of any length in batches, each one transaction.
///
/// A batch commits its records, the outcome of each of its rows and the number of its last row together. After a crash
/// the same file is read again from the front, rows up to that number are passed over, and nothing is lost or doubled.
package struct RecordImporter: Sendable {
  package let records: Records
  package let spec: ImportSpec
  private let entity: EntityDeclaration

  /// - Throws: ``Refusal`` without `<entity>.import`; `import-closed` for a register that takes no tables; `import-columns`
  ///   and `import-key` for a mapping that cannot be.
  package init(_ records: Records, _ spec: ImportSpec) throws(Refusal) {
    self.records = records
    self.spec = spec
    entity = try records.store.entity(spec.entity)
    try records.principal.require(Permission(entity.name, "import"), toDo: "导入\(entity.label)")
    guard entity.imports == .standard else {
      throw Refusal(.notFound, "import-closed", "\(entity.label)不接受批量导入。请从列表页重新进入。")
    }
    _ = try ImportReader(spec, entity, records)
  }

  // MARK: Trying

  private struct Undone: Error {}

  /// What would become of these rows; nothing is kept.
  package func preview(_ rows: [ImportRow]) async throws -> [ImportOutcome] {
    let outcomes = Box<[ImportOutcome]>([])
    do {
      try await records.store.database.transaction { transaction in
        outcomes.value = try await process(rows, in: transaction)
        throw Undone()
      }
    } catch is Undone {}
    return outcomes.value
  }

  // MARK: Running

  /// Enters a new import; ``run(_:committing:progress:next:)`` does it.
  package func begin() async throws -> ImportRun {
    let now = records.store.clock.now()
    let id: Int64 = try await records.session.value(
      """
      insert into import_run (entity, label, options, started_at, started_by, changed_at)
      values (\(entity.name), \(spec.label), \(spec.json), \(now), \(records.principal.actor), \(now)) returning id
      """)
    return ImportRun(
      id: id, spec: spec, lastRow: 0, tally: ImportTally(), isFinished: false, startedAt: now,
      startedBy: records.principal.actor)
  }

  /// Reads rows until `next` gives none; returns the finished run.
  ///
  /// - Parameters:
  ///   - committing: runs inside the transaction of each batch, before it commits: the place for a job to note its
  ///     checkpoint, which also makes sure that only one worker commits.
  ///   - progress: runs after each commit.
  ///   - next: gives the rows of the file from the front, also those that a former run has done.
  package nonisolated(nonsending) func run(
    _ run: ImportRun,
    committing: @Sendable (ImportRun, Transaction) async throws -> Void = { _, _ in },
    progress: (ImportRun) async throws -> Void = { _ in },
    next: () async throws -> ImportRow?
  ) async throws -> ImportRun {
    var run = run
    var batch: [ImportRow] = []
    batch.reserveCapacity(spec.batch)
    var isOver = false
    while !isOver {
      try Task.checkCancellation()
      batch.removeAll(keepingCapacity: true)
      while batch.count < spec.batch {
        guard let row = try await next() else {
          isOver = true
          break
        }
        if row.number > run.lastRow { batch.append(row) }
      }
      if batch.isEmpty && !isOver { continue }
      run = try await commit(batch, run, isLast: isOver, committing)
      try await progress(run)
    }
    return run
  }

  /// The rows of an asynchronous sequence, numbered from `first`.
  package nonisolated(nonsending) func run<Rows: AsyncSequence>(
    _ run: ImportRun, rows: Rows, numberedFrom first: Int = 2,
    committing: @Sendable (ImportRun, Transaction) async throws -> Void = { _, _ in },
    progress: (ImportRun) async throws -> Void = { _ in }
  ) async throws -> ImportRun where Rows.Element == [String] {
    var iterator = rows.makeAsyncIterator()
    var number = first - 1
    return try await self.run(run, committing: committing, progress: progress) {
      guard let cells = try await iterator.next() else { return nil }
      number += 1
      return ImportRow(number: number, cells: cells)
    }
  }

  private func commit(
    _ batch: [ImportRow], _ run: ImportRun, isLast: Bool,
    _ committing: @Sendable (ImportRun, Transaction) async throws -> Void
  ) async throws -> ImportRun {
    let store = records.store
    return try await store.database.transaction { transaction in
      let held = try await transaction.query("select last_row from import_run where id = \(run.id) for update")
      guard let row = held.first, try row.get(0, as: Int.self) == run.lastRow else {
        throw Refusal(.conflict, "import-elsewhere", "这次导入正由另一个进程继续，本进程已停止。数据没有重复。")
      }
      let outcomes = batch.isEmpty ? [] : try await process(batch, in: transaction)
      var after = run
      after.lastRow = batch.last?.number ?? run.lastRow
      after.tally.count(outcomes)
      after.isFinished = isLast
      try await keep(outcomes, after, in: transaction)
      if !outcomes.isEmpty {
        var tally = ImportTally()
        tally.count(outcomes)
        try await records.within(transaction).audit(
          "import", entity, nil,
          details: ["run": .int(run.id), "rows": .int(Int64(batch.count)), "outcome": tally.json], in: transaction)
        if tally.created + tally.updated > 0 {
          try await records.announce(entity, "*", in: transaction)
        }
      }
      try await committing(after, transaction)
      return after
    }
  }

  private func process(_ rows: [ImportRow], in transaction: Transaction) async throws -> [ImportOutcome] {
    let inner = records.within(transaction)
    let reader = try ImportReader(spec, entity, inner)
    var outcomes: [ImportOutcome] = []
    outcomes.reserveCapacity(rows.count)
    for group in ImportOrder.groups(rows, spec, entity) {
      let items = try await reader.read(group, in: transaction)
      outcomes += try await UpsertBatch.run(items, spec, entity, inner, in: transaction).map(\.outcome)
    }
    return outcomes.sorted { $0.row < $1.row }
  }

  private func keep(_ outcomes: [ImportOutcome], _ run: ImportRun, in transaction: Transaction) async throws {
    let columns = ["run_id", "row", "outcome", "record_id", "field", "reason", "cells"]
    if !outcomes.isEmpty {
      try await transaction.copyIn("import_outcome", columns: columns) { writer in
        for outcome in outcomes {
          try await writer.row([
            .int(run.id), .int(Int64(outcome.row)), .text(outcome.result.rawValue), outcome.record.sqlValue,
            outcome.field.sqlValue, outcome.reason.sqlValue, outcome.cells.sqlValue,
          ])
        }
      }
    }
    try await transaction.execute(
      """
      update import_run set last_row = \(run.lastRow), created = \(run.tally.created), updated = \(run.tally.updated),
        unchanged = \(run.tally.unchanged), rejected = \(run.tally.rejected), finished = \(run.isFinished),
        changed_at = \(records.store.clock.now())
      where id = \(run.id)
      """)
  }
}

/// A value that a transaction which is undone leaves behind.
private final class Box<Value: Sendable>: @unchecked Sendable {
  // Unchecked: written by the transaction's body and read after it has ended, one after the other.
  var value: Value

  init(_ value: Value) { self.value = value }
}
