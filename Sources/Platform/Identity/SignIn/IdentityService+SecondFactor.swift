import Access
package import Audit
import Core
import Crypto
import SQL

/// What a user needs to set an authenticator app up.
package struct SecondFactorEnrolment: Sendable, CustomReflectable {
  /// Shown as a QR code.
  package let uri: String
  /// For typing in, in Base32.
  package let secretText: String

  package var customMirror: Mirror { Mirror(self, children: []) }
}

extension IdentityService {
  /// Ends the sign-in that ``signIn(_:replacing:)`` left open with a code of the app or a recovery code (双因素认证).
  package func completeSignIn(
    challenge: String, code: String, origin: Origin, replacing old: String? = nil
  ) async throws -> OpenedSession {
    let hash = Digest.sm3(Array(challenge.utf8))
    await gate.enter(challenge)
    do {
      let session = try await complete(hash, code, origin, old)
      await gate.leave(challenge)
      return session
    } catch {
      await gate.leave(challenge)
      throw error
    }
  }

  private func complete(_ hash: [UInt8], _ code: String, _ origin: Origin, _ old: String?) async throws -> OpenedSession
  {
    let row = try await database.first(
      "select user_id, account_hash, failures from sign_in_challenge where token_hash = \(hash) and expires_at > \(clock.now())"
    )
    guard let row, let candidate = try await candidate("u.id = \(row.get("user_id", as: Int64.self))") else {
      throw Refusal(.gone, "challenge-over", "登录已超时，请重新输入账号和密码。")
    }
    let digest: [UInt8] = try row.get("account_hash")
    if let until = try await lockedUntil(digest) { throw lockedRefusal(until) }
    if let refusal = candidate.user.refusal(address: origin.remoteAddress, at: clock.now()) { throw refusal }
    guard try await accept(code, of: candidate.user.id) else {
      try await database.execute("update sign_in_challenge set failures = failures + 1 where token_hash = \(hash)")
      try await database.execute("delete from sign_in_challenge where token_hash = \(hash) and failures >= 5")
      throw try await fail(.wrongCode, origin, candidate.user.account, candidate.user, digest)
    }
    // Two answers at once: only the one that takes the challenge away goes on.
    guard try await database.execute("delete from sign_in_challenge where token_hash = \(hash)") == 1 else {
      throw Refusal(.gone, "challenge-over", "登录已超时，请重新输入账号和密码。")
    }
    return try await open(candidate.user, digest, origin, secondFactor: true, replacing: old)
  }

  /// The text that the second step of a sign-in hands back.
  func challenge(_ user: Int64, _ digest: [UInt8], _ origin: Origin) async throws -> String {
    let token = configuration.random.token()
    try await database.execute(
      """
      insert into sign_in_challenge (token_hash, user_id, account_hash, device, expires_at)
      values (\(Digest.sm3(Array(token.utf8))), \(user), \(digest), \(origin.userAgent), \(clock.now() + 300))
      """)
    return token
  }

  /// Whether `code` is right and unused: a code of the app, each once, or a recovery code, each once.
  private func accept(_ code: String, of user: Int64) async throws -> Bool {
    let code = String(code.filter { !$0.isWhitespace && $0 != "-" })
    guard
      let row = try await database.first(
        "select secret, last_step from second_factor where user_id = \(user) and enrolled_at is not null")
    else { return false }
    if let step = try totp(row).accept(code, at: clock.now(), last: row.get("last_step")) {
      return try await database.execute(
        """
        update second_factor set last_step = \(step)
        where user_id = \(user) and (last_step is null or last_step < \(step))
        """) == 1
    }
    return try await database.execute(
      "delete from recovery_code where user_id = \(user) and code_hash = \(recoveryHash(code, of: user))") == 1
  }

  private func totp(_ row: Row) throws -> TOTP {
    let secret = try configuration.ring.open(row.get("secret"), associated: "second_factor.secret")
    return TOTP(secret: SecretBytes(secret))
  }

  private func recoveryHash(_ code: String, of user: Int64) -> [UInt8] {
    Digest.sm3(Array("lifang-recovery-1/\(user)/\(code.uppercased())".utf8))
  }

