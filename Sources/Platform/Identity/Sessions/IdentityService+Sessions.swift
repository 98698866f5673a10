package import Access
package import Audit
import Core
import Crypto
import SQL

extension IdentityService {
  /// The session of a cookie's token.
  ///
  /// From memory nearly always; idle time, addresses and hours are checked at every call.
  ///
  /// - Throws: ``Refusal`` `unauthenticated` that says why a session is over, or `forbidden` when it may not be used from
  ///   here or now.
  package func authenticate(_ token: String, origin: Origin) async throws -> Session {
    let digest = Digest.sm3(Array(token.utf8))
    let now = clock.now()
    let before = cache.lastSeen(digest)
    if let entry = cache.touch(digest, at: now) {
      if now >= entry.session.expiresAt { throw try await end(entry.session.id, digest, .expired) }
      if now - entry.lastSeen >= Double(idleSeconds) { throw try await end(entry.session.id, digest, .idle) }
      if let refusal = entry.session.user.rules.refusal(address: origin.remoteAddress, at: now) { throw refusal }
      return entry.session
    }
    let entry = try await load(digest, token: token, seenHere: before, now: now)
    if let refusal = entry.session.user.refusal(address: origin.remoteAddress, at: now) {
      if entry.session.user.status != .active { throw try await end(entry.session.id, digest, .account) }
      throw refusal
    }
    cache.put(entry, for: digest)
    return entry.session
  }

  private func load(
    _ digest: [UInt8], token: String, seenHere: Instant?, now: Instant
  ) async throws -> SessionCache.Entry {
    guard let row = try await database.first(IdentityService.sessionQuery(digest, now: now)) else {
      throw IdentityService.signInRequired(nil)
    }
    let id: Int64 = try row.get("session_id")
    if try !row.isNull("ended_at") {
      cache.forget(digest)
      throw IdentityService.signInRequired(SessionEnd(rawValue: try row.get("end_reason", as: String?.self) ?? ""))
    }
    let stored: Instant = try row.get("last_seen_at")
    let seen = max(stored, seenHere ?? stored)
    let expires: Instant = try row.get("expires_at")
    if now >= expires { throw try await end(id, digest, .expired) }
    if now - seen >= Double(idleSeconds) { throw try await end(id, digest, .idle) }
    let session = try session(row, token: token, expires: expires, now: now)
    let tomorrow = now.chinaTime.date.adding(days: 1).start
    return SessionCache.Entry(
      session: session, lastSeen: now, written: stored, validUntil: min(now + IdentityService.lifetime, tomorrow))
  }

  /// Seconds after which a cached session is read again even when nothing was notified.
  private static let lifetime: Int64 = 300

  static func sessionQuery(_ digest: [UInt8], now: Instant) -> SQL {
    """
    select s.id as session_id, s.created_at, s.last_seen_at, s.expires_at, s.ended_at, s.end_reason, s.second_factor,
      s.assurance, \(UserAccount.columns), \(PrincipalLoader.unitColumns),
      c.changed_at as password_at, c.change_reason, f.enrolled_at is not null as enrolled,
      \(PrincipalLoader.userGrants(user: "u.id", unit: "n.id", today: now.chinaTime.date, now: now)) as grants
    from session s join app_user u on u.id = s.user_id
      left join unit n on n.id = coalesce(s.unit_id, u.unit_id)
      left join credential c on c.user_id = u.id left join second_factor f on f.user_id = u.id
    where s.token_hash = \(digest)
    """
  }

  private func session(_ row: Row, token: String, expires: Instant, now: Instant) throws -> Session {
    let user = try UserAccount(row: row)
    let roles = PrincipalLoader.read(try row.get("grants", as: JSON.self))
    let demand = try demand(row, of: user, isExternal: roles.isExternal, now: now)
    let principal = Principal(
      kind: .user, id: user.id, name: user.name, unit: try PrincipalLoader.unit(row),
      grants: demand == nil ? roles.grants : Grants([]), clearance: min(user.clearance, roles.clearance),
      assurance: Assurance(rawValue: try row.get("assurance")) ?? .password)
    return Session(
      id: try row.get("session_id"), user: user, principal: principal, roleNames: roles.names, demand: demand,
      secondFactor: try row.get("second_factor"), createdAt: try row.get("created_at"), expiresAt: expires,
      formToken: IdentityService.formToken(of: token))
  }

  private func demand(
    _ row: Row, of user: UserAccount, isExternal: Bool, now: Instant
  ) throws -> Session.Demand? {
    if let reason = try row.get("change_reason", as: String?.self) {
      return .newPassword(Session.NewPasswordReason(rawValue: reason) ?? .ordered)
    }
    let days = policy.password.maximumAgeDays
    if days > 0, let changed = try row.get("password_at", as: Instant?.self), now - changed >= Double(days) * 86400 {
      return .newPassword(.aged)
    }
    if try !row.get("enrolled", as: Bool.self), needsSecondFactor(user, isExternal: isExternal) { return .secondFactor }
    return nil
  }

  /// - Parameter isExternal: a role for people from outside is in force (B5-018).
  private func needsSecondFactor(_ user: UserAccount, isExternal: Bool) -> Bool {
    switch policy.secondFactor {
    case .optional: false
    case .administrators: user.separation != nil
    case .external: isExternal
    case .administratorsAndExternal: user.separation != nil || isExternal
    case .everyone: true
    }
  }

  /// The text that forms of a session carry: derived from its secret, so that it is stored nowhere.
  static func formToken(of token: String) -> String {
    Base64URL.encode(HMAC(key: SecretBytes(Array(token.utf8))).authenticate("lifang-form-1"))
  }

