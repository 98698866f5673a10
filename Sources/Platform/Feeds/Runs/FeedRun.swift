package import Core
import SQL

/// One run of a feed (一次同步), as the register `feed_run` holds it.
package struct FeedRun: Sendable {
  package enum Mode: String, Sendable, Hashable, CaseIterable {
    /// What changed since the last time.
    case incremental
    /// Everything; what does not come any more is gone.
    case full

    package var label: String { self == .full ? "全量" : "增量" }
  }

  package enum Origin: String, Sendable, Hashable { case connector, file }

  package enum State: String, Sendable, Hashable, CaseIterable {
    case running, done, asking, failed, cancelled

    package var label: String {
      switch self {
      case .running: "进行中"
      case .done: "已完成"
      case .asking: "等待确认"
      case .failed: "没有完成"
      case .cancelled: "已取消"
      }
    }
  }

  package static let entity = "feed_run"

  package let id: Int64
  package let feed: String
  package let mode: Mode
  package let origin: Origin
  package var state: State
  package var tally: FeedTally
  /// How far it has read: a cursor of theirs, or a row of the file; `nil` before the first page.
  package var position: String?
  package let path: String?
  package let message: String?
  package let startedAt: Instant
  package let finishedAt: Instant?
  package let startedBy: String
  package let counts: JSON?
  package let job: Int64?
  let changedAt: Instant

  static let columns: SQL = """
    id, feed, mode, origin, state, created, updated, unchanged, cancelled, held, refused, dropped, vanished, position, path,
    message, started_at, finished_at, started_by, counts, job_id, updated_at
    """

  init(_ row: Row) throws {
    id = try row.get("id")
    feed = try row.get("feed")
    mode = Mode(rawValue: try row.get("mode")) ?? .incremental
    origin = Origin(rawValue: try row.get("origin")) ?? .connector
    state = State(rawValue: try row.get("state")) ?? .failed
    tally = FeedTally()
    for outcome in FeedOutcome.allCases { tally[outcome] = Int(try row.get(outcome.rawValue, as: Int64.self)) }
    position = try row.get("position")
    path = try row.get("path")
    message = try row.get("message")
    startedAt = try row.get("started_at")
    finishedAt = try row.get("finished_at")
    startedBy = try row.get("started_by")
    counts = try row.get("counts", as: JSON?.self)
    job = try row.get("job_id")
    changedAt = try row.get("updated_at")
  }

  static func read(_ id: Int64, in session: some SQLSession) async throws -> FeedRun {
    guard let row = try await session.query("select \(columns) from feed_run where id = \(id)").first else {
      throw Refusal(.notFound, "feed-run-unknown", "没有这次同步的记录。")
    }
    return try FeedRun(row)
  }

  /// Counts of both sides, by division.
  package struct Count: Sendable, Hashable {
    package let division: String
    /// `nil` when the other side does not tell.
    package let theirs: Int64?
    package let ours: Int64
  }

  package var byDivision: [Count] {
    (counts?.array ?? []).map {
      Count(division: $0["division"]?.string ?? "", theirs: $0["theirs"]?.int, ours: $0["ours"]?.int ?? 0)
    }
  }
}
