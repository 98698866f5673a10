import Access
package import Audit
import Core
import Crypto
package import Entities
import SQL

/// Signing in by providers of identities (统一身份认证): OpenID Connect with the authorization code flow, proof key, state
/// and nonce (C-023, C-048, C-049, C-237, C-238, C-261, C-262).
///
/// Whoever a provider vouches for becomes a citizen's account at the first sign-in, bound to the person of the population
/// register by document number. Accounts of staff are never opened from outside.
package struct Federation: Sendable {
  let identity: IdentityService
  let store: RecordStore
  let client: OpenIDClient
  /// Where providers send people back to.
  let redirect: String

  /// Seconds that somebody may take at the provider.
  private static let patience: Int64 = 600

  /// - Parameter origin: of this site, such as `https://ban.example.gov.cn`.
  package init(identity: IdentityService, store: RecordStore, origin: String, fetch: @escaping OpenIDClient.Fetch) {
    self.identity = identity
    self.store = store
    client = OpenIDClient(clock: identity.clock, log: identity.configuration.log, fetch: fetch)
    redirect = origin + "/sign-in/callback"
  }

  /// The providers in use, in the order of their buttons.
  package func providers() async throws -> [IdentityProvider] {
    let query = ListQuery(
      IdentityProvider.entity, filters: [ListFilter("state", .equals(.text("on")))],
      sort: [ListView.Sort(field: "position", descending: false)], columns: columns(IdentityProvider.entity), limit: 50)
    return try await store.records(as: .system).list(query).records.map { IdentityProvider($0) }
  }

  /// All fields of a register; a list reads only those it shows otherwise.
  func columns(_ entity: String) -> [String]? { store.catalog.entity(entity)?.fields.filter(\.isStored).map(\.name) }

  func provider(_ condition: (IdentityProvider) -> Bool) async throws -> IdentityProvider {
    guard let provider = try await providers().first(where: condition) else {
      throw Refusal(.notFound, "provider-unknown", "没有这种登录方式，或它已停用。请从登录页重新选择。")
    }
    return provider
  }

  // MARK: Beginning

  /// Begins a sign-in, or a binding for a session.
  ///
  /// - Parameters:
  ///   - browser: the secret of this browser's cookie, if it has one already.
  ///   - returnPath: a path of this site.
  /// - Returns: where the browser goes, and the secret for its cookie.
  package func begin(
    _ code: String, returnPath: String, browser: String?, binding session: Session? = nil, origin: Origin
  ) async throws -> (url: String, browser: String) {
    let now = identity.clock.now()
    if let wait = identity.attempts.count(
      "federation " + (origin.remoteAddress ?? ""), limit: identity.policy.attemptsPerMinutePerAddress, at: now)
    {
      throw Refusal(.tooMany, "sign-in-too-often", "登录太频繁，请 \(wait) 秒后再试。")
    }
    let provider = try await provider { $0.code == code }
    let configuration = try await client.configuration(of: provider)
    let random = identity.configuration.random
    let state = random.token()
    let nonce = random.token()
    let verifier = random.token()
    let browser = browser.flatMap { Base64URL.decode($0)?.count == 32 ? $0 : nil } ?? random.token()
    let secrets: JSON = ["nonce": .string(nonce), "verifier": .string(verifier)]
    let sealed = try identity.configuration.ring.seal(
      Array(secrets.text.utf8), associated: "sign_in_request.secrets")
    try await identity.database.execute(
      """
      insert into sign_in_request (state_hash, browser_hash, provider_id, secrets, return_path, user_id, expires_at)
      values (\(hash(state)), \(hash(browser)), \(provider.id), \(sealed), \(returnPath), \(session?.user.id),
        \(now + Federation.patience))
      """)
    let challenge = Base64URL.encode(Digest.hash(Array(verifier.utf8), .sha256))
    let query = [
      ("response_type", "code"), ("client_id", provider.client), ("redirect_uri", redirect),
      ("scope", provider.scopes), ("state", state), ("nonce", nonce), ("code_challenge", challenge),
      ("code_challenge_method", "S256"),
    ].map { "\($0.0)=\(FormText.encode($0.1))" }.joined(separator: "&")
    let joint = configuration.authorization.contains("?") ? "&" : "?"
    return (configuration.authorization + joint + query, browser)
  }

  private func hash(_ text: String) -> [UInt8] { Digest.sm3(Array(text.utf8)) }

  // MARK: Coming back

  /// What came back with the browser.
  package struct Callback: Sendable {
    package var state: String
    package var code: String?
    package var error: String?
    /// RFC 9207.
    package var issuer: String?
    package var browser: String?

    package init(state: String, code: String?, error: String?, issuer: String?, browser: String?) {
      self.state = state
      self.code = code
      self.error = error
      self.issuer = issuer
      self.browser = browser
    }
  }

  /// How a sign-in ended.
  package enum Outcome: Sendable {
    case signedIn(OpenedSession, returnPath: String)
    case bound(provider: String, returnPath: String)
  }

  /// Finishes what ``begin(_:returnPath:browser:binding:origin:)`` began. A state works once, in one browser, for ten
  /// minutes.
  ///
  /// - Parameter session: of the browser, for a binding.
  /// - Throws: ``Refusal`` that says in Chinese what to do; nothing is changed then.
  package func finish(
    _ callback: Callback, session: Session?, replacing old: String?, origin: Origin
  ) async throws -> Outcome {
    let now = identity.clock.now()
    let row = try await identity.database.first(
      """
      delete from sign_in_request where state_hash = \(hash(callback.state))
      returning browser_hash, provider_id, secrets, return_path, user_id, expires_at
      """)
    guard let row, try row.get("expires_at", as: Instant.self) > now, let browser = callback.browser,
      constantTimeEqual(hash(browser), try row.get("browser_hash", as: [UInt8].self))
    else {
      throw Refusal(.gone, "sign-in-state", "这次登录已经用过、超过了 10 分钟，或不是从这个浏览器开始的，没有登录。请重新登录。")
    }
    let id: Int64 = try row.get("provider_id")
    let provider = try await provider { $0.id == id }
    if let issuer = callback.issuer, issuer != provider.issuer {
      throw Refusal(.unprocessable, "id-token-issuer", "答复不是“\(provider.name)”发来的，没有登录。请重新登录。")
    }
    guard callback.error == nil, let code = callback.code, !code.isEmpty else {
      throw Refusal(
        .unprocessable, "provider-refused", "没有在“\(provider.name)”完成登录或没有同意授权。需要时请重新登录，或换一种登录方式。")
    }
    let plain = try identity.configuration.ring.open(
      row.get("secrets", as: [UInt8].self), associated: "sign_in_request.secrets")
    let secrets = try JSON(parsing: plain)
    let (token, access) = try await client.redeem(
      code, of: provider, redirect: redirect, verifier: secrets["verifier"]?.string ?? "",
      nonce: secrets["nonce"]?.string ?? "")
    var claims = token.claims
    if claims[provider.nameClaim] == nil || claims[provider.documentClaim] == nil, let access,
      let more = try await client.userInfo(access, of: provider, subject: token.subject)
    {
      claims = .object((claims.object ?? []) + (more.object ?? []))
    }
    let vouched = try VouchedIdentity(token.subject, claims: claims, by: provider)
    let path: String = try row.get("return_path")
    if let user = try row.get("user_id", as: Int64?.self) {
      guard let session, session.user.id == user else {
        throw Refusal(.conflict, "binding-session", "绑定期间账号已退出或换了人，没有绑定。请登录后在“我的账号”里重新绑定。")
      }
      try await bind(vouched, of: provider, to: session, origin: origin)
      return .bound(provider: provider.name, returnPath: path)
    }
    let opened = try await open(vouched, of: provider, replacing: old, origin: origin)
    return .signedIn(opened, returnPath: path)
  }
}
