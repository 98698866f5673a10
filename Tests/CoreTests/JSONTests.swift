import Core
import Testing

@Suite struct JSONTests {
  @Test func whatIsWrittenIsReadBack() throws {
    let document: JSON = ["名": "达州\"\\\n\u{1}😀", "n": [1, -2.5, true, nil, [:]], "big": 9_007_199_254_740_993]
    #expect(try JSON(parsing: document.text) == document)
  }

  @Test func escapesAndSurrogatePairsAreDecoded() throws {
    #expect(try JSON(parsing: #""A\u00e9\ud83d\ude00\/""#) == .string("Aé😀/"))
  }

  @Test(arguments: [
    "", "{", "[1,]", "01", "1.", "-", "\"\u{1}\"", "nul", "{\"a\":1,}", "[1] x", #""\ud800""#, "1e999",
  ])
  func malformedDocumentsAreRefused(_ text: String) {
    #expect(throws: Refusal.self) { try JSON(parsing: text) }
  }

  @Test func deepNestingIsRefusedRatherThanOverflowing() {
    #expect(throws: Refusal.self) { try JSON(parsing: String(repeating: "[", count: 100_000)) }
  }
}
