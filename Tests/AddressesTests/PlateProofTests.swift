import Addresses
import Core
import Crypto
import Testing

/// QR codes that prove themselves.
@Suite struct PlateProofTests {
  static func ring(_ seed: UInt64) throws -> KeyRing {
    let ring = KeyRing(random: .seeded(seed))
    for purpose in [KeyPurpose.index, .plate] { try ring.rotate(purpose, at: Instant(seconds: 1_795_233_600)) }
    return ring
  }

  static func rules(_ seed: UInt64 = 5) throws -> QRRules {
    try QRRules(proofs: try PlateProofs(ring: try ring(seed)), origin: "https://menpai.example.gov.cn")
  }

  static func valid() throws -> AddressCode {
    try AddressCodeRule.standard.code(division: try #require(DivisionCode("511702001")), sequence: 123)
  }

  @Test func aSignedCodeIsGenuineAndEveryChangeOfItForged() throws {
    let rules = try PlateProofTests.rules()
    let code = try PlateProofTests.valid()
    let text = try rules.content(for: code.text)
    #expect(rules.judge(text) == .genuine(code))
    let other = try AddressCodeRule.standard.code(division: try #require(DivisionCode("511702001")), sequence: 124)
    #expect(rules.judge(text.replacing(code.text, with: other.text)) == .forged(other.text))
    var figures = Array(text.utf8)
    figures[figures.count - 1] = figures[figures.count - 1] == 0x30 ? 0x31 : 0x30
    #expect(rules.judge(String(decoding: figures, as: UTF8.self)) == .forged(code.text))
    #expect(rules.judge(text.replacing("menpai.example", with: "menpai.evil")) == .foreign)
    #expect(try PlateProofTests.rules(6).judge(text) == .forged(code.text), "another city's key")
  }

  @Test func aProofDoesNotCarryOverToAnotherSite() throws {
    let here = try PlateProofTests.rules()
    let there = try QRRules(proofs: here.proofs, origin: "https://evil.example")
    let text = try here.content(for: PlateProofTests.valid().text)
    #expect(
      there.judge(text.replacing("https://menpai.example.gov.cn", with: "https://evil.example"))
        != .genuine(try PlateProofTests.valid()))
  }

  @Test func whoeverHasThePublicKeyChecksOffLine() throws {
    let rules = try PlateProofTests.rules()
    let text = try rules.content(for: PlateProofTests.valid().text)
    let key = try SM2PublicKey(pem: try #require(rules.proofs.keys.current).key.publicKey.pem())
    let parts = try #require(SignatureFigures.split(text))
    #expect(PlateProofs.isSigned(parts.signed, parts.proof, by: key))
    #expect(!PlateProofs.isSigned(parts.signed + "0", parts.proof, by: key))
    #expect(SignatureFigures.split("https://menpai.example.gov.cn/d/1") == nil)
    #expect(SignatureFigures.read(String(repeating: "9", count: 160)) == nil, "no two bytes hold 99999")
  }

  @Test func codesSignedBeforeAKeyWasChangedStayGenuine() throws {
    let ring = try PlateProofTests.ring(5)
    let before = try QRRules(proofs: try PlateProofs(ring: ring), origin: "https://a.example")
    let code = try PlateProofTests.valid()
    let text = try before.content(for: code.text)
    let mac = try before.proofs.proof(.mac, of: "x")
    for purpose in [KeyPurpose.plate, .index] { try ring.rotate(purpose, at: Instant(seconds: 1_800_000_000)) }
    let after = try QRRules(proofs: try PlateProofs(ring: ring), origin: "https://a.example")
    #expect(after.judge(text) == .genuine(code))
    #expect(after.proofs.isGenuine(mac, .mac, of: "x"))
    #expect(!after.proofs.isGenuine(mac, .mac, of: "y"))
  }

  @Test func askedByAnyNameOfTheSiteTheTargetIsJudged() throws {
    let rules = try PlateProofTests.rules()
    let code = try PlateProofTests.valid()
    let target = try rules.content(for: code.text).replacing("https://menpai.example.gov.cn", with: "")
    #expect(rules.judge(target: target) == .genuine(code))
    #expect(rules.judge(target: "/d/\(code.text)?s=1") == .forged(code.text))
    #expect(rules.judge(target: "/d/\(code.text)?from=wechat") == .foreign)
    #expect(rules.judge(target: "/d/5117020010000000000?s=1") == .forged("5117020010000000000"))
  }
}
