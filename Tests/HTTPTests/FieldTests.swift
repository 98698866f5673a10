import Core
import Testing

@testable import HTTP

@Suite struct HeadersTests {
  @Test func namesCompareWithoutRegardToCase() {
    var headers: Headers = ["Content-Type": "text/plain"]
    headers.add("X-A", "1")
    headers.add("x-a", "2")
    #expect(headers["content-TYPE"] == "text/plain")
    #expect(headers.all("X-a") == ["1", "2"])
    headers["x-A"] = "3"
    #expect(headers.all("x-a") == ["3"])
    headers["x-a"] = nil
    #expect(!headers.contains("X-A"))
  }

  @Test func aValueCannotBeginANewLine() {
    var headers = Headers()
    headers.add("Location", "/a\r\nSet-Cookie: x=1\0")
    #expect(headers["location"] == "/a  Set-Cookie: x=1 ")
  }

  @Test func aReceivedHeaderIsSearchedInPlaceAndCopiedWhenChanged() {
    var block = HeaderBlock(capacity: 64)
    for (name, value) in [
      ("HOST", "x"), ("Accept", "a \t"), ("accept", ""), ("X-Long", String(repeating: "y", count: 70_000)),
    ] {
      let isToken = Array(name.utf8).withUnsafeBufferPointer { name in
        Array(value.utf8).withUnsafeBufferPointer { block.append(name: name, value: $0) }
      }
      #expect(isToken)
    }
    var headers = Headers(block)
    #expect(headers["host"] == "x")
    #expect(headers.all("Accept") == ["a", ""])
    #expect(headers["x-long"]?.utf8.count == 70_000)
    #expect(headers["x-lon"] == nil)
    headers.add("Extra", "1")
    #expect(headers.fields.map(\.name) == ["host", "accept", "accept", "x-long", "Extra"])
  }

  @Test func listedTokensAreFound() {
    let headers: Headers = ["Vary": "Cookie, accept-encoding"]
    #expect(headers.lists("vary", "Accept-Encoding"))
    #expect(!headers.lists("vary", "Accept"))
  }
}

@Suite struct CookieTests {
  @Test func cookiesAreSafeUnlessSaidOtherwise() throws {
    #expect(try Cookie("s", "abc").header == "s=abc; Path=/; Secure; HttpOnly; SameSite=Lax")
    #expect(
      try Cookie("s", "", path: "/a", maxAge: 60, secure: false, httpOnly: false, sameSite: .strict).header
        == "s=; Path=/a; Max-Age=60; SameSite=Strict")
    #expect(try Cookie.removal(of: "s").header.contains("Max-Age=0"))
  }

  @Test func whatACookieCannotHoldIsRefused() {
    for (name, value) in [
      ("", "x"), ("a b", "x"), ("a", "x;y"), ("a", "x y"), ("a", "\""), ("a", "中"), ("a", "a\r\nb"),
    ] {
      #expect(throws: Fault.self) { try Cookie(name, value) }
    }
    #expect(throws: Fault.self) { try Cookie("a", "x", path: "/;x") }
    #expect(throws: Fault.self) { try Cookie("a", "x", secure: false, sameSite: .none) }
    #expect(throws: Fault.self) { try Cookie("__Host-a", "x", path: "/a") }
    #expect(throws: Fault.self) { try Cookie("__Secure-a", "x", secure: false) }
  }

  @Test func theFirstOfTwoCookiesWithOneNameWins() throws {
    let request = try Request(.get, "/", headers: ["Cookie": "a=1; b=\"q\";c = 3 ; a=2; bad; =x; d=e=f"])
    #expect(request.cookies == ["a": "1", "b": "q", "c": "3", "d": "e=f"])
  }
}

@Suite struct NegotiationTests {
  @Test(arguments: [
    ("gzip", true), ("GZip", true), ("deflate, gzip;q=1.0, *;q=0.5", true), ("gzip;q=0", false),
    ("gzip; q=0.001", true),
    ("gzip;q=0.000", false), ("*", true), ("*;q=0", false), ("gzip;q=0, *", false), ("br", false), ("", false),
    ("identity", false), ("gzip;q=x", false), ("x-gzip", true), ("br;q=1, gzip ; q=0.5", true),
  ])
  func weightsOfEncodingsAreHonoured(_ field: String, _ allowed: Bool) {
    #expect(AcceptEncoding.allowsGzip(field) == allowed)
  }

  /// RFC 9110 §14.1.2 gives these for a representation of 10000 bytes.
  @Test func theRangesOfTheStandardAreRead() {
    #expect(ByteRange("bytes=0-499", size: 10000) == .part(0..<500))
    #expect(ByteRange("bytes=500-999", size: 10000) == .part(500..<1000))
    #expect(ByteRange("bytes=-500", size: 10000) == .part(9500..<10000))
    #expect(ByteRange("bytes=9500-", size: 10000) == .part(9500..<10000))
    #expect(ByteRange("bytes=9000-99999999999999999999", size: 10000) == .part(9000..<10000))
    #expect(ByteRange("bytes=-20000", size: 10000) == .part(0..<10000))
  }