  /// Begins the set-up of an authenticator app: a new secret, which counts once a code of it was typed in.
  package func beginEnrolment(_ session: Session) async throws -> SecondFactorEnrolment {
    let secret = TOTP.newSecret(configuration.random)
    let sealed = try configuration.ring.seal(secret.bytes, associated: "second_factor.secret")
    let written = try await database.execute(
      """
      insert into second_factor as f (user_id, secret) values (\(session.user.id), \(sealed))
      on conflict (user_id) do update set secret = excluded.secret, last_step = null where f.enrolled_at is null
      """)
    guard written == 1 else {
      throw Refusal(.conflict, "second-factor-there", "您已经设置了双因素认证。要换手机，请先停用原来的。")
    }
    let totp = TOTP(secret: secret)
    return SecondFactorEnrolment(
      uri: totp.enrolmentURI(issuer: configuration.issuer, account: session.user.account),
      secretText: totp.secretText)
  }

  /// Ends the set-up with the first code and returns ten recovery codes, to be shown once.
  package func confirmEnrolment(_ session: Session, code: String, origin: Origin) async throws -> [String] {
    let user = session.user.id
    guard
      let row = try await database.first(
        "select secret, last_step from second_factor where user_id = \(user) and enrolled_at is null")
    else { throw Refusal(.conflict, "enrolment-not-begun", "请先扫描二维码，再输入验证码。") }
    if let wait = attempts.count("enrolment \(user)", limit: 10, at: clock.now()) {
      throw Refusal(.tooMany, "code-too-often", "尝试太频繁，请 \(wait) 秒后再试。")
    }
    guard let step = try totp(row).accept(String(code.filter { !$0.isWhitespace }), at: clock.now(), last: nil) else {
      throw Refusal(.unprocessable, "second-factor-wrong", "验证码不正确，请确认手机时间准确，再输入当前的 6 位数字。", field: "code")
    }
    let codes = (0..<10).map { _ in Base32.encode(configuration.random.bytes(10)) }
    try await database.transaction { transaction in
      try await transaction.execute(
        "update second_factor set enrolled_at = \(self.clock.now()), last_step = \(step) where user_id = \(user)")
      try await self.replaceRecoveryCodes(of: user, with: codes, in: transaction)
      try await transaction.execute("update session set second_factor = true where id = \(session.id)")
      transaction.notify("identity", "session:\(session.id)")
      try await self.audit.append(
        AuditEntry(
          session.principal, "credential.enrol-second-factor", entity: "app_user", record: user, origin: origin),
        in: transaction)
    }
    cache.forget(users: [user])
    return codes.map(IdentityService.grouped)
  }

  private func replaceRecoveryCodes(of user: Int64, with codes: [String], in transaction: Transaction) async throws {
    try await transaction.execute("delete from recovery_code where user_id = \(user)")
    let hashes = codes.map { Hex.encode(recoveryHash($0, of: user)) }
    try await transaction.execute(
      """
      insert into recovery_code (user_id, code_hash)
      select \(user), decode(h, 'hex') from unnest(\(hashes)::text[]) as v(h)
      """)
  }

  /// `ABCD-EFGH-IJKL-MNOP`.
  private static func grouped(_ code: String) -> String {
    let characters = Array(code)
    return stride(from: 0, to: characters.count, by: 4).map {
      String(characters[$0..<min($0 + 4, characters.count)])
    }.joined(separator: "-")
  }

  /// Takes the second factor away: one's own after the password was given, somebody's who lost the phone by an officer.
  package func removeSecondFactor(
    of user: Int64, password: String?, by session: Session, origin: Origin
  ) async throws {
    if user == session.user.id {
      try await confirm(password ?? "", of: session, origin: origin)
    } else {
      try session.principal.require(.init("credential", "reset"), toDo: "停用他人的双因素认证")
    }
    try await database.transaction { transaction in
      try await transaction.execute("delete from second_factor where user_id = \(user)")
      try await transaction.execute("delete from recovery_code where user_id = \(user)")
      transaction.notify("identity", "app_user:\(user)")
      try await self.audit.append(
        AuditEntry(
          session.principal, "credential.remove-second-factor", entity: "app_user", record: user, origin: origin),
        in: transaction)
    }
    cache.forget(users: [user])
  }
}
