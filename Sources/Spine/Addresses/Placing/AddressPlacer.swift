package import Geo
package import SQL

/// Finds where addresses belong and lie (A-020, D3-013, D3-014): road and compound by name, the building or unit they are
/// in, grid and police station by their areas; a position from the building, else between the neighbouring numbers of the
/// road, else that of the compound or the road.
///
/// Asks for many addresses at once: four statements, however many there are.
package struct AddressPlacer {
  /// An address to be placed, with its own position when it has one.
  package struct Item: Sendable {
    package let address: StandardAddress
    package let location: Coordinate?
    /// How ``location`` was found, when that was noted.
    package let source: LocationSource?

    package init(_ address: StandardAddress, location: Coordinate?, source: LocationSource?) {
      self.address = address
      self.location = location
      self.source = source
    }

    var county: String { String(address.division.text.prefix(6)) }
    /// The town's code, or what is known above it: names of roads repeat between towns, seldom within one.
    var area: String { String(address.division.text.prefix(9)) }
    /// The figures of the house number.
    var number: Int64? {
      address.parts.houseNumber.flatMap { Int64(PlateNumber($0).value.prefix { $0.isASCII && $0.isNumber }) }
    }
  }

  /// A road or a compound.
  private struct Named {
    let id: Int64
    let division: String
    let middle: Coordinate?
    let grid: Int64?
  }

  /// How far a number may be from the only neighbour known and still be shown there.
  private static let reach: Int64 = 20

  private let items: [Item]
  private var placements: [AddressPlacement]

  private init(_ items: [Item]) {
    self.items = items
    placements = [AddressPlacement](repeating: AddressPlacement(), count: items.count)
  }

  /// - Returns: a placement for each item, in their order; what the registers do not tell is `nil`.
  package static func place(_ items: [Item], in session: some SQLSession) async throws -> [AddressPlacement] {
    guard !items.isEmpty else { return [] }
    var placer = AddressPlacer(items)
    try await placer.findParents(in: session)
    try await placer.interpolate(in: session)
    try await placer.findNames(in: session)
    try await placer.findAreas(in: session)
    return placer.placements
  }

  private mutating func locate(_ index: Int, at place: Coordinate?, _ source: LocationSource) {
    guard let place, items[index].location == nil, placements[index].location == nil else { return }
    placements[index].location = place
    placements[index].source = source
  }

  private static func coordinate(_ row: Row) throws -> Coordinate? {
    guard let x = try row.get("x", as: Double?.self), let y = try row.get("y", as: Double?.self) else { return nil }
    return try Coordinate(longitude: x, latitude: y)
  }

  // MARK: The building it is in

  private mutating func findParents(in session: some SQLSession) async throws {
    let keys = items.map { item in item.address.wider.map(\.canonicalKey) }
    guard keys.contains(where: { !$0.isEmpty }) else { return }
    let rows = try await session.query(
      """
      select canonical_key, id, kind, grid_id, police_station_id, ST_X(location) as x, ST_Y(location) as y
      from address where canonical_key = any(\(Array(Set(keys.joined())))) and status <> 'cancelled'
      """)
    var found: [String: Row] = [:]
    for row in rows { found[try row.get("canonical_key")] = row }
    for index in items.indices {
      for row in keys[index].compactMap({ found[$0] }) {
        if placements[index].parent == nil { placements[index].parent = try row.get("id") }
        if placements[index].grid == nil { placements[index].grid = try row.get("grid_id") }
        if placements[index].policeStation == nil {
          placements[index].policeStation = try row.get("police_station_id")
        }
        let kind = try row.get("kind", as: String.self)
        locate(index, at: try Self.coordinate(row), kind == "building" || kind == "unit" ? .building : .place)
      }
    }
  }

  // MARK: Between two numbers

  /// Numbers of one side of the road lie in a row: the position is between the nearest ones that somebody measured.
  private mutating func interpolate(in session: some SQLSession) async throws {
    var wanted: [(index: Int, road: String, number: Int64)] = []
    for index in items.indices where items[index].location == nil {
      // What a building or the gate of a compound tells is better than a guess, its middle is not.
      guard placements[index].source != .building, let number = items[index].number,
        let road = items[index].address.parts.road
      else { continue }
      wanted.append((index, road, number))
    }
    guard !wanted.isEmpty else { return }
    let rows = try await session.query(
      """
      select w.item, n.number, n.x, n.y
      from unnest(\(wanted.map { Int64($0.index) })::bigint[], \(wanted.map { items[$0.index].area })::text[],
        \(wanted.map(\.road))::text[], \(wanted.map { items[$0.index].address.parts.lane ?? "" })::text[],
        \(wanted.map(\.number))::bigint[]) as w (item, area, road, lane, number)
      cross join lateral (
        with measured as materialized (
          select substring(a.house_number from '^[0-9]{1,5}')::bigint as number, ST_X(a.location) as x, ST_Y(a.location) as y
          from address a
          where a.road = w.road and starts_with(a.division_code, w.area) and coalesce(a.lane, '') = w.lane
            and a.location is not null and coalesce(a.location_source, 'surveyed') in ('surveyed', 'device')
            and a.kind in ('roadside', 'compound') and a.status <> 'cancelled')
        (select * from measured m where m.number <= w.number and (m.number - w.number) % 2 = 0
          order by m.number desc limit 1)
        union all
        (select * from measured m where m.number > w.number and (m.number - w.number) % 2 = 0
          order by m.number limit 1)) n
      order by w.item, n.number
      """)
    var sides: [Int: [(number: Int64, place: Coordinate)]] = [:]
    for row in rows {
      guard let place = try Self.coordinate(row) else { continue }
      sides[Int(try row.get("item", as: Int64.self)), default: []].append((try row.get("number"), place))
    }
    for (index, _, number) in wanted {
      guard let place = try Self.between(sides[index] ?? [], number) else { continue }
      placements[index].location = nil
      locate(index, at: place, .interpolated)
    }
  }

  private static func between(_ sides: [(number: Int64, place: Coordinate)], _ number: Int64) throws -> Coordinate? {
    guard let first = sides.first, let last = sides.last else { return nil }
    if first.number == last.number || first.number == number {
      return abs(first.number - number) <= reach ? first.place : nil
    }
    let share = Double(number - first.number) / Double(last.number - first.number)
    return try Coordinate(
      longitude: first.place.longitude + (last.place.longitude - first.place.longitude) * share,
      latitude: first.place.latitude + (last.place.latitude - first.place.latitude) * share)
  }

  // MARK: Roads and compounds

  private mutating func findNames(in session: some SQLSession) async throws {
    let roads = Set(items.compactMap(\.address.parts.road))
    let compounds = Set(items.compactMap(\.address.parts.compound))
    guard !roads.isEmpty || !compounds.isEmpty else { return }
    let rows = try await session.query(
      """
      select true as road, name, id, division_code, null::bigint as grid_id, ST_X(p) as x, ST_Y(p) as y
      from road, ST_PointOnSurface(line) p where status = 'active' and name = any(\(Array(roads)))
      union all
      select false, name, id, division_code, grid_id, ST_X(p), ST_Y(p)
      from compound, ST_PointOnSurface(boundary) p where status = 'active' and name = any(\(Array(compounds)))
      """)
    var found: [Bool: [String: [Named]]] = [:]
    for row in rows {
      let named = Named(
        id: try row.get("id"), division: try row.get("division_code"), middle: try Self.coordinate(row),
        grid: try row.get("grid_id"))
      found[try row.get("road"), default: [:]][try row.get("name"), default: []].append(named)
    }
    for index in items.indices {
      let parts = items[index].address.parts
      if let compound = Self.choice(items[index], parts.compound.flatMap { found[false]?[$0] }) {
        placements[index].compound = compound.id
        if placements[index].grid == nil { placements[index].grid = compound.grid }
        locate(index, at: compound.middle, .place)
      }
      if let road = Self.choice(items[index], parts.road.flatMap { found[true]?[$0] }) {
        placements[index].road = road.id
        locate(index, at: road.middle, .place)
      }
    }
  }

  /// The one place of that name in the county; of several the one in its town.
  private static func choice(_ item: Item, _ named: [Named]?) -> Named? {
    let near = (named ?? []).filter { $0.division.hasPrefix(item.county) }
    if near.count < 2 { return near.first }
    let own = near.filter { $0.division.hasPrefix(item.area) }
    return own.count == 1 ? own[0] : nil
  }

  // MARK: Grid, police station, beat

  /// By the areas over the position; the station also by the town, which it serves whole. The middle of a road says
  /// nothing of the grid.
  private mutating func findAreas(in session: some SQLSession) async throws {
    let areas = try await AddressAreas.over(
      items.indices.map { (items[$0].address.division.text, exact($0)) }, in: session)
    for (index, area) in zip(items.indices, areas) {
      if placements[index].grid == nil { placements[index].grid = area.grid }
      if placements[index].policeStation == nil { placements[index].policeStation = area.policeStation }
      if placements[index].policeStation == area.policeStation { placements[index].beat = area.beat }
    }
  }

  private func exact(_ index: Int) -> Coordinate? {
    let (item, placement) = (items[index], placements[index])
    return (item.source ?? placement.source) == .place ? nil : item.location ?? placement.location
  }
}
