package import Audit
package import Core
import Crypto
import Entities
package import Identity
import SQL

/// Signing in to another system (单点登录).
extension SignOn {
  /// What becomes of a request.
  package enum Step: Sendable {
    /// Somebody has to sign in here first; anew, when they already have.
    case signIn(again: Bool)
    /// The browser goes back with a code.
    case enter(String)
    /// The account may not use the application; `back` says so to the application.
    case refuse(Refusal, back: String)
  }

  /// Reads a request.
  ///
  /// - Throws: ``Refusal`` to be shown here where the address to answer to is not proven, so that nobody can be led astray;
  ///   ``AuthorizationError`` otherwise.
  package func authorization(_ items: [(name: String, value: String)]) async throws -> AuthorizationRequest {
    func only(_ name: String) -> String? {
      let values = items.filter { $0.name == name }
      return values.count == 1 ? values[0].value : nil
    }
    guard let application = try await self.application(only("client_id") ?? "") else {
      throw Refusal(
        .invalid, "application-unknown", "要登录的系统没有在统一账号中心登记，或已停用，没有登录。请从该系统重新进入，仍不行请告诉该系统的管理员。")
    }
    guard let redirect = application.redirect(only("redirect_uri") ?? "") else {
      throw Refusal(
        .invalid, "application-redirect", "“\(application.name)”要求返回的地址没有登记，没有登录。请从该系统的首页重新进入，仍不行请告诉该系统的管理员。")
    }
    return try AuthorizationRequest(items, application: application, redirect: redirect)
  }

  /// Judges a request for whoever sits before the browser, and lets them in.
  ///
  /// - Throws: ``AuthorizationError`` for a silent request that cannot be answered silently.
  package func authorize(
    _ request: AuthorizationRequest, session: Session?, origin: Origin
  ) async throws -> Step {
    guard let session else {
      if request.isSilent { throw request.error(.loginRequired, "nobody is signed in") }
      return .signIn(again: false)
    }
    if session.demand != nil { throw request.error(.interactionRequired, "the account has something to do first") }
    if request.needsSignIn(signedInAt: session.createdAt, asked: try asked(request), now: now) {
      if request.isSilent { throw request.error(.loginRequired, "the sign-in is too old") }
      return .signIn(again: true)
    }
    guard let standing = try await identity.standing(of: session.user.id, session: session.id),
      try await admits(standing, to: request.application)
    else {
      let error = request.error(.accessDenied, "the account may not use this application")
      if request.isSilent { throw error }
      let refusal = Refusal(
        .forbidden, "application-denied",
        "您的账号 \(session.user.account) 没有使用“\(request.application.name)”的权限，没有进入。需要时请向本单位的安全保密管理员申请，或换一个账号登录。")
      return .refuse(refusal, back: location(error))
    }
    return .enter(try await code(for: request, session, origin))
  }

  /// What a request that demands a sign-in carries through it (`fresh`): when it was demanded, signed for this request, so
  /// that nobody spares themselves or a stranger at their desk the password by writing a time of their own.
  package func freshness(of request: AuthorizationRequest) throws -> String {
    let asked = String(now.microseconds)
    return "\(asked).\(Base64URL.encode(try seal(asked, of: request)))"
  }

  /// When this site demanded a sign-in for this request; `nil` when it did not, whatever the request says.
  private func asked(_ request: AuthorizationRequest) throws -> Instant? {
    let parts = (request.fresh ?? "").split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let time = Int64(parts[0]), let tag = Base64URL.decode(String(parts[1])),
      constantTimeEqual(tag, try seal(String(parts[0]), of: request))
    else { return nil }
    return Instant(microseconds: time)
  }

  private func seal(_ asked: String, of request: AuthorizationRequest) throws -> [UInt8] {
    let told: JSON = [
      .string(asked), .string(request.application.code), .string(request.redirect.url),
      request.state.map { .string($0) } ?? .null, request.nonce.map { .string($0) } ?? .null,
      .string(request.challenge),
    ]
    let key = HMAC(key: try store.keys.secret(.index)).derivedKey("sign-on-fresh")
    return HMAC(key: key).authenticate(told.text)
  }

  private func code(for request: AuthorizationRequest, _ session: Session, _ origin: Origin) async throws -> String {
    let code = random.token()
    let now = now
    try await database.transaction { transaction in
      try await transaction.execute(
        """
        insert into authorization_code (code_hash, application_id, session_id, user_id, redirect, scopes, nonce,
          challenge, expires_at)
        values (\(self.hash(code)), \(request.application.id), \(session.id), \(session.user.id),
          \(request.redirect.url), \(request.scopes.map(\.rawValue).joined(separator: " ")), \(request.nonce),
          \(request.challenge), \(now + SignOn.codeLifetime))
        """)
      try await self.store.audit.append(
        AuditEntry(
          session.principal, "client_application.enter", entity: ClientApplication.entity,
          record: request.application.id, origin: origin,
          details: [
            "application": .string(request.application.code),
            "scopes": .array(request.scopes.map { .string($0.rawValue) }),
          ]), in: transaction)
    }
    return answer(request.redirect, [(name: "code", value: code)], request.state)
  }

  /// Where the browser goes with a refusal.
  package func location(_ error: AuthorizationError) -> String {
    answer(
      error.redirect, [(name: "error", value: error.fault.rawValue), (name: "error_description", value: error.detail)],
      error.state)
  }

  /// The state goes back as it came, and the issuer with it, so that no answer passes for another's (RFC 9207).
  private func answer(_ redirect: ApplicationAddress, _ items: [(name: String, value: String)], _ state: String?)
    -> String
  {
    var all = items
    if let state { all.append((name: "state", value: state)) }
    all.append((name: "iss", value: issuer))
    return redirect.adding(all, encode: FormText.encode)
  }
}
