import SQL

/// Which police station an address belongs to (A-053): the one whose ground holds it, else the one of its division; the
/// room (警务室) of the division names the beat (责任区).
enum StationFinder {
  struct Found: Sendable {
    let station: Int64
    let beat: String?
  }

  /// - Returns: `nil` when no station in use is responsible.
  static func station(of address: Int64, in transaction: Transaction) async throws -> Found? {
    let row = try await transaction.query(
      """
      select s.id, (\(room("a.division_code"))) as beat
      from address a join police_station s on s.kind = 'station' and s.status = 'active'
        and (starts_with(a.division_code, s.division_code)
          or (s.jurisdiction && a.location and st_covers(s.jurisdiction, a.location)))
      where a.id = \(address)
      order by coalesce(st_covers(s.jurisdiction, a.location), false) desc, length(s.division_code) desc, s.id limit 1
      """
    ).first
    guard let row else { return nil }
    return Found(station: try row.get("id"), beat: try row.get("beat"))
  }

  /// The stations of divisions, by code; those without one are left out.
  static func stations(of divisions: Set<String>, in transaction: Transaction) async throws -> [String: Found] {
    guard !divisions.isEmpty else { return [:] }
    let rows = try await transaction.query(
      """
      select d.code, s.id, (\(room("d.code"))) as beat
      from unnest(\(divisions.sorted())::text[]) d (code) cross join lateral (
        select id from police_station where kind = 'station' and status = 'active' and starts_with(d.code, division_code)
        order by length(division_code) desc, id limit 1) s
      """)
    var found: [String: Found] = [:]
    for row in rows {
      found[try row.get("code")] = Found(station: try row.get("id"), beat: try row.get("beat"))
    }
    return found
  }

  private static func room(_ division: String) -> SQL {
    """
    select r.name from police_station r where r.kind = 'room' and r.status = 'active'
      and starts_with(\(unsafe: division), r.division_code) order by length(r.division_code) desc, r.id limit 1
    """
  }
}
