import Core
import SQL

/// Which record of ours a record of theirs is, and what was last seen of it.
struct FeedLink: Sendable {
  let key: String
  let record: Int64
  var digest: [UInt8]
  var memory: FeedMemory
  var isGone: Bool

  static func read(_ feed: String, _ keys: [String], in transaction: Transaction) async throws -> [String: FeedLink] {
    guard !keys.isEmpty else { return [:] }
    let rows = try await transaction.query(
      """
      select external_key, record_id, digest, theirs, stored, kept, gone from feed_link
      where feed = \(feed) and external_key = any(\(keys)) for update
      """)
    var links: [String: FeedLink] = [:]
    links.reserveCapacity(rows.count)
    for row in rows {
      let link = try FeedLink(row)
      links[link.key] = link
    }
    return links
  }

  init(key: String, record: Int64, digest: [UInt8], memory: FeedMemory, isGone: Bool) {
    self.key = key
    self.record = record
    self.digest = digest
    self.memory = memory
    self.isGone = isGone
  }

  private init(_ row: Row) throws {
    key = try row.get("external_key")
    record = try row.get("record_id")
    digest = try row.get("digest")
    memory = FeedMemory()
    memory.theirs = FeedLink.texts(try row.get("theirs"))
    memory.stored = FeedLink.texts(try row.get("stored"))
    memory.kept = Set(try row.get("kept", as: [String].self))
    isGone = try row.get("gone")
  }

  private static func texts(_ json: JSON) -> [String: String] {
    Dictionary(
      (json.object ?? []).compactMap { key, value in value.string.map { (key, $0) } }, uniquingKeysWith: { $1 })
  }

  private static func json(_ texts: [String: String]) -> String {
    JSON.object(texts.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }).text
  }

  /// Writes new and changed links of one batch with two statements.
  static func write(_ links: [FeedLink], of feed: String, run: Int64, in transaction: Transaction) async throws {
    guard !links.isEmpty else { return }
    try await transaction.execute(
      SQL(
        unsafe: """
          create temp table if not exists lifang_feed_link (external_key text, record_id bigint, digest bytea, theirs jsonb,
            stored jsonb, kept text[], gone boolean) on commit delete rows
          """))
    let columns = ["external_key", "record_id", "digest", "theirs", "stored", "kept", "gone"]
    _ = try await transaction.copyIn("lifang_feed_link", columns: columns) { writer in
      try await writer.rows(of: links) { link, row in
        try row.append(link.key)
        try row.append(link.record)
        try row.append(SQLValue.bytes(link.digest))
        try row.append(SQLValue.json(json(link.memory.theirs)))
        try row.append(SQLValue.json(json(link.memory.stored)))
        try row.append(SQLValue.textArray(link.memory.kept.sorted()))
        try row.append(link.isGone)
      }
    }
    try await transaction.execute(
      """
      insert into feed_link (feed, external_key, record_id, digest, theirs, stored, kept, gone, seen_run)
      select \(feed), external_key, record_id, digest, theirs, stored, kept, gone, \(run) from lifang_feed_link
      on conflict (feed, external_key) do update set digest = excluded.digest, theirs = excluded.theirs,
        stored = excluded.stored, kept = excluded.kept, gone = excluded.gone, seen_run = excluded.seen_run
      """)
    try await transaction.execute("delete from lifang_feed_link")
  }
}
