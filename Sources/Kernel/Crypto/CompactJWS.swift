package import Core

/// A signed token taken apart (RFC 7515 §7.1). Nothing in it is to be believed before ``isSigned(by:)`` says so.
package struct CompactJWS: Sendable {
  /// What it says of how it is signed (JOSE header).
  package let header: JSON
  /// What it says, a JSON object.
  package let claims: JSON
  private let signature: [UInt8]
  private let message: [UInt8]

  /// Bytes of the longest token that is looked at.
  package static let longest = 16_384

  /// `nil` for what has not three parts, is too long or holds no JSON object.
  package init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, text.utf8.count <= CompactJWS.longest, let headerBytes = Base64URL.decode(parts[0]),
      let claimBytes = Base64URL.decode(parts[1]), let signature = Base64URL.decode(parts[2]),
      let header = try? JSON(parsing: headerBytes), let claims = try? JSON(parsing: claimBytes),
      claims.object != nil
    else { return nil }
    self.header = header
    self.claims = claims
    self.signature = signature
    message = Array("\(parts[0]).\(parts[1])".utf8)
  }

  /// The algorithm it says it is signed by; `nil` for `none`, symmetric ones, and headers that ask for more than we know.
  package var algorithm: JWSAlgorithm? {
    header["crit"] == nil ? header["alg"]?.string.flatMap { JWSAlgorithm(rawValue: $0) } : nil
  }

  /// Whether it is signed by this key, by the algorithm that the key is for and no other.
  package func isSigned(by key: JWSPublicKey) -> Bool {
    algorithm == key.algorithm && (try? key.isValid(signature, of: message)) == true
  }
}
