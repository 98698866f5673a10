import Crypto
import Connectors
import Core
import Entities
import SQL

/// Rows that were refused and wait for another try (未接收数据), sealed, since they may hold personal data.
struct FeedPending: Sendable {
  private let service: FeedService
  private let feed: Feed

  init(_ service: FeedService, _ feed: Feed) {
    self.service = service
    self.feed = feed
  }

  private var domain: String { "feed_pending.\(feed.name)" }

  /// The waiting rows of these keys.
  func rows(_ keys: [String], in transaction: Transaction) async throws -> [FeedSourceRow] {
    let found = try await transaction.query(
      """
      select row_sealed from feed_pending where feed = \(feed.name) and external_key = any(\(keys)) order by external_key
      """)
    return try found.enumerated().map { index, row in
      let plain = try service.store.keys.open(try row.get("row_sealed", as: [UInt8].self), associated: domain)
      let json = try JSON(parsing: plain)
      return FeedSourceRow(number: index + 1, Result { () throws(Refusal) in try feed.rows.read(json) })
    }
  }

  /// Puts what these rows are now in the place of what waited under their keys.
  ///
  /// - Parameter seen: all keys that the batch had.
  func replace(
    seen: [String], refused: [(key: String, source: [String: Value], reason: String)], run: Int64,
    in transaction: Transaction
  ) async throws {
    try await transaction.execute(
      "delete from feed_pending where feed = \(feed.name) and external_key = any(\(seen))")
    let columns = ["feed", "external_key", "row_sealed", "reason", "run_id"]
    guard !refused.isEmpty else { return }
    _ = try await transaction.copyIn("feed_pending", columns: columns) { writer in
      for item in refused {
        let json = JSON.object(
          feed.rows.compactMap { field in
            item.source[field.name].flatMap { $0.isBlank ? nil : (field.name, field.json($0)) }
          })
        let sealed = try service.store.keys.seal(Array(json.text.utf8), associated: domain)
        try await writer.row([
          .text(feed.name), .text(item.key), .bytes(sealed), .text(String(item.reason.prefix(500))), .int(run),
        ])
      }
    }
  }
}
