package import Core
package import SQL
import Synchronization

/// Counts scans by address and day (扫码统计, A-080, A-181) in memory, and adds them to the database now and then.
///
/// A scan costs one addition; what was counted since the last flush is lost when the process is killed, which a
/// statistic of visits can bear and the page's speed could not.
package final class ScanCounter: Sendable {
  private struct Key: Hashable {
    let address: Int64
    let day: CivilDate
  }

  private let counts = Mutex<[Key: Int]>([:])
  private let database: Database
  private let clock: WallClock

  package init(database: Database, clock: WallClock) {
    self.database = database
    self.clock = clock
  }

  package static let migration = Migration(
    id: "0300-scan-count",
    sql: """
      create table scan_count (
        address_id bigint not null,
        day date not null,
        scans bigint not null,
        primary key (address_id, day));
      create index scan_count_day on scan_count (day);
      """)

  package func count(_ address: Int64) {
    let key = Key(address: address, day: clock.today())
    counts.withLock { $0[key, default: 0] += 1 }
  }

  /// Adds what was counted to the database; what cannot be added is kept for the next time.
  package func flush() async throws {
    let taken = counts.withLock { counts in
      defer { counts = [:] }
      return counts
    }
    guard !taken.isEmpty else { return }
    do {
      let rows = taken.sorted { ($0.key.address, $0.key.day) < ($1.key.address, $1.key.day) }
      try await database.execute(
        """
        insert into scan_count (address_id, day, scans)
        select a, d::date, n from unnest(\(rows.map(\.key.address)), \(rows.map(\.key.day.description)),
          \(rows.map { Int64($0.value) })) as taken(a, d, n)
        on conflict (address_id, day) do update set scans = scan_count.scans + excluded.scans
        """)
    } catch {
      counts.withLock { counts in counts.merge(taken, uniquingKeysWith: +) }
      throw error
    }
  }

  /// Flushes every few seconds until the task is cancelled, and once more then.
  package func run(every seconds: Int = 5, log: Log) async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(seconds))
      do { try await flush() } catch { log.fault(error, "scan-count-failed") }
    }
  }
}
