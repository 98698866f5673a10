import Testing

@testable import Addresses

/// Which ways of writing an address are one place to the search for duplicates.
@Suite struct LooseKeyTests {
  private static let district = "511702"

  private func key(_ text: String) throws -> AddressKey { try #require(AddressKey(text: "d511702|" + text)) }

  private func classes(_ names: [(NameClasses.Kind, String)]) throws -> NameClasses {
    var classes = NameClasses()
    classes.add(alias: .init(district: LooseKeyTests.district, kind: .road, text: "解放路"), of: "朝阳路")
    classes.join(
      Set(names.map { .init(district: LooseKeyTests.district, kind: $0.0, text: $0.1) }), try QualityFixture.likeness())
    return classes
  }

  private func isOne(_ first: String, _ second: String, metres: Double? = 5) throws -> Bool {
    let classes = try classes([
      (.compound, "锦绣花园"), (.compound, "锦秀花园"), (.compound, "锦绣家园"), (.compound, "阳光小区"), (.compound, "阳光花小区"),
      (.road, "建设东路"), (.road, "建设西路"), (.road, "朝阳路"),
    ])
    let (a, b) = (LooseKey(try key(first), classes), LooseKey(try key(second), classes))
    guard !Set(a.digests).isDisjoint(with: b.digests) else { return false }
    return a.difference(from: b, metres: metres) != nil
  }

  @Test(arguments: [
    ("t511702001|c荷叶|r朝阳路|n12", "r朝阳路|n12"),
    ("r朝阳路|n12", "r解放路|n12"),
    ("r朝阳路|n12-3", "r朝阳路|n12|s3"),
    ("r朝阳路|n12|s附3", "r朝阳路|n12|s之3"),
    ("r朝阳路|n甲12", "r朝阳路|n12甲"),
    ("r朝阳路|n12甲", "r朝阳路|n12A"),
    ("r朝阳路|n12|z锦绣花园|b3|u2|m502", "z锦绣花园|b3|u2|m502"),
    ("z锦绣花园|b3|u2|m502", "z锦秀花园|b3|u2|m502"),
    ("z锦绣花园|b3|u2|m502", "z锦绣花园|b3|u2|m5-02"),
    ("z阳光小区|b3", "z阳光花小区|b3"),
  ])
  func onePlaceWrittenInTwoWays(_ first: String, _ second: String) throws {
    #expect(try isOne(first, second))
    #expect(try isOne(second, first))
  }

  @Test(arguments: [
    ("c荷叶|r1组|n1", "c莲花|r1组|n1"),
    ("r朝阳路|n12", "r朝阳路|n13"),
    ("r建设东路|n12", "r建设西路|n12"),
    ("z锦绣花园|b3", "z锦绣家园|b3"),
    ("r朝阳路|n12|s3", "r朝阳路|n12"),
    ("t511702001|r朝阳路|n12", "t511702002|r朝阳路|n12"),
    ("r朝阳路|n12|z锦绣花园|b3", "r朝阳路|n12|z阳光小区|b3"),
    ("z锦绣花园|b3|u1|m12", "z锦绣花园|b3|u1|m1-2"),
  ])
  func twoPlaces(_ first: String, _ second: String) throws { #expect(try !isOne(first, second)) }

  @Test func namesThatOnlyLookAlikeAreOneWhereTheyAreNextToEachOther() throws {
    #expect(try isOne("z锦绣花园|b3", "z锦秀花园|b3", metres: 60))
    #expect(try !isOne("z锦绣花园|b3", "z锦秀花园|b3", metres: 400))
    #expect(try !isOne("z锦绣花园|b3", "z锦秀花园|b3", metres: nil))
    #expect(try isOne("r朝阳路|n12", "r解放路|n12", metres: nil), "an alias is no guess")
  }
}
