import Audit
package import Core
package import Crypto
package import SQL
import Synchronization

/// Who somebody is and what they may do: sign-in, sessions, passwords, second factor, roles in force (统一身份认证).
///
/// Pages call it and show what it returns or refuses; it knows neither HTTP nor HTML. Everything that changes something
/// writes its audit entry in the same transaction.
package final class IdentityService: Sendable {
  package struct Configuration: Sendable {
    package var database: Database
    package var ring: KeyRing
    package var clock = WallClock.system
    package var random = RandomSource.system
    package var log = Log()
    package var metrics: Metrics?
    package var passwordCost = PasswordHash.Cost.standard
    package var commonPasswords = CommonPasswords([])
    /// The name that authenticator apps show beside the account.
    package var issuer = "里坊"
    /// How users and units are written; see ``RegisterWriter``.
    package var registers: any RegisterWriter

    package init(database: Database, ring: KeyRing, registers: any RegisterWriter) {
      self.database = database
      self.ring = ring
      self.registers = registers
    }
  }

  let configuration: Configuration
  let cache = SessionCache()
  let audit: Audit
  let worker: PasswordWorker
  let gate = KeyedGate()
  let attempts = WindowCounter()
  let menu = Mutex<[MenuEntry]?>(nil)
  private let currentPolicy: Mutex<IdentityPolicy>
  private let accountKey: HMAC

  /// - Throws: ``CryptoFailure`` when the ring lacks a key.
  package init(_ configuration: Configuration, policy: IdentityPolicy = IdentityPolicy()) throws {
    self.configuration = configuration
    audit = Audit(clock: configuration.clock)
    worker = PasswordWorker(
      PasswordHash(ring: configuration.ring, cost: configuration.passwordCost, random: configuration.random))
    currentPolicy = Mutex(policy)
    accountKey = HMAC(key: HMAC(key: try configuration.ring.secret(.index)).derivedKey("identity/account"))
  }

  /// The rules in force; set anew when a parameter changes.
  package var policy: IdentityPolicy {
    get { currentPolicy.withLock { $0 } }
    set {
      let before = currentPolicy.withLock { policy in
        defer { policy = newValue }
        return policy
      }
      // Who needs a second factor was found out when the sessions in memory were read.
      if before.secondFactor != newValue.secondFactor { cache.forgetAll() }
    }
  }

  var database: Database { configuration.database }
  var clock: WallClock { configuration.clock }

  /// Accounts are compared without case, spaces or full-width forms.
  static func normalised(account: String) -> String { BlindIndex.Normalisation.text.apply(account) }

  /// A fingerprint under which failures of an account are counted, whether it exists or not: what is typed there may
  /// be a password.
  func fingerprint(account: String) -> [UInt8] { accountKey.authenticate(IdentityService.normalised(account: account)) }

  /// Follows notifications, writes when sessions were last seen and ends idle ones, until the task is cancelled.
  package func run(_ rounds: Rounds) async {
    await withDiscardingTaskGroup { group in
      group.addTask {
        for await payload in self.database.listen("identity") { self.forget(payload) }
      }
      group.addTask {
        await rounds.every(.seconds(15), "identity-maintenance-failed") { try await self.maintain() }
      }
    }
  }

  /// Drops from the cache what a notification names: a register, `app_user:ids` or `session:id`.
  func forget(_ payload: String) {
    let parts = payload.split(separator: ":", maxSplits: 1)
    let ids = parts.count == 2 ? parts[1].split(separator: ",").compactMap { Int64($0) } : []
    switch parts.first {
    case "app_user" where !ids.isEmpty: cache.forget(users: Set(ids))
    case "session" where !ids.isEmpty: ids.forEach { cache.forget(session: $0) }
    case "api_key": break
    case "menu_entry": menu.withLock { $0 = nil }
    default: cache.forgetAll()
    }
  }

  /// One round of what ``run()`` does every few seconds.
  package func maintain() async throws {
    let now = clock.now()
    let seen = cache.unwritten(at: now)
    if !seen.isEmpty {
      try await database.execute(
        """
        update session set last_seen_at = greatest(last_seen_at, v.seen) from
          unnest(\(seen.map(\.id))::bigint[], \(seen.map { $0.lastSeen.iso8601 })::timestamptz[]) as v(id, seen)
        where session.id = v.id
        """)
    }
    cache.sweep(at: now)
    try await database.execute(
      """
      update session set ended_at = \(now), end_reason = case when expires_at <= \(now) then 'expired' else 'idle' end
      where ended_at is null and (expires_at <= \(now) or last_seen_at <= \(now + (-idleSeconds - 120)))
      """)
    try await database.execute("delete from sign_in_challenge where expires_at <= \(now)")
    try await database.execute("delete from sign_in_request where expires_at <= \(now)")
    try await database.execute(
      "delete from sign_in_failure where last_at <= \(now + -86400) and coalesce(locked_until, last_at) <= \(now)")
  }

  var idleSeconds: Int64 { Int64(policy.idleMinutes) * 60 }
}
