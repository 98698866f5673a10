package import Crypto

/// The SM2 keys that sign the audit chain: the current one signs, all of them verify.
package struct AuditKeys: Sendable {
  private let keys: SigningKeys

  package var current: (id: Int64, key: SM2PrivateKey)? { keys.current }
  /// Public keys by the id that heads name.
  package var trusted: [Int64: SM2PublicKey] { keys.trusted }

  /// Keys for signing and verifying, from the ring.
  package init(ring: KeyRing) throws(CryptoFailure) { keys = try SigningKeys(ring: ring, purpose: .audit) }

  /// Keys for verifying only, such as those an auditor noted down.
  package init(trusted: [Int64: SM2PublicKey]) { keys = SigningKeys(trusted: trusted) }
}
