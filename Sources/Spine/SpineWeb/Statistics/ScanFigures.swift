import Access
import Core
import Entities
import Identity
import SQL

/// 扫码与用户统计: how often plates were scanned, by day and place, and how many people use the portal. Only sums are kept
/// of scans: no line says who scanned, or when within the day.
struct ScanFigures: Sendable {
  struct Line: Sendable {
    /// A day, or the code of a division.
    let key: String
    let label: String
    let scans: Int64
    let plates: Int64
  }

  struct Users: Sendable {
    let all: Int
    /// Registered within the days asked for.
    let new: Int
  }

  let days: [Line]
  let places: [Line]
  let users: Users

  var scans: Int64 { days.reduce(0) { $0 + $1.scans } }
}

extension ScanFigures {
  static let permission = Permission("scan_statistics", "view")

  /// - Parameter division: a code; only addresses below it.
  static func read(
    _ store: RecordStore, for principal: Principal, from since: CivilDate, to until: CivilDate, division: String
  ) async throws -> ScanFigures {
    let scope = ScopePredicate.compile(principal, permission, try store.entity("address"), alias: "a")
    let within: SQL = """
      from scan_count s join address a on a.id = s.address_id
      where s.day between \(since.description)::date and \(until.description)::date
        and starts_with(a.division_code, \(division)) and (\(scope))
      """
    let days = try await store.database.query(
      """
      select s.day::text as key, s.day::text as label, sum(s.scans)::bigint as scans,
        count(distinct s.address_id)::bigint as plates
      \(within) group by s.day order by s.day
      """)
    var places: [Line] = []
    // The level at which there is something to compare.
    for digits in [6, 9, 12] where digits > division.count && places.count < 2 {
      let rows = try await store.database.query(
        """
        select g.key, coalesce(d.name, g.key) as label, g.scans, g.plates from (
          select left(a.division_code, \(digits)::int) as key, sum(s.scans)::bigint as scans,
            count(distinct s.address_id)::bigint as plates
          \(within) group by 1) g left join division d on d.code = g.key
        order by g.scans desc, g.key limit 200
        """)
      places = try rows.map(line)
    }
    return ScanFigures(
      days: try days.map(line), places: places,
      users: Users(
        all: try await ResidentAccounts.all(store.database),
        new: try await ResidentAccounts.opened(from: since, to: until, store.database).reduce(0) { $0 + Int($1.count) })
    )
  }

  private static func line(_ row: Row) throws -> Line {
    Line(
      key: try row.get("key"), label: try row.get("label"), scans: try row.get("scans"),
      plates: try row.get("plates"))
  }
}
