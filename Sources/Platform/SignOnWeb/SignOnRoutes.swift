import Access
import Core
import Crypto
import HTML
package import HTTP
import Identity
package import IdentityWeb
import Shell
package import SignOn
package import Site

/// The provider of identities towards other systems: OpenID Connect Discovery 1.0, the authorization, token and UserInfo
/// endpoints, and signing out (单点登录、单点注销).
package struct SignOnRoutes: Sendable {
  let site: Site
  let signOn: SignOn
  let authenticator: Authenticator
  let entering: RateLimiter
  let calling: RateLimiter

  package init(
    site: Site, signOn: SignOn, authenticator: Authenticator,
    entering: RateLimiter = RateLimiter(capacity: 60, interval: 1),
    calling: RateLimiter = RateLimiter(capacity: 600, interval: 0.05)
  ) {
    self.site = site
    self.signOn = signOn
    self.authenticator = authenticator
    self.entering = entering
    self.calling = calling
  }

  package func register(in router: inout Router) {
    router.on(.get, "/.well-known/openid-configuration") { _ in SignOnRoutes.open(.json(configuration)) }
    router.on(.get, "/oauth/keys") { _ in SignOnRoutes.open(.json(try await signOn.keys.published())) }
    router.on(.get, "/oauth/authorize") { request in try await enter(request) }
    // A form of another site brings no cookie along; what follows from it by GET does.
    router.on(.post, "/oauth/authorize") { request in try await again("/oauth/authorize", request) }
    router.on(.post, "/oauth/token") { request in try await token(request) }
    router.on(.get, "/oauth/userinfo") { request in try await userInfo(request) }
    router.on(.post, "/oauth/userinfo") { request in try await userInfo(request) }
    router.on(.get, "/oauth/logout", at: site) { visit in try await leave(visit) }
    router.on(.post, "/oauth/logout") { request in try await again("/oauth/logout", request) }
    router.on(.post, "/oauth/logout/confirm", at: site) { visit in try await confirmLeaving(visit) }
  }

  /// What the provider says of itself.
  private var configuration: JSON {
    func at(_ path: String) -> JSON { .string(signOn.issuer + path) }
    return [
      "issuer": at(""), "authorization_endpoint": at("/oauth/authorize"),
      "token_endpoint": at("/oauth/token"), "userinfo_endpoint": at("/oauth/userinfo"),
      "jwks_uri": at("/oauth/keys"), "end_session_endpoint": at("/oauth/logout"),
      "scopes_supported": .array(SignOnScope.allCases.map { .string($0.rawValue) }),
      "response_types_supported": ["code"], "response_modes_supported": ["query"],
      "grant_types_supported": ["authorization_code"], "subject_types_supported": ["public"],
      "id_token_signing_alg_values_supported": ["ES256"], "code_challenge_methods_supported": ["S256"],
      "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
      "claims_supported": [
        "sub", "iss", "aud", "iat", "exp", "auth_time", "nonce", "acr", "amr", "sid", "name", "preferred_username",
        "unit", "roles", "permissions", "phone_number",
      ],
      "prompt_values_supported": ["none", "login", "select_account"], "claims_parameter_supported": false,
      "request_parameter_supported": false, "request_uri_parameter_supported": false,
      "authorization_response_iss_parameter_supported": true, "backchannel_logout_supported": true,
      "backchannel_logout_session_supported": true, "ui_locales_supported": ["zh-CN"],
    ]
  }

  /// Anybody may read it, also a script of another site, for some minutes.
  private static func open(_ response: Response) -> Response {
    var response = response
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
  }

  private func again(_ path: String, _ request: Request) async throws -> Response {
    let fields = try await request.body.form().fields
    return .redirect(to: fields.isEmpty ? path : "\(path)?\(fields.encoded)")
  }

  // MARK: Signing in

  private func enter(_ request: Request) async throws -> Response {
    let handler = site.handler { visit in try await enter(visit) }
    do {
      return try await handler(request)
    } catch let demanded as Demanded {
      // Whoever must set a new password first cannot be answered for silently.
      guard let asked = try? await signOn.authorization(SignOnRoutes.items(request)), asked.isSilent else {
        throw demanded
      }
      return .redirect(to: signOn.location(asked.error(.interactionRequired, "the account has something to do first")))
    }
  }

  private static func items(_ request: Request) -> [(name: String, value: String)] {
    request.query.items.map { (name: $0.name, value: $0.value) }
  }

  private func enter(_ visit: Visit) async throws -> Response {
    try entering.require(visit.session?.account ?? visit.request.remoteAddress, toDo: "登录业务系统")
    var response: Response
    do {
      let request = try await signOn.authorization(SignOnRoutes.items(visit.request))
      let session = visit.session == nil ? nil : try await authenticator.session(of: visit)
      switch try await signOn.authorize(request, session: session, origin: visit.request.origin) {
      case .enter(let location): response = .redirect(to: location)
      case .signIn(let again): response = try toSignIn(visit, again ? request : nil)
      case .refuse(let refusal, let back): response = try await refused(visit, request, refusal, back)
      }
    } catch let error as AuthorizationError {
      response = .redirect(to: signOn.location(error))
    }
    response.headers["Cache-Control"] = "no-store"
    // The code in the address is for the other system alone.
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
  }

  /// To the sign-in page and back; for a request that demands a sign-in anew, with the time it was demanded.
  private func toSignIn(_ visit: Visit, _ demanding: AuthorizationRequest?) throws -> Response {
    let items =
      try demanding.map { visit.request.query.setting("fresh", to: try signOn.freshness(of: $0)) }
      ?? visit.request.query
    return .redirect(to: "/sign-in?return=\(PercentEncoding.encode("/oauth/authorize?\(items.encoded)"))")
  }

  /// Which system it is, why not, and the ways on: another account, or back with the refusal.
  private func refused(
    _ visit: Visit, _ request: AuthorizationRequest, _ refusal: Refusal, _ back: String
  ) async throws -> Response {
    await site.noteRefusal(visit, refusal)
    let items = visit.request.query.setting("prompt", to: "login").setting("fresh", to: nil)
    let page = ErrorPage(
      status: refusal.kind.status, title: "不能进入“\(request.application.name)”", message: refusal.message,
      visit: try await visit.frame(),
      actions: [
        Action("返回“\(request.application.name)”", .link(back), style: .primary),
        Action("换一个账号登录", .link("/oauth/authorize?\(items.encoded)")),
      ])
    return try visit.html(page.render(), status: refusal.kind.status)
  }

  /// Which system somebody who signs in goes on to, for the sign-in page: its name, and where its forms may lead.
  ///
  /// - Parameter path: where the sign-in page returns to.
  package func target(ofReturn path: String) async -> (name: String, origin: String?)? {
    guard path.hasPrefix("/oauth/authorize?"), let request = try? Request(.get, path),
      let asked = try? await signOn.authorization(SignOnRoutes.items(request))
    else { return nil }
    return (asked.application.name, SignOnRoutes.other(asked.redirect, signOn))
  }

  /// The origin of an address of another site.
  static func other(_ address: ApplicationAddress?, _ signOn: SignOn) -> String? {
    address.flatMap { $0.origin == signOn.issuer ? nil : $0.origin }
  }

  // MARK: Tokens

  private func token(_ request: Request) async throws -> Response {
    try calling.require(request.remoteAddress, toDo: "换取令牌")
    guard request.body.contentType?.essence == "application/x-www-form-urlencoded" else {
      return SignOnRoutes.fault("invalid_request", "send application/x-www-form-urlencoded")
    }
    let form = try await request.body.form().fields
    guard Set(form.items.map(\.name)).count == form.items.count else {
      return SignOnRoutes.fault("invalid_request", "a parameter occurs more than once")
    }
    guard let (id, secret) = SignOnRoutes.credentials(request, form) else {
      return SignOnRoutes.fault("invalid_client", "authenticate by client_secret_basic or client_secret_post", 401)
    }
    // Secrets are 256 random bits, so the limit is against noise; who does not know one must not use up the client's.
    guard let application = try await signOn.client(id, secret: secret) else {
      return SignOnRoutes.fault("invalid_client", "unknown client or wrong secret", 401)
    }
    try calling.require("client \(id.prefix(40))", toDo: "换取令牌")
    guard let type = form.first("grant_type") else {
      return SignOnRoutes.fault("invalid_request", "grant_type is missing")
    }
    guard type == "authorization_code" else {
      return SignOnRoutes.fault("unsupported_grant_type", "only authorization_code is supported")
    }
    guard let code = form.first("code"), let redirect = form.first("redirect_uri"),
      let verifier = form.first("code_verifier")
    else { return SignOnRoutes.fault("invalid_request", "code, redirect_uri and code_verifier are required") }
    let sent = SignOn.Redemption(code: code, redirect: redirect, verifier: verifier)
    guard let answer = try await signOn.redeem(sent, by: application, origin: request.origin) else {
      return SignOnRoutes.fault(
        "invalid_grant", "the code is unknown, used or too old, or was issued for something else")
    }
    return SignOnRoutes.secret(.json(answer))
  }

  /// One way of telling who it is, never two (RFC 6749 §2.3).
  private static func credentials(_ request: Request, _ form: QueryItems) -> (id: String, secret: String)? {
    if let header = request.headers["Authorization"] {
      guard header.lowercased().hasPrefix("basic "), form.first("client_secret") == nil else { return nil }
      let text = header.dropFirst(6).map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }.filter { $0 != "=" }
      guard let bytes = Base64URL.decode(String(text)), let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
        let id = try? PercentEncoding.decode(bytes[..<colon], plusIsSpace: true),
        let secret = try? PercentEncoding.decode(bytes[(colon + 1)...], plusIsSpace: true),
        form.first("client_id").map({ $0 == id }) ?? true
      else { return nil }
      return (id, secret)
    }
    guard let id = form.first("client_id"), let secret = form.first("client_secret") else { return nil }
    return (id, secret)
  }

  private static func fault(_ code: String, _ detail: String, _ status: Int = 400) -> Response {
    var response = secret(
      .json(["error": .string(code), "error_description": .string(detail)], status: status))
    if status == 401 { response.headers["WWW-Authenticate"] = "Basic realm=\"lifang\"" }
    return response
  }

  private static func secret(_ response: Response) -> Response {
    var response = response
    response.headers["Cache-Control"] = "no-store"
    return response
  }

  private func userInfo(_ request: Request) async throws -> Response {
    try calling.require(request.remoteAddress, toDo: "读取用户信息")
    guard let header = request.headers["Authorization"], header.lowercased().hasPrefix("bearer "),
      let claims = try await signOn.userInfo(String(header.dropFirst(7)))
    else {
      var response = SignOnRoutes.secret(.json(["error": "invalid_token"], status: 401))
      response.headers["WWW-Authenticate"] = "Bearer error=\"invalid_token\""
      return response
    }
    return SignOnRoutes.secret(.json(claims))
  }
}
