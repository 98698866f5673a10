import Addresses
import Core
import Geo

/// Makes the rows of one community.
struct CommunityBuilder {
  let city: DemoCity
  let index: Int
  let community: CityPlan.Community
  let town: CityPlan.Town
  let base: Int64
  var random: SeededRandom
  var batch = DemoBatch()
  /// Homes in which people may live.
  var dwellings: [Dwelling] = []
  /// Door numbers already given, by grid and block.
  var slots: [Int: Int] = [:]

  struct Dwelling {
    let addressID: Int64
    let roomID: Int64
    let isLet: Bool
  }

  var plan: CityPlan { city.plan }

  init(city: DemoCity, index: Int) throws {
    self.city = city
    self.index = index
    community = city.plan.communities[index]
    town = city.plan.towns[community.town]
    base = DemoID.base(index)
    random = SeededRandom(seed: city.plan.seed).stream(1000 + UInt64(index))
  }

  mutating func build() throws -> DemoBatch {
    if community.isUrban {
      try buildCompounds()
      try buildShops()
    } else {
      try buildVillage()
    }
    try buildInstitutions()
    try settle()
    try buildFacilities()
    return batch
  }

  /// How many compounds the rooms of a community are shared among.
  static func compounds(_ community: CityPlan.Community) -> Int {
    if community.rooms == 0 { return 0 }
    let wanted = max(1, (community.rooms + 150) / 300)
    return min(wanted, community.isUrban ? max(1, community.cells.count * 2 / 3) : 3)
  }

  /// Parts that all addresses of this community share.
  func parts() -> AddressParts {
    var parts = AddressParts()
    parts.community = community.name
    return parts
  }

  func standard(_ parts: AddressParts) throws -> StandardAddress {
    try StandardAddress(division: community.code, parts: parts, gazetteer: city.gazetteer)
  }

  /// Adds an address and returns its id.
  @discardableResult
  mutating func add(
    _ standard: StandardAddress, at location: Coordinate, grid: Int, compound: Int64? = nil, parent: Int64? = nil,
    isOnStreet: Bool = true
  ) throws -> Int64 {
    let local = batch.addresses.count + 1
    let id = base + Int64(local)
    // Each community has a stretch of its town's sequence.
    let ordinal = index - town.communities.lowerBound
    let code = try AddressCodeRule.standard.code(
      division: town.division.code, sequence: Int64(ordinal) * 10_000_000 + Int64(local))
    let (plate, status) = plate(standard.kind)
    batch.addresses.append(
      DemoAddress(
        id: id, code: code, standard: standard, division: community.code, location: location,
        roadID: isOnStreet ? DemoID.street(grid) : nil, compoundID: compound, parentID: parent,
        gridID: DemoID.grid(grid),
        policeStationID: DemoID.station(community.town), beat: "\(community.name)警务区", plateKind: plate,
        plateStatus: status == "confirmed" ? random.pick(CommunityBuilder.plateStates) : "none", status: status))
    return id
  }

  private static let plateStates = ["installed", "installed", "installed", "made", "making", "applied", "none"]

  private mutating func plate(_ kind: StandardAddress.Kind) -> (kind: String, status: String) {
    let plate =
      switch kind {
      case .compound: "large"
      case .building: "medium"
      case .roadside: "small"
      case .unit: "unit"
      case .room: "room"
      }
    return (plate, ["confirmed", "pending", "doubtful"][random.weighted([920, 72, 8])])
  }

  /// The grid that a cell of the community belongs to.
  func grid(of cell: Int) -> Int {
    community.grids.first { plan.grids[$0].cells.contains(cell) } ?? community.grids.lowerBound
  }

  /// The next free door of a block, 0 to 9; `nil` when all are taken.
  mutating func takeSlot(_ cell: Int) -> Int? {
    let slot = slots[cell, default: 0]
    guard slot < 10 else { return nil }
    slots[cell] = slot + 1
    return slot
  }
}
