import Core
import Foundation
import SQL

/// Notes once a minute how this node is (运行情况).
struct RunSampler: Sendable {
  let database: Database
  let metrics: Metrics
  let folder: String
  let node: String
  let clock: WallClock

  /// Bytes free and in all on the disk that holds the data folder.
  static func disk(_ folder: String) -> (free: Int64, whole: Int64) {
    let found = try? FileManager.default.attributesOfFileSystem(forPath: folder)
    let free = (found?[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
    return (free, (found?[.systemSize] as? NSNumber)?.int64Value ?? 0)
  }

  /// What was counted since the start; the page tells differences.
  func sample() async throws {
    let minute = Instant(seconds: clock.now().seconds / 60 * 60)
    let counts = database.counts
    try await database.execute(
      """
      insert into run_sample (at, node, requests, failed, slow, connections, disk_free)
      values (\(minute), \(node), \(Int64(metrics.total("http_requests_total"))),
        \(Int64(metrics.total("http_requests_failed_total"))), \(Int64(metrics.total("lifang_sql_slow_total"))),
        \(Int64(counts.open)), \(RunSampler.disk(folder).free))
      on conflict (at, node) do nothing
      """)
  }
}
