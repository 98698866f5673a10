/// The SM2 keys of one purpose that sign: the current one signs, all of them verify.
package struct SigningKeys: Sendable {
  package let current: (id: Int64, key: SM2PrivateKey)?
  /// Public keys by the id that signatures name.
  package let trusted: [Int64: SM2PublicKey]

  /// Keys for signing and verifying, from the ring.
  package init(ring: KeyRing, purpose: KeyPurpose) throws(CryptoFailure) {
    var trusted: [Int64: SM2PublicKey] = [:]
    var current: (id: Int64, key: SM2PrivateKey)?
    for entry in ring.inventory where entry.purpose == purpose {
      let key = try SM2PrivateKey(scalar: try ring.secret(purpose, id: entry.id))
      trusted[Int64(entry.id)] = key.publicKey
      if entry.isCurrent { current = (Int64(entry.id), key) }
    }
    self.trusted = trusted
    self.current = current
  }

  /// Keys for verifying only, such as those an auditor noted down.
  package init(trusted: [Int64: SM2PublicKey]) {
    self.trusted = trusted
    current = nil
  }
}
