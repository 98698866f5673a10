import Core
import Entities
import SQL

/// Compares rows with our records and writes what follows, as sets.
struct FeedWriter {
  /// A row of which something waits for a person.
  struct Held: Sendable {
    let row: FeedRow
    let record: Int64
    let verdict: FeedVerdict
    let ours: [String: Value]
  }

  struct Written: Sendable {
    var lines: [FeedBatch.Line] = []
    var links: [FeedLink] = []
    var held: [Held] = []
    /// Rows with which ours agrees now, so that nothing waits any more.
    var agreed: [String] = []

    mutating func merge(_ other: Written) {
      lines += other.lines
      links += other.links
      held += other.held
      agreed += other.agreed
    }
  }

  private let batch: FeedBatch
  private let writer: RecordBatch

  init(_ batch: FeedBatch) throws {
    self.batch = batch
    writer = try RecordBatch(batch.records, batch.feed.register)
  }

  private var feed: Feed { batch.feed }

  // MARK: Rows that live

  /// Writes what rows say; those that refer to a row of the same batch go after it.
  func write(_ live: [FeedBatch.Work]) async throws -> Written {
    var written = Written()
    var open = live
    var made: [String: Int64] = [:]
    while !open.isEmpty {
      let waiting = Set(open.map(\.row.key))
      var ready = open.filter { work in work.waitsFor.map { !waiting.contains($0) } ?? true }
      if ready.isEmpty {
        written.lines += open.map { batch.line($0.row, .refused, "上级互为上下级，形成了环", nil) }
        return written
      }
      let done = Set(ready.map(\.row.key))
      open.removeAll { done.contains($0.row.key) }
      for index in ready.indices {
        guard let key = ready[index].waitsFor else { continue }
        if let id = made[key] {
          for reference in feed.references where ready[index].row.values[reference.key]?.text == key {
            if reference.isOnce {
              ready[index].once[reference.field] = .integer(id)
            } else {
              ready[index].incoming[reference.field] = .integer(id)
            }
          }
        } else {
          ready[index].refusal = "引用的“\(key)”没有被接收，下次自动再试"
        }
      }
      let wave = try await wave(ready)
      for link in wave.links { made[link.key] = link.record }
      written.merge(wave)
    }
    return written
  }

  private func wave(_ works: [FeedBatch.Work]) async throws -> Written {
    var written = Written()
    for work in works {
      if let reason = work.refusal { written.lines.append(batch.line(work.row, .refused, reason, work.record)) }
    }
    let works = works.filter { $0.refusal == nil }
    let ids = works.compactMap(\.record)
    let ours = try await writer.hold(ids)
    let locked = try await open(ids)
    let pending = try await FeedDifferences(batch).pending(works.map(\.row.key))
    var verdicts: [FeedVerdict] = []
    var items: [RecordBatch.Item] = []
    for (place, work) in works.enumerated() {
      guard let record = work.record else {
        verdicts.append(FeedVerdict())
        items.append(
          RecordBatch.Item(number: place, held: nil, values: work.once.merging(work.incoming) { $1 }))
        continue
      }
      guard let held = ours[record] else {
        verdicts.append(FeedVerdict())
        written.lines.append(batch.line(work.row, .refused, "本系统的这条记录已删除，请人工核实", nil))
        continue
      }
      let verdict = batch.comparison.judge(
        work.incoming, ours: held.values, last: work.link?.memory, isOpen: locked.contains(record),
        pending: pending[work.row.key] ?? [])
      verdicts.append(verdict)
      items.append(RecordBatch.Item(number: place, held: held, values: verdict.changes))
    }
    for outcome in try await writer.write(items) {
      let work = works[outcome.number]
      let verdict = verdicts[outcome.number]
      guard outcome.result != .rejected, let record = outcome.record, let values = outcome.values else {
        written.lines.append(batch.line(work.row, .refused, outcome.reason, work.record))
        continue
      }
      written.links.append(
        FeedLink(
          key: work.row.key, record: record, digest: work.digest,
          memory: batch.comparison.remember(
            work.incoming, stored: values, last: work.link?.memory, verdict: verdict), isGone: false))
      if verdict.held.isEmpty {
        written.agreed.append(work.row.key)
      } else {
        written.held.append(Held(row: work.row, record: record, verdict: verdict, ours: values))
      }
      let result: FeedOutcome =
        !verdict.held.isEmpty
        ? .held : outcome.result == .created ? .created : outcome.result == .updated ? .updated : .unchanged
      let reason =
        verdict.held.isEmpty ? nil : "没有覆盖：\(labels(verdict.held.keys))" + (verdict.changes.isEmpty ? "" : "；其余已更新")
      written.lines.append(batch.line(work.row, result, reason, record))
    }
    return written
  }

  private func labels(_ names: some Sequence<String>) -> String {
    names.sorted().map { batch.entity.field($0)?.label ?? $0 }.joined(separator: "、")
  }

  /// The records about which something is open, by the feed's rule.
  private func open(_ ids: [Int64]) async throws -> Set<Int64> {
    guard let hold = feed.hold, !ids.isEmpty else { return [] }
    return Set(
      try await batch.transaction.query(
        """
        select h.\(identifier: hold.field) from \(identifier: hold.register) h
        where h.\(identifier: hold.field) = any(\(ids)) and \(hold.when.sql(in: batch.context, alias: "h"))
        """
      ).values(as: Int64.self))
  }

  // MARK: Rows that are gone

  /// Cancels our records of rows that the other side has deleted; one about which something is open stays, and is told.
  func cancel(_ gone: [FeedBatch.Work]) async throws -> Written {
    var written = Written()
    let ids = gone.compactMap(\.record)
    let ours = try await writer.hold(ids)
    let locked = try await open(ids)
    var items: [RecordBatch.Item] = []
    for (place, work) in gone.enumerated() {
      guard let record = work.record, let held = ours[record] else {
        written.lines.append(batch.line(work.row, .refused, "本系统的这条记录已删除，请人工核实", nil))
        continue
      }
      var changes: [String: Value] = [:]
      for assignment in feed.cancel {
        guard let field = batch.entity.field(assignment.field) else { continue }
        changes[field.name] = try assignment.value.stored(as: field, in: batch.context) {
          work.row.values[$0] ?? .null
        }
      }
      let verdict = FeedVerdict(
        changes: [:], held: changes.filter { $0.value != held.values[$0.key] ?? .null }, reason: .open)
      if locked.contains(record), !verdict.held.isEmpty {
        written.held.append(Held(row: work.row, record: record, verdict: verdict, ours: held.values))
        written.lines.append(batch.line(work.row, .held, "对方已删除；正在核实，没有注销", record))
        if var link = work.link {
          link.digest = work.digest
          written.links.append(link)
        }
        continue
      }
      items.append(RecordBatch.Item(number: place, held: held, values: changes))
    }
    for outcome in try await writer.write(items) {
      let work = gone[outcome.number]
      guard outcome.result != .rejected, let values = outcome.values, var link = work.link else {
        written.lines.append(batch.line(work.row, .refused, outcome.reason, work.record))
        continue
      }
      link.digest = work.digest
      link.isGone = true
      for assignment in feed.cancel where link.memory.theirs[assignment.field] != nil {
        link.memory.theirs[assignment.field] = batch.comparison.form(
          values[assignment.field] ?? .null, of: assignment.field)
        link.memory.stored[assignment.field] = nil
      }
      written.links.append(link)
      written.agreed.append(work.row.key)
      written.lines.append(batch.line(work.row, .cancelled, "对方已删除", work.record))
    }
    return written
  }
}
