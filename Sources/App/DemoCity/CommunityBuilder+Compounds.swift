import Addresses
import Core
import Geo

extension CommunityBuilder {
  /// How the buildings of a compound are made.
  private struct Style {
    let storeys: Int
    let units: Int
    let roomsPerStorey: Int

    var rooms: Int { storeys * units * roomsPerStorey }
  }

  /// Shares the community's rooms among compounds, one to a block.
  mutating func buildCompounds() throws {
    let count = CommunityBuilder.compounds(community)
    guard count > 0 else { return }
    let cells = shuffledByGrid()
    for number in 0..<count {
      let rooms = community.rooms / count + (number < community.rooms % count ? 1 : 0)
      let name = plan.words.name(city.compoundStarts[index] + number, .compoundWord, .compoundEnd, plan.seed &+ 31)
      try buildCompound(rooms, cell: cells[number % cells.count], name: name)
    }
  }

  /// The cells of the community, those of different grids in turn.
  private func shuffledByGrid() -> [Int] {
    let lists = community.grids.map { plan.grids[$0].cells }
    let longest = lists.map(\.count).max() ?? 0
    return (0..<longest).flatMap { row in lists.compactMap { row < $0.count ? $0[row] : nil } }
  }

  /// One compound at the street, or in a village without a street's number.
  mutating func buildCompound(_ rooms: Int, cell: Int, name: String, isVillage: Bool = false) throws {
    let grid = grid(of: cell)
    let ground = CellGround(plan: plan, cell: cell)
    let numbers = StreetNumbers(plan: plan, grid: plan.grids[grid])
    var parts = parts()
    parts.compound = name
    if !isVillage, let slot = takeSlot(cell) {
      parts.road = plan.grids[grid].street
      parts.houseNumber = numbers.number(cell, slot)
    }
    let compoundID = base + Int64(batch.compounds.count + 1)
    let own = try standard(parts)
    let address = try add(own, at: ground.centre, grid: grid, compound: compoundID, isOnStreet: !isVillage)
    let style = style(for: rooms)
    let buildings = (rooms + style.rooms - 1) / style.rooms
    let year = random.within(1992...2024)
    batch.compounds.append(
      DemoCompound(
        id: compoundID, code: "C\(compoundID)", name: name, kind: isVillage ? "village_cluster" : "residential",
        division: community.code, gridID: DemoID.grid(grid), roadID: DemoID.street(grid),
        houseNumber: parts.houseNumber ?? "", boundary: try ground.yard(), buildings: buildings, households: rooms,
        builtYear: year))
    let turn = random.below(6)
    var left = rooms
    for number in 0..<buildings {
      let share = min(left, style.rooms)
      left -= share
      let plot = try ground.plot(number, of: buildings, turn: turn)
      try buildBuilding(
        number + 1, rooms: share, style: style, plot: plot, year: year, grid: grid, compound: compoundID,
        parent: address,
        inside: own)
    }
  }

  private mutating func style(for rooms: Int) -> Style {
    let style =
      switch random.weighted(rooms > 400 ? [1, 2, 4] : [4, 3, 2]) {
      case 0: Style(storeys: random.within(5...7), units: random.within(2...3), roomsPerStorey: 2)
      case 1: Style(storeys: random.within(11...18), units: random.within(1...2), roomsPerStorey: random.within(2...4))
      default: Style(storeys: random.within(24...33), units: random.within(1...2), roomsPerStorey: 4)
      }
    if rooms >= style.rooms { return style }
    let perStorey = style.roomsPerStorey
    return Style(storeys: min(style.storeys, (rooms + perStorey - 1) / perStorey), units: 1, roomsPerStorey: perStorey)
  }

  private mutating func buildBuilding(
    _ number: Int, rooms: Int, style: Style, plot: (middle: Coordinate, footprint: Polygon), year: Int, grid: Int,
    compound: Int64, parent: Int64, inside: StandardAddress
  ) throws {
    let perUnit = style.storeys * style.roomsPerStorey
    let units = (rooms + perUnit - 1) / perUnit
    let buildingID = base + Int64(batch.buildings.count + 1)
    let standard = try inside.narrowed(building: "\(number)栋")
    let address = try add(
      standard, at: plot.middle, grid: grid, compound: compound, parent: parent, isOnStreet: inside.parts.road != nil)
    let name = (inside.parts.compound ?? "") + "\(number)栋"
    let storeys = min(style.storeys, (rooms + style.roomsPerStorey - 1) / style.roomsPerStorey)
    batch.buildings.append(
      DemoBuilding(
        id: buildingID, code: "B\(buildingID)", name: name, kind: "residential", addressID: address,
        compoundID: compound, gridID: DemoID.grid(grid), division: community.code, number: "\(number)栋",
        storeys: storeys, units: units, rooms: rooms, builtYear: year, footprint: plot.footprint))
    var left = rooms
    for unit in 1...units {
      let share = min(left, perUnit)
      left -= share
      try buildUnit(
        unit, rooms: share, style: style, name: name, at: plot.middle, grid: grid, compound: compound,
        building: buildingID, parent: address, inside: standard)
    }
  }

  private mutating func buildUnit(
    _ number: Int, rooms: Int, style: Style, name: String, at place: Coordinate, grid: Int, compound: Int64,
    building: Int64, parent: Int64, inside: StandardAddress
  ) throws {
    let unitID = base + Int64(batch.units.count + 1)
    let isOnStreet = inside.parts.road != nil
    let standard = try inside.narrowed(unit: "\(number)单元")
    let address = try add(standard, at: place, grid: grid, compound: compound, parent: parent, isOnStreet: isOnStreet)
    let storeys = (rooms + style.roomsPerStorey - 1) / style.roomsPerStorey
    batch.units.append(
      DemoUnit(
        id: unitID, name: "\(name)\(number)单元", buildingID: building, number: "\(number)单元", addressID: address,
        division: community.code, storeys: storeys, roomsPerStorey: style.roomsPerStorey, location: place))
    for room in 0..<rooms {
      let floor = room / style.roomsPerStorey + 1
      let door = String(floor * 100 + room % style.roomsPerStorey + 1) + "室"
      let own = try add(
        try standard.narrowed(room: door), at: place, grid: grid, compound: compound, parent: address,
        isOnStreet: isOnStreet)
      let isLet = random.chance(0.12)
      addRoom(
        "\(name)\(number)单元\(door)", building: building, unit: unitID, address: own, floor: floor, number: door,
        isLet: isLet)
    }
  }

  mutating func addRoom(
    _ name: String, building: Int64?, unit: Int64?, address: Int64, floor: Int, number: String, isLet: Bool
  ) {
    let roomID = base + Int64(batch.rooms.count + 1)
    let state = isLet ? "let" : random.chance(0.18) ? "vacant" : "occupied"
    batch.rooms.append(
      DemoRoom(
        id: roomID, name: name, buildingID: building, unitID: unit, addressID: address, division: community.code,
        floor: floor, number: number, usage: "residence", state: state,
        areaHundredths: random.within(4200...14500), isLet: isLet))
    if state != "vacant" { dwellings.append(Dwelling(addressID: address, roomID: roomID, isLet: isLet)) }
  }
}
