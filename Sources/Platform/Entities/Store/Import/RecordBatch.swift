import Access
import Core
import SQL

/// A record locked for a change, every stored value in clear.
package struct HeldRecord: Sendable {
  package let id: Int64
  package let values: [String: Value]
  let madeBy: Int64
  let inScope: Bool

  init(_ row: Row, _ shape: RecordShape) throws {
    id = try row.get(0)
    values = try shape.clearValues(row)
    madeBy = try row.get("created_by")
    inScope = try row.get("in_scope")
  }
}

/// Many records of one register, made and changed with a few statements by Lifang's own code: defaults, hooks,
/// validation, history and search as for any record, each judged by itself.
///
/// The caller states in the audit what was written.
package struct RecordBatch: Sendable {
  package struct Item: Sendable {
    /// Tells the outcome which item it is of.
    package let number: Int
    /// The record that is changed; `nil` makes one.
    package let held: HeldRecord?
    /// Of a new record all values, of a known one those that change.
    package let values: [String: Value]

    package init(number: Int, held: HeldRecord?, values: [String: Value]) {
      self.number = number
      self.held = held
      self.values = values
    }
  }

  package struct Outcome: Sendable {
    package let number: Int
    package let result: ImportOutcome.Result
    package let record: Int64?
    /// Why it was rejected.
    package let reason: String?
    /// Every value that the record holds now, after hooks; `nil` for a rejected one.
    package let values: [String: Value]?
  }

  let records: Records
  let entity: EntityDeclaration
  let transaction: Transaction

  /// - Throws: ``Refusal`` without `<entity>.import`; a ``Fault`` outside a transaction.
  package init(_ records: Records, _ name: String) throws {
    guard let transaction = records.transaction else { throw Fault("batch-without-transaction", name) }
    entity = try records.store.entity(name)
    try records.principal.require(Permission(name, "import"), toDo: "写入\(entity.label)")
    self.records = records
    self.transaction = transaction
  }

  /// The records of these ids, locked until the transaction ends.
  package func hold(_ ids: [Int64]) async throws -> [Int64: HeldRecord] {
    guard !ids.isEmpty else { return [:] }
    return Dictionary(
      try await held(where: "t.id = any(\(ids))").map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The records in which a unique text field holds one of `texts`, by that text, locked.
  package func hold(where field: String, in texts: [String]) async throws -> [String: HeldRecord] {
    guard !texts.isEmpty else { return [:] }
    return Dictionary(
      try await held(where: "t.\(identifier: field) = any(\(texts))").compactMap { record in
        record.values[field]?.text.map { ($0, record) }
      }, uniquingKeysWith: { first, _ in first })
  }

  private func held(where condition: SQL) async throws -> [HeldRecord] {
    let shape = records.shape(of: entity, columns: entity.storedFields)
    let scope = ScopePredicate.compile(
      records.principal, Permission(entity.name, "import"), entity, alias: QueryCompiler.alias)
    let query: SQL = """
      select \(shape.selection()), coalesce(\(scope), false) as in_scope from \(identifier: entity.name) t
      where \(condition) order by t.id for update of t
      """
    return try await records.scoped(transaction, [(entity, "import")], query).map { try HeldRecord($0, shape) }
  }

  /// Writes the items; each comes back, in order.
  package func write(_ items: [Item]) async throws -> [Outcome] {
    guard !items.isEmpty else { return [] }
    let rows = items.map { item in
      var row = ImportReader.Item(row: ImportRow(number: item.number, cells: []))
      row.values = item.values
      row.held = item.held
      return row
    }
    let spec = ImportSpec(entity: entity.name, columns: [], blankClears: true, batch: rows.count, label: entity.label)
    let written = try await UpsertBatch.run(rows, spec, entity, records, in: transaction)
    if written.contains(where: { [.created, .updated].contains($0.outcome.result) }) {
      try await records.announce(entity, "*", in: transaction)
    }
    return written.map { one in
      Outcome(
        number: one.outcome.row, result: one.outcome.result, record: one.outcome.record, reason: one.outcome.reason,
        values: one.values)
    }
  }
}
