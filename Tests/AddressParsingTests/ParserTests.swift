import AddressParsing
import Addresses
import Core
import Foundation
import Testing

@Suite struct ParserTests {
  static let trained = Result { try Invented.model() }

  private func parser() throws -> AddressParser { AddressParser(try ParserTests.trained.get()) }

  private func parts(_ text: String) throws -> [String] {
    var parser = try parser()
    let parsed = parser.parse(text)
    return parsed.parts.map { "\(parsed.text(of: $0))/\($0.label.name)" }
  }

  @Test func whatItLearnedItKnowsAgainInAddressesItHasNotSeen() throws {
    let score = ParserScore.of(try ParserTests.trained.get(), on: try Invented.addresses(40, seed: 99))
    #expect(score.all.f1 > 0.97)
    #expect(score.wholeAddress > 0.85)
  }

  @Test func goldenAddresses() throws {
    #expect(
      try parts("白塔市东湖区和平路12号望江花园3幢-1502室") == [
        "白塔市/city", "东湖区/district", "和平路/road", "12号/roadno", "望江花园/poi", "3幢/houseno", "-/redundant",
        "1502室/roomno",
      ])
    #expect(
      try parts("临海省云泽市柳林县青石镇学府巷7号1幢101室") == [
        "临海省/prov", "云泽市/city", "柳林县/district", "青石镇/town", "学府巷/road", "7号/roadno", "1幢/houseno", "101室/roomno",
      ])
  }

  @Test func fullWidthFiguresAndDashesAreReadLikeTheirNarrowForms() throws {
    let narrow = try parts("白塔市东湖区和平路12号3幢-1502室").map { $0.split(separator: "/").last }
    let wide = try parts("白塔市东湖区和平路１２号３幢－１５０２室")
    #expect(wide.map { $0.split(separator: "/").last } == narrow)
    #expect(wide[3] == "１２号/roadno")
  }

  @Test func partsCoverTheTextWithoutGapWhateverIsWritten() throws {
    var parser = try parser()
    var random = SeededRandom(seed: 5)
    let pool = Array("路号幢室省市-_ A９／a1203街\u{1F600}\u{0}\n\"\\é望江和平\u{20BB7}".unicodeScalars)
    for length in 0..<300 {
      var text = String.UnicodeScalarView()
      for _ in 0..<length { text.append(pool[random.below(pool.count)]) }
      let parsed = parser.parse(String(text))
      #expect(parsed.text == String(text))
      #expect(parsed.parts.map { parsed.text(of: $0) }.joined() == String(text))
      var end = 0
      for part in parsed.parts {
        #expect(part.range.lowerBound == end && !part.range.isEmpty)
        end = part.range.upperBound
      }
      #expect(end == length)
      var bytes: [UInt8] = []
      parsed.write(into: &bytes)
      #expect(String(decoding: bytes, as: UTF8.self) == parsed.json.text)
      // The same again, from the parser's used memory and from fresh memory.
      #expect(parser.parse(String(text)) == parsed)
    }
    var fresh = try self.parser()
    #expect(fresh.parse("白塔市和平路1号") == parser.parse("白塔市和平路1号"))
  }

  @Test func aTextOfAHundredThousandCharactersIsReadInPieces() throws {
    var parser = try parser()
    let text = String(repeating: "白塔市和平路1号", count: 12_500)
    let parsed = parser.parse(text)
    #expect(parsed.parts.last?.range.upperBound == 100_000)
    #expect(parsed.parts.map { parsed.text(of: $0) }.joined() == text)
  }

  @Test func anEmptyTextHasNoParts() throws {
    var parser = try parser()
    #expect(parser.parse("").json.text == #"{"text":"","parts":[]}"#)
  }

  @Test func evaluationIsWhatParsingTheJoinedCharactersGives() throws {
    let corpus = try Invented.addresses(30, seed: 11)
    var parser = try parser()
    var expected = ParserScore()
    for address in corpus { expected.count(parser.parse(address.text), expected: address) }
    let score = ParserScore.of(try ParserTests.trained.get(), on: corpus)
    #expect(score.json(byLabel: true) == expected.json(byLabel: true))
  }

  @Test func aPartIsRightOnlyWithBothEndsAndItsLabel() throws {
    let scalars = "和平路1号".unicodeScalars.map(\.value)
    let truth = LabelledAddress(scalars: scalars, parts: [AddressPart(.road, 0..<3), AddressPart(.roadno, 3..<5)])
    var score = ParserScore()
    score.count(truth, expected: truth)
    score.count(
      LabelledAddress(scalars: scalars, parts: [AddressPart(.road, 0..<3), AddressPart(.houseno, 3..<5)]),
      expected: truth)
    score.count(
      LabelledAddress(
        scalars: scalars, parts: [AddressPart(.road, 0..<2), AddressPart(.poi, 2..<3), AddressPart(.roadno, 3..<5)]),
      expected: truth)
    #expect(score.all.right == 4 && score.all.expected == 6 && score.all.given == 7)
    #expect(score.wholeAddress == 1.0 / 3)
    #expect(abs(score.all.f1 - 8.0 / 13) < 1e-12)
  }

  @Test func thereAreTwentyOneLabelsWithDifferentNamesAndTitles() {
    #expect(AddressLabel.allCases.count == 21)
    #expect(Set(AddressLabel.allCases.map(\.title)).count == 21)
    for label in AddressLabel.allCases { #expect(AddressLabel(name: label.name.uppercased()) == label) }
    #expect(AddressLabel(name: "street") == nil)
  }
}
