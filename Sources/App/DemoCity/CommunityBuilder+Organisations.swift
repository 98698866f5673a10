import Addresses
import Core
import Geo

extension CommunityBuilder {
  /// Shops along the streets, a few of them companies.
  mutating func buildShops() throws {
    for grid in community.grids {
      let cells = plan.grids[grid].cells
      let wanted = min(cells.count * 4, community.rooms / community.grids.count / 25 + 1)
      let numbers = StreetNumbers(plan: plan, grid: plan.grids[grid])
      for _ in 0..<wanted {
        let isCompany = random.chance(0.12)
        let kind = random.pick(plan.words[isCompany ? .companyKind : .shopKind]).split(separator: ":")
        let name = random.pick(plan.words[.shopWord]) + kind[0]
        try addOrganisation(
          isCompany ? "达州市\(name)" : "\(county.name)\(name)", prefix: isCompany ? "91" : "92",
          kind: isCompany ? "enterprise" : "sole_trader", industry: kind.count > 1 ? String(kind[1]) : "O", grid: grid,
          cell: random.pick(cells), numbers: numbers)
      }
    }
  }

  private var county: Division { plan.counties[town.county].division }

  /// In a town's first community the offices that every town has.
  mutating func buildInstitutions() throws {
    guard index == town.communities.lowerBound else { return }
    let short = town.division.shortName
    let office = town.isUrban ? "\(county.name)人民政府\(town.division.name)办事处" : "\(county.name)\(town.division.name)人民政府"
    let rows: [(String, String, String, String)] = [
      (office, "11", "government", "S"), ("\(county.name)\(short)中心小学", "12", "institution", "P"),
      ("\(county.name)\(short)中学", "12", "institution", "P"),
      (
        town.isUrban ? "\(county.name)\(short)社区卫生服务中心" : "\(county.name)\(town.division.name)卫生院", "12", "institution",
        "Q"
      ),
    ]
    for (number, (name, prefix, kind, industry)) in rows.enumerated() {
      let grid = community.grids.lowerBound + number % community.grids.count
      let cells = plan.grids[grid].cells
      try addOrganisation(
        name, prefix: prefix, kind: kind, industry: industry, grid: grid, cell: cells[number % cells.count],
        numbers: StreetNumbers(plan: plan, grid: plan.grids[grid]))
    }
  }

  private mutating func addOrganisation(
    _ name: String, prefix: String, kind: String, industry: String, grid: Int, cell: Int, numbers: StreetNumbers
  ) throws {
    guard let slot = takeSlot(cell), let place = numbers.frontage(cell) else { return }
    var parts = parts()
    parts.road = plan.grids[grid].street
    parts.houseNumber = numbers.number(cell, slot)
    parts.poi = name
    let aside = Double(slot) * 4 - 18
    let spot = plan.terrain.place(near: place, east: aside, north: aside / 2)
    let address = try add(try standard(parts), at: spot, grid: grid)
    let number = batch.organisations.count + 1
    // No division ends in 99, and no registrar has handed out DM.
    let body = String(1_000_000 + (index * 900 + number) % 1_000_000).dropFirst()
    guard let code = UnifiedCreditCode(prefix: prefix, division: 511_799, organisation: "DM" + body) else {
      throw Fault("demo-credit-code", body.description)
    }
    batch.organisations.append(
      DemoOrganisation(
        id: base + Int64(number), name: name, creditCode: code, kind: kind, industry: industry, addressID: address,
        gridID: DemoID.grid(grid), division: community.code,
        legalPerson: plan.words.personName(random.chance(0.6) ? .male : .female, &random),
        phone: DemoPhone.number(index * 50_000 + 49_999 - number % 5000), location: spot,
        staff: kind == "sole_trader" ? random.within(1...6) : random.within(8...160),
        registeredOn: CivilDate(daysSinceEpoch: random.within(10_000...20_000))))
  }

  /// What people look for around their homes.
  mutating func buildFacilities() throws {
    for grid in community.grids {
      let path = plan.grids[grid].path
      let street = plan.grids[grid].street
      for (number, corner) in path.enumerated() where number % 4 == 1 {
        let place = plan.terrain.place(near: plan.terrain.place(of: corner), east: 4, north: 3)
        let kind = number == 1 ? "bus_stop" : random.pick(CommunityBuilder.facilities)
        try addFacility(kind, street: street, ordinal: number / 4 + 1, at: place)
      }
    }
    if let corner = community.grids.first.flatMap({ plan.grids[$0].path.first }) {
      let place = plan.terrain.place(near: plan.terrain.place(of: corner), east: -6, north: 5)
      try addFacility("community_office", street: community.name, ordinal: 1, at: place)
    }
    guard index == town.communities.lowerBound else { return }
    let middle = CellGround(plan: plan, cell: town.centre).centre
    for (offset, kind) in ["government", "police", "hospital", "market", "fire", "street_office", "kiosk"].enumerated()
    {
      let place = plan.terrain.place(near: middle, east: Double(offset) * 35 - 70, north: Double(offset % 2) * 40)
      try addFacility(kind, street: town.division.shortName, ordinal: 1, at: place)
    }
  }

  private static let facilities = [
    "parking", "toilet", "recycling", "charging", "clinic", "kindergarten", "bank", "park", "post", "shelter",
    "elderly",
  ]

  private mutating func addFacility(_ kind: String, street: String, ordinal: Int, at place: Coordinate) throws {
    let names = [
      "bus_stop": "站", "parking": "停车场", "toilet": "公厕", "recycling": "垃圾分类投放点", "charging": "充电站", "clinic": "诊所",
      "kindergarten": "幼儿园", "bank": "储蓄所", "park": "游园", "post": "邮政所", "shelter": "应急避难场所", "elderly": "养老服务站",
      "government": "便民服务中心", "police": "派出所", "hospital": "医院", "market": "农贸市场", "fire": "消防救援站",
      "street_office": town.division.name.hasSuffix("街道") ? "街道办事处" : "人民政府", "kiosk": "治安岗亭",
      "community_office": community.isUrban ? "居民委员会" : "村民委员会",
    ]
    let number = batch.facilities.count + 1
    let isStop = kind == "bus_stop"
    let lines =
      isStop ? (0..<random.within(1...3)).map { _ in "\(random.within(1...68))路" }.joined(separator: "、") : nil
    let counted = ["parking": 40...400, "hospital": 60...600, "charging": 4...30, "shelter": 200...3000][kind]
    batch.facilities.append(
      DemoFacility(
        id: base + Int64(number), code: "F\(base + Int64(number))",
        name: street + (ordinal > 1 ? "\(ordinal)号" : "") + (names[kind] ?? "服务点"), kind: kind,
        division: community.code, addressText: "\(community.name)\(street)", phone: nil,
        openingHours: isStop ? "06:30–20:30" : kind == "toilet" || kind == "hospital" ? "全天" : "08:30–18:00",
        busLines: lines, capacity: counted.map { random.within($0) }, location: place))
  }
}
