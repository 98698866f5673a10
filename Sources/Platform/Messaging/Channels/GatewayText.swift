import Core

/// Fills the places of a text that a gateway wants, each value as it must stand there.
enum GatewayText {
  /// A JSON text with `{name}` in it: values are written as the inside of JSON strings. Braces that belong to JSON and to
  /// no known name stay as they are.
  static func json(_ source: String, _ values: [String: String]) -> [UInt8] {
    filled(source, values) { value in
      var quoted: [UInt8] = []
      JSON.write(string: value, into: &quoted)
      return Array(quoted.dropFirst().dropLast())
    }
  }

  /// A form (`phone={phone}&text={text}`): values are percent-encoded.
  static func form(_ source: String, _ values: [String: String]) -> [UInt8] {
    filled(source, values) { Array(query($0).utf8) }
  }

  private static func filled(
    _ source: String, _ values: [String: String], _ written: (String) -> [UInt8]
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = source[...]
    while let open = rest.firstIndex(of: "{") {
      bytes += rest[..<open].utf8
      let after = rest.index(after: open)
      if let close = rest[after...].firstIndex(of: "}"), let value = values[String(rest[after..<close])] {
        bytes += written(value)
        rest = rest[rest.index(after: close)...]
      } else {
        bytes.append(UInt8(ascii: "{"))
        rest = rest[after...]
      }
    }
    bytes += rest.utf8
    return bytes
  }

  /// RFC 4648 §4, with padding.
  static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let held = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32((3 - group.count) * 8)
      for place in 0..<4 {
        text.append(place <= group.count ? alphabet[Int(held >> UInt32(18 - place * 6) & 63)] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// A value within a query (RFC 3986 §2.3 keeps the rest).
  static func query(_ text: String) -> String {
    var encoded = ""
    let digits = Array("0123456789ABCDEF")
    for byte in text.utf8 {
      switch byte {
      case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        encoded += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
      }
    }
    return encoded
  }
}
