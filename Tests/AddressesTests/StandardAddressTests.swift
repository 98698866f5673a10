import Addresses
import Core
import Testing

@Suite struct StandardAddressTests {
  private func standard(_ text: String) throws -> StandardAddress {
    let reading = AddressClassifier(gazetteer: try Fixtures.gazetteer.get()).read(text)
    return try #require(reading.standard, "\(reading.doubts) \(String(describing: reading.rejection))")
  }

  @Test(arguments: [
    ("达州市通川区东城街道荷叶街12号", "四川省达州市通川区东城街道荷叶街12号", StandardAddress.Kind.roadside),
    ("通川区荷叶街１２號附3号", "四川省达州市通川区荷叶街12号附3号", .roadside),
    ("通川区荷叶街12-3号", "四川省达州市通川区荷叶街12号附3号", .roadside),
    ("达川区阳光小区十二幢一单元301", "四川省达州市达川区阳光小区12幢1单元301室", .room),
    ("达川区阳光小区12-1-301", "四川省达州市达川区阳光小区12栋1单元301室", .room),
    ("宣汉县南坝镇圣墩村3组15号", "四川省达州市宣汉县南坝镇圣墩村3组15号", .roadside),
    ("大竹县竹阳街道阳光小区2号楼", "四川省达州市大竹县竹阳街道阳光小区2号楼", .building),
    ("渠县渠江街道锦绣花园", "四川省达州市渠县渠江街道锦绣花园", .compound),
    ("开江县淙城街道清河路8号锦绣花园1栋2单元", "四川省达州市开江县淙城街道清河路8号锦绣花园1栋2单元", .unit),
    ("北京市朝阳区望京街道荷叶街1号", "北京市朝阳区望京街道荷叶街1号", .roadside),
  ])
  func oneFullNameIsMade(_ text: String, _ full: String, _ kind: StandardAddress.Kind) throws {
    let address = try standard(text)
    #expect(address.fullName == full)
    #expect(address.kind == kind)
  }

  @Test(arguments: [
    ["通川区东城街道荷叶街12号附3号", "四川省达州市通川区东城街道荷叶街十二号附3号", "通川区东城街道荷叶街12-3号", "达州通川区东城街道 荷叶街 12号之3"],
    ["达川区翠屏街道阳光小区12栋1单元301室", "达川区翠屏街道阳光小区12-1-301", "达川区翠屏街道阳光小区十二幢一单元301号", "达川区翠屏街道阳光小区12号楼1单元3楼301"],
    ["通川区朝阳中路二段8号", "通川区朝阳中路2段8号"],
  ])
  func onePlaceHasOneKey(_ texts: [String]) throws {
    let keys = try texts.map { try standard($0).canonicalKey }
    #expect(Set(keys).count == 1, "\(keys)")
  }

  @Test func differentPlacesHaveDifferentKeys() throws {
    let texts = [
      "通川区东城街道荷叶街12号", "通川区东城街道荷叶街12号附3号", "通川区东城街道荷叶街123号", "通川区西城街道荷叶街12号", "达川区荷叶街12号",
      "通川区东城街道荷叶街12号3栋", "通川区东城街道荷叶街12号3单元", "通川区东城街道荷叶街12号3层", "通川区东城街道荷叶街12号3室", "通川区荷叶小区12号3栋",
      "通川区东城街道荷叶街12号A栋", "通川区东城街道荷叶街甲12号",
    ]
    let keys = try texts.map { try standard($0).canonicalKey }
    #expect(Set(keys).count == texts.count, "\(keys)")
  }

  /// The full name of an address says everything that its key does.
  @Test func aFullNameIsReadBackAsTheSameAddress() throws {
    let gazetteer = try Fixtures.gazetteer.get()
    let city = try #require(DivisionCode("5117"))
    let towns = gazetteer.divisions.filter { city.contains($0.code) && $0.level == .town && $0.isInForce }
    var random = SeededRandom(seed: 17)
    for _ in 0..<1500 {
      let address = try StandardAddress(
        division: random.pick(towns).code, parts: randomParts(&random), gazetteer: gazetteer)
      let again = try standard(address.fullName)
      #expect(again.canonicalKey == address.canonicalKey, "\(address.fullName)")
      #expect(again.fullName == address.fullName)
    }
  }

  private func randomParts(_ random: inout SeededRandom) -> AddressParts {
    var parts = AddressParts()
    let isRural = random.chance(0.2)
    if isRural {
      parts.community = random.pick(["圣墩村", "石龙村", "光明村"])
      parts.road = "\(random.within(1...12))组"
      parts.houseNumber = "\(random.within(1...90))号"
      return parts
    }
    parts.road = random.pick(["荷叶街", "朝阳中路", "滨河路", "文华大道", "柴市街", "通川北路", "朝阳西路二段"])
    if random.chance(0.2) { parts.lane = random.pick(["一巷", "青果巷"]) }
    parts.houseNumber = "\(random.within(1...600))号"
    if random.chance(0.2) { parts.subNumber = "附\(random.within(1...9))号" }
    if random.chance(0.7) {
      parts.compound = random.pick(["锦绣花园", "阳光小区", "滨江豪庭", "翠屏山庄"])
      parts.buildingNumber = "\(random.within(1...30))栋"
      if random.chance(0.8) {
        parts.unitNumber = "\(random.within(1...4))单元"
        if random.chance(0.9) { parts.room = "\(random.within(1...32))0\(random.within(1...4))室" }
      }
    }
    return parts
  }

  @Test func incompleteAddressesAreRefusedWithTheFieldAtFault() throws {
    let gazetteer = try Fixtures.gazetteer.get()
    let county = try #require(DivisionCode("511702"))
    var onlyRoad = AddressParts()
    onlyRoad.road = "荷叶街"
    var onlyRoom = AddressParts()
    onlyRoom.room = "301室"
    for (parts, field) in [(AddressParts(), "road"), (onlyRoad, "house_number"), (onlyRoom, "compound")] {
      let refusal = #expect(throws: Refusal.self) {
        try StandardAddress(division: county, parts: parts, gazetteer: gazetteer)
      }
      #expect(refusal?.field == field)
    }
    let city = try #require(DivisionCode("5117"))
    let refusal = #expect(throws: Refusal.self) {
      try StandardAddress(division: city, parts: onlyRoad, gazetteer: gazetteer)
    }
    #expect(refusal?.field == "division_code")
  }
}
