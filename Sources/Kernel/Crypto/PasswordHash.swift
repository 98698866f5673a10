import COpenSSL

/// Password storage: scrypt (RFC 7914), memory-hard, over an SM3-peppered password.
///
/// `$scrypt-sm3$ln=15,r=8,p=1$<pepper id>$<salt>$<hash>`, the last two in Base64url. What goes into scrypt is
/// `HMAC-SM3(pepper, password)`: the requirement D2-574 asks for storage by SM3, which alone is far too fast against
/// guessing; so SM3 with a secret key comes first and a memory-hard function after it. A stolen database is useless
/// without the pepper in the key ring, and with it each guess still costs 32 MiB.
package struct PasswordHash: Sendable {
  /// Cost of one hash: memory is `128 · r · 2^logN` bytes.
  package struct Cost: Sendable, Hashable {
    package var logN: Int
    package var r: Int
    package var p: Int

    package init(logN: Int, r: Int = 8, p: Int = 1) {
      self.logN = logN
      self.r = r
      self.p = p
    }

    /// 32 MiB, about 0.1 s on a server core.
    package static let standard = Cost(logN: 15)

    /// What a stored text may ask for, so that a forged one cannot exhaust the machine.
    var isBearable: Bool { (1...20).contains(logN) && (1...16).contains(r) && (1...8).contains(p) }
  }

  /// The outcome of a check.
  package enum Verdict: Sendable, Hashable {
    case mismatch
    /// The password is right; `rehash` says that cost or pepper are out of date and a new hash should be stored.
    case match(rehash: Bool)

    package var isMatch: Bool { self != .mismatch }
  }

  private let ring: KeyRing
  private let cost: Cost
  private let random: RandomSource

  package init(ring: KeyRing, cost: Cost = .standard, random: RandomSource = .system) {
    self.ring = ring
    self.cost = cost
    self.random = random
  }

  /// The text to store. Blocks for the cost of a hash: call it from an actor with a thread of its own.
  package func make(_ password: String) throws(CryptoFailure) -> String {
    guard let pepper = ring.currentID(.pepper) else { throw CryptoFailure(.unknownKey, "password-hash", "no pepper") }
    let salt = random.bytes(16)
    let hash = try derive(password, pepper: pepper, salt: salt, cost: cost)
    let parameters = "ln=\(cost.logN),r=\(cost.r),p=\(cost.p)"
    return "$scrypt-sm3$\(parameters)$\(pepper)$\(Base64URL.encode(salt))$\(Base64URL.encode(hash))"
  }

  /// Compares in constant time. A stored text of another shape is a `malformed` failure, never a match.
  package func verify(_ password: String, against stored: String) throws(CryptoFailure) -> Verdict {
    guard let parts = Parts(stored) else { throw CryptoFailure(.malformed, "password-hash") }
    let hash = try derive(password, pepper: parts.pepper, salt: parts.salt, cost: parts.cost)
    guard constantTimeEqual(hash, parts.hash) else { return .mismatch }
    return .match(rehash: parts.cost != cost || parts.pepper != ring.currentID(.pepper))
  }

  /// Spends the time of a check, so that an unknown account answers no sooner than a wrong password.
  package func burn(_ password: String) throws(CryptoFailure) {
    guard let pepper = ring.currentID(.pepper) else { throw CryptoFailure(.unknownKey, "password-hash", "no pepper") }
    _ = try derive(password, pepper: pepper, salt: random.bytes(16), cost: cost)
  }

  private struct Parts {
    let cost: Cost
    let pepper: UInt32
    let salt: [UInt8]
    let hash: [UInt8]

    init?(_ text: String) {
      let parts = text.split(separator: "$", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 6, parts[0].isEmpty, parts[1] == "scrypt-sm3", let pepper = UInt32(parts[3]),
        let salt = Base64URL.decode(parts[4]), salt.count >= 8, let hash = Base64URL.decode(parts[5]), hash.count == 32
      else { return nil }
      let costs = parts[2].split(separator: ",").map { $0.split(separator: "=") }
      guard costs.count == 3, costs.allSatisfy({ $0.count == 2 }), costs.map({ $0[0] }) == ["ln", "r", "p"],
        let logN = Int(costs[0][1]), let r = Int(costs[1][1]), let p = Int(costs[2][1])
      else { return nil }
      cost = Cost(logN: logN, r: r, p: p)
      guard cost.isBearable else { return nil }
      self.pepper = pepper
      self.salt = salt
      self.hash = hash
    }
  }

  private func derive(
    _ password: String, pepper: UInt32, salt: [UInt8], cost: Cost
  ) throws(CryptoFailure) -> [UInt8] {
    let key = try ring.secret(.pepper, id: pepper)
    return try Scrypt.derive(HMAC(key: key).authenticate(password), salt: salt, cost: cost, count: 32)
  }
}

/// The scrypt function of libcrypto.
enum Scrypt {
  static func derive(
    _ password: [UInt8], salt: [UInt8], cost: PasswordHash.Cost, count: Int
  ) throws(CryptoFailure) -> [UInt8] {
    var password = password
    defer { OPENSSL_cleanse(&password, password.count) }
    let n = UInt64(1) << UInt64(cost.logN)
    let memory = 128 * UInt64(cost.r) * (n + UInt64(cost.p) + 2) + 65536
    var output = [UInt8](repeating: 0, count: count)
    let status = lifang_scrypt(
      password, password.count, salt, salt.count, n, UInt32(cost.r), UInt32(cost.p), memory, &output, count)
    guard status == 1 else { throw .library("scrypt") }
    return output
  }
}
