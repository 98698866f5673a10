import Core
import HTML
package import HTTP
package import Identity
import Shell
package import Site

/// Signing in and out, and the size of text.
package struct SignInRoutes: Sendable {
  let site: Site
  let identity: IdentityService
  /// Shown on the sign-in page of a demo city: account and role.
  let demoAccounts: [(name: String, role: String)]
  let federation: Federation
  /// The system of others that a sign-in leads on to: its name, and the other origin that forms of the page lead to then.
  let target: @Sendable (_ returnPath: String) async -> (name: String, origin: String?)?
  /// Whether the trusted proxy proves certificates of clients and says so (PKI).
  let takesCertificates: Bool

  package init(
    site: Site, identity: IdentityService, federation: Federation, takesCertificates: Bool,
    demoAccounts: [(name: String, role: String)],
    target: @escaping @Sendable (_ returnPath: String) async -> (name: String, origin: String?)? = { _ in nil }
  ) {
    self.target = target
    self.site = site
    self.identity = identity
    self.federation = federation
    self.takesCertificates = takesCertificates
    self.demoAccounts = demoAccounts
  }

  package func register(in router: inout Router) {
    router.on(.get, "/sign-in", at: site) { visit in try await page(visit) }
    router.on(.post, "/sign-in", at: site) { visit in try await signIn(visit) }
    router.on(.post, "/sign-in/certificate", at: site) { visit in try await signInByCertificate(visit) }
    router.on(.post, "/sign-out", at: site) { visit in try await signOut(visit) }
    // Nothing but this browser's own text size changes, so no form token is asked for: the page it stands on is shared.
    router.on(.post, "/text-size") { request in try await textSize(request) }
  }

  private func page(
    _ visit: Visit, step: SignInPage.Step = .password, account: String = "", error: String? = nil, status: Int = 200,
    returning sent: String? = nil
  ) async throws -> Response {
    var visitor: String?
    var frame = try await visit.frame()
    if visit.session == nil, (visit.request.cookies["visitor"] ?? "").isEmpty {
      let fresh = site.newVisitor()
      frame.environment.formToken = site.strangerToken(fresh)
      visitor = fresh
    }
    let back = SignInRoutes.local(sent ?? visit.request.query.first("return"))
    let target = await self.target(back)
    let others = back == "/" ? "" : "?return=\(PercentEncoding.encode(back))"
    let providers = try await federation.providers().map {
      ServiceGrid.Item(
        $0.name, icon: Icon(rawValue: $0.icon) ?? .shield, path: "/sign-in/with/\($0.code)\(others)")
    }
    let page = SignInPage(
      visit: frame, step: step, account: account, returnPath: back, error: error,
      notice: target.map { "登录后进入“\($0.name)”" }, demoAccounts: demoAccounts,
      providers: providers, offersCertificate: hasCertificate(visit.request))
    var response = try visit.html(page.render(), status: status)
    if let visitor { response.setCookie(try site.cookie("visitor", visitor, maxAge: 86400)) }
    response.headers["Cache-Control"] = "no-store"
    if let origin = target?.origin {
      response.headers["Content-Security-Policy"] = SecurityHeaders.policy + " \(origin)"
    }
    return response
  }

  private func signIn(_ visit: Visit) async throws -> Response {
    let form = try await visit.request.body.form()
    let back = SignInRoutes.local(form.first("return"))
    let old = visit.request.cookies[Authenticator.cookie]
    do {
      if let challenge = form.first("challenge") {
        let opened = try await identity.completeSignIn(
          challenge: challenge, code: form.first("code") ?? "", origin: visit.request.origin, replacing: old)
        return try opening(opened, back)
      }
      let attempt = SignInAttempt(
        account: form.first("account") ?? "", password: form.first("password") ?? "", origin: visit.request.origin)
      switch try await identity.signIn(attempt, replacing: old) {
      case .signedIn(let opened): return try opening(opened, back)
      case .secondFactorNeeded(let challenge):
        return try await page(visit, step: .code(challenge: challenge), returning: back)
      }
    } catch let refusal as Refusal {
      if visit.wantsJSON { throw refusal }
      let step: SignInPage.Step = form.first("challenge").map { .code(challenge: $0) } ?? .password
      let again: SignInPage.Step = refusal.kind == .gone ? .password : step
      return try await page(
        visit, step: again, account: form.first("account") ?? "", error: refusal.message, status: refusal.kind.status,
        returning: back)
    }
  }

  /// The proxy says of each connection whether a certificate was shown and proved; anybody else could write the same
  /// headers, so only a trusted proxy is believed, and only where this was switched on.
  private func hasCertificate(_ request: Request) -> Bool {
    takesCertificates && request.isProxied && request.headers["X-Client-Verify"] == "SUCCESS"
  }

  private func signInByCertificate(_ visit: Visit) async throws -> Response {
    let form = try await visit.request.body.form()
    do {
      guard hasCertificate(visit.request), let sent = visit.request.headers["X-Client-Certificate"],
        let pem = try? PercentEncoding.decode(sent)
      else {
        throw Refusal(
          .forbidden, "certificate-missing", "没有收到有效的数字证书，没有登录。请插好证书介质、关闭浏览器后重新打开，或用账号密码登录。")
      }
      let opened = try await identity.signIn(
        certificate: try ClientCertificate(pem: pem), origin: visit.request.origin,
        replacing: visit.request.cookies[Authenticator.cookie])
      return try opening(opened, SignInRoutes.local(form.first("return")))
    } catch let refusal as Refusal {
      if visit.wantsJSON { throw refusal }
      return try await page(
        visit, error: refusal.message, status: refusal.kind.status, returning: form.first("return"))
    }
  }

  private func opening(_ opened: OpenedSession, _ back: String) throws -> Response {
    var path = back
    switch opened.session.demand {
    case .newPassword: path = "/account/password"
    case .secondFactor: path = "/account/second-factor"
    case nil: break
    }
    var response = Response.redirect(to: path)
    response.setCookie(try site.cookie(Authenticator.cookie, opened.token))
    return response
  }

  private func signOut(_ visit: Visit) async throws -> Response {
    if let token = visit.request.cookies[Authenticator.cookie], visit.session != nil {
      let session = try await identity.authenticate(token, origin: visit.request.origin)
      try await identity.signOut(session, origin: visit.request.origin)
    }
    var response = try visit.redirect(to: "/sign-in", saying: "已退出登录。")
    response.setCookie(try Cookie.removal(of: Authenticator.cookie, secure: site.secureCookies))
    return response
  }

  private func textSize(_ request: Request) async throws -> Response {
    let form = try await request.body.form()
    guard let size = TextSize(rawValue: form.first("text-size") ?? "") else {
      throw Refusal(.invalid, "text-size", "没有这种字号。", field: "text-size")
    }
    var response = Response.redirect(to: SignInRoutes.local(form.first("return")))
    response.setCookie(try site.cookie("text-size", size.rawValue, maxAge: 365 * 86400))
    return response
  }

  /// A path of this site to go back to; anything else becomes the home page, so that no link can lead astray.
  static func local(_ path: String?) -> String {
    guard let path, path.hasPrefix("/"), !path.hasPrefix("//"), !path.hasPrefix("/\\"),
      !path.hasPrefix("/sign-"), path.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
    else { return "/" }
    return path
  }
}
