import Core

/// Tells requests that our own pages sent from those that other sites made the browser send (CSRF).
///
/// The synchroniser token belongs to the session, which Identity keeps; here are the making, hiding and comparing.
/// The browser's own word (`Sec-Fetch-Site`, `Origin`) is checked besides, so that neither alone must hold.
package enum CrossSiteGuard {
  /// The form field and, in the other spelling, the header that carry the token.
  package static let field = "_csrf"
  package static let header = "X-CSRF-Token"

  /// A new token: 32 random bytes in hexadecimal digits.
  package static func token() -> String {
    var generator = SystemRandomNumberGenerator()
    return hex((0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) })
  }

  /// The token as a page shows it: different each time, so that compressing pages gives nothing away (BREACH).
  package static func masked(_ token: String) -> String {
    var generator = SystemRandomNumberGenerator()
    let bytes = Array(token.utf8)
    let mask = bytes.map { _ in UInt8.random(in: 0...255, using: &generator) }
    return hex(mask) + hex(zip(bytes, mask).map { $0 ^ $1 })
  }

  /// Whether a submitted token, masked or plain, is `expected`; takes the same time wherever they differ.
  package static func matches(_ submitted: String, _ expected: String) -> Bool {
    let expected = Array(expected.utf8)
    guard !expected.isEmpty else { return false }
    var candidate = Array(submitted.utf8)
    if candidate.count == expected.count * 4, let bytes = bytes(ofHex: candidate) {
      candidate = zip(bytes.prefix(expected.count), bytes.dropFirst(expected.count)).map { $0 ^ $1 }
    }
    guard candidate.count == expected.count else { return false }
    return zip(candidate, expected).reduce(into: UInt8(0)) { $0 |= $1.0 ^ $1.1 } == 0
  }

  /// Lets requests pass that change nothing, or that carry the session's token and come from our own pages.
  ///
  /// - Parameter expected: the session's token.
  /// - Throws: ``Refusal`` `cross-site`.
  package static func check(_ request: Request, expected: String) async throws {
    if request.method.isSafe { return }
    guard isSameOrigin(request) else { throw refusal }
    if let submitted = request.headers[header] {
      guard matches(submitted, expected) else { throw refusal }
      return
    }
    let type = request.body.contentType?.essence
    guard type == "application/x-www-form-urlencoded" || type == "multipart/form-data",
      let submitted = try await request.body.form().first(field), matches(submitted, expected)
    else { throw refusal }
  }

  /// Whether the browser says that the request comes from a page of this host; clients that say nothing pass.
  package static func isSameOrigin(_ request: Request) -> Bool {
    if let site = request.headers["sec-fetch-site"], site != "same-origin" && site != "none" { return false }
    guard let origin = request.headers["origin"] else { return true }
    guard let host = request.headers["host"] else { return false }
    return origin == "https://\(host)" || origin == "http://\(host)"
  }

  static let refusal = Refusal(.forbidden, "cross-site", "页面已过期或不是从本站提交，未做任何改动。请刷新页面后重新提交。")

  private static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  private static func bytes(ofHex text: [UInt8]) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 2)
    var high: UInt8?
    for character in text {
      let digit: UInt8
      switch character {
      case 0x30...0x39: digit = character - 0x30
      case 0x61...0x66: digit = character - 0x57
      default: return nil
      }
      if let first = high {
        bytes.append(first << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    return bytes
  }
}
