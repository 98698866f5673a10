import AddressParsing
import Addresses
import Core
import Foundation
import Testing

@Suite struct ModelTests {
  @Test func trainingTwiceGivesTheSameBytesAndAnotherSeedOthers() throws {
    let first = try Invented.model(seed: 7, rounds: 1).file
    #expect(try Invented.model(seed: 7, rounds: 1).file == first)
    #expect(try Invented.model(seed: 8, rounds: 1).file != first)
  }

  @Test func aModelReadFromItsFileParsesTheSame() throws {
    let model = try Invented.model(rounds: 1)
    let again = try ParserModel(file: model.file)
    #expect(again.file == model.file)
    var one = AddressParser(model)
    var other = AddressParser(again)
    for address in try Invented.addresses(20, seed: 21) {
      #expect(one.parse(scalars: address.scalars) == other.parse(scalars: address.scalars))
    }
  }

  @Test func aDamagedFileIsRefusedWhereverTheDamageIs() throws {
    let file = try Invented.model(rounds: 1).file
    func code(_ bytes: [UInt8]) -> String? {
      do {
        _ = try ParserModel(file: bytes)
        return nil
      } catch { return error.code }
    }
    #expect(code(file) == nil)
    for place in stride(from: 12, to: file.count, by: file.count / 50) {
      var bytes = file
      bytes[place] ^= 0x10
      #expect(code(bytes) == "model-damaged", "byte \(place)")
    }
    #expect(code(Array(file.dropLast())) == "model-damaged")
    #expect(code(file + [0]) == "model-damaged")
    #expect(code(Array(file.prefix(40))) == "model-format")
    #expect(code([]) == "model-format")
    #expect(code(Array("B-road".utf8) + file) == "model-format")
    var other = file
    other[8] = 99
    #expect(code(other) == "model-version")
  }

  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static let shipped = Result {
    try ParserModel(
      file: Array(Data(contentsOf: root.appending(path: "Resources/spine/parser/addresses.model"))))
  }

  @Test func theShippedModelIsWholeAndBelowTenMegabytes() throws {
    #expect(try ModelTests.shipped.get().file.count <= 10_000_000)
  }

  /// Invented addresses in the manner of the places the corpus comes from.
  @Test(arguments: [
    (
      "浙江省杭州市西湖区文苑北路188号青枫花园6幢2单元1203室",
      "浙江省/prov 杭州市/city 西湖区/district 文苑北路/road 188号/roadno 青枫花园/poi 6幢/houseno 2单元/cellno 1203室/roomno"
    ),
    (
      "宁波市鄞州区下应街道海棠路55号3楼",
      "宁波市/city 鄞州区/district 下应街道/town 海棠路/road 55号/roadno 3楼/floorno"
    ),
  ])
  func theShippedModelReadsOrdinaryAddresses(_ text: String, _ expected: String) throws {
    var parser = AddressParser(try ModelTests.shipped.get())
    let parsed = parser.parse(text)
    #expect(parsed.parts.map { "\(parsed.text(of: $0))/\($0.label.name)" }.joined(separator: " ") == expected)
  }

  private static let corpus = root.deletingLastPathComponent().appending(path: "shared/data/address-parsing/dev.txt")

  /// The corpus may not be copied into the repository; where it is not beside it, this is skipped.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: corpus.path), "no ../shared/data/address-parsing"))
  func theShippedModelIsAsGoodOnTheDevelopmentSplitAsItsReadmeSays() throws {
    let addresses = try ConllCorpus.read(Array(Data(contentsOf: ModelTests.corpus)), name: "dev.txt")
    let score = ParserScore.of(try ModelTests.shipped.get(), on: addresses)
    #expect(score.addresses == 2985)
    #expect(score.all.f1 >= 0.885)
    #expect(score.wholeAddress >= 0.65)
  }
}
