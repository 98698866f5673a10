import Core
import Testing

@Suite struct ResidentIDTests {
  /// The two examples of GB 11643-1999.
  @Test(arguments: [
    ("11010519491231002X", "1949-12-31", ResidentID.Sex.female, 110_105),
    ("440524188001010014", "1880-01-01", .male, 440_524),
  ])
  func theExamplesOfTheStandardAreRead(_ text: String, _ birth: String, _ sex: ResidentID.Sex, _ region: Int) throws {
    let id = try #require(ResidentID(text))
    #expect(id.text == text)
    #expect(id.birthDate.description == birth)
    #expect(id.sex == sex)
    #expect(id.region == region)
  }

  @Test func blanksFullWidthAndSmallXAreTaken() {
    let expected = ResidentID("11010519491231002X")
    #expect(expected != nil)
    #expect(ResidentID(" 110105 19491231 002x\n") == expected)
    #expect(ResidentID("１１０１０５１９４９１２３１００２Ｘ") == expected)
  }

  @Test func everySingleWrongCharacterAndEverySwapOfNeighboursIsNoticed() throws {
    let valid = Array("11010519491231002X".utf8)
    for index in valid.indices {
      for digit in UInt8(0x30)...0x39 where digit != valid[index] {
        var changed = valid
        changed[index] = digit
        #expect(ResidentID(String(decoding: changed, as: UTF8.self)) == nil)
      }
    }
    for index in valid.indices.dropLast() where valid[index] != valid[index + 1] {
      var changed = valid
      changed.swapAt(index, index + 1)
      #expect(ResidentID(String(decoding: changed, as: UTF8.self)) == nil)
    }
  }

  @Test func fifteenDigitsAreUpgraded() {
    #expect(ResidentID("110105491231002")?.text == "11010519491231002X")
    #expect(ResidentID("110105991231997")?.birthDate.year == 1899)
  }

  @Test(arguments: [
    ("110105194912310021", "resident-id-check"), ("11010519490229002X", "resident-id-birth-date"),
    ("990105194912310021", "resident-id-region"), ("1101051949123100", "resident-id-length"),
    ("1101051949A231002X", "resident-id-digits"), ("", "resident-id-length"), ("一二三", "resident-id-length"),
  ])
  func theRefusalNamesTheBrokenRule(_ text: String, _ code: String) {
    let refusal = #expect(throws: Refusal.self) { try ResidentID.read(text) }
    #expect(refusal?.code == code)
  }

  @Test func everyMadeNumberIsReadBackAsItself() throws {
    var random = SeededRandom(seed: 7)
    for _ in 0..<2000 {
      let date = CivilDate(daysSinceEpoch: random.within(-20000...20000))
      let id = try #require(ResidentID(region: 511_702, birthDate: date, sequence: random.below(1000)))
      #expect(ResidentID(id.text) == id)
      #expect(id.birthDate == date)
    }
    #expect(ResidentID(region: 511_702, birthDate: CivilDate(daysSinceEpoch: 0), sequence: 1000) == nil)
  }

  @Test func aDescriptionHidesTheNumber() throws {
    let id = try #require(ResidentID("11010519491231002X"))
    #expect(!"\(id)".contains("19491231"))
  }
}

@Suite struct UnifiedCreditCodeTests {
  @Test(arguments: ["91350100M000100Y43", "914403001922038216", "9144030071526726XG"])
  func publishedCodesAreRead(_ text: String) throws {
    let code = try #require(UnifiedCreditCode(text))
    #expect(code.text == text)
    #expect(UnifiedCreditCode(text.lowercased()) == code)
  }

  @Test func theInnerCheckIsReportedApart() {
    #expect(UnifiedCreditCode("914403001922038216")?.organisationCodeHolds == true)
    #expect(UnifiedCreditCode("914403001922038216")?.division == 440_300)
    #expect(UnifiedCreditCode("914403001922038216")?.organisationCode == "192203821")
  }

  @Test func everySingleWrongCharacterIsNoticed() {
    let valid = Array("914403001922038216".utf8)
    for index in valid.indices {
      for other in "0123456789ABCDEFGHJKLMNPQRTUWXY".utf8 where other != valid[index] {
        var changed = valid
        changed[index] = other
        #expect(UnifiedCreditCode(String(decoding: changed, as: UTF8.self)) == nil)
      }
    }
  }

