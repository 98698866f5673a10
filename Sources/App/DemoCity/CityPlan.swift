import Addresses
import Core
import Geo

/// The ground of the demo city: which cells belong to which county, town, community and grid, and how many rooms stand in
/// each community. The same for every scale but for the numbers of rooms.
struct CityPlan: Sendable {
  struct County: Sendable {
    let division: Division
    /// The cell nearest to where the county's seat really is.
    let seat: Int
    var cells: [Int]
  }

  struct Town: Sendable {
    let division: Division
    let county: Int
    let centre: Int
    let cells: [Int]
    var communities: Range<Int> = 0..<0

    /// 街道: built up throughout.
    var isUrban: Bool { division.name.hasSuffix("街道") }
  }

  struct Community: Sendable {
    let code: DivisionCode
    let name: String
    let town: Int
    /// 社区 with compounds, or a village with houses along its paths.
    let isUrban: Bool
    let cells: [Int]
    /// How many rooms it holds at scale 1.
    let capacity: Int
    var rooms = 0
    var grids: Range<Int> = 0..<0
  }

  struct Grid: Sendable {
    let code: DivisionCode
    let name: String
    let community: Int
    let cells: [Int]
    /// The street through the grid, along the edges of its cells.
    let street: String
    let path: [HexLattice.Point]
  }

  let seed: UInt64
  let lattice: HexLattice
  let terrain: Terrain
  let words: DemoWords
  /// Kilometres east and north of the middle of the city, by cell.
  private let positions: [(x: Double, y: Double)]
  private(set) var counties: [County] = []
  private(set) var towns: [Town] = []
  private(set) var communities: [Community] = []
  private(set) var grids: [Grid] = []

  /// - Parameter folder: `Resources/spine/demo`.
  init(
    seed: UInt64, scale: Double, cells: Int, city: DivisionCode, gazetteer: Gazetteer, folder: String
  ) throws {
    let ground = try DemoGround(folder: folder, seed: seed, cells: cells)
    self.seed = seed
    lattice = ground.lattice
    terrain = ground.terrain
    words = try DemoWords(folder: folder)
    positions = ground.lattice.centres.map { ground.terrain.kilometres(ground.terrain.centre(of: $0)) }
    try layCounties(gazetteer.children(of: city), ground)
    for county in counties.indices { layTowns(county, gazetteer) }
    for town in towns.indices { layCommunities(town) }
    try nameAndCut()
    shareRooms(Int((1_000_000 * scale).rounded()))
  }

  var outline: RegionOutline { RegionOutline(lattice: lattice, terrain: terrain) }
  private var growth: RegionGrowth { RegionGrowth(lattice: lattice, seed: seed) }

  /// How much of the ground a town takes on the sheet.
  private static func weight(_ town: Division) -> Double {
    town.name.hasSuffix("街道") ? 7 : town.name.hasSuffix("镇") ? 2 : 0.7
  }

  /// How many rooms a town has at scale 1, before all are brought to one million.
  private static func rooms(_ town: Division) -> Double {
    town.name.hasSuffix("街道") ? 20 : town.name.hasSuffix("镇") ? 2 : 0.7
  }

  private mutating func layCounties(_ divisions: [Division], _ ground: DemoGround) throws {
    var seeds: [Int] = []
    var anchors: [[(x: Double, y: Double)]] = []
    for division in divisions {
      guard let seat = ground.seats[division.code] else { throw Fault("demo-seat", division.code.text) }
      let nearest = nearestCell(to: terrain.kilometres(seat), except: seeds)
      guard nearest >= 0 else { throw Fault("demo-ground") }
      seeds.append(nearest)
      anchors.append((ground.anchors[division.code] ?? [seat]).map(terrain.kilometres))
      counties.append(County(division: division, seat: nearest, cells: []))
    }
    let coarse = ValueNoise(seed: seed, mesh: 9)
    let fine = ValueNoise(seed: seed &+ 1, mesh: 2.5)
    let all = Array(0..<lattice.count)
    let parts = growth.parts(of: all, seeds: seeds) { county, cell in
      let here = positions[cell]
      var least = Double.infinity
      for anchor in anchors[county] { least = min(least, CityPlan.distance(here, anchor)) }
      return least + 7 * coarse.height(here.x + Double(county) * 500, here.y)
        + 2 * fine.height(here.x + Double(county) * 500, here.y)
    }
    for (cell, part) in zip(all, parts) where part >= 0 { counties[part].cells.append(cell) }
  }

  private func nearestCell(to place: (x: Double, y: Double), except taken: [Int]) -> Int {
    var nearest = -1
    var least = Double.infinity
    for cell in positions.indices where !taken.contains(cell) {
      let distance = CityPlan.distance(positions[cell], place)
      if distance < least { (nearest, least) = (cell, distance) }
    }
    return nearest
  }

  private static func distance(_ a: (x: Double, y: Double), _ b: (x: Double, y: Double)) -> Double {
    ((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)).squareRoot()
  }

  /// Kilometres on the ground from one cell to another.
  private func groundDistance(_ a: Int, _ b: Int) -> Double { CityPlan.distance(positions[a], positions[b]) }

