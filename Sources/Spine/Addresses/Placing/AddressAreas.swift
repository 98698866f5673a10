package import Geo
package import SQL

/// Who looks after a place (管辖): the work grid and the police station whose grounds hold it, and the beat (责任区).
package struct AddressAreas: Sendable, Hashable {
  /// 网格.
  package var grid: Int64?
  /// 派出所: whose ground holds the place, else the one that serves the whole town.
  package var policeStation: Int64?
  /// 责任区: the police room (警务室) that serves the division.
  package var beat: String?

  /// - Parameter places: the division of each, of any level, and its position when it is known to the building.
  /// - Returns: one for each, in their order.
  package static func over(
    _ places: [(division: String, place: Coordinate?)], in session: some SQLSession
  ) async throws -> [AddressAreas] {
    guard !places.isEmpty else { return [] }
    let rows = try await session.query(
      """
      select
        (select g.id from grid g where g.status = 'active' and g.kind = 'work' and starts_with(g.division_code, w.division)
          and ST_Covers(g.boundary, w.place) order by g.id limit 1) as grid,
        coalesce(
          (select s.id from police_station s where s.status = 'active' and s.kind = 'station'
            and starts_with(s.division_code, left(w.division, 6)) and ST_Covers(s.jurisdiction, w.place)
            order by s.id limit 1),
          (select s.id from police_station s where s.status = 'active' and s.kind = 'station'
            and s.division_code = any(array[left(w.division, 12), left(w.division, 9)])
            order by length(s.division_code) desc, s.id limit 1)) as station,
        (select r.name from police_station r where r.status = 'active' and r.kind = 'room'
          and r.division_code = any(array[left(w.division, 12), left(w.division, 9), left(w.division, 6)])
          order by length(r.division_code) desc, r.id limit 1) as beat
      from (
        select item, division, nullif(place, '')::geometry as place
        from unnest(\(places.indices.map { Int64($0) })::bigint[],
          \(places.map { String($0.division.prefix(12)) })::text[],
          \(places.map { $0.place?.stored ?? "" })::text[]) as u (item, division, place)) w
      order by w.item
      """)
    return try rows.map { row in
      AddressAreas(
        grid: try row.get("grid"), policeStation: try row.get("station"), beat: try row.get("beat"))
    }
  }
}

extension Coordinate {
  /// The text that a column of positions reads.
  var stored: String { Geometry.point(self).ewkbHex(srid: .cgcs2000) }
}
