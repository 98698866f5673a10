package import Core

/// A cookie that a response sets (RFC 6265 §4.1), safe unless said otherwise.
package struct Cookie: Sendable, Hashable {
  /// Which cross-site requests carry the cookie.
  package enum SameSite: String, Sendable, Hashable {
    case strict = "Strict"
    case lax = "Lax"
    /// Only together with `secure`.
    case none = "None"
  }

  package let name: String
  package let value: String
  package let path: String
  /// Lifetime in seconds; `nil` ends with the browser session, 0 removes the cookie.
  package let maxAge: Int?
  package let isSecure: Bool
  package let isHTTPOnly: Bool
  package let sameSite: SameSite

  /// - Throws: ``Fault`` `invalid-cookie` when name, value or path hold characters that a cookie cannot, or when the
  ///   name's `__Host-` or `__Secure-` prefix promises more than the attributes keep.
  package init(
    _ name: String, _ value: String, path: String = "/", maxAge: Int? = nil, secure: Bool = true,
    httpOnly: Bool = true, sameSite: SameSite = .lax
  ) throws(Fault) {
    guard Token.isToken(name) else { throw Fault("invalid-cookie", "name") }
    guard value.utf8.allSatisfy(Cookie.isValueByte) else { throw Fault("invalid-cookie", "value of \(name)") }
    guard path.hasPrefix("/"), path.utf8.allSatisfy({ $0 > 0x1F && $0 < 0x7F && $0 != UInt8(ascii: ";") }) else {
      throw Fault("invalid-cookie", "path of \(name)")
    }
    guard secure || (sameSite != .none && !name.hasPrefix("__Host-") && !name.hasPrefix("__Secure-")),
      path == "/" || !name.hasPrefix("__Host-")
    else { throw Fault("invalid-cookie", "\(name) must be secure, and for the whole host with __Host-") }
    self.name = name
    self.value = value
    self.path = path
    self.maxAge = maxAge
    self.isSecure = secure
    self.isHTTPOnly = httpOnly
    self.sameSite = sameSite
  }

  /// A cookie that makes the browser forget `name`.
  package static func removal(of name: String, path: String = "/", secure: Bool = true) throws(Fault) -> Cookie {
    try Cookie(name, "", path: path, maxAge: 0, secure: secure)
  }

  /// The value of the `Set-Cookie` field.
  package var header: String {
    var text = "\(name)=\(value); Path=\(path)"
    if let maxAge { text += "; Max-Age=\(maxAge)" }
    if isSecure { text += "; Secure" }
    if isHTTPOnly { text += "; HttpOnly" }
    return text + "; SameSite=\(sameSite.rawValue)"
  }

  /// Reads the `Cookie` field of a request; of several cookies with one name the first, most specific, wins.
  static func parse(_ header: String) -> [String: String] {
    var cookies: [String: String] = [:]
    for pair in header.utf8.split(separator: UInt8(ascii: ";")) {
      guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else { continue }
      let name = String(Substring(pair[..<equals]).trimmed)
      var value = Substring(pair[pair.index(after: equals)...]).trimmed
      if value.utf8.count >= 2, value.utf8.first == 0x22, value.utf8.last == 0x22 {
        value = value.dropFirst().dropLast()
      }
      guard Token.isToken(name), cookies[name] == nil else { continue }
      cookies[name] = String(value)
    }
    return cookies
  }

  private static func isValueByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x21, 0x23...0x2B, 0x2D...0x3A, 0x3C...0x5B, 0x5D...0x7E: true
    default: false
    }
  }
}
