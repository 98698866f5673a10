package import Core
package import SQL

/// Visits of the portal by page and day (访问统计, C-258): sums only, of strangers and of residents, never of staff.
package enum PageVisits {
  /// A page, by its path, and whether whoever saw it was signed in.
  package struct Key: Hashable, Comparable, Sendable {
    package let page: String
    package let isResident: Bool

    package init(page: String, isResident: Bool) {
      self.page = page
      self.isResident = isResident
    }

    package static func < (a: Key, b: Key) -> Bool {
      (a.page, a.isResident ? 1 : 0) < (b.page, b.isResident ? 1 : 0)
    }
  }

  package static let migration = Migration(
    id: "0301-portal-visit",
    sql: """
      create table portal_visit (
        page text not null,
        resident boolean not null,
        day date not null,
        visits bigint not null,
        primary key (day, page, resident));
      """)

  package static func make(_ database: Database, clock: WallClock) -> DailyCounts<Key> {
    DailyCounts("portal-visits", clock: clock) { sums in
      try await database.execute(
        """
        insert into portal_visit (page, resident, day, visits)
        select p, r = 1, d::date, n from unnest(\(sums.map(\.key.page)),
          \(sums.map { Int64($0.key.isResident ? 1 : 0) }), \(sums.map(\.day.description)),
          \(sums.map(\.count))) as taken(p, r, d, n)
        on conflict (day, page, resident) do update set visits = portal_visit.visits + excluded.visits
        """)
    }
  }
}
