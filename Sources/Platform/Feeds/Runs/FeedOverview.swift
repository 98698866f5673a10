package import Core
import Entities
import SQL

/// How feeds stand (同步情况), for pages and the command line.
package struct FeedStanding: Sendable {
  package let feed: Feed
  package let isConnected: Bool
  /// The last run, whatever became of it.
  package let last: FeedRun?
  /// When ours was last in step.
  package let syncedAt: Instant?
  /// Records of ours that stand for theirs.
  package let records: Int64
  /// Rows that wait for another try.
  package let pending: Int64
  /// Differences that nobody has decided.
  package let differences: Int64
}

extension FeedService {
  package func standings() async throws -> [FeedStanding] {
    var standings: [FeedStanding] = []
    for feed in feeds.all { standings.append(try await standing(feed)) }
    return standings
  }

  package func standing(_ feed: Feed) async throws -> FeedStanding {
    let row = try await database.query(
      """
      select (select synced_at from feed_state where feed = \(feed.name)) as synced_at,
        (select count(*) from feed_link where feed = \(feed.name) and not gone) as records,
        (select count(*) from feed_pending where feed = \(feed.name)) as pending,
        (select count(*) from feed_difference where feed = \(feed.name) and state = 'open') as differences
      """
    ).first
    return FeedStanding(
      feed: feed, isConnected: try await isConnected(feed), last: try await runs(of: feed.name, limit: 1).first,
      syncedAt: try row?.get("synced_at", as: Instant?.self), records: try row?.get("records") ?? 0,
      pending: try row?.get("pending") ?? 0, differences: try row?.get("differences") ?? 0)
  }

  /// The latest runs, the newest first.
  package func runs(of feed: String, limit: Int) async throws -> [FeedRun] {
    try await database.query(
      "select \(FeedRun.columns) from feed_run where feed = \(feed) order by id desc limit \(limit)"
    ).map { try FeedRun($0) }
  }

  /// - Throws: ``Refusal`` `feed-run-unknown`.
  package func find(run id: Int64) async throws -> FeedRun { try await FeedRun.read(id, in: database) }

  /// What keeps rows waiting, the most frequent reasons first.
  package func pendingReasons(_ feed: Feed, limit: Int = 10) async throws -> [(reason: String, count: Int64)] {
    try await database.query(
      """
      select reason, count(*) as count from feed_pending where feed = \(feed.name)
      group by 1 order by 2 desc, 1 limit \(limit)
      """
    ).map { (try $0.get("reason"), try $0.get("count")) }
  }
}
