package import Access
package import Audit
import Core
import Crypto
import SQL

extension IdentityService {
  /// Changes one's own password. Every other session of the account ends, and this one goes on under a new token.
  ///
  /// - Throws: ``Refusal`` with all faults of the new password at once; nothing is changed then.
  package func changePassword(
    _ session: Session, from old: String, to new: String, origin: Origin
  ) async throws -> OpenedSession {
    try await confirm(old, of: session, origin: origin)
    try await checkAge(of: session)
    try await check(new, for: session.user, former: true)
    let hash = try await worker.make(new)
    try await database.transaction { transaction in
      try await self.store(hash, of: session.user.id, reason: nil, in: transaction)
      try await self.endSessions("user_id = \(session.user.id)", .password, by: session.principal, in: transaction)
      try await self.audit.append(
        AuditEntry(
          session.principal, "credential.change", entity: "app_user", record: session.user.id, origin: origin),
        in: transaction)
    }
    return try await open(
      session.user, fingerprint(account: session.user.account), origin, secondFactor: session.secondFactor,
      replacing: nil)
  }

  /// Asks for the password of a session's own user again, before something grave. Wrong ones count towards the lock.
  package func confirm(_ password: String, of session: Session, origin: Origin) async throws {
    let digest = fingerprint(account: session.user.account)
    let key = Hex.encode(digest)
    await gate.enter(key)
    do {
      try await check(password, of: session, digest, origin)
      await gate.leave(key)
    } catch {
      await gate.leave(key)
      throw error
    }
  }

  private func check(_ password: String, of session: Session, _ digest: [UInt8], _ origin: Origin) async throws {
    if let until = try await lockedUntil(digest) { throw lockedRefusal(until) }
    let row = try await database.first("select password_hash from credential where user_id = \(session.user.id)")
    guard let stored = try row?.get(0, as: String.self),
      try await worker.verify(String(password.prefix(1024)), against: stored).isMatch
    else {
      let refusal = try await fail(.wrongPassword, origin, session.user.account, session.user, digest)
      guard refusal.code != "account-locked" else { throw refusal }
      throw Refusal(.unprocessable, "password-wrong", "原密码不正确，请重新输入。", field: "old_password")
    }
    try await database.execute("delete from sign_in_failure where account_hash = \(digest)")
  }

  private func checkAge(of session: Session) async throws {
    let hours = policy.password.minimumAgeHours
    guard hours > 0 else { return }
    let recent = try await database.first(
      """
      select changed_at from credential where user_id = \(session.user.id) and change_reason is null
        and changed_at > \(clock.now() + -Int64(hours) * 3600)
      """)
    if recent != nil {
      throw Refusal(.unprocessable, "password-too-new", "密码在 \(hours) 小时内刚改过，暂时不能再改。", field: "password")
    }
  }

  /// - Parameter former: whether former passwords are looked at, each of which costs a hash.
  func check(_ password: String, for user: UserAccount, former: Bool) async throws {
    let faults = policy.password.faults(
      of: password, personal: [user.account, user.name], common: configuration.commonPasswords)
    if let refusal = Refusal(all: faults) { throw refusal }
    guard former, policy.password.history > 0 else { return }
    let hashes = try await database.query(
      """
      select password_hash from (
        select password_hash, changed_at from credential where user_id = \(user.id)
        union all select password_hash, changed_at from password_history where user_id = \(user.id)) h
      order by changed_at desc limit \(policy.password.history)
      """
    ).values(as: String.self)
    for hash in hashes where try await worker.verify(password, against: hash).isMatch {
      throw Refusal(
        .unprocessable, "password-used-before", "这是最近 \(policy.password.history) 次用过的密码，请换一个。", field: "password")
    }
  }

