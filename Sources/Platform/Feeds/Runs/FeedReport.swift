import Core
import Entities
import SQL

/// Writes down what became of the rows of a batch (同步明细).
struct FeedReport {
  private let batch: FeedBatch

  init(_ batch: FeedBatch) { self.batch = batch }

  static let entity = "feed_row"
  static let fields = [
    "external_key", "label", "outcome", "reason", "division_code", "run_id", "number", "register", "record_id",
  ]

  /// Unchanged rows of a full run are counted and not listed.
  func tell(_ lines: [FeedBatch.Line]) async throws -> FeedTally {
    var tally = FeedTally()
    for line in lines { tally[line.outcome] += 1 }
    let listed = lines.filter { $0.outcome != .unchanged || batch.run.mode == .incremental }
    guard !listed.isEmpty else { return tally }
    let ids = try await batch.transaction.query(
      "select nextval(pg_get_serial_sequence('feed_row', 'id')) from generate_series(1, \(listed.count))"
    ).values(as: Int64.self)
    let loader = try BulkLoader(batch.service.store, FeedReport.entity, fields: FeedReport.fields)
    let rows = zip(ids, listed).map { id, line in
      BulkLoader.Row(
        id,
        [
          .text(line.key.isEmpty ? "（没有编号）" : line.key),
          .text(line.title.isEmpty ? nil : String(line.title.prefix(200))),
          .text(line.outcome.rawValue), .text(line.reason.map { String($0.prefix(500)) }),
          .text(line.division.flatMap { ValueParser.division($0) }), .integer(batch.run.id),
          .integer(Int64(line.number)), .text(batch.feed.register), .integer(line.record),
        ])
    }
    try await loader.load(rows, in: batch.transaction)
    return tally
  }
}
