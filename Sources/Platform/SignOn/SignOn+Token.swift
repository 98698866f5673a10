import Access
package import Audit
package import Core
import Crypto
import Entities
import Identity
import SQL

/// Exchanging a code for tokens, and what a token opens.
extension SignOn {
  /// What an application sends to redeem a code (RFC 6749 §4.1.3).
  package struct Redemption: Sendable {
    /// The code that the browser brought.
    package let code: String
    /// The address it was brought to.
    package let redirect: String
    /// What the challenge of the request was made of (RFC 7636).
    package let verifier: String

    package init(code: String, redirect: String, verifier: String) {
      self.code = code
      self.redirect = redirect
      self.verifier = verifier
    }
  }

  /// The application that proved who it is.
  package func client(_ id: String, secret: String) async throws -> ClientApplication? {
    try await authenticate(client: id, secret: secret)
  }

  /// What a redeemed code is worth.
  private struct Grant: Sendable {
    let user: Int64
    let session: Int64
    let sid: String
    let subject: String
    let scopes: String
    let nonce: String?
    let opening: SessionOpening
  }

  /// The tokens behind a code (RFC 6749 §4.1.4, OpenID Connect Core 1.0 §3.1.3.3); `nil` for a code that is unknown, used,
  /// too old or of another application, for another address or verifier, and when the session is over.
  ///
  /// One try uses a code up; a second use takes back what the first one gave.
  package func redeem(_ sent: Redemption, by application: ClientApplication, origin: Origin) async throws -> JSON? {
    let access = random.token()
    let sid = random.token(bytes: 18)
    let grant = try await database.transaction { transaction in
      try await self.take(sent, by: application, access: access, sid: sid, origin, in: transaction)
    }
    guard let grant else { return nil }
    let now = now
    let left = Digest.hash(Array(access.utf8), .sha256).prefix(16)
    var claims: [(key: String, value: JSON)] = [
      ("iss", .string(issuer)), ("sub", .string(grant.subject)), ("aud", .string(application.code)),
      ("iat", .int(now.seconds)), ("exp", .int(now.seconds + SignOn.tokenLifetime)),
      ("auth_time", .int(grant.opening.at.seconds)), ("sid", .string(grant.sid)),
      ("acr", .string(grant.opening.assurance.rawValue)), ("at_hash", .string(Base64URL.encode(left))),
    ]
    let methods = SignOn.methods(grant.opening.method)
    if !methods.isEmpty { claims.append(("amr", .array(methods.map { .string($0) }))) }
    if let nonce = grant.nonce { claims.append(("nonce", .string(nonce))) }
    return [
      "access_token": .string(access), "token_type": "Bearer", "expires_in": .int(SignOn.accessLifetime),
      "scope": .string(grant.scopes), "id_token": .string(try await keys.signing().token(.object(claims))),
    ]
  }

  /// How somebody signed in, in the words of RFC 8176.
  static func methods(_ method: String) -> [String] {
    switch method {
    case "password": ["pwd"]
    case "password_totp": ["pwd", "otp", "mfa"]
    case "certificate": ["sc", "mfa"]
    case "phone": ["sms"]
    default: []
    }
  }