  /// Puts a hash in place and the one before into the history.
  func store(_ hash: String, of user: Int64, reason: String?, in transaction: Transaction) async throws {
    let now = clock.now()
    try await transaction.execute(
      """
      insert into password_history (user_id, changed_at, password_hash)
      select user_id, changed_at, password_hash from credential where user_id = \(user)
      on conflict do nothing
      """)
    try await transaction.execute(
      """
      insert into credential (user_id, password_hash, changed_at, change_reason)
      values (\(user), \(hash), \(now), \(reason))
      on conflict (user_id) do update set password_hash = excluded.password_hash, changed_at = excluded.changed_at,
        change_reason = excluded.change_reason
      """)
    try await transaction.execute(
      """
      delete from password_history where user_id = \(user) and changed_at not in (
        select changed_at from password_history where user_id = \(user)
        order by changed_at desc limit \(max(policy.password.history, 1)))
      """)
  }

  /// Gives a user a new random password, which must be changed at the next sign-in (重置密码); it is returned once and
  /// kept nowhere. All sessions of the user end and the lock is lifted.
  package func resetPassword(of user: Int64, by principal: Principal, origin: Origin) async throws -> String {
    try principal.require(Permission("credential", "reset"), toDo: "重置密码")
    guard let candidate = try await candidate("u.id = \(user)") else { throw IdentityService.noSuchUser }
    guard candidate.user.status != .cleared else {
      throw Refusal(.conflict, "account-cleared", "该账号已清理，不能重置密码。")
    }
    let password = temporaryPassword()
    let hash = try await worker.make(password)
    try await database.transaction { transaction in
      let isNew = candidate.passwordHash == nil
      try await self.store(hash, of: user, reason: isNew ? "initial" : "reset", in: transaction)
      try await self.endSessions("user_id = \(user)", .password, by: principal, in: transaction)
      try await transaction.execute(
        "delete from sign_in_failure where account_hash = \(self.fingerprint(account: candidate.user.account))")
      try await self.audit.append(
        AuditEntry(principal, "credential.reset", entity: "app_user", record: user, origin: origin), in: transaction)
    }
    return password
  }

  /// Twelve characters of all four kinds, without look-alikes, with about 66 bits of chance.
  func temporaryPassword() -> String {
    let kinds = ["ABCDEFGHJKMNPQRSTUVWXYZ", "abcdefghjkmnpqrstuvwxyz", "23456789", "-+=#%&?@"].map { Array($0) }
    let all = Array(kinds.joined())
    func pick(_ characters: [Character]) -> Character {
      let bytes = configuration.random.bytes(4)
      return characters[Int(bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } % UInt32(characters.count))]
    }
    while true {
      let text = String((0..<12).map { _ in pick(all) })
      if kinds.allSatisfy({ kind in text.contains { kind.contains($0) } }),
        policy.password.faults(of: text, common: configuration.commonPasswords).allSatisfy({
          $0.code == "password-too-short"
        })
      {
        return text + String((12..<max(12, policy.password.minimumLength)).map { _ in pick(all) })
      }
    }
  }

  /// Sets a first password for an account that has none yet: bootstrap and demo. It must be changed unless told.
  package func setInitialPassword(_ password: String, of user: Int64, mustChange: Bool = true) async throws {
    let hash = try await worker.make(password)
    try await database.transaction { transaction in
      guard try await transaction.first("select from credential where user_id = \(user)") == nil else {
        throw Refusal(.conflict, "password-there", "该账号已有密码，请用重置。")
      }
      try await self.store(hash, of: user, reason: mustChange ? "initial" : nil, in: transaction)
    }
  }

  /// Requires some users, or all with `nil`, to change their passwords at their next request (强制修改口令, D2-566);
  /// returns how many.
  @discardableResult
  package func orderPasswordChange(of users: [Int64]?, by principal: Principal, origin: Origin) async throws -> Int {
    try principal.require(Permission("credential", "reset"), toDo: "要求修改密码")
    let condition: SQL = users.map { "user_id = any(\($0)::bigint[])" } ?? "true"
    let count = try await database.transaction { transaction in
      let count = try await transaction.execute(
        "update credential set change_reason = 'ordered' where change_reason is null and \(condition)")
      transaction.notify("identity", "credential")
      try await self.audit.append(
        AuditEntry(
          principal, "credential.order-change", entity: "app_user", origin: origin,
          details: ["users": users.map { .array($0.map { .int($0) }) } ?? "all", "count": .int(Int64(count))]),
        in: transaction)
      return count
    }
    cache.forgetAll()
    return count
  }
}
