import AddressParsing
import Addresses
import Core
import Testing

@Suite struct ConllCorpusTests {
  private func read(_ text: String) throws -> [LabelledAddress] {
    try ConllCorpus.read(Array(text.utf8), name: "corpus.txt")
  }

  @Test func tokensOfSeveralCharactersAreReadWhole() throws {
    let addresses = try read("长 B-road\n青 I-road\n路 I-road\n602 B-roadno\n号 I-roadno\n\n_ B-redundant\n东 B-assist\n")
    #expect(addresses.count == 2)
    #expect(addresses[0].text == "长青路602号")
    #expect(addresses[0].parts == [AddressPart(.road, 0..<3), AddressPart(.roadno, 3..<7)])
    #expect(addresses[1].parts == [AddressPart(.redundant, 0..<1), AddressPart(.assist, 1..<2)])
  }

  @Test func theCaseOfLabelsDoesNotMatter() throws {
    let addresses = try read("开 B-devZone\n发 I-devzone\n3 B-subRoadno\n")
    #expect(addresses[0].parts.map(\.label) == [.devzone, .subroadno])
  }

  @Test(arguments: [
    ("长 B-road 青\n", "corpus-line"), ("长\n", "corpus-line"), ("长 B-street\n", "corpus-label"),
    ("长 road\n", "corpus-tag"), ("长 I-road\n", "corpus-tag"), ("长 B-road\n青 I-poi\n", "corpus-tag"),
    ("\n\n", "corpus-empty"), ("", "corpus-empty"),
  ])
  func whatCannotBeReadIsRefusedWithItsReason(_ text: String, _ code: String) throws {
    let refusal = try #require(throws: Refusal.self) { try read(text) }
    #expect(refusal.code == code)
  }

  @Test func theLineIsNamed() throws {
    let refusal = try #require(throws: Refusal.self) { try read("长 B-road\n青 I-road\n\n路 B-way\n") }
    #expect(refusal.message.contains("corpus.txt 第 4 行"))
  }

  @Test func bytesThatAreNotUTF8AreRefused() throws {
    let refusal = try #require(throws: Refusal.self) {
      try ConllCorpus.read([0xFF, 0xFE, 0x20] + Array("B-road\n".utf8), name: "corpus.txt")
    }
    #expect(refusal.code == "corpus-utf8")
  }
}