  private func take(
    _ sent: Redemption, by application: ClientApplication, access: String, sid: String, _ origin: Origin,
    in transaction: Transaction
  ) async throws -> Grant? {
    let now = now
    let digest = hash(sent.code)
    let row = try await transaction.first(
      """
      select session_id, user_id, redirect, scopes, nonce, challenge, expires_at, used_at from authorization_code
      where code_hash = \(digest) and application_id = \(application.id) for update
      """)
    guard let row else { return nil }
    let user: Int64 = try row.get("user_id")
    guard try row.isNull("used_at") else {
      try await revoke(digest, of: user, application, origin, in: transaction)
      return nil
    }
    try await transaction.execute("update authorization_code set used_at = \(now) where code_hash = \(digest)")
    let expires: Instant = try row.get("expires_at")
    let redirect: String = try row.get("redirect")
    let challenge: String = try row.get("challenge")
    guard now < expires, sent.redirect == redirect, SignOn.fits(sent.verifier, challenge) else { return nil }
    let session: Int64 = try row.get("session_id")
    guard let opening = try await identity.holdSession(session, in: transaction) else { return nil }
    let subject = try await self.subject(of: user, in: transaction)
    let scopes: String = try row.get("scopes")
    let known: String = try await transaction.value(
      """
      insert into client_session (sid, application_id, session_id, user_id, subject, begun_at)
      values (\(sid), \(application.id), \(session), \(user), \(subject), \(now))
      on conflict (session_id, application_id) where ended_at is null do update set begun_at = excluded.begun_at
      returning sid
      """)
    try await transaction.execute(
      """
      insert into access_token (token_hash, code_hash, sid, scopes, expires_at)
      values (\(hash(access)), \(digest), \(known), \(scopes), \(now + SignOn.accessLifetime))
      """)
    return Grant(
      user: user, session: session, sid: known, subject: subject, scopes: scopes, nonce: try row.get("nonce"),
      opening: opening)
  }

  /// Whether a verifier is the one that the challenge was made of (RFC 7636 §4.6).
  static func fits(_ verifier: String, _ challenge: String) -> Bool {
    (43...128).contains(verifier.utf8.count) && verifier.utf8.allSatisfy(AuthorizationRequest.isOfProof)
      && constantTimeEqual(Base64URL.encode(Digest.hash(Array(verifier.utf8), .sha256)), challenge)
  }

  /// Somebody has used a code twice: one of the two has stolen it (RFC 6749 §4.1.2).
  private func revoke(
    _ code: [UInt8], of user: Int64, _ application: ClientApplication, _ origin: Origin, in transaction: Transaction
  ) async throws {
    try await transaction.execute("delete from access_token where code_hash = \(code)")
    try await store.audit.append(
      AuditEntry(
        .system, "client_application.replay", entity: ClientApplication.entity, record: application.id,
        outcome: .refused, origin: origin, details: ["application": .string(application.code), "user": .int(user)]),
      in: transaction)
  }

  // MARK: UserInfo

  /// Who somebody is, for the token of an application (OpenID Connect Core 1.0 §5.3); `nil` for a token that is unknown, has
  /// run out, or whose session, account or application is over.
  package func userInfo(_ access: String) async throws -> JSON? {
    let row = try await database.first(
      """
      select t.scopes, t.expires_at, c.user_id, c.session_id, c.subject, a.code
      from access_token t join client_session c on c.sid = t.sid
        join client_application a on a.id = c.application_id
      where t.token_hash = \(hash(access)) and c.ended_at is null
      """)
    guard let row else { return nil }
    let expires: Instant = try row.get("expires_at")
    guard now < expires, let application = try await self.application(try row.get("code")) else { return nil }
    let user: Int64 = try row.get("user_id")
    guard let standing = try await identity.standing(of: user, session: try row.get("session_id")),
      try await admits(standing, to: application)
    else { return nil }
    let scopes = try row.get("scopes", as: String.self).split(separator: " ")
    var claims: [(key: String, value: JSON)] = [("sub", .string(try row.get("subject")))]
    if scopes.contains("profile") {
      claims.append(("name", .string(standing.user.name)))
      claims.append(("preferred_username", .string(standing.user.account)))
      if let unit = standing.unit {
        claims.append(("unit", ["code": .string(unit.code), "name": .string(unit.name)]))
      }
      claims.append(("roles", .array(standing.roles.map { ["code": .string($0.code), "name": .string($0.name)] })))
    }
    if scopes.contains("permissions") {
      let held = try await permissions(of: standing.roles, in: application.id)
      claims.append(("permissions", .array(held.map { .string($0) })))
    }
    if scopes.contains("phone"), application.withPhone, let phone = try await identity.mobile(of: user, in: database) {
      claims.append(("phone_number", .string(phone.e164 ?? phone.text)))
    }
    return .object(claims)
  }
}
