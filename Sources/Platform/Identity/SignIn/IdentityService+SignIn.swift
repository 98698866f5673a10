package import Access
package import Audit
import Core
import Crypto
import SQL

/// A user with what sign-in needs beside the account.
struct Candidate: Sendable {
  let user: UserAccount
  let passwordHash: String?
  let enrolled: Bool
}

extension IdentityService {
  /// Checks account and password (登录).
  ///
  /// An unknown account, one without a password and a wrong password get one answer after one time, and all count
  /// towards the lock, which is kept by what was typed: nothing tells whether an account exists. States, addresses and
  /// hours are told only to who knows the password. Attempts on one account go one by one, so that many at once cannot
  /// pass the limit.
  ///
  /// - Parameter replacing: the token of the session this device had; it ends, and the new one always has a new token
  ///   (against session fixation).
  package func signIn(_ attempt: SignInAttempt, replacing old: String? = nil) async throws -> SignInOutcome {
    let address = attempt.origin.remoteAddress ?? ""
    if let wait = attempts.count(
      "address " + address, limit: policy.attemptsPerMinutePerAddress, at: clock.now())
    {
      configuration.metrics?.count("lifang_sign_ins_total", #"outcome="limited""#)
      throw Refusal(.tooMany, "sign-in-too-often", "登录太频繁，请 \(wait) 秒后再试。")
    }
    let digest = fingerprint(account: attempt.account)
    let key = Hex.encode(digest)
    await gate.enter(key)
    do {
      let outcome = try await check(attempt, digest, old)
      await gate.leave(key)
      return outcome
    } catch {
      await gate.leave(key)
      throw error
    }
  }

  private func check(_ attempt: SignInAttempt, _ digest: [UInt8], _ old: String?) async throws -> SignInOutcome {
    let account = IdentityService.normalised(account: attempt.account)
    let candidate = try await candidate("lower(u.account) = \(account)")
    if let until = try await lockedUntil(digest) {
      try await note(.locked, attempt.origin, account, candidate?.user)
      throw lockedRefusal(until)
    }
    guard account.utf8.count <= 256, attempt.password.utf8.count <= 1024, let candidate,
      let hash = candidate.passwordHash
    else {
      try await worker.burn(String(attempt.password.prefix(1024)))
      let reason: SignInReason = candidate == nil ? .unknownAccount : .noPassword
      throw try await fail(reason, attempt.origin, account, candidate?.user, digest)
    }
    let verdict = try await worker.verify(attempt.password, against: hash)
    guard case .match(let rehash) = verdict else {
      throw try await fail(.wrongPassword, attempt.origin, account, candidate.user, digest)
    }
    if let refusal = candidate.user.refusal(address: attempt.origin.remoteAddress, at: clock.now()) {
      try await note(.notAllowed, attempt.origin, account, candidate.user)
      throw refusal
    }
    if rehash {
      let fresh = try await worker.make(attempt.password)
      try await database.execute(
        "update credential set password_hash = \(fresh) where user_id = \(candidate.user.id) and password_hash = \(hash)"
      )
    }
    if candidate.enrolled {
      return .secondFactorNeeded(challenge: try await challenge(candidate.user.id, digest, attempt.origin))
    }
    return .signedIn(
      try await open(candidate.user, digest, attempt.origin, secondFactor: false, replacing: old))
  }

  func candidate(_ condition: SQL) async throws -> Candidate? {
    let row = try await database.first(
      """
      select \(UserAccount.columns), c.password_hash, f.enrolled_at is not null as enrolled
      from app_user u left join credential c on c.user_id = u.id left join second_factor f on f.user_id = u.id
      where \(condition)
      """)
    return try row.map { row in
      Candidate(
        user: try UserAccount(row: row), passwordHash: try row.get("password_hash"), enrolled: try row.get("enrolled"))
    }
  }

  /// Opens a session, after everything has been checked.
  ///
  /// - Parameter method: as the log of sign-ins calls it; `nil` for a password.
  func open(
    _ user: UserAccount, _ digest: [UInt8], _ origin: Origin, secondFactor: Bool, replacing old: String?,
    assurance: Assurance = .password, method: String? = nil
  ) async throws -> OpenedSession {
    let token = configuration.random.token()
    let hash = Digest.sm3(Array(token.utf8))
    let now = clock.now()
    let method = method ?? (secondFactor ? "password_totp" : "password")
    try await database.transaction { transaction in
      try await transaction.execute("delete from sign_in_failure where account_hash = \(digest)")
      var replaced: Int64?
      if let old {
        let held = Digest.sm3(Array(old.utf8))
        replaced = try await self.endSessions(
          "token_hash = \(held) and user_id = \(user.id)", .replaced, by: nil, in: transaction
        ).first?.id
        // One that ran out by idleness goes on too: what hangs on it was not ended with it.
        if replaced == nil {
          replaced = try await transaction.first(
            """
            select id from session
            where token_hash = \(held) and user_id = \(user.id) and end_reason = \(SessionEnd.idle.rawValue)
            """)?.get("id")
        }
      }
      try await transaction.execute(
        """
        insert into session (token_hash, user_id, created_at, last_seen_at, expires_at, remote_address, user_agent,
          second_factor, assurance, method, replaces)
        values (\(hash), \(user.id), \(now), \(now), \(now + Int64(self.policy.absoluteHours) * 3600),
          \(origin.remoteAddress), \(origin.userAgent), \(secondFactor), \(assurance.rawValue), \(method), \(replaced))
        """)
      if self.policy.sessionsPerUser > 0 {
        // The row lock makes sign-ins of one user on several nodes count one another.
        try await transaction.execute("select from app_user where id = \(user.id) for no key update")
        try await self.endSessions(
          """
          id in (select id from session where user_id = \(user.id) and ended_at is null
            order by created_at desc, id desc offset \(self.policy.sessionsPerUser))
          """, .tooMany, by: nil, in: transaction)
      }
      try await self.write(nil, origin, user.account, user, method: method, in: transaction)
    }
    configuration.metrics?.count("lifang_sign_ins_total", #"outcome="done""#)
    return OpenedSession(token: token, session: try await authenticate(token, origin: origin))
  }

  // MARK: Failures and locks

  func lockedUntil(_ digest: [UInt8]) async throws -> Instant? {
    try await database.first(
      "select locked_until from sign_in_failure where account_hash = \(digest) and locked_until > \(clock.now())"
    )?.get(0)
  }

  func lockedRefusal(_ until: Instant) -> Refusal {
    let minutes = max(1, Int(((until - clock.now()) / 60).rounded(.up)))
    return Refusal(
      .tooMany, "account-locked", "密码连续输错，该账号已锁定，请 \(minutes) 分钟后再试。急用时请联系安全保密管理员解锁。")
  }

  /// Counts a failure, notes it and returns the answer, which is the same whether the account exists or not.
  func fail(
    _ reason: SignInReason, _ origin: Origin, _ account: String, _ user: UserAccount?, _ digest: [UInt8]
  ) async throws -> Refusal {
    let now = clock.now()
    let policy = policy
    let row = try await database.transaction { transaction in
      let row = try await transaction.first(
        """
        insert into sign_in_failure as f (account_hash, failures, last_at, locked_until)
        values (\(digest), 1, \(now), case when \(policy.lockAfter) <= 1 then \(now + Int64(policy.lockMinutes) * 60)::timestamptz end)
        on conflict (account_hash) do update set
          failures = case when f.last_at < \(now + -Int64(policy.failureWindowMinutes) * 60) or f.locked_until <= \(now)
            then 1 else f.failures + 1 end,
          locked_until = case when f.failures + 1 >= \(policy.lockAfter) and f.locked_until is null
            and f.last_at >= \(now + -Int64(policy.failureWindowMinutes) * 60)
            then \(now + Int64(policy.lockMinutes) * 60)::timestamptz
            when f.locked_until > \(now) then f.locked_until end,
          last_at = \(now)
        returning failures, locked_until
        """)
      try await self.write(reason, origin, account, user, method: "password", in: transaction)
      return row
    }
    configuration.metrics?.count("lifang_sign_ins_total", #"outcome="refused""#)
    if let until = try row?.get("locked_until", as: Instant?.self), until > now { return lockedRefusal(until) }
    let left = policy.lockAfter - Int(try row?.get("failures", as: Int64.self) ?? 1)
    if reason == .wrongCode {
      return Refusal(.unauthenticated, "second-factor-wrong", "验证码不正确，请输入验证器上当前的 6 位数字。还可以试 \(left) 次。", field: "code")
    }
    return Refusal(
      .unauthenticated, "sign-in-refused", "账号或密码不正确，请重新输入。还可以试 \(left) 次，之后该账号将锁定 \(policy.lockMinutes) 分钟。",
      field: "password")
  }

  /// Writes a refusal that does not count towards the lock.
  func note(
    _ reason: SignInReason, _ origin: Origin, _ account: String, _ user: UserAccount?, method: String = "password"
  ) async throws {
    configuration.metrics?.count("lifang_sign_ins_total", #"outcome="refused""#)
    try await database.transaction { transaction in
      try await self.write(reason, origin, account, user, method: method, in: transaction)
    }
  }

  /// One row in the log-in register and one audit entry. Of an account that does not exist the first two characters are
  /// kept: people type passwords there.
  private func write(
    _ reason: SignInReason?, _ origin: Origin, _ account: String, _ user: UserAccount?, method: String,
    in transaction: Transaction
  ) async throws {
    let shown = user?.account ?? String(account.prefix(2)) + "…"
    let now = clock.now()
    try await transaction.execute(
      """
      insert into login_log (version, created_at, created_by, updated_at, updated_by, account, user_id, user_name,
        outcome, reason, method, remote_address, user_agent, occurred_at)
      values (1, \(now), 0, \(now), 0, \(shown), \(user?.id), \(user?.name), \(reason == nil ? "success" : "refused"),
        \(reason?.rawValue), \(method), \(origin.remoteAddress), \(origin.userAgent), \(now))
      """)
    let who = Principal(
      kind: user == nil ? .stranger : .user, id: user?.id ?? 0, name: user?.name ?? shown, unit: nil,
      grants: Grants([]), clearance: .open)
    var details: [(key: String, value: JSON)] = [("method", .string(method))]
    if let reason { details.append(("reason", .string(reason.rawValue))) }
    try await audit.append(
      AuditEntry(
        who, "session.sign-in", entity: "app_user", record: user?.id, outcome: reason == nil ? .done : .refused,
        origin: origin, details: .object(details)), in: transaction)
  }

  /// Lifts the lock of an account (解锁).
  package func unlock(_ user: Int64, by principal: Principal, origin: Origin) async throws {
    try principal.require(Permission("credential", "unlock"), toDo: "解锁账号")
    guard let candidate = try await candidate("u.id = \(user)") else { throw IdentityService.noSuchUser }
    try await database.transaction { transaction in
      try await transaction.execute(
        "delete from sign_in_failure where account_hash = \(self.fingerprint(account: candidate.user.account))")
      try await self.audit.append(
        AuditEntry(principal, "credential.unlock", entity: "app_user", record: user, origin: origin), in: transaction)
    }
  }

  static let noSuchUser = Refusal(.notFound, "user-unknown", "没有这个用户，可能已被删除。请刷新列表。")
}
