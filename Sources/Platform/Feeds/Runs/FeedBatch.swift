import Access
import Core
import Entities
import SQL

/// One page of rows in one transaction: cleaned, found again, compared, written as sets, and told row by row.
struct FeedBatch {
  /// What became of one row.
  struct Line: Sendable {
    let number: Int
    let key: String
    let title: String
    var division: String?
    var outcome: FeedOutcome
    var reason: String?
    var record: Int64?
  }

  /// A row that may change a record of ours.
  struct Work: Sendable {
    let row: FeedRow
    let digest: [UInt8]
    var link: FeedLink?
    /// The record that it is, when there is one.
    var record: Int64?
    /// What our fields follow, and what a new record gets besides.
    var incoming: [String: Value] = [:]
    var once: [String: Value] = [:]
    var refusal: String?
    /// The row of this batch that has to be written first.
    var waitsFor: String?
  }

  let service: FeedService
  let feed: Feed
  let run: FeedRun
  let transaction: Transaction
  let records: Records
  let entity: EntityDeclaration
  let comparison: FeedComparison

  init(_ service: FeedService, _ feed: Feed, _ run: FeedRun, _ transaction: Transaction) throws {
    self.service = service
    self.feed = feed
    self.run = run
    self.transaction = transaction
    records = service.store.records(as: .system, purpose: "同步：\(feed.label)").plain.within(transaction)
    entity = try service.store.entity(feed.register)
    comparison = FeedComparison(
      fields: Dictionary(entity.fields.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first }),
      together: feed.together, mac: service.mac)
  }

  var context: EvaluationContext { EvaluationContext(now: service.clock.now()) }

  /// Takes rows in and says how many became what.
  func take(_ source: [FeedSourceRow]) async throws -> FeedTally {
    guard !source.isEmpty else { return FeedTally() }
    var lines: [Line] = []
    let rows = clean(source, &lines)
    let links = try await FeedLink.read(feed.name, rows.map(\.key), in: transaction)
    let waiting: Set<String> = Set(
      try await transaction.query(
        "select external_key from feed_pending where feed = \(feed.name) and external_key = any(\(rows.map(\.key)))"
      ).values(as: String.self))
    var live: [Work] = []
    var gone: [Work] = []
    var unchanged: [String] = []
    for row in rows {
      let link = links[row.key]
      let digest = row.digest(feed, service.mac)
      if let link, link.digest == digest, !waiting.contains(row.key) {
        unchanged.append(row.key)
        lines.append(line(row, .unchanged, nil, link.record))
      } else if row.isDeleted {
        if let link, !link.isGone {
          gone.append(Work(row: row, digest: digest, link: link, record: link.record))
        } else {
          lines.append(line(row, .dropped, link == nil ? "对方已删除，本系统没有这一条" : "早已注销", link?.record))
        }
      } else {
        live.append(Work(row: row, digest: digest, link: link, record: link?.record))
      }
    }
    try await see(unchanged)
    try await understand(&live)
    var written = try await FeedWriter(self).write(live)
    written.merge(try await FeedWriter(self).cancel(gone))
    lines += written.lines
    try await FeedLink.write(written.links, of: feed.name, run: run.id, in: transaction)
    try await FeedDifferences(self).keep(written)
    let sources = Dictionary(rows.map { ($0.key, $0.values) }, uniquingKeysWith: { $1 })
    try await FeedPending(service, feed).replace(
      seen: rows.map(\.key),
      refused: written.lines.filter { $0.outcome == .refused }.compactMap { line in
        sources[line.key].map { (line.key, $0, line.reason ?? "") }
      }, run: run.id, in: transaction)
    return try await FeedReport(self).tell(lines)
  }

  func line(_ row: FeedRow, _ outcome: FeedOutcome, _ reason: String?, _ record: Int64?) -> Line {
    Line(
      number: row.number, key: row.key, title: row.title, division: row.division, outcome: outcome, reason: reason,
      record: record)
  }

  // MARK: Cleaning

  /// The rows that count, each key once: the last of a page is the one in force.
  private func clean(_ source: [FeedSourceRow], _ lines: inout [Line]) -> [FeedRow] {
    let cleaner = FeedCleaner(
      feed: feed, catalog: service.store.catalog, context: context, division: service.division)
    var places: [String: Int] = [:]
    var rows: [FeedRow] = []
    for item in source {
      switch cleaner.clean(item) {
      case .kept(let row):
        if let place = places[row.key] {
          lines.append(line(rows[place], .dropped, "同一批里有这一条更新的内容", nil))
          rows[place] = row
        } else {
          places[row.key] = rows.count
          rows.append(row)
        }
      case .dropped(let key, let title, let reason):
        lines.append(Line(number: item.number, key: key, title: title, outcome: .dropped, reason: reason))
      case .refused(let key, let title, let reason):
        lines.append(Line(number: item.number, key: key, title: title, outcome: .refused, reason: reason))
      }
    }
    return rows
  }

  /// Rows that a full run has met again need no more than that.
  private func see(_ keys: [String]) async throws {
    guard run.mode == .full, !keys.isEmpty else { return }
    try await transaction.execute(
      "update feed_link set seen_run = \(run.id) where feed = \(feed.name) and external_key = any(\(keys))")
  }

  // MARK: In our terms

  /// Works out what each row says in our fields, and which record of ours it is.
  private func understand(_ live: inout [Work]) async throws {
    try await interpret(&live)
    let parser = ValueParser { [catalog = service.store.catalog] in catalog.dictionary($0) }
    for index in live.indices where live[index].refusal == nil {
      let row = live[index].row
      do throws(Refusal) {
        for assignment in feed.set {
          live[index].incoming[assignment.field] = try value(assignment, row, parser)
        }
        guard live[index].link == nil else { continue }
        for assignment in feed.create { live[index].once[assignment.field] = try value(assignment, row, parser) }
      } catch {
        live[index].refusal = error.message
      }
    }
    try await refer(&live)
    try await adopt(&live)
    for index in live.indices where live[index].link?.isGone == true && live[index].refusal == nil {
      // What the declaration does not bring back, a person has to.
      let lost = feed.cancel.filter { live[index].incoming[$0.field] == nil }
      if !lost.isEmpty { live[index].refusal = "对方恢复了已注销的记录；本系统注销后不自动恢复，请人工核实" }
    }
  }

  private func value(_ assignment: FeedAssignment, _ row: FeedRow, _ parser: ValueParser) throws(Refusal) -> Value {
    guard let field = entity.field(assignment.field) else { return .null }
    let value = try assignment.value.evaluate(in: context) { row.values[$0] ?? .null }
    if value.isBlank { return .null }
    if case .text(let text) = value { return try parser.parse(text, for: field) }
    if assignment.value.fits(field) {
      return try assignment.value.stored(as: field, in: context) { row.values[$0] ?? .null }
    }
    return try parser.parse(value.plainText, for: field)
  }

  private func interpret(_ live: inout [Work]) async throws {
    guard let use = feed.interpret else { return }
    guard let interpreter = service.interpreters.first(where: { $0.shape == use.shape }) else {
      throw Fault("feed-interpreter", use.shape.name)
    }
    let inputs = live.map { work in
      FeedInterpreterInput(
        values: use.inputs.compactMapValues { work.row.values[$0].flatMap { $0.isBlank ? nil : $0 } },
        record: work.record)
    }
    for (index, understood) in try await interpreter.interpret(inputs, in: transaction).enumerated() {
      switch understood {
      case .refused(let reason): live[index].refusal = reason
      case .values(let values, let record):
        live[index].incoming = values
        if live[index].record == nil { live[index].record = record }
      }
    }
  }

  /// References by the other side's keys: to what feeds have brought, or to a row of this batch that has to go first.
  private func refer(_ live: inout [Work]) async throws {
    let here = Set(live.map(\.row.key))
    for reference in feed.references {
      let field = entity.field(reference.field)
      let wanted = Set(live.compactMap { $0.row.values[reference.key]?.text })
      var found: [String: Int64] = [:]
      for row in try await transaction.query(
        """
        select external_key, record_id from feed_link
        where feed = \(reference.feed) and external_key = any(\(Array(wanted)))
        """)
      {
        found[try row.get("external_key")] = try row.get("record_id")
      }
      for index in live.indices where live[index].refusal == nil {
        if reference.isOnce, live[index].link != nil { continue }
        let target: Value
        if let key = live[index].row.values[reference.key]?.text {
          if let id = found[key] {
            target = .integer(id)
          } else if reference.feed == feed.name, here.contains(key), key != live[index].row.key {
            live[index].waitsFor = key
            continue
          } else {
            live[index].refusal = "“\(field?.label ?? reference.field)”引用的“\(key)”还没有同步过来，下次自动再试"
            continue
          }
        } else {
          target = .null
        }
        if reference.isOnce {
          live[index].once[reference.field] = target
        } else {
          live[index].incoming[reference.field] = target
        }
      }
    }
  }

  /// Finds the records that we have already for rows that were never seen; one record is one of theirs only.
  private func adopt(_ live: inout [Work]) async throws {
    let batch = try RecordBatch(records, feed.register)
    for name in feed.match {
      let open = live.indices.filter { live[$0].record == nil && live[$0].refusal == nil }
      let texts = open.compactMap { (live[$0].incoming[name] ?? live[$0].once[name])?.text }
      let found = try await batch.hold(where: name, in: Array(Set(texts)))
      for index in open {
        guard let text = (live[index].incoming[name] ?? live[index].once[name])?.text else { continue }
        live[index].record = found[text]?.id
      }
    }
    let adopted = live.filter { $0.link == nil }.compactMap(\.record)
    var taken: [Int64: String] = [:]
    for row in try await transaction.query(
      "select record_id, external_key from feed_link where feed = \(feed.name) and record_id = any(\(adopted))")
    {
      taken[try row.get("record_id")] = try row.get("external_key")
    }
    for index in live.indices where live[index].link == nil && live[index].refusal == nil {
      guard let record = live[index].record else { continue }
      if let other = taken[record] {
        live[index].refusal = "与对方的“\(other)”是本系统的同一条记录，请对方核对是否重复"
      } else {
        taken[record] = live[index].row.key
      }
    }
  }
}