  /// Whether a form came from a page of this session (防跨站请求伪造).
  package func isValid(formToken: String, of session: Session) -> Bool {
    constantTimeEqual(formToken, session.formToken)
  }

  static func signInRequired(_ end: SessionEnd?) -> Refusal {
    Refusal(
      .unauthenticated, end.map { "session-\($0.rawValue)" } ?? "sign-in-required", end?.message ?? "请先登录。")
  }

  private func end(_ id: Int64, _ digest: [UInt8], _ reason: SessionEnd) async throws -> Refusal {
    cache.forget(digest)
    _ = try await database.transaction { try await self.endSessions("id = \(id)", reason, by: nil, in: $0) }
    return IdentityService.signInRequired(reason)
  }

  /// Ends the sessions that `condition` selects and tells every node; returns their users.
  @discardableResult
  func endSessions(
    _ condition: SQL, _ reason: SessionEnd, by principal: Principal?, in transaction: Transaction
  ) async throws -> [(id: Int64, user: Int64)] {
    let ended = try await transaction.query(
      """
      update session set ended_at = \(clock.now()), ended_by = \(principal?.actor), end_reason = \(reason.rawValue)
      where ended_at is null and \(condition) returning id, user_id
      """
    ).map { (id: try $0.get("id", as: Int64.self), user: try $0.get("user_id", as: Int64.self)) }
    for part in stride(from: 0, to: ended.count, by: 200) {
      let ids = ended[part..<min(part + 200, ended.count)].map { String($0.id) }.joined(separator: ",")
      transaction.notify("identity", "session:" + ids)
    }
    for session in ended { cache.forget(session: session.id) }
    return ended
  }

  /// Signs out on this device.
  package func signOut(_ session: Session, origin: Origin) async throws {
    try await database.transaction { transaction in
      try await self.endSessions("id = \(session.id)", .signOut, by: session.principal, in: transaction)
      try await self.audit.append(
        AuditEntry(session.principal, "session.sign-out", entity: "app_user", record: session.user.id, origin: origin),
        in: transaction)
    }
  }

  /// Who is on line (在线用户): sessions that were used within the idle time, the latest first.
  package func online(by principal: Principal, limit: Int = 500) async throws -> [OnlineSession] {
    try principal.require(Permission("session", "view"), toDo: "查看在线用户")
    return try await sessions("s.last_seen_at > \(clock.now() + -idleSeconds)", limit: limit)
  }

  /// A user's own open sessions, on all devices.
  package func sessions(of user: Int64) async throws -> [OnlineSession] {
    try await sessions("s.user_id = \(user)", limit: 100)
  }

  private func sessions(_ condition: SQL, limit: Int) async throws -> [OnlineSession] {
    try await database.query(
      """
      select s.id, s.user_id, u.account, u.name, n.name as unit_name, s.created_at, s.last_seen_at, s.remote_address,
        s.user_agent
      from session s join app_user u on u.id = s.user_id left join unit n on n.id = coalesce(s.unit_id, u.unit_id)
      where s.ended_at is null and s.expires_at > \(clock.now()) and \(condition)
      order by s.last_seen_at desc, s.id desc limit \(limit)
      """
    ).map { row in
      OnlineSession(
        id: try row.get("id"), userID: try row.get("user_id"), account: try row.get("account"),
        name: try row.get("name"), unitName: try row.get("unit_name"), createdAt: try row.get("created_at"),
        lastSeenAt: try row.get("last_seen_at"), remoteAddress: try row.get("remote_address"),
        userAgent: try row.get("user_agent"))
    }
  }

  /// Ends somebody's session (强制下线). One's own needs no permission.
  package func kick(_ id: Int64, by principal: Principal, origin: Origin) async throws {
    try await database.transaction { transaction in
      let row = try await transaction.first("select user_id from session where id = \(id) and ended_at is null")
      guard let user = try row?.get("user_id", as: Int64.self) else {
        throw Refusal(.notFound, "session-over", "这个会话已经结束。")
      }
      if principal.kind != .user || principal.id != user {
        try principal.require(Permission("session", "kick"), toDo: "强制下线")
      }
      try await self.endSessions("id = \(id)", .kicked, by: principal, in: transaction)
      try await self.audit.append(
        AuditEntry(
          principal, "session.kick", entity: "app_user", record: user, origin: origin, details: ["session": .int(id)]),
        in: transaction)
    }
  }

  /// The units the user may act for: the own one first, then those a role was given for.
  package func units(of user: Int64) async throws -> [UnitMembership] {
    try await database.query(
      """
      select \(PrincipalLoader.unitColumns) from unit n
      join (select unit_id, 0 as rank from app_user where id = \(user)
        union select unit_id, 1 from user_role where user_id = \(user) and unit_id is not null) m on m.unit_id = n.id
      group by n.id, n.name, n.path, n.division_code order by min(m.rank), n.path
      """
    ).compactMap { try PrincipalLoader.unit($0) }
  }

  /// Acts for another of one's units from the next request on (切换机构).
  package func switchUnit(_ session: Session, to unit: Int64, origin: Origin) async throws {
    guard try await units(of: session.user.id).contains(where: { $0.id == unit }) else {
      throw Refusal(.forbidden, "unit-not-yours", "您没有这个机构的任职，不能切换过去。需要时请联系安全保密管理员。")
    }
    try await database.transaction { transaction in
      try await transaction.execute("update session set unit_id = \(unit) where id = \(session.id)")
      transaction.notify("identity", "session:\(session.id)")
      try await self.audit.append(
        AuditEntry(session.principal, "session.switch-unit", entity: "unit", record: unit, origin: origin),
        in: transaction)
    }
    cache.forget(session: session.id)
  }
}
