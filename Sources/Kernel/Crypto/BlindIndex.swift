/// A keyed fingerprint of one encrypted field, by which exactly equal values are found without decrypting any.
///
/// HMAC-SM3 with a key of its own (never the one that encrypts) and one derived key a field, so equal values of
/// different fields do not look alike. The input is normalised first; the fingerprint is the first 16 bytes. Whoever
/// reads the database sees which rows share a value, and nothing else.
package struct BlindIndex: Sendable {
  /// What counts as the same value.
  package enum Normalisation: String, Sendable, CaseIterable {
    /// Full-width forms become half-width, spaces at the ends go and inner ones become one, ASCII letters small.
    case text
    /// Identity and credit codes: every space and hyphen goes, letters become capitals.
    case code
    /// Digits only, without the country prefix `+86` or `0086` before a mobile number.
    case phone
  }

  private let mac: HMAC
  private let normalisation: Normalisation

  /// Bytes of a fingerprint.
  package static let size = 16

  /// - Parameter domain: entity and field, such as `person.phone`.
  package init(key: SecretBytes, domain: String, normalisation: Normalisation) {
    mac = HMAC(key: HMAC(key: key).derivedKey("blind-index/" + domain))
    self.normalisation = normalisation
  }

  /// The fingerprint, or `nil` when nothing is left of the value.
  package func fingerprint(_ value: String) -> [UInt8]? {
    let normal = normalisation.apply(value)
    return normal.isEmpty ? nil : Array(mac.authenticate(normal).prefix(BlindIndex.size))
  }
}

extension BlindIndex.Normalisation {
  /// The form of `value` that is fingerprinted.
  package func apply(_ value: String) -> String {
    let half = Self.halfWidth(value)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(half.count)
    switch self {
    case .text:
      for word in half.split(separator: UInt8(ascii: " ")) {
        if !bytes.isEmpty { bytes.append(UInt8(ascii: " ")) }
        bytes += word.map { (65...90).contains($0) ? $0 + 32 : $0 }
      }
    case .code:
      for byte in half where byte != UInt8(ascii: " ") && byte != UInt8(ascii: "-") {
        bytes.append((97...122).contains(byte) ? byte - 32 : byte)
      }
    case .phone:
      bytes = half.filter { (48...57).contains($0) }
      for prefix in ["0086", "86"] where bytes.count == prefix.utf8.count + 11 && bytes.starts(with: prefix.utf8) {
        bytes.removeFirst(prefix.utf8.count)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// UTF-8 with full-width forms made half-width and every white space made one kind.
  private static func halfWidth(_ value: String) -> [UInt8] {
    if value.utf8.allSatisfy({ $0 < 0x80 && $0 >= 0x20 }) { return Array(value.utf8) }
    var scalars = String.UnicodeScalarView()
    for scalar in value.unicodeScalars {
      switch scalar.value {
      case 0xFF01...0xFF5E: scalars.append(Unicode.Scalar(scalar.value - 0xFEE0) ?? scalar)
      case 0x3000, 0x00A0, 0x09, 0x0A, 0x0D: scalars.append(" ")
      default: scalars.append(scalar)
      }
    }
    return Array(String(scalars).utf8)
  }
}
