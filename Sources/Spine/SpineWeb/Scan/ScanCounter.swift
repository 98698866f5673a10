package import Core
package import SQL

/// Scans by address and day (扫码统计, A-080, A-181).
package enum ScanCounter {
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

  /// Counts by the ids of addresses.
  package static func make(_ database: Database, clock: WallClock) -> DailyCounts<Int64> {
    DailyCounts("scan-count", clock: clock) { sums in
      try await database.execute(
        """
        insert into scan_count (address_id, day, scans)
        select a, d::date, n from unnest(\(sums.map(\.key)), \(sums.map(\.day.description)),
          \(sums.map(\.count))) as taken(a, d, n)
        on conflict (address_id, day) do update set scans = scan_count.scans + excluded.scans
        """)
    }
  }
}
