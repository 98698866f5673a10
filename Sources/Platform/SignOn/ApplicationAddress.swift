package import Core

/// An address of another system that browsers are sent to or that is told of an end of a session (回调地址).
///
/// Compared byte by byte with what a request names (RFC 6749 §3.1.2.3, RFC 9700 §2.1), so only what everybody reads alike
/// is taken: https, or http to this very machine; a plain host, no user name, no fragment.
package struct ApplicationAddress: Sendable, Hashable {
  /// As it was registered, byte by byte.
  package let url: String
  /// Scheme, host and port.
  package let origin: String

  /// - Throws: ``Refusal`` `application-address`.
  package init(_ text: String, field: String? = nil) throws(Refusal) {
    let wrong = Refusal(
      .invalid, "application-address",
      "“\(text.prefix(80))”不能用：地址以 https:// 开头（本机可用 http://127.0.0.1:端口），只用英文字母、数字和常用符号，不带用户名和 #。请改正后保存。",
      field: field)
    let scheme = ["https://", "http://127.0.0.1:", "http://localhost:"].first(where: text.hasPrefix)
    guard scheme != nil, text.utf8.count <= 300, let slashes = text.firstRange(of: "://") else { throw wrong }
    let rest = text[slashes.upperBound...]
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let name = parts.first, !name.isEmpty,
      name.utf8.allSatisfy(ApplicationAddress.isOfName),
      rest.dropFirst(authority.count).utf8.allSatisfy(ApplicationAddress.isOfPath)
    else { throw wrong }
    if parts.count == 2 {
      guard let port = Int(parts[1]), (1...65_535).contains(port), parts[1].utf8.allSatisfy(ApplicationAddress.isDigit)
      else { throw wrong }
    }
    url = text
    origin = String(text[..<slashes.upperBound]) + authority
  }

  /// The addresses of a field with one a line.
  static func list(_ text: String?, field: String) throws(Refusal) -> [ApplicationAddress] {
    var list: [ApplicationAddress] = []
    for line in (text ?? "").split(whereSeparator: \.isWhitespace) {
      list.append(try ApplicationAddress(String(line), field: field))
    }
    return list
  }

  /// The address with more in its query; both values are encoded.
  package func adding(_ items: [(name: String, value: String)], encode: (String) -> String) -> String {
    if items.isEmpty { return url }
    return url + (url.contains("?") ? "&" : "?")
      + items.map { "\($0.name)=\(encode($0.value))" }.joined(separator: "&")
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

  private static func isOfName(_ byte: UInt8) -> Bool {
    isDigit(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45 || byte == 46
  }

  private static func isOfPath(_ byte: UInt8) -> Bool { isOfName(byte) || "/_~%?&=+,:;@!$'()*".utf8.contains(byte) }
}
