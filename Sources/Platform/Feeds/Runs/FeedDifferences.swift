import Access
import Core
package import Entities
import SQL

/// What the other side says otherwise and nobody has decided (同步差异).
struct FeedDifferences {
  static let entity = "feed_difference"

  private let batch: FeedBatch

  init(_ batch: FeedBatch) { self.batch = batch }

  private func mark(_ key: String) -> String { "\(batch.feed.name):\(key)" }

  /// The fields of which a difference waits, by the other side's key.
  func pending(_ keys: [String]) async throws -> [String: Set<String>] {
    var found: [String: Set<String>] = [:]
    for row in try await batch.transaction.query(
      """
      select external_key, fields from feed_difference
      where feed = \(batch.feed.name) and state = 'open' and key = any(\(keys.map(mark)))
      """)
    {
      found[try row.get("external_key")] = Set(
        try row.get("fields", as: String.self).split(separator: ",").map(String.init))
    }
    return found
  }

  /// One record a row: new differences and changed ones are open; where both sides agree again, they are gone.
  func keep(_ written: FeedWriter.Written) async throws {
    let writer = try RecordBatch(batch.records, FeedDifferences.entity)
    let known = try await writer.hold(where: "key", in: (written.held.map(\.row.key) + written.agreed).map(mark))
    guard !known.isEmpty || !written.held.isEmpty else { return }
    let now = batch.service.clock.now()
    var items: [RecordBatch.Item] = []
    for held in written.held {
      let values = try values(of: held, now)
      items.append(RecordBatch.Item(number: items.count, held: known[mark(held.row.key)], values: values))
    }
    for key in written.agreed {
      guard let difference = known[mark(key)], difference.values["state"]?.text == "open" else { continue }
      items.append(
        RecordBatch.Item(
          number: items.count, held: difference, values: ["state": .text("gone"), "settled_at": .instant(now)]))
    }
    for outcome in try await writer.write(items) where outcome.result == .rejected {
      throw Fault("feed-difference", outcome.reason ?? "")
    }
  }

  private func values(of held: FeedWriter.Held, _ now: Instant) throws -> [String: Value] {
    let names = held.verdict.held.keys.sorted()
    let proposal = JSON.object(names.map { ($0, .string((held.verdict.held[$0] ?? .null).plainText)) })
    return [
      "label": .text(String((held.row.title.isEmpty ? held.row.key : held.row.title).prefix(200))),
      "feed_label": .text(batch.feed.label), "feed": .text(batch.feed.name), "register": .text(batch.feed.register),
      "record_id": .integer(held.record), "state": .text("open"),
      "cause": .text((held.verdict.reason ?? .corrected).rawValue), "ours": .text(shown(names) { held.ours[$0] }),
      "theirs": .text(shown(names) { held.verdict.held[$0] }),
      "division_code": held.row.division.flatMap { ValueParser.division($0) }.map { .text($0) } ?? .null,
      "found_at": .instant(now), "run_id": .integer(batch.run.id), "external_key": .text(held.row.key),
      "settled_at": .null, "settled_by": .null, "reason": .null, "fields": .text(names.joined(separator: ",")),
      "proposal": .text(proposal.text), "key": .text(mark(held.row.key)),
    ]
  }

  /// 门牌号：12号；室号：（空）. Personal values are masked as their field is.
  private func shown(_ names: [String], _ value: (String) -> Value?) -> String {
    let text = names.map { name -> String in
      guard let field = batch.entity.field(name) else { return name }
      let value = value(name) ?? .null
      let plain = field.dictionary.flatMap { batch.service.store.catalog.dictionary($0)?.label(of: value.plainText) }
      let text =
        value.isBlank
        ? "（空）"
        : field.mask != nil || field.classification >= .sensitive
          ? Masking.masked(value.plainText, by: field.mask ?? .all) : plain ?? value.plainText
      return "\(field.label)：\(text)"
    }
    return String(text.joined(separator: "；").prefix(4000))
  }
}

/// What settling a difference does: the record of ours takes theirs, or stays.
package enum FeedDifferenceRules {
  package static func addHooks(to hooks: inout RecordHooks) {
    hooks.after(FeedDifferences.entity) { events, records in
      for event in events where event.kind == .updated && event.before["state"]?.text == "open" {
        if event["state"].text == "taken" { try await take(event, records) }
      }
    }
  }

  /// Writes theirs into our record, in the name of who decided so; the fields follow the other side again.
  private static func take(_ event: RecordEvent, _ records: Records) async throws {
    guard let transaction = records.transaction, let register = event["register"].text,
      let id = event["record_id"].integer, let feed = event["feed"].text, let key = event["external_key"].text,
      let proposal = event["proposal"].text
    else { throw Fault("feed-difference", "\(event.id)") }
    let entity = try records.store.entity(register)
    var changes: [String: Value] = [:]
    for (name, value) in try JSON(parsing: proposal).object ?? [] {
      guard let field = entity.field(name), let text = value.string else { continue }
      changes[name] = try records.store.catalog.parse(text, for: field)
    }
    let principal =
      records.principal.kind == .system ? records.principal : records.principal.entrusted(with: [register])
    try await records.store.records(as: principal, purpose: "采用对方数据", origin: records.origin).within(transaction)
      .update(register, id, version: nil, changes, input: .code)
    try await transaction.execute(
      """
      update feed_link set kept = array(select unnest(kept) except select unnest(\(Array(changes.keys))::text[])),
        stored = stored - \(Array(changes.keys))::text[]
      where feed = \(feed) and external_key = \(key)
      """)
  }
}
