package import Core
package import Crypto
import SQL
import Synchronization

/// The keys that tokens for other systems are signed with (ES256, 签名密钥): in the database, sealed by the ring, so that all
/// nodes share them.
///
/// A key is published a day before it signs and a day after it has stopped, since other systems keep what they fetched. One
/// that may have leaked is replaced at once.
package final class TokenKeys: Sendable {
  /// A key as the page of officers shows it.
  package struct Standing: Sendable, Hashable {
    /// Published and waiting, signing, or published for those who kept it.
    package enum State: String, Sendable { case next, current, past }

    /// `kid` of the tokens it signs.
    package let id: String
    /// From when on it signs, until the next does.
    package let signsFrom: Instant
    /// What it is now.
    package let state: State
  }

  private struct Entry: Sendable {
    let key: JWSPrivateKey
    let signsFrom: Instant
  }

  private let database: Database
  private let ring: KeyRing
  private let clock: WallClock
  private let random: RandomSource
  /// Days that a key signs.
  private let days: @Sendable () -> Int64
  /// The generation counts up when keys change, so that what was read before is not kept.
  private let held = Mutex<(entries: [Entry], until: Instant, generation: UInt64)>(([], Instant(seconds: 0), 0))

  static let day: Int64 = 86_400
  /// Seconds for which keys are kept in memory; they are forgotten sooner when told.
  private static let lifetime: Int64 = 300
  /// Where the database tells that keys have changed.
  package static let channel = "lifang_token_keys"

  init(
    database: Database, ring: KeyRing, clock: WallClock, random: RandomSource, days: @escaping @Sendable () -> Int64
  ) {
    self.database = database
    self.ring = ring
    self.clock = clock
    self.random = random
    self.days = days
  }

  /// The public halves, as other systems fetch them (RFC 7517).
  package func published() async throws -> JSON {
    .object([("keys", .array(try await entries().map { try $0.key.jwk() }))])
  }

  /// The key that signs now.
  ///
  /// - Throws: ``Core/Fault`` `token-key-missing` before the first round of upkeep.
  package func signing() async throws -> JWSPrivateKey {
    let now = clock.now()
    guard let entry = try await entries().last(where: { $0.signsFrom <= now }) else { throw Fault("token-key-missing") }
    return entry.key
  }

  /// The claims of a token of ours that is still known by its key; its age is for the caller to judge.
  func claims(of text: String) async throws -> JSON? {
    guard let token = CompactJWS(text), let id = token.header["kid"]?.string,
      let entry = try await entries().first(where: { $0.key.id == id }),
      token.isSigned(by: try JWSPublicKey(jwk: try entry.key.jwk()))
    else { return nil }
    return token.claims
  }

  /// All keys that are published, oldest first.
  package func standings() async throws -> [Standing] {
    let now = clock.now()
    let entries = try await entries()
    let current = entries.last { $0.signsFrom <= now }?.key.id
    return entries.map { entry in
      Standing(
        id: entry.key.id, signsFrom: entry.signsFrom,
        state: entry.signsFrom > now ? .next : entry.key.id == current ? .current : .past)
    }
  }

  /// Makes what is due: the first key, the next one, and the end of old ones.
  func renew() async throws {
    let now = clock.now()
    let days = days()
    try await database.transaction { transaction in
      let known = try await self.lock(transaction)
      guard let current = known.last(where: { $0 <= now }) else {
        return try await self.add(from: now, in: transaction)
      }
      if known.last == current, now - current >= Double((days - 1) * TokenKeys.day) {
        try await self.add(from: now + TokenKeys.day, in: transaction)
      }
      if current <= now + -TokenKeys.day {
        try await transaction.execute("delete from token_key where signs_from < \(current)")
      }
    }
  }

  /// A new key signs from now on and no other is known any more (立即更换).
  func replace(in transaction: Transaction) async throws {
    _ = try await lock(transaction)
    try await transaction.execute("delete from token_key")
    try await add(from: clock.now(), in: transaction)
    forget()
  }

  func forget() { held.withLock { ($0.until, $0.generation) = (Instant(seconds: 0), $0.generation + 1) } }

  private func lock(_ transaction: Transaction) async throws -> [Instant] {
    try await transaction.execute("select pg_advisory_xact_lock(hashtext('lifang token keys'))")
    return try await transaction.query("select signs_from from token_key order by signs_from").values()
  }

  private func add(from start: Instant, in transaction: Transaction) async throws {
    let key = try JWSPrivateKey.generate(id: random.token(bytes: 9))
    let sealed = try ring.seal(try key.encoded().bytes, associated: TokenKeys.associated(key.id))
    try await transaction.execute(
      "insert into token_key (kid, secret, signs_from) values (\(key.id), \(sealed), \(start))")
    transaction.notify(TokenKeys.channel)
  }

  private static func associated(_ id: String) -> String { "token_key.\(id)" }

  private func entries() async throws -> [Entry] {
    let now = clock.now()
    let kept = held.withLock { $0 }
    if now < kept.until, !kept.entries.isEmpty { return kept.entries }
    var entries = try await read()
    if !entries.contains(where: { $0.signsFrom <= now }) {
      try await renew()
      entries = try await read()
    }
    let found = entries
    held.withLock { held in
      if held.generation == kept.generation { held = (found, now + TokenKeys.lifetime, kept.generation) }
    }
    return found
  }

  private func read() async throws -> [Entry] {
    try await database.query("select kid, secret, signs_from from token_key order by signs_from").map { row in
      let id: String = try row.get("kid")
      let plain = try ring.open(try row.get("secret"), associated: TokenKeys.associated(id))
      return Entry(
        key: try JWSPrivateKey(id: id, encoded: SecretBytes(plain)), signsFrom: try row.get("signs_from"))
    }
  }
}
