package import Core

/// Time-based one-time passwords (RFC 6238), as authenticator apps show them.
package struct TOTP: Sendable, CustomStringConvertible {
  private let secret: SecretBytes
  private let mac: HMAC
  private let digits: Int
  /// Seconds a code stands.
  package static let period: Int64 = 30

  /// - Parameter algorithm: SHA-1 is what every authenticator app understands.
  package init(secret: SecretBytes, algorithm: DigestAlgorithm = .sha1, digits: Int = 6) {
    self.secret = secret
    mac = HMAC(key: secret, algorithm)
    self.digits = digits
  }

  /// A fresh secret of 20 bytes.
  package static func newSecret(_ random: RandomSource = .system) -> SecretBytes { SecretBytes(random.bytes(20)) }

  /// Which step of the clock `time` is in.
  package static func step(_ time: Instant) -> Int64 { time.seconds / period }

  package func code(step: Int64) -> String {
    let hash = mac.authenticate(step.bigEndianBytes)
    let offset = Int(hash[hash.count - 1] & 15)
    let number = hash[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7fff_ffff
    let modulus = (0..<digits).reduce(UInt32(1)) { product, _ in product * 10 }
    let text = String(number % modulus)
    return String(repeating: "0", count: digits - text.count) + text
  }

  /// The step whose code this is, when it is the present one or a neighbour and later than `last`; else `nil`.
  ///
  /// The caller stores the step it gets and passes it as `last` the next time, so that no code works twice.
  package func accept(_ code: String, at time: Instant, last: Int64?) -> Int64? {
    let now = TOTP.step(time)
    var accepted: Int64?
    for step in (now - 1)...(now + 1) where constantTimeEqual(self.code(step: step), code) {
      if step > last ?? .min { accepted = step }
    }
    return accepted
  }

  /// The secret in Base32, for people who type it into the app.
  package var secretText: String { Base32.encode(secret.bytes) }

  /// The `otpauth:` URI that enrolment shows as a QR code.
  package func enrolmentURI(issuer: String, account: String) -> String {
    let issuer = TOTP.percentEncoded(issuer)
    return "otpauth://totp/\(issuer):\(TOTP.percentEncoded(account))?secret=\(secretText)&issuer=\(issuer)"
      + "&algorithm=\(mac.algorithm.rawValue)&digits=\(digits)&period=\(TOTP.period)"
  }

  private static func percentEncoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      default: encoded += "%" + Hex.encode([byte]).uppercased()
      }
    }
    return encoded
  }

  package var description: String { "TOTP" }
}
