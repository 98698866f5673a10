package import Core

/// Percent-encoding of URLs and forms (RFC 3986 §2.1, WHATWG URL §5).
package enum PercentEncoding {
  /// Decodes `%XX` (and, in forms and queries, `+` to a space).
  ///
  /// - Throws: ``Refusal`` `malformed-url` when an escape is incomplete, when the result is not UTF-8 or when it holds
  ///   a NUL: such text only comes from mistakes and attacks.
  package static func decode(_ bytes: some Collection<UInt8>, plusIsSpace: Bool = false) throws(Refusal) -> String {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var index = bytes.startIndex
    while index != bytes.endIndex {
      let byte = bytes[index]
      bytes.formIndex(after: &index)
      switch byte {
      case UInt8(ascii: "%"):
        guard index != bytes.endIndex, let high = hexDigit(bytes[index]) else { throw refusal }
        bytes.formIndex(after: &index)
        guard index != bytes.endIndex, let low = hexDigit(bytes[index]), high | low != 0 else { throw refusal }
        bytes.formIndex(after: &index)
        decoded.append(high << 4 | low)
      case UInt8(ascii: "+") where plusIsSpace: decoded.append(0x20)
      case 0: throw refusal
      default: decoded.append(byte)
      }
    }
    guard let text = String(validating: decoded, as: UTF8.self) else { throw refusal }
    return text
  }

  package static func decode(_ text: String, plusIsSpace: Bool = false) throws(Refusal) -> String {
    try decode(text.utf8, plusIsSpace: plusIsSpace)
  }

  /// Encodes everything but letters, digits and `-._~`, for one segment of a path or one value of a query.
  package static func encode(_ text: String) -> String { encode(text, keeping: isUnreserved) }

  /// Encodes a path, keeping its slashes.
  package static func encode(path: String) -> String {
    encode(path) { isUnreserved($0) || $0 == UInt8(ascii: "/") }
  }

  /// Encodes only what may not stand in a URL at all, for a target that is already put together.
  package static func encode(url: String) -> String {
    encode(url) { byte in
      byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "<")
        && byte != UInt8(ascii: ">") && byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "^")
        && byte != UInt8(ascii: "`") && byte != UInt8(ascii: "{") && byte != UInt8(ascii: "|")
        && byte != UInt8(ascii: "}")
    }
  }

  private static func encode(_ text: String, keeping keep: (UInt8) -> Bool) -> String {
    if text.utf8.allSatisfy(keep) { return text }
    var encoded: [UInt8] = []
    encoded.reserveCapacity(text.utf8.count * 3)
    for byte in text.utf8 {
      if keep(byte) {
        encoded.append(byte)
      } else {
        encoded.append(UInt8(ascii: "%"))
        encoded.append(hex(byte >> 4))
        encoded.append(hex(byte & 15))
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"):
      true
    default: false
    }
  }

  private static func hex(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 55 + nibble }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }

  static let refusal = Refusal(.invalid, "malformed-url", "网址中有无法识别的字符。请检查网址，或从页面上的链接重新进入。")
}
