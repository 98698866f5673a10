import Addresses
import Core
import Geo

/// Makes the rows that exist once for the whole city.
struct PublicFace {
  let plan: CityPlan
  let gazetteer: Gazetteer
  let city: DivisionCode
  private(set) var staff: [DemoStaff] = []
  private var random: SeededRandom
  private var staffCount = 0

  init(plan: CityPlan, gazetteer: Gazetteer, city: DivisionCode) {
    self.plan = plan
    self.gazetteer = gazetteer
    self.city = city
    random = SeededRandom(seed: plan.seed).stream(1)
  }

  /// Province, city, counties, towns and communities, wider ones first.
  func divisions() throws -> [DemoDivision] {
    var rows: [DemoDivision] = []
    var ids: [DivisionCode: Int64] = [:]
    func add(_ code: DivisionCode, _ name: String, _ short: String, _ kind: String, _ boundary: Polygon?) {
      let id = Int64(rows.count + 1)
      ids[code] = id
      let parent = gazetteer.parent(of: code)?.code
      let above = gazetteer.path(to: code).filter { $0.code != code }.map(\.name).joined()
      rows.append(
        DemoDivision(
          id: id, code: code, name: name, fullName: above + name, shortName: short, kind: kind,
          parentID: parent.flatMap { ids[$0] }, boundary: boundary))
    }
    for division in gazetteer.path(to: city) {
      let isCity = division.code == city
      add(
        division.code, division.name, division.shortName, isCity ? "prefecture_city" : "province",
        isCity ? try plan.outline.polygon(of: Array(0..<plan.lattice.count)) : nil)
    }
    for county in plan.counties {
      let division = county.division
      let kind = division.name.hasSuffix("区") ? "district" : division.name.hasSuffix("市") ? "county_city" : "county"
      add(division.code, division.name, division.shortName, kind, try plan.outline.polygon(of: county.cells))
    }
    for town in plan.towns {
      let name = town.division.name
      let kind =
        name.hasSuffix("街道")
        ? "subdistrict" : name.hasSuffix("镇") ? "town" : name.contains("族") ? "ethnic_township" : "township"
      add(town.division.code, name, town.division.shortName, kind, try plan.outline.polygon(of: town.cells))
    }
    for community in plan.communities {
      add(
        community.code, community.name, community.name, community.isUrban ? "community" : "village",
        try plan.outline.polygon(of: community.cells))
    }
    return rows
  }

  /// The work grids, which tile the ground of every community.
  mutating func grids() throws -> [DemoGrid] {
    try plan.grids.enumerated().map { index, grid in
      let community = plan.communities[grid.community]
      let (name, phone) = hire("grid_worker", grid.code, station: nil)
      return DemoGrid(
        id: DemoID.grid(index), code: grid.code, name: grid.name, community: community.code, workerName: name,
        workerPhone: phone, boundary: try plan.outline.polygon(of: grid.cells),
        households: community.rooms / community.grids.count)
    }
  }

  /// A station in every town and a police room in every urban community, each with an officer.
  mutating func policeStations() throws -> [DemoPoliceStation] {
    var rows: [DemoPoliceStation] = []
    for (index, town) in plan.towns.enumerated() {
      let county = plan.counties[town.county].division
      let (name, phone) = hire("station_officer", town.division.code, station: DemoID.station(index))
      rows.append(
        DemoPoliceStation(
          id: DemoID.station(index), code: town.division.code.text + "00",
          name: "\(county.name)公安局\(town.division.shortName)派出所",
          kind: "station", parentID: nil, division: town.division.code, phone: nextPhone(), officerName: name,
          officerNumber: "D\(100_000 + index)", officerPhone: phone, location: middle(of: town.centre),
          jurisdiction: try plan.outline.polygon(of: town.cells)))
    }
    for (index, community) in plan.communities.enumerated() {
      let station = DemoID.station(community.town)
      let (clerk, _) = hire("community_clerk", community.code, station: nil)
      guard community.isUrban, !clerk.isEmpty else { continue }
      let (name, phone) = hire("beat_officer", community.code, station: station)
      rows.append(
        DemoPoliceStation(
          id: DemoID.policeRoom(index), code: community.code.text, name: "\(community.name)警务室", kind: "room",
          parentID: station, division: community.code, phone: nextPhone(), officerName: name,
          officerNumber: "D\(200_000 + index)", officerPhone: phone, location: middle(of: community.cells[0]),
          jurisdiction: try plan.outline.polygon(of: community.cells)))
    }
    return rows
  }

  /// Trunk roads from each town to its county's seat, and a street through every grid.
  func roads() throws -> [DemoRoad] {
    var rows: [DemoRoad] = []
    for (number, county) in plan.counties.enumerated() {
      let towns = plan.towns.indices.filter { plan.towns[$0].county == number }
      let ways = TrunkRoads(lattice: plan.lattice, terrain: plan.terrain, seed: plan.seed).ways(
        from: county.seat, to: towns.map { plan.towns[$0].centre }, over: county.cells)
      for (town, way) in zip(towns, ways) where way.count > 1 {
        let name = county.division.shortName.prefix(1) + plan.towns[town].division.shortName.prefix(1) + "公路"
        rows.append(
          DemoRoad(
            id: DemoID.trunk(town), code: "R\(county.division.code)\(1000 + town)", name: String(name), kind: "highway",
            division: county.division.code, line: try Line(way.map(plan.terrain.place(of:))), smallestNumber: nil,
            largestNumber: nil))
      }
    }
    for (index, grid) in plan.grids.enumerated() where grid.path.count > 1 {
      let community = plan.communities[grid.community]
      let kind = grid.street.hasSuffix("大道") ? "avenue" : grid.street.hasSuffix("街") ? "street" : "road"
      rows.append(
        DemoRoad(
          id: DemoID.street(index), code: "S\(grid.code)", name: grid.street, kind: kind, division: community.code,
          line: try Line(grid.path.map(plan.terrain.place(of:))), smallestNumber: "1号",
          largestNumber: "\(grid.cells.count * 20)号"))
    }
    return rows
  }

  private func middle(of cell: Int) -> Coordinate {
    CellGround(plan: plan, cell: cell).centre
  }

  private mutating func hire(
    _ role: String, _ division: DivisionCode, station: Int64?
  ) -> (name: String, phone: PhoneNumber) {
    let name = plan.words.personName(random.chance(0.6) ? .male : .female, &random)
    let phone = nextPhone()
    staff.append(
      DemoStaff(role: role, name: name, phone: phone, division: division, policeStationID: station))
    return (name, phone)
  }

  private mutating func nextPhone() -> PhoneNumber {
    staffCount += 1
    return DemoPhone.number(90_000_000 + staffCount)
  }
}
