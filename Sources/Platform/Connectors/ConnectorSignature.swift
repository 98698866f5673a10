package import Core
package import Crypto

/// How a request proves who sent it and that nobody changed it on the way (报文签名).
///
/// `X-Lifang-Signature` is the lower-case hexadecimal HMAC-SM3 (GB/T 32905, GM/T 0042), keyed with the secret both sides
/// hold, of five lines joined by a line feed: `POST`, the path of the operation, `X-Lifang-Time`, `X-Lifang-Request`, and
/// the hexadecimal SM3 digest of the body. `openssl` makes the same.
package enum ConnectorSignature {
  /// Seconds that the clocks of both sides may differ.
  package static let tolerance: Int64 = 300

  /// - Parameters:
  ///   - path: of the operation, as declared.
  ///   - time: RFC 3339.
  ///   - number: of the request; the same for its repetitions.
  package static func sign(path: String, time: String, number: String, body: [UInt8], secret: SecretBytes) -> String {
    Hex.encode(HMAC(key: secret).authenticate(text(path, time, number, body)))
  }

  /// Whether a signature is right and its time within ``tolerance`` of `now`.
  package static func isValid(
    _ signature: String, path: String, time: String, number: String, body: [UInt8], secret: SecretBytes, now: Instant
  ) -> Bool {
    guard let tag = Hex.decode(signature), let at = Instant(time), abs(at.seconds - now.seconds) <= tolerance else {
      return false
    }
    return HMAC(key: secret).isValid(tag, for: Array(text(path, time, number, body).utf8))
  }

  private static func text(_ path: String, _ time: String, _ number: String, _ body: [UInt8]) -> String {
    ["POST", path, time, number, Hex.encode(Digest.sm3(body))].joined(separator: "\n")
  }
}
