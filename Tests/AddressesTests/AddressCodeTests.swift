import Addresses
import Core
import Testing

@Suite struct AddressCodeTests {
  @Test func theStandardLayoutHasDivisionSequenceAndCheck() throws {
    let town = try #require(DivisionCode("511702001"))
    let code = try AddressCodeRule.standard.code(division: town, sequence: 123)
    #expect(code.text.hasPrefix("511702001000000123"))
    #expect(code.text.utf8.count == 19)
    let county = try #require(DivisionCode("511702"))
    #expect(try AddressCodeRule.standard.code(division: county, sequence: 1).text.hasPrefix("511702000000000001"))
  }

  @Test func codesAreReadAsTheyAreTyped() throws {
    let town = try #require(DivisionCode("511702001"))
    let code = try AddressCodeRule.standard.code(division: town, sequence: 987_654_321)
    #expect(AddressCodeRule.standard.read(code.text) == code)
    #expect(AddressCodeRule.standard.read(" \(code.grouped) ") == code)
  }

  @Test func everySingleWrongFigureIsNoticed() throws {
    let town = try #require(DivisionCode("511702001"))
    let text = Array(try AddressCodeRule.standard.code(division: town, sequence: 42).text.utf8)
    for index in text.indices {
      for digit in UInt8(0x30)...0x39 where digit != text[index] {
        var changed = text
        changed[index] = digit
        #expect(AddressCodeRule.standard.read(String(decoding: changed, as: UTF8.self)) == nil)
      }
    }
  }

  @Test func aCityMayHaveItsOwnPattern() throws {
    let rule = try AddressCodeRule(pattern: "DZ-{division:6}{seq:8}{check}")
    let town = try #require(DivisionCode("511702001"))
    let code = try rule.code(division: town, sequence: 5)
    #expect(code.text.hasPrefix("DZ-51170200000005"))
    #expect(rule.read(code.text.lowercased()) == code)
    #expect(throws: Refusal.self) { try rule.code(division: town, sequence: 100_000_000) }
  }

  @Test(arguments: [
    "", "{seq}", "{check}{seq:8}", "{division:7}{seq:8}", "{seq:8}{seq:8}", "{seq:8", "{when}{seq:8}", "码{seq:8}",
  ])
  func brokenPatternsAreRefused(_ pattern: String) {
    #expect(throws: Refusal.self) { try AddressCodeRule(pattern: pattern) }
  }

  @Test(arguments: [
    "https://dz.example.cn/d/{code}?k={proof}", "https://dz.example.cn/{code}.{proof}", "http://a/{code}",
  ])
  func aQRCodeSaysCodeAndProof(_ pattern: String) throws {
    let rule = try QRContentRule(pattern: pattern)
    let town = try #require(DivisionCode("511702001"))
    let code = try AddressCodeRule.standard.code(division: town, sequence: 77)
    let content = rule.content(for: code) { "K\($0.utf8.count)Z" }
    let signed = content.prefix { $0 != "K" }
    #expect(rule.read(content)?.code == code)
    #expect(rule.read(content)?.proof == (pattern.contains("proof") ? "K\(signed.utf8.count)Z" : ""))
    #expect(rule.read(content + "x")?.code != code || pattern.contains("proof"))
    #expect(rule.read("https://elsewhere.example/\(code.text)") == nil)
  }

  @Test(arguments: ["{code}", "https://a/", "https://a/{code}{proof}", "https://a/{code}/{code}"])
  func brokenQRPatternsAreRefused(_ pattern: String) {
    #expect(throws: Refusal.self) { try QRContentRule(pattern: pattern) }
  }
}
