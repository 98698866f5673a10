package import Access
import Audit
package import Core
import Geo
package import SQL

/// Places the addresses that an import or an older system left without position or links (归属定位), by ``AddressPlacer``:
/// what is empty is filled in, what somebody entered stays.
///
/// Wider addresses come first, so that rooms find the buildings that were placed just before. A batch is one transaction;
/// a run that ends early is begun again and finds what is left.
package struct AddressPlacing: Sendable {
  /// How many addresses were looked at, and how many got something.
  package struct Counts: Sendable, Hashable {
    package var read = 0
    package var placed = 0
    package var located = 0

    package init() {}
  }

  /// Addresses a transaction takes.
  static let batchSize: Int64 = 2000

  let database: Database
  let gazetteer: Gazetteer
  let audit: Audit
  let clock: WallClock

  /// - Parameter database: sees and changes every address, as the system does.
  package init(database: Database, gazetteer: Gazetteer, clock: WallClock) {
    self.database = database
    self.gazetteer = gazetteer
    self.clock = clock
    audit = Audit(clock: clock)
  }

  /// The last address there is, to begin a run behind it.
  package func newest() async throws -> Int64 { try await database.value("select coalesce(max(id), 0) from address") }

  /// - Parameters:
  ///   - first: takes addresses with a greater id only.
  ///   - report: told after every batch; what it throws ends the run after that batch.
  package func run(
    by principal: Principal, after first: Int64 = 0, report: @Sendable (Counts) async throws -> Void = { _ in }
  ) async throws -> Counts {
    var counts = Counts()
    for kind in ["roadside", "compound", "building", "unit", "room"] {
      var last = first
      while let end = try await batch(kind, after: last, by: principal, &counts) {
        last = end
        try await report(counts)
      }
    }
    return counts
  }

  private struct Open {
    let id: Int64
    let item: AddressPlacer.Item
    let lacking: Set<String>
  }

  /// The id of the last address it took, `nil` when none was left.
  private func batch(
    _ kind: String, after last: Int64, by principal: Principal, _ counts: inout Counts
  ) async throws -> Int64? {
    let (end, taken): (Int64?, Counts) = try await database.transaction { transaction in
      let rows = try await transaction.query(
        """
        select id, division_code, zone, community, road, lane, house_number, sub_number, compound, building_number,
          unit_number, floor, room, poi, ST_X(location) as x, ST_Y(location) as y, location_source,
          array_remove(array[case when location is null then 'location' end,
            case when road_id is null and road is not null then 'road' end,
            case when compound_id is null and compound is not null then 'compound' end,
            case when parent_id is null and kind in ('building', 'unit', 'room') then 'parent' end,
            case when grid_id is null then 'grid' end,
            case when police_station_id is null then 'station' end], null) as lacking
        from address
        where kind = \(kind) and id > \(last) and status <> 'cancelled'
          and (location is null or road_id is null and road is not null or compound_id is null and compound is not null
            or parent_id is null and kind in ('building', 'unit', 'room') or grid_id is null or police_station_id is null)
        order by id limit \(AddressPlacing.batchSize) for no key update
        """)
      var open: [Open] = []
      var end: Int64?
      for row in rows {
        end = try row.get("id")
        if let one = try read(row) { open.append(one) }
      }
      guard end != nil else { return (nil, Counts()) }
      let placements = try await AddressPlacer.place(open.map(\.item), in: transaction)
      var taken = try await write(open, placements, by: principal, in: transaction)
      taken.read = rows.count
      return (end, taken)
    }
    counts.read += taken.read
    counts.placed += taken.placed
    counts.located += taken.located
    return end
  }

  private func read(_ row: Row) throws -> Open? {
    guard let division = DivisionCode(try row.get("division_code", as: String.self)) else { return nil }
    var texts: [String: String] = [:]
    for name in [
      "zone", "community", "road", "lane", "house_number", "sub_number", "compound", "building_number", "unit_number",
      "floor", "room", "poi",
    ] {
      texts[name] = try row.get(name, as: String?.self)
    }
    let parts = AddressParts { texts[$0] }
    guard let address = try? StandardAddress(division: division, parts: parts, gazetteer: gazetteer) else { return nil }
    var location: Coordinate?
    if let x = try row.get("x", as: Double?.self), let y = try row.get("y", as: Double?.self) {
      location = try? Coordinate(longitude: x, latitude: y)
    }
    return Open(
      id: try row.get("id"),
      item: AddressPlacer.Item(
        address, location: location,
        source: try row.get("location_source", as: String?.self).flatMap { LocationSource(rawValue: $0) }),
      lacking: Set(try row.get("lacking", as: [String].self)))
  }

  private func write(
    _ open: [Open], _ placements: [AddressPlacement], by principal: Principal, in transaction: Transaction
  ) async throws -> Counts {
    let changed = zip(open, placements).filter { one, placement in
      let found: [(String, Bool)] = [
        ("location", placement.location != nil), ("road", placement.road != nil),
        ("compound", placement.compound != nil),
        ("parent", placement.parent != nil), ("grid", placement.grid != nil),
        ("station", placement.policeStation != nil),
      ]
      return found.contains { $0.1 && one.lacking.contains($0.0) }
    }
    var counts = Counts()
    guard !changed.isEmpty else { return counts }
    func ids(_ link: KeyPath<AddressPlacement, Int64?>) -> [Int64] { changed.map { $0.1[keyPath: link] ?? 0 } }
    try await transaction.execute(
      """
      update address a set
        location = coalesce(a.location, nullif(v.place, '')::geometry),
        location_source = case when a.location is null then coalesce(nullif(v.source, ''), a.location_source)
          else a.location_source end,
        road_id = coalesce(a.road_id, nullif(v.road, 0)), compound_id = coalesce(a.compound_id, nullif(v.compound, 0)),
        parent_id = coalesce(a.parent_id, nullif(v.parent, 0)), grid_id = coalesce(a.grid_id, nullif(v.grid, 0)),
        police_station_id = coalesce(a.police_station_id, nullif(v.station, 0)),
        beat = case when coalesce(a.beat, '') = '' and v.station = coalesce(a.police_station_id, v.station)
          then nullif(v.beat, '') else a.beat end,
        version = a.version + 1, updated_at = \(clock.now()), updated_by = \(principal.actor)
      from unnest(\(changed.map { $0.0.id })::bigint[], \(changed.map { $0.1.location?.stored ?? "" })::text[],
        \(changed.map { $0.1.source?.rawValue ?? "" })::text[], \(ids(\.road))::bigint[], \(ids(\.compound))::bigint[],
        \(ids(\.parent))::bigint[], \(ids(\.grid))::bigint[], \(ids(\.policeStation))::bigint[],
        \(changed.map { $0.1.beat ?? "" })::text[])
        as v (id, place, source, road, compound, parent, grid, station, beat)
      where a.id = v.id
      """)
    counts.placed = changed.count
    counts.located = changed.count { $0.1.location != nil && $0.0.lacking.contains("location") }
    try await audit.append(
      AuditEntry(
        principal, "address.place", entity: "address", origin: .inside,
        details: [
          "placed": .int(Int64(counts.placed)), "located": .int(Int64(counts.located)),
          "firstID": .int(changed.first?.0.id ?? 0), "lastID": .int(changed.last?.0.id ?? 0),
        ]), in: transaction)
    transaction.notify("lifang_change", "address:0")
    return counts
  }
}
