import Core
import HTML
import Testing

@Suite struct EscapingTests {
  /// Everything that has a meaning somewhere in HTML, and a few bystanders.
  static let hostile = [
    "<", ">", "&", "\"", "'", "`", "=", "/", "\\", "-->", "<!--", "]]>", "&amp;", "&#60;", "</div>", "<script>",
    " onload=x ", "\n", "\t", "\r", "\0", "\u{8}", "\u{7F}", "\u{2028}", "\u{FEFF}", "é", "里坊", "😀", "javascript:", "a",
  ]

  static func text(_ generator: inout some RandomNumberGenerator) -> String {
    (0..<Int.random(in: 0...12, using: &generator))
      .map { _ in hostile.randomElement(using: &generator) ?? "" }.joined()
  }

  /// What a browser makes of the references the writer uses.
  static func decoded(_ markup: some StringProtocol) -> String {
    var text = String(markup)
    for (reference, character) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")] {
      text = text.split(separator: reference, omittingEmptySubsequences: false).joined(separator: character)
    }
    return text
  }

  /// Control characters cannot stand in a document; they are replaced one by one.
  static func expected(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          let isControl = (scalar.value < 0x20 && ![9, 10, 13].contains(scalar.value)) || scalar.value == 0x7F
          return isControl ? "\u{FFFD}" : scalar
        }))
  }

  @Test(arguments: 0..<200)
  func noTextBreaksOutOfAnElement(_ seed: Int) throws {
    var generator = SeededRandom(seed: UInt64(seed))
    for _ in 0..<20 {
      let value = EscapingTests.text(&generator)
      let markup = div { value }.string()
      let inner = markup.utf8.dropFirst(5).dropLast(6)
      #expect(markup.hasPrefix("<div>") && markup.hasSuffix("</div>"))
      #expect(!inner.contains(UInt8(ascii: "<")) && !inner.contains(UInt8(ascii: ">")))
      #expect(EscapingTests.decoded(String(decoding: Array(inner), as: UTF8.self)) == EscapingTests.expected(value))
    }
  }

  @Test(arguments: 0..<200)
  func noValueBreaksOutOfAnAttribute(_ seed: Int) throws {
    var generator = SeededRandom(seed: UInt64(seed) &* 7919)
    for _ in 0..<20 {
      let value = EscapingTests.text(&generator)
      for attribute in [Attribute.title(value), .value(value), .data("data-x", value), .aria(.label, value)] {
        let markup = div(attribute).string()
        let quotes = markup.utf8.filter { $0 == UInt8(ascii: "\"") }.count
        #expect(quotes == 2, "\(markup)")
        let inner = markup.split(separator: "\"", omittingEmptySubsequences: false)[1]
        #expect(!inner.contains("<") && !inner.contains("'"))
        #expect(EscapingTests.decoded(inner) == EscapingTests.expected(value))
      }
    }
  }

  @Test func onlyWhatIsLabelledUnsafeIsWrittenAsItStands() {
    #expect(p { "<b>" }.string() == "<p>&lt;b&gt;</p>")
    #expect(p { HTML.unsafe(raw: "<b>") }.string() == "<p><b></p>")
    let name = "<i>"
    let interpolated: HTML = "hello \(name)"
    #expect(interpolated.string() == "hello &lt;i&gt;")
  }

  @Test func aFieldValueThatStartsWithALineBreakKeepsIt() {
    #expect(
      textarea(.name("x"), value: "\n</textarea>").string() == "<textarea name=\"x\">\n\n&lt;/textarea&gt;</textarea>")
  }
}
