import Core
import Testing

@testable import HTTP

@Suite struct PercentEncodingTests {
  @Test(arguments: 0..<100)
  func whatIsEncodedDecodesToItself(_ seed: UInt64) throws {
    var dice = SeededRandom(seed: seed)
    let text = String.random(length: Int.random(in: 0...40, using: &dice), &dice)
    #expect(try PercentEncoding.decode(PercentEncoding.encode(text)) == text)
    #expect(try PercentEncoding.decode(PercentEncoding.encode(path: text)) == text)
    #expect(PercentEncoding.encode(text).utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
  }

  @Test(arguments: ["%", "%1", "%zz", "%0", "a%", "%00", "a%00b", "%ff", "%c3%28", "%ed%a0%80", "%f8%88%80%80%80"])
  func brokenEscapesInvalidTextAndNulAreRefused(_ text: String) {
    #expect(throws: Refusal.self) { try PercentEncoding.decode(text) }
  }

  @Test func plusIsASpaceInFormsOnly() throws {
    #expect(try PercentEncoding.decode("a+b%2B", plusIsSpace: true) == "a b+")
    #expect(try PercentEncoding.decode("a+b") == "a+b")
  }
}

@Suite struct QueryTests {
  @Test(arguments: 0..<100)
  func whatIsWrittenIsReadBack(_ seed: UInt64) throws {
    var dice = SeededRandom(seed: seed)
    let items = (0..<Int.random(in: 1...6, using: &dice)).map { _ in
      QueryItems.Item(name: "n" + String.random(length: 4, &dice), value: String.random(length: 8, &dice))
    }
    let query = QueryItems(items)
    #expect(try QueryItems(parsing: query.encoded.utf8) == query)
  }

  @Test func severalValuesEmptyOnesAndBareNamesAreKept() throws {
    let query = try QueryItems(parsing: "a=1&b&a=2&&c=&d=x=y".utf8)
    #expect(query.all("a") == ["1", "2"])
    #expect(query.first("b") == "")
    #expect(query.first("c") == "")
    #expect(query.first("d") == "x=y")
    #expect(query.setting("a", to: "3").encoded == "b=&c=&d=x%3Dy&a=3")
    #expect(query.setting("a", to: nil).contains("a") == false)
  }

  @Test func tooManyItemsAreRefused() {
    let text = Array(repeating: "a=1", count: 11).joined(separator: "&")
    #expect(throws: Refusal.self) { try QueryItems(parsing: text.utf8, maximum: 10) }
  }
}

@Suite struct TargetTests {
  @Test func pathAndQueryAreTakenApartAndDecoded() throws {
    let request = try Request(.get, "/%E5%9C%B0%E5%9D%80/a%2Fb?q=%E8%BE%BE+%E5%B7%9E&q=2")
    #expect(request.path == "/地址/a/b")
    #expect(request.query.all("q") == ["达 州", "2"])
    #expect(request.target.hasPrefix("/%E5"))
  }

  @Test(arguments: [
    "", "a", "*", "/a b", "/a\u{1}", "/%", "/a/../b", "/a/%2e%2e/b", "/./a", "/%2E", "/a?b=%00", "/a?b=%ff", "/#x",
    "http://host", "ftp://host/a", "/a?\u{7F}",
  ])
  func whatNoHonestClientSendsIsRefused(_ target: String) {
    #expect(throws: Refusal.self) { try Request(.get, target) }
  }

  @Test func theAbsoluteFormOfProxiesIsUnderstood() throws {
    #expect(try Request(.get, "http://example.cn/a?b=1").path == "/a")
    #expect(try Request(.get, "/.well-known/x...y").path == "/.well-known/x...y")
  }
}

extension String {
  /// Letters, signs, Chinese and emoji; never NUL.
  static func random(length: Int, _ dice: inout SeededRandom) -> String {
    let alphabet = Array("aZ09-._~ %&=+/?#\"'<>\\\u{1}\n达州市é😀ß𠮷".unicodeScalars)
    var text = String.UnicodeScalarView()
    for _ in 0..<length { text.append(alphabet[Int.random(in: 0..<alphabet.count, using: &dice)]) }
    return String(text)
  }
}