  private mutating func layTowns(_ county: Int, _ gazetteer: Gazetteer) {
    let cells = counties[county].cells
    let seat = counties[county].seat
    let divisions = gazetteer.children(of: counties[county].division.code).filter(\.isInForce)
    let urban = divisions.filter { $0.name.hasSuffix("街道") }
    let rural = divisions.filter { !$0.name.hasSuffix("街道") }
    let total = divisions.reduce(0) { $0 + CityPlan.weight($1) }
    // Sub-districts take the cells around the seat; the rest is spread over what lies further out.
    let near = cells.sorted { (groundDistance($0, seat), $0) < (groundDistance($1, seat), $1) }
    let core = Int(Double(cells.count) * urban.reduce(0) { $0 + CityPlan.weight($1) } / total)
    let inner = Array(near.prefix(max(core, urban.count)))
    let outer = Array(near.dropFirst(inner.count))
    let seeds =
      growth.spread(urban.count, over: inner, from: seat)
      + growth.spread(rural.count, over: outer, from: outer[0], groundDistance)
    let ordered = urban + rural
    let noise = ValueNoise(seed: seed &+ 2, mesh: 1.8)
    let parts = growth.parts(of: cells, seeds: seeds) { part, cell in
      let here = positions[cell]
      let distance = groundDistance(seeds[part], cell)
      return distance * (0.8 + 0.4 * noise.height(here.x + Double(part) * 300, here.y))
    }
    var members = [[Int]](repeating: [], count: ordered.count)
    for (cell, part) in zip(cells, parts) where part >= 0 { members[part].append(cell) }
    for (index, division) in ordered.enumerated() {
      towns.append(Town(division: division, county: county, centre: seeds[index], cells: members[index]))
    }
  }

  private mutating func layCommunities(_ index: Int) {
    let town = towns[index]
    let rooms = CityPlan.rooms(town.division) / 740 * 1_000_000
    let wanted = max(1, Int((rooms / 1000).rounded()))
    let count = min(wanted, max(1, town.cells.count / 6), 90)
    let seeds = growth.spread(count, over: town.cells, from: town.centre)
    let parts = growth.parts(of: town.cells, seeds: seeds, weights: [Double](repeating: 1, count: seeds.count))
    var members = [[Int]](repeating: [], count: seeds.count)
    for (cell, part) in zip(town.cells, parts) where part >= 0 { members[part].append(cell) }
    let start = communities.count
    for (number, cells) in members.enumerated() {
      // The first community of a town is its centre; villages are coded from 201 as in the national lists.
      let isUrban = town.isUrban || number == 0
      let ordinal = isUrban ? number + 1 : 200 + number
      guard let code = town.division.code.part(ordinal) else { continue }
      communities.append(
        Community(
          code: code, name: "", town: index, isUrban: isUrban, cells: cells,
          capacity: Int(rooms / Double(members.count) * (isUrban ? 1.1 : 0.8))))
    }
    towns[index].communities = start..<communities.count
  }

  /// Gives every community its name and cuts it into grids with a street each; names are unique within a county.
  private mutating func nameAndCut() throws {
    for county in counties.indices {
      var urban = 0
      var rural = 0
      var street = 0
      let salt = seed &+ UInt64(county) &* 7919
      for town in towns.indices where towns[town].county == county {
        for index in towns[town].communities {
          let old = communities[index]
          let name: String
          if old.isUrban {
            name = words.name(urban, .communityWord, .communityEnd, salt)
            urban += 1
          } else {
            name = words.name(rural, .villageWord, .villageEnd, salt)
            rural += 1
          }
          communities[index] = Community(
            code: old.code, name: name, town: old.town, isUrban: old.isUrban, cells: old.cells, capacity: old.capacity)
          try cutGrids(index, &street, salt)
        }
      }
    }
  }

  private mutating func cutGrids(_ index: Int, _ street: inout Int, _ salt: UInt64) throws {
    let community = communities[index]
    let count = max(1, min(community.cells.count / 4, Int((Double(community.capacity) / 330).rounded())))
    let seeds = growth.spread(count, over: community.cells, from: community.cells[0])
    let parts = growth.parts(of: community.cells, seeds: seeds, weights: [Double](repeating: 1, count: seeds.count))
    var members = [[Int]](repeating: [], count: seeds.count)
    for (cell, part) in zip(community.cells, parts) where part >= 0 { members[part].append(cell) }
    let start = grids.count
    for (number, cells) in members.enumerated() {
      guard let code = community.code.part(number + 1) else { throw Fault("demo-grid-code") }
      let name = words.name(street, .roadWord, .roadEnd, salt)
      street += 1
      grids.append(
        Grid(
          code: code, name: "\(community.name)第\(number + 1)网格", community: index, cells: cells, street: name,
          path: StreetPath(lattice: lattice).through(cells)))
    }
    communities[index].grids = start..<grids.count
  }

  /// Below scale 1 a quarter of the rooms is spread over all communities and the rest fills the centre of the city first,
  /// so that a small demo still has dense streets; above it all grow alike.
  private mutating func shareRooms(_ total: Int) {
    let capacity = communities.reduce(0) { $0 + $1.capacity }
    let whole = max(total, capacity)
    func full(_ community: Community) -> Double { Double(community.capacity) * Double(whole) / Double(capacity) }
    let spread = total >= capacity ? 1.0 : 0.25 * Double(total) / Double(capacity)
    var left = total
    for index in communities.indices {
      communities[index].rooms = Int(full(communities[index]) * spread)
      left -= communities[index].rooms
    }
    let order = communities.indices.sorted { (priority($0), $0) < (priority($1), $1) }
    if total < capacity {
      for index in order where left > 0 {
        let more = min(left, Int(full(communities[index])) - communities[index].rooms)
        communities[index].rooms += max(0, more)
        left -= max(0, more)
      }
    }
    // What rounding leaves over.
    var turn = 0
    while left > 0 {
      communities[order[turn % order.count]].rooms += 1
      left -= 1
      turn += 1
    }
  }

  /// Urban communities by their distance from the first county's seat, then all others.
  private func priority(_ index: Int) -> Double {
    let community = communities[index]
    let distance = growth.distance(community.cells[0], counties[0].seat)
    return towns[community.town].isUrban ? distance : 100_000 + distance
  }
}
