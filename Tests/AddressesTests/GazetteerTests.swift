import Addresses
import Testing

@Suite struct DivisionCodeTests {
  @Test(arguments: [
    ("51", "51", DivisionCode.Level.province), ("510000", "51", .province), ("5117", "5117", .city),
    ("511700", "5117", .city), ("511702", "511702", .county), ("511702000000", "511702", .county),
    ("511702001", "511702001", .town), ("511702100000", "511702100", .town),
    ("511702001003", "511702001003", .community),
    ("511702001003007", "511702001003007", .grid),
  ])
  func trailingGroupsOfZerosAreLeftOut(_ text: String, _ canonical: String, _ level: DivisionCode.Level) {
    #expect(DivisionCode(text)?.text == canonical)
    #expect(DivisionCode(text)?.level == level)
  }

  @Test(arguments: ["", "5", "511", "5117020", "51170a", "000000"])
  func otherTextIsRefused(_ text: String) { #expect(DivisionCode(text) == nil) }

  @Test func aDivisionLiesInAnotherWhenItsTextStartsWithTheOthers() throws {
    let codes = try ["51", "5117", "511702", "511703", "511702001", "511702001003"].map {
      try #require(DivisionCode($0))
    }
    for a in codes {
      for b in codes { #expect(a.contains(b) == b.text.hasPrefix(a.text)) }
    }
  }
}

@Suite struct GazetteerTests {
  @Test func dazhouHasSevenCountiesUnderTheirRealCodes() throws {
    let gazetteer = try Fixtures.gazetteer.get()
    let city = try #require(DivisionCode("511700"))
    #expect(
      gazetteer.children(of: city).map { "\($0.code) \($0.name)" } == [
        "511702 通川区", "511703 达川区", "511722 宣汉县", "511723 开江县", "511724 大竹县", "511725 渠县", "511781 万源市",
      ])
  }

  @Test func everyDivisionHasAParentAndNoCodeTwice() throws {
    let gazetteer = try Fixtures.gazetteer.get()
    #expect(Set(gazetteer.divisions.map(\.code)).count == gazetteer.divisions.count)
    for division in gazetteer.divisions where division.level > .province {
      #expect(gazetteer.parent(of: division.code) != nil, "\(division.code)")
    }
    #expect(gazetteer.divisions.filter { $0.level == .province }.count == 34)
  }

  @Test func pathsRunFromTheProvinceDown() throws {
    let gazetteer = try Fixtures.gazetteer.get()
    let code = try #require(DivisionCode("511702001"))
    #expect(gazetteer.path(to: code).map(\.name) == ["四川省", "达州市", "通川区", "东城街道"])
    let beijing = try #require(DivisionCode("110105"))
    #expect(gazetteer.path(to: beijing).map(\.name) == ["北京市", "朝阳区"])
  }

  @Test(arguments: [
    ("达川区", DivisionCode.Level.county, "511703"), ("达川", .county, "511703"), ("达县", .county, "511703"),
    ("鲜渡镇", .town, "511725113"), ("怒江州", .city, "5333"),
  ])
  func namesAreFoundInFullInShortAndInFormerForms(_ name: String, _ level: DivisionCode.Level, _ code: String) throws {
    let found = try Fixtures.gazetteer.get().find(name, level: level)
    #expect(found.map(\.code.text) == [code])
  }

  @Test func aSharedNameIsFoundInEachOfItsPlaces() throws {
    let gazetteer = try Fixtures.gazetteer.get()
    #expect(gazetteer.find("鼓楼区", level: .county).count > 1)
    #expect(gazetteer.find("鼓楼区", level: .county, in: DivisionCode("320100")).map(\.code.text) == ["320106"])
  }

  @Test func aMissingFolderIsAFault() { #expect(throws: (any Error).self) { try Gazetteer.load(folder: "/nowhere") } }
}
