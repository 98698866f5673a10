import Access
package import Core
package import Entities
import Identity
import SQL

/// How much the portal is used: visits by page and day (C-258), and residents who register, bind and unbind an identity, by
/// day and platform (C-260). Sums only.
package struct PortalFigures: Sendable {
  package struct PageLine: Sendable {
    package let page: String
    package let strangers: Int64
    package let residents: Int64

    package var all: Int64 { strangers + residents }
  }

  package struct Day: Sendable {
    package let day: CivilDate
    package var visits: Int64 = 0
    /// Accounts of residents that were opened.
    package var registered: Int64 = 0
    /// Identities of platforms that were bound to an account (关注).
    package var bound: Int64 = 0
    /// Identities that were taken off an account (取消关注).
    package var unbound: Int64 = 0

    /// 净增.
    package var net: Int64 { bound - unbound }
  }

  package struct Platform: Sendable {
    package let label: String
    /// Bound now.
    package let all: Int64
    /// Bound within the days asked for.
    package let new: Int64
  }

  package let pages: [PageLine]
  /// Every day asked for, in order.
  package let days: [Day]
  package let platforms: [Platform]
  /// Accounts of residents there are; of one platform those that are bound to it.
  package let users: Int

  package func sum(_ what: KeyPath<Day, Int64>) -> Int64 { days.reduce(0) { $0 + $1[keyPath: what] } }

  /// Visits of each page over the days up to today.
  package static func visits(_ store: RecordStore, days: Int) async throws -> [String: Int64] {
    let since = store.clock.today().adding(days: 1 - days)
    let rows = try await store.database.query(
      """
      select page, sum(visits)::bigint as visits from portal_visit where day >= \(since.description)::date group by page
      """)
    return Dictionary(
      try rows.map { (try $0.get("page", as: String.self), try $0.get("visits", as: Int64.self)) },
      uniquingKeysWith: +)
  }

  /// Reads past every scope: nothing of it says who.
  ///
  /// - Parameter provider: the platform that users are counted of; visits are always all.
  package static func read(
    _ store: RecordStore, from since: CivilDate, to until: CivilDate, provider: Int64? = nil
  ) async throws -> PortalFigures {
    let lines = try await store.database.query(
      """
      select page, coalesce(sum(visits) filter (where not resident), 0)::bigint as strangers,
        coalesce(sum(visits) filter (where resident), 0)::bigint as residents
      from portal_visit where day between \(since.description)::date and \(until.description)::date
      group by page order by sum(visits) desc, page
      """
    ).map { row in
      PageLine(page: try row.get("page"), strangers: try row.get("strangers"), residents: try row.get("residents"))
    }
    let visits = try await store.database.query(
      """
      select day::text as day, sum(visits)::bigint as visits from portal_visit
      where day between \(since.description)::date and \(until.description)::date group by day
      """)
    var days: [String: Day] = [:]
    var day = since
    while day <= until {
      days[day.description] = Day(day: day)
      day = day.adding(days: 1)
    }
    for row in visits { days[try row.get("day")]?.visits = try row.get("visits") }
    let records = store.records(as: .system, purpose: "用户统计")
    let within = ListFilter.Test.range(from: .instant(since.start), to: .instant(until.end))
    for day in try await IdentityBindings.daily(from: since, to: until, provider: provider, in: store.database) {
      days[day.day.description]?.registered = day.registered
      days[day.day.description]?.bound = day.bound
      days[day.day.description]?.unbound = day.unbound
    }
    return PortalFigures(
      pages: lines, days: days.values.sorted { $0.day < $1.day },
      platforms: try await platforms(records, IdentityProvider.binding, within), users: try await users(store, provider)
    )
  }

  private static func users(_ store: RecordStore, _ provider: Int64?) async throws -> Int {
    guard let provider else { return try await ResidentAccounts.all(store.database) }
    return try await IdentityBindings.accounts(of: provider, in: store.database)
  }

  private static func platforms(_ records: Records, _ binding: String, _ within: ListFilter.Test) async throws
    -> [Platform]
  {
    func counts(_ filters: [ListFilter]) async throws -> [(label: String, count: Int64)] {
      try await records.aggregate(AggregateQuery(binding, filters: filters, groups: [.init("provider_id")])).map {
        ($0.labels.first ?? "", $0.measures.first?.integer ?? 0)
      }
    }
    let new = Dictionary(
      try await counts([ListFilter("bound_at", within)]).map { ($0.label, $0.count) }, uniquingKeysWith: +)
    return try await counts([]).map { Platform(label: $0.label, all: $0.count, new: new[$0.label] ?? 0) }
  }
}