  @Test(arguments: [
    ("914403001922038217", "credit-code-check"), ("91440300192203821", "credit-code-length"),
    ("91440300I922038216", "credit-code-alphabet"),
  ])
  func theRefusalNamesTheBrokenRule(_ text: String, _ code: String) {
    let refusal = #expect(throws: Refusal.self) { try UnifiedCreditCode.read(text) }
    #expect(refusal?.code == code)
  }

  @Test func madeCodesHoldBothChecks() throws {
    var random = SeededRandom(seed: 11)
    for _ in 0..<500 {
      let organisation = String(random.within(10_000_000...99_999_999))
      let made = try #require(UnifiedCreditCode(prefix: "91", division: 511_702, organisation: organisation))
      #expect(UnifiedCreditCode(made.text) == made)
      #expect(made.organisationCodeHolds)
    }
  }
}

@Suite struct PhoneNumberTests {
  @Test(arguments: [
    ("13812345678", "13812345678", PhoneNumber.Kind.mobile), ("+86 138-1234-5678", "13812345678", .mobile),
    ("008613812345678", "13812345678", .mobile), ("8613812345678", "13812345678", .mobile),
    ("１３８１２３４５６７８", "13812345678", .mobile), ("0818-2123456", "0818-2123456", .landline),
    ("（0818）2123456", "0818-2123456", .landline), ("08182123456", "0818-2123456", .landline),
    ("010-62345678转801", "010-62345678-801", .landline), ("+86 818 2123456", "0818-2123456", .landline),
    ("021-6234-5678", "021-62345678", .landline), ("400-800-1234", "4008001234", .service), ("110", "110", .service),
    ("12345", "12345", .service),
  ])
  func numbersAreReadAsPeopleWriteThem(_ text: String, _ canonical: String, _ kind: PhoneNumber.Kind) {
    #expect(PhoneNumber(text)?.text == canonical)
    #expect(PhoneNumber(text)?.kind == kind)
    #expect(PhoneNumber(canonical)?.text == canonical)
  }

  @Test(arguments: [
    "", "12", "1381234567", "23812345678", "2123456", "0818-12345", "+1 202 555 0100", "电话13812345678", "-", "0",
  ])
  func otherTextIsRefused(_ text: String) { #expect(PhoneNumber(text) == nil) }

  @Test func aBareLocalNumberTakesTheAreaCodeOfTheCity() {
    #expect(PhoneNumber("2123456", areaCode: "0818")?.text == "0818-2123456")
    #expect(PhoneNumber("0818-2123456")?.e164 == "+868182123456")
    #expect(PhoneNumber("13812345678")?.e164 == "+8613812345678")
  }

  @Test func aDescriptionHidesTheNumber() throws {
    let number = try #require(PhoneNumber("13812345678"))
    #expect("\(number)" == "138****5678")
  }
}

@Suite struct OtherIdentifierTests {
  @Test(arguments: [
    (ForeignDocument.Kind.passport, "g1234567", "G1234567"), (.passport, "E 1234 5678", "E12345678"),
    (.hongKongMacauPermit, "H12345678", "H12345678"), (.taiwanPermit, "12345678", "12345678"),
    (.permanentResidence, "CAN110072010501", "CAN110072010501"),
    (.permanentResidence, "911124198108030024", "911124198108030024"),
  ])
  func documentsAreBroughtToOneForm(_ kind: ForeignDocument.Kind, _ text: String, _ expected: String) {
    #expect(ForeignDocument(kind: kind, text)?.text == expected)
  }

  @Test(arguments: [
    (ForeignDocument.Kind.other, "临-1"), (.permanentResidence, "911124198108030025"), (.passport, "ABCDE"),
    (.hongKongMacauPermit, "X12345678"), (.residencePermit, "11010519491231002X"),
  ])
  func documentsAreCheckedAsFarAsTheirKindIsFixed(_ kind: ForeignDocument.Kind, _ text: String) {
    #expect(ForeignDocument(kind: kind, text) == nil)
  }

  @Test func aResidencePermitCarriesAResidentNumber() throws {
    let birth = try #require(CivilDate(year: 1990, month: 5, day: 6))
    let id = try #require(ResidentID(region: 810_000, birthDate: birth, sequence: 5))
    #expect(ForeignDocument(kind: .residencePermit, id.text)?.text == id.text)
  }

  @Test func postalCodesHaveSixDigitsAndAProvince() {
    #expect(PostalCode("635000")?.text == "635000")
    #expect(PostalCode("010010")?.text == "010010")
    #expect(PostalCode("935000") == nil)
    #expect(PostalCode("63500") == nil)
  }
}
