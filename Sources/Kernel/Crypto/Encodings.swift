/// Lower-case hexadecimal text.
package enum Hex {
  private static let digits = Array("0123456789abcdef".utf8)

  package static func encode(_ bytes: some Collection<UInt8>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads upper or lower case; `nil` for an odd count or another character.
  package static func decode(_ text: String) -> [UInt8]? {
    let utf8 = Array(text.utf8)
    guard utf8.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(utf8.count / 2)
    for index in stride(from: 0, to: utf8.count, by: 2) {
      guard let high = value(utf8[index]), let low = value(utf8[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

/// Base64 with `-` and `_` and without padding (RFC 4648 §5), safe in addresses, cookies and file names.
package enum Base64URL {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  package static func encode(_ bytes: some Collection<UInt8>) -> String {
    BitGroups.encode(bytes, width: 6, alphabet: alphabet)
  }

  /// `nil` for another character, a length no encoder makes, or stray bits in the last character.
  package static func decode(_ text: String) -> [UInt8]? { BitGroups.decode(text, width: 6, alphabet: alphabet) }
}

/// Base32 without padding (RFC 4648 §6), which authenticator apps expect of a shared secret.
package enum Base32 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

  package static func encode(_ bytes: some Collection<UInt8>) -> String {
    BitGroups.encode(bytes, width: 5, alphabet: alphabet)
  }

  /// Reads upper or lower case; `nil` for anything that ``encode(_:)`` could not have made.
  package static func decode(_ text: String) -> [UInt8]? {
    BitGroups.decode(text.uppercased(), width: 5, alphabet: alphabet)
  }
}

/// Groups of `width` bits written as one character each.
private enum BitGroups {
  static func encode(_ bytes: some Collection<UInt8>, width: UInt32, alphabet: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count * 8 + Int(width) - 1) / Int(width))
    var held: UInt32 = 0
    var bits: UInt32 = 0
    let mask: UInt32 = (1 << width) - 1
    for byte in bytes {
      held = held << 8 | UInt32(byte)
      bits += 8
      while bits >= width {
        bits -= width
        text.append(alphabet[Int(held >> bits & mask)])
      }
      held &= (1 << bits) - 1
    }
    if bits > 0 { text.append(alphabet[Int(held << (width - bits) & mask)]) }
    return String(decoding: text, as: UTF8.self)
  }

  static func decode(_ text: String, width: UInt32, alphabet: [UInt8]) -> [UInt8]? {
    var bytes: [UInt8] = []
    var held: UInt32 = 0
    var bits: UInt32 = 0
    for character in text.utf8 {
      guard let value = alphabet.firstIndex(of: character) else { return nil }
      held = held << width | UInt32(value)
      bits += width
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: held >> bits))
        held &= (1 << bits) - 1
      }
    }
    return bits < width && held == 0 ? bytes : nil
  }
}
