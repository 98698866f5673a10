import Addresses
import Core
import Testing

@Suite struct ClassifierTests {
  private func classifier(home: String? = "5117", refusesOutside: Bool = false) throws -> AddressClassifier {
    AddressClassifier(
      gazetteer: try Fixtures.gazetteer.get(), home: home.flatMap { DivisionCode($0) }, refusesOutside: refusesOutside)
  }

  private func outcome(_ text: String, hints: AddressHints = AddressHints(), known: [KnownAddress] = []) throws
    -> AddressOutcome
  {
    let classifier = try classifier()
    return classifier.classify(classifier.read(text, hints: hints), known: known)
  }

  @Test(arguments: [
    ("", "empty"), ("   ", "empty"), ("12345", "not-an-address"), ("四川省达州市通川区", "no-location"),
    (String(repeating: "荷叶街12号", count: 50), "too-long"),
  ])
  func whatIsNoAddressIsRejectedWithAReason(_ text: String, _ code: String) throws {
    let outcome = try outcome(text)
    #expect(outcome.name == "rejected")
    #expect(outcome.reasonCodes == [code])
    #expect(outcome.reason?.isEmpty == false)
  }

  @Test(arguments: [
    ("荷叶街12号", "missing-district"), ("四川省绵阳市通川区荷叶街12号", "contradictory-division"),
    ("通川区不存在镇荷叶街12号", "unknown-town"), ("大竹县竹阳街道青年路与新华路交叉口", "relative"),
    ("通川区荷叶街", "incomplete"), ("浙江省杭州市下城区荷叶街12号", "former-division"), ("达州市莲湖区荷叶街12号", "contradictory-division"),
    ("达州市红星区荷叶街12号", "unknown-district"), ("通川区荷叶街12号对面", "relative"),
  ])
  func whatAPersonMustDecideIsDoubtful(_ text: String, _ code: String) throws {
    let outcome = try outcome(text)
    #expect(outcome.name == "doubtful")
    #expect(outcome.reasonCodes.contains(code), "\(outcome.reasonCodes)")
  }

  @Test func aKnownAddressIsMatchedHoweverItIsWritten() throws {
    let known = try #require(try classifier().read("通川区东城街道荷叶街12号").standard)
    let register = [KnownAddress(id: 7, canonicalKey: known.canonicalKey)]
    for text in ["四川省达州市通川区东城街道荷叶街１２号", "通川区荷叶街十二号", "达州通川区荷叶街12号"] {
      guard case .matched(let id, let standard) = try outcome(text, known: register) else {
        Issue.record("\(text) is not matched")
        continue
      }
      #expect(id == 7)
      #expect(standard.matchKey == known.matchKey)
    }
  }

  @Test func twoKnownAddressesThatFitAreDoubtful() throws {
    let keys = try ["通川区东城街道阳光小区3栋", "通川区西城街道阳光小区3栋"].map {
      try #require(try classifier().read($0).standard).canonicalKey
    }
    let known = keys.enumerated().map { KnownAddress(id: Int64($0 + 1), canonicalKey: $1) }
    #expect(try outcome("通川区阳光小区3栋", known: known).reasonCodes == ["several-candidates"])
    guard case .matched(2, _) = try outcome("通川区西城街道阳光小区3幢", known: known) else {
      Issue.record("the town does not decide")
      return
    }
  }

  @Test func theSameNumberInAnotherTownIsDoubtful() throws {
    let known = try #require(try classifier().read("通川区东城街道荷叶街12号").standard)
    let register = [KnownAddress(id: 3, canonicalKey: known.canonicalKey)]
    #expect(try outcome("通川区西城街道荷叶街12号", known: register).reasonCodes == ["conflicts"])
  }

  @Test func everyVillageNumbersItsOwnGroups() throws {
    let known = try #require(try classifier().read("宣汉县南坝镇圣墩村3组15号").standard)
    let register = [KnownAddress(id: 4, canonicalKey: known.canonicalKey)]
    guard case .matched(4, _) = try outcome("宣汉县南坝镇圣墩村3组15号", known: register),
      case .created = try outcome("宣汉县南坝镇白云村3组15号", known: register)
    else {
      Issue.record("a village is taken for another")
      return
    }
  }

  @Test func otherColumnsSayWhereTheAddressLies() throws {
    var hints = AddressHints()
    hints.district = "宣汉县"
    hints.town = "南坝镇"
    guard case .created(let standard) = try outcome("圣墩村3组15号", hints: hints) else {
      Issue.record("the columns are not used")
      return
    }
    #expect(standard.fullName == "四川省达州市宣汉县南坝镇圣墩村3组15号")
    #expect(try outcome("通川区荷叶街12号", hints: hints).reasonCodes.contains("contradictory-division"))
  }

  @Test(arguments: [
    ("通川区荷叶街12号院内", PlaceDirection.inside), ("通川区荷叶街12号里面", .inside), ("通川区荷叶街12号", nil),
    ("通川区荷叶街12号门口", nil), ("通川区荷叶街12号对面", .opposite), ("通川区荷叶街12号以东", .east),
  ])
  func wordsOfPlaceBecomeTheDirection(_ text: String, _ direction: PlaceDirection?) throws {
    #expect(try classifier().read(text).segmented?.direction == direction)
  }

  @Test func addressesOfOtherCitiesAreDoubtfulOnlyWhenAsked() throws {
    let text = "浙江省杭州市西湖区文三路100号"
    #expect(try outcome(text).name == "created")
    let strict = try classifier(refusesOutside: true)
    #expect(strict.classify(strict.read(text), known: []).reasonCodes == ["outside-jurisdiction"])
  }

  @Test(.enabled(if: Corpus.folder != nil, "the corpus is absent")) func everyRowOfARealListEndsInOneClass() throws {
    let corpus = try Corpus(file: "\(Corpus.folder ?? "")/dev.txt")
    let classifier = try classifier(home: nil)
    var register: [String: [KnownAddress]] = [:]
    var counts: [String: Int] = [:]
    var reasons: [String: Int] = [:]
    for (index, address) in corpus.addresses.enumerated() {
      let reading = classifier.read(address.text)
      let outcome = classifier.classify(reading, known: reading.matchKey.flatMap { register[$0] } ?? [])
      counts[outcome.name, default: 0] += 1
      for code in outcome.reasonCodes { reasons[code, default: 0] += 1 }
      if case .created(let standard) = outcome {
        register[standard.matchKey, default: []].append(
          KnownAddress(id: Int64(index), canonicalKey: standard.canonicalKey))
      }
    }
    print("outcomes \(counts.sorted { $0.key < $1.key }) reasons \(reasons.sorted { $0.value > $1.value })")
    #expect(counts.values.reduce(0, +) == corpus.addresses.count)
    #expect(counts["created", default: 0] > corpus.addresses.count / 3)
  }
}
