import Access
import Entities
import Geo
import SQL

/// 周边门址: the standard addresses around a place that somebody may see, nearest on the ground first (D1-195, A-027).
struct NearbyAddresses: Sendable {
  let store: RecordStore

  /// At most twenty numbers, compounds and buildings within `metres` of `place`; rooms stand with their building.
  ///
  /// - Returns: rows of `id`, `code`, `full_name`, `x` and `y` (degrees of CGCS2000) and `metres`.
  func around(_ place: Coordinate, within metres: Double, for principal: Principal) async throws -> Rows {
    let scope = ScopePredicate.compile(
      principal, Permission("address", "view"), try store.entity("address"), alias: "t")
    let point: SQL = "st_setsrid(st_makepoint(\(place.longitude), \(place.latitude)), 4490)"
    // A degree of longitude is shortest in the north; the box must not be too small there.
    let box = (x: metres / 60_000, y: metres / 110_000)
    // The index knows degrees, and the nearest in degrees are not quite the nearest in metres.
    return try await store.database.query(
      """
      select * from (
        select t.id, t.code, t.full_name, st_x(t.location) as x, st_y(t.location) as y,
          st_distancesphere(t.location, \(point)) as metres
        from address t where t.location && st_expand(\(point), \(box.x), \(box.y)) and t.status <> 'cancelled'
          and t.kind in ('roadside', 'compound', 'building') and (\(scope))
        order by t.location <-> \(point) limit 50) n
      where metres <= \(metres) order by metres, id limit 20
      """)
  }
}