  @Test func otherRangesAreIgnoredOrUnsatisfiable() {
    for field in ["bytes=5-2", "items=0-1", "bytes=a-b", "bytes=", "bytes=-", "bytes=0-1,5-6", "bytes=--5"] {
      #expect(ByteRange(field, size: 10) == .whole)
    }
    for field in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999-"] {
      #expect(ByteRange(field, size: 10) == .unsatisfiable)
    }
    #expect(ByteRange("bytes=-5", size: 0) == .unsatisfiable)
  }

  @Test func tagsCompareWeakly() {
    let tag = ETag.of("abc".utf8)
    #expect(ETag.matches("\"x\", W/\(tag)", tag))
    #expect(ETag.matches("*", tag))
    #expect(!ETag.matches("\"x\"", tag))
    #expect(ETag.of("abd".utf8) != tag)
  }

  /// The example of RFC 9110 §5.6.7.
  @Test func datesAreWrittenAndReadAsInTheStandard() {
    #expect(HTTPDate.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    #expect(HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
    for text in [
      "", "Sun, 06 Nov 1994", "06 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 25:49:37 GMT",
    ] {
      #expect(HTTPDate.parse(text) == nil)
    }
  }

  @Test(arguments: 0..<50)
  func datesSurviveTheRoundTrip(_ seed: UInt64) {
    var dice = SeededRandom(seed: seed)
    let second = Int64.random(in: 0...4_102_444_800, using: &dice)
    #expect(HTTPDate.parse(HTTPDate.text(second)) == second)
  }

  @Test func mediaTypesAreReadWithQuotedParameters() {
    let type = MediaType(#"Multipart/Form-Data; charset=utf-8 ;BOUNDARY="a;b\"c""#)
    #expect(type?.essence == "multipart/form-data")
    #expect(type?.parameters == ["charset": "utf-8", "boundary": "a;b\"c"])
    for text in ["", "text", "text/", "/html", "te xt/html", "a/b; c=\"d", "a/b; =c"] {
      #expect(MediaType(text) == nil)
    }
    #expect(MediaType.ofFile("a/B.Min.JS") == "text/javascript; charset=utf-8")
    #expect(MediaType.ofFile("noending") == "application/octet-stream")
  }
}

@Suite struct AddressTests {
  @Test func rangesHoldTheirAddresses() throws {
    let cases: [(String, String, Bool)] = [
      ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.1", false), ("127.0.0.1", "127.0.0.1", true),
      ("127.0.0.1", "127.0.0.2", false), ("0.0.0.0/0", "8.8.8.8", true), ("::1", "::1", true),
      ("2001:db8::/33", "2001:db8:7fff::1", true),
      ("2001:db8::/33", "2001:db8:8000::1", false), ("::/0", "10.0.0.1", true), ("10.0.0.0/8", "::ffff:10.1.1.1", true),
      ("10.0.0.0/8", "2001:db8::1", false), ("2001:db8::1/128", "2001:db8::2", false),
    ]
    for (range, address, isInside) in cases {
      let range = try #require(AddressRange(range))
      let address = try #require(Address(parsing: address))
      #expect(range.contains(address) == isInside)
    }
    for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "x", "10.0.0.1/-1", "10.0.0.0/8/8"] {
      #expect(AddressRange(text) == nil)
    }
    #expect(Address(parsing: "2001:DB8::0:1")?.text == "2001:db8::1")
    #expect(Address(parsing: "::ffff:1.2.3.4")?.text == "1.2.3.4")
  }

  @Test func onlyTrustedProxiesAreBelievedAboutTheClient() throws {
    let trust = ProxyTrust(ranges: [try #require(AddressRange("10.0.0.0/8")), try #require(AddressRange("fd00::/8"))])
    #expect(trust.client(forwardedFor: nil, peer: "10.0.0.1") == "10.0.0.1")
    #expect(trust.client(forwardedFor: "6.6.6.6, 1.2.3.4, 10.0.0.2", peer: "10.0.0.1") == "1.2.3.4")
    #expect(trust.client(forwardedFor: "1.2.3.4:5678", peer: "10.0.0.1") == "1.2.3.4")
    #expect(trust.client(forwardedFor: "[2001:db8::9]:80, fd00::1", peer: "10.0.0.1") == "2001:db8::9")
    #expect(trust.client(forwardedFor: "1.2.3.4, unknown", peer: "10.0.0.1") == "10.0.0.1")
  }
}

@Suite struct EventTests {
  @Test func eachLineOfTheDataGetsItsField() {
    let event = Event("一\n二\r\n三\r四", name: "up\ndate", id: "7\r")
    #expect(
      String(decoding: event.bytes, as: UTF8.self) == "id: 7\nevent: update\ndata: 一\ndata: 二\ndata: 三\ndata: 四\n\n")
    #expect(String(decoding: Event("").bytes, as: UTF8.self) == "data: \n\n")
  }
}
