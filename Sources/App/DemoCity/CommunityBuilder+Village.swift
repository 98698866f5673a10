import Addresses
import Core
import Geo

extension CommunityBuilder {
  /// Terraced new houses with rooms, and farmhouses in numbered groups around them.
  mutating func buildVillage() throws {
    let short = String(community.name.dropLast())
    let count = CommunityBuilder.compounds(community)
    for number in 0..<count {
      let rooms = community.rooms / count + (number < community.rooms % count ? 1 : 0)
      let cell = community.cells[number * community.cells.count / count]
      try buildCompound(rooms, cell: cell, name: short + ["新村", "家园", "花园"][number], isVillage: true)
    }
    try buildFarmhouses(community.rooms / 3)
  }

  private mutating func buildFarmhouses(_ count: Int) throws {
    let groups = max(1, min(8, community.cells.count / 2))
    for house in 0..<count {
      let group = house % groups
      let cell = community.cells[(group * community.cells.count / groups + house / groups % 2) % community.cells.count]
      let grid = grid(of: cell)
      let ground = CellGround(plan: plan, cell: cell)
      let reach = ground.radius * 0.6
      let plot = try ground.rectangle(
        east: (random.unit() * 2 - 1) * reach, north: (random.unit() * 2 - 1) * reach, width: 12, depth: 9,
        turn: random.below(6))
      var parts = parts()
      parts.road = "\(group + 1)组"
      parts.houseNumber = "\(house / groups + 1)号"
      let address = try add(try standard(parts), at: plot.middle, grid: grid, isOnStreet: false)
      let name = "\(community.name)\(group + 1)组\(house / groups + 1)号"
      let buildingID = base + Int64(batch.buildings.count + 1)
      batch.buildings.append(
        DemoBuilding(
          id: buildingID, code: "B\(buildingID)", name: name, kind: "self_built", addressID: address, compoundID: nil,
          gridID: DemoID.grid(grid), division: community.code, number: "", storeys: random.within(1...3), units: 1,
          rooms: 1, builtYear: random.within(1980...2023), footprint: plot.footprint))
      addRoom(name, building: buildingID, unit: nil, address: address, floor: 1, number: "1", isLet: false)
    }
  }
}
