package import Access
package import Audit
package import Core
import Crypto
import SQL
import Synchronization

/// An integrator's key to be made (接口密钥).
package struct NewAPIKey: Sendable {
  package var name: String
  package var unit: Int64?
  /// What the key may do.
  package var role: Int64
  package var expiresOn: CivilDate?
  /// As in ``AddressRule``.
  package var allowedAddresses: String?
  /// Calls a day; `nil` for no limit.
  package var dailyQuota: Int?
  /// Calls a minute; `nil` for no limit.
  package var minuteQuota: Int?

  package init(name: String, unit: Int64? = nil, role: Int64) {
    self.name = name
    self.unit = unit
    self.role = role
  }
}

/// Makes, checks and counts API keys.
///
/// A key reads `lfk_<id>_<secret>`; the database knows the SM3 digest of the secret. Checks come from memory; calls are
/// counted in memory and written every few seconds, so that several nodes may together let through a little more than
/// the day's quota.
package final class APIKeys: Sendable {
  private struct Entry: Sendable {
    let secretHash: [UInt8]
    let principal: Principal
    let status: String
    let expiresOn: CivilDate?
    let addresses: AddressRule
    let dailyQuota: Int64?
    let minuteQuota: Int?
    let validUntil: Instant
  }

  private struct Usage {
    var day: CivilDate
    /// What all nodes had counted when this one last wrote.
    var written: Int64
    var unwritten: Int64
  }

  private struct State {
    var entries: [Int64: Entry] = [:]
    var usage: [Int64: Usage] = [:]
  }

  private let identity: IdentityService
  private let state = Mutex(State())
  private let minutes = WindowCounter()

  package init(_ identity: IdentityService) { self.identity = identity }

  private var database: Database { identity.configuration.database }
  private var clock: WallClock { identity.configuration.clock }

  /// Makes a key; its text is returned once and kept nowhere.
  package func create(
    _ key: NewAPIKey, by principal: Principal, origin: Origin
  ) async throws -> (id: Int64, key: String) {
    try principal.require(Permission("api_key", "create"), toDo: "新增接口密钥")
    _ = try AddressRule(key.allowedAddresses ?? "")
    guard !key.name.trimmed.isEmpty else {
      throw Refusal(.unprocessable, "name-missing", "请填写密钥的用途名称。", field: "name")
    }
    let secret = identity.configuration.random.token()
    let id = try await database.transaction { transaction in
      let id = try await self.identity.configuration.registers.insert(
        "api_key",
        [
          "name": .text(key.name.trimmed), "unit_id": key.unit.map { .int($0) } ?? .null, "role_id": .int(key.role),
          "status": .text("active"), "expires_on": key.expiresOn.map { .date($0) } ?? .null,
          "allowed_addresses": key.allowedAddresses.map { .text($0) } ?? .null,
          "daily_quota": key.dailyQuota.map { .int(Int64($0)) } ?? .null,
          "minute_quota": key.minuteQuota.map { .int(Int64($0)) } ?? .null,
        ], by: principal, in: transaction)
      try await transaction.execute(
        """
        insert into api_key_credential (key_id, secret_hash) values (\(id), \(Digest.sm3(Array(secret.utf8))))
        """)
      try await self.identity.audit.append(
        AuditEntry(principal, "api_key.create", entity: "api_key", record: id, origin: origin), in: transaction)
      return id
    }
    return (id, "lfk_\(id)_\(secret)")
  }

  /// Replaces the secret of a key (更换密钥); the old one stops working at once.
  package func replaceSecret(of id: Int64, by principal: Principal, origin: Origin) async throws -> String {
    try principal.require(Permission("api_key", "update"), toDo: "更换接口密钥")
    let secret = identity.configuration.random.token()
    try await database.transaction { transaction in
      let changed = try await transaction.execute(
        "update api_key_credential set secret_hash = \(Digest.sm3(Array(secret.utf8))) where key_id = \(id)")
      guard changed == 1 else { throw Refusal(.notFound, "api-key-unknown", "没有这个接口密钥。") }
      transaction.notify("identity", "api_key")
      try await self.identity.audit.append(
        AuditEntry(principal, "api_key.replace", entity: "api_key", record: id, origin: origin), in: transaction)
    }
    forgetAll()
    return "lfk_\(id)_\(secret)"
  }

  /// The principal of a key, after its secret, state, expiry, addresses and quotas were checked.
  package func authenticate(_ text: String, origin: Origin) async throws -> Principal {
    let unknown = Refusal(.unauthenticated, "api-key-invalid", "接口密钥无效。请检查密钥，或向平台申请新的。")
    let parts = text.split(separator: "_", maxSplits: 2)
    guard parts.count == 3, parts[0] == "lfk", let id = Int64(parts[1]) else { throw unknown }
    let now = clock.now()
    let entry = try await entry(id, now: now)
    let digest = Digest.sm3(Array(parts[2].utf8))
    guard let entry, constantTimeEqual(digest, entry.secretHash) else { throw unknown }
    guard entry.status == "active" else { throw Refusal(.forbidden, "api-key-disabled", "接口密钥已停用，请联系平台。") }
    let today = now.chinaTime.date
    if let end = entry.expiresOn, today > end {
      throw Refusal(.forbidden, "api-key-expired", "接口密钥已于 \(end) 到期，请联系平台续期。")
    }
    guard entry.addresses.allows(origin.remoteAddress) else {
      throw Refusal(.forbidden, "address-not-allowed", "接口密钥不能从当前网络地址使用，请联系平台登记出口地址。")
    }
    if let limit = entry.minuteQuota, let wait = minutes.count("\(id)", limit: limit, at: now) {
      throw Refusal(.tooMany, "minute-quota", "每分钟最多调用 \(limit) 次，请 \(wait) 秒后再试。")
    }
    let used = state.withLock { state in
      var usage = state.usage[id] ?? Usage(day: today, written: 0, unwritten: 0)
      if usage.day != today { usage = Usage(day: today, written: 0, unwritten: 0) }
      usage.unwritten += 1
      state.usage[id] = usage
      return usage.written + usage.unwritten
    }
    if let quota = entry.dailyQuota, used > quota {
      state.withLock { $0.usage[id]?.unwritten -= 1 }
      throw Refusal(.tooMany, "daily-quota", "今天的 \(quota) 次调用已用完，明天恢复。需要更多请联系平台。")
    }
    return entry.principal
  }

  /// Forgets what is cached; for notifications of the registers.
  package func forgetAll() { state.withLock { $0.entries.removeAll() } }

  /// Writes what was counted and learns what other nodes counted.
  package func flush() async throws {
    let due = state.withLock { state in
      state.usage.filter { $0.value.unwritten > 0 }.map { (id: $0.key, day: $0.value.day, calls: $0.value.unwritten) }
    }
    for item in due.sorted(by: { $0.id < $1.id }) {
      let total: Int64 = try await database.value(
        """
        insert into api_key_usage as u (key_id, day, calls) values (\(item.id), \(item.day), \(item.calls))
        on conflict (key_id, day) do update set calls = u.calls + excluded.calls returning calls
        """)
      state.withLock { state in
        guard state.usage[item.id]?.day == item.day else { return }
        state.usage[item.id]?.unwritten -= item.calls
        state.usage[item.id]?.written = total
      }
    }
  }

  /// Follows notifications and writes counts until the task is cancelled.
  package func run(_ rounds: Rounds) async {
    await withDiscardingTaskGroup { group in
      group.addTask {
        for await payload in self.database.listen("identity") where !payload.hasPrefix("session:") { self.forgetAll() }
      }
      group.addTask {
        await rounds.every(.seconds(10), "api-key-usage-failed") { try await self.flush() }
      }
    }
  }

  private func entry(_ id: Int64, now: Instant) async throws -> Entry? {
    if let held = state.withLock({ $0.entries[id] }), now < held.validUntil { return held }
    let today = now.chinaTime.date
    let row = try await database.first(
      """
      select k.name, k.status, k.expires_on, k.allowed_addresses, k.daily_quota, k.minute_quota, c.secret_hash,
        \(PrincipalLoader.unitColumns), coalesce(g.calls, 0) as calls,
        \(PrincipalLoader.roleGrants(role: "k.role_id", today: today, now: now)) as grants
      from api_key k join api_key_credential c on c.key_id = k.id left join unit n on n.id = k.unit_id
        left join api_key_usage g on g.key_id = k.id and g.day = \(today)
      where k.id = \(id)
      """)
    guard let row else { return nil }
    let roles = PrincipalLoader.read(try row.get("grants", as: JSON.self))
    let entry = Entry(
      secretHash: try row.get("secret_hash"),
      principal: Principal(
        kind: .key, id: id, name: try row.get("name"), unit: try PrincipalLoader.unit(row), grants: roles.grants,
        clearance: roles.clearance),
      status: try row.get("status", as: String?.self) ?? "", expiresOn: try row.get("expires_on"),
      addresses: try AddressRule(try row.get("allowed_addresses", as: String?.self) ?? ""),
      dailyQuota: try row.get("daily_quota"), minuteQuota: try row.get("minute_quota", as: Int64?.self).map { Int($0) },
      validUntil: min(now + 300, today.adding(days: 1).start))
    let calls: Int64 = try row.get("calls")
    state.withLock { state in
      if state.entries.count >= 10_000 { state.entries.removeAll() }
      state.entries[id] = entry
      if state.usage[id]?.day != today { state.usage[id] = Usage(day: today, written: calls, unwritten: 0) }
    }
    return entry
  }
}
