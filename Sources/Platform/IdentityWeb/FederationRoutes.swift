import Access
import Core
import HTML
package import HTTP
package import Identity
import Shell
package import Site

/// Signing in by providers of identities, and the bindings of one's own account (实名登录、绑定与解绑).
package struct FederationRoutes: Sendable {
  let site: Site
  let federation: Federation
  let authenticator: Authenticator

  /// The secret that ties a sign-in to the browser that began it.
  static let cookie = "sign-in"

  package init(site: Site, federation: Federation, authenticator: Authenticator) {
    self.site = site
    self.federation = federation
    self.authenticator = authenticator
  }

  package func register(in router: inout Router) {
    router.on(.get, "/sign-in/with/{provider}", at: site) { visit in try await begin(visit) }
    router.on(.get, "/sign-in/callback", at: site) { visit in try await finish(visit) }
    router.on(.get, "/account/identities", at: site) { visit in try await overview(visit) }
    router.on(.get, "/account/identities/bind/{provider}", at: site) { visit in try await beginBinding(visit) }
    router.on(.get, "/account/identities/{id}/unbind", at: site) { visit in try await askUnbind(visit) }
    router.on(.post, "/account/identities/{id}/unbind", at: site) { visit in try await unbind(visit) }
  }

  private func begin(_ visit: Visit) async throws -> Response {
    do {
      return try await go(visit, returnPath: SignInRoutes.local(visit.request.query.first("return")), binding: nil)
    } catch let refusal as Refusal where !visit.wantsJSON {
      return try await refused(visit, refusal)
    }
  }

  private func beginBinding(_ visit: Visit) async throws -> Response {
    let session = try await authenticator.session(of: visit)
    return try await go(visit, returnPath: "/account/identities", binding: session)
  }

  private func go(_ visit: Visit, returnPath: String, binding: Session?) async throws -> Response {
    let (url, browser) = try await federation.begin(
      try visit.request.parameter("provider"), returnPath: returnPath,
      browser: visit.request.cookies[FederationRoutes.cookie], binding: binding, origin: visit.request.origin)
    var response = Response.redirect(to: url)
    response.setCookie(try site.cookie(FederationRoutes.cookie, browser, maxAge: 600))
    response.headers["Cache-Control"] = "no-store"
    return response
  }

  private func finish(_ visit: Visit) async throws -> Response {
    let query = visit.request.query
    let session = visit.session == nil ? nil : try await authenticator.session(of: visit)
    let callback = Federation.Callback(
      state: query.first("state") ?? "", code: query.first("code"), error: query.first("error"),
      issuer: query.first("iss"), browser: visit.request.cookies[FederationRoutes.cookie])
    do {
      let outcome = try await federation.finish(
        callback, session: session, replacing: visit.request.cookies[Authenticator.cookie],
        origin: visit.request.origin)
      switch outcome {
      case .signedIn(let opened, let path):
        var response = Response.redirect(to: path)
        response.setCookie(try site.cookie(Authenticator.cookie, opened.token))
        response.setCookie(try Cookie.removal(of: FederationRoutes.cookie, secure: site.secureCookies))
        return response
      case .bound(let provider, let path):
        return try visit.redirect(to: path, saying: "已绑定“\(provider)”，以后可以用它登录。")
      }
    } catch let refusal as Refusal where !visit.wantsJSON {
      return try await refused(visit, refusal)
    }
  }

  /// What went wrong, with the way back to signing in.
  private func refused(_ visit: Visit, _ refusal: Refusal) async throws -> Response {
    let back =
      visit.session == nil
      ? Action("返回登录", .link("/sign-in"), style: .primary)
      : Action("返回登录方式", .link("/account/identities"), style: .primary)
    let page = ErrorPage(
      status: refusal.kind.status, title: "没有登录", message: refusal.message, visit: try await visit.frame(),
      actions: [back])
    return try visit.html(page.render(), status: refusal.kind.status)
  }

  // MARK: Own bindings

  private func overview(_ visit: Visit) async throws -> Response {
    let session = try await authenticator.session(of: visit)
    let bindings = try await federation.bindings(of: session.user.id)
    let providers = try await federation.providers()
    let isStaff = session.user.unitID != nil
    let rows = bindings.map { binding in
      TableRow(
        id: String(binding.id), name: binding.provider, path: nil,
        cells: [
          .text(binding.provider), .text(binding.level.label), .text(binding.boundAt.display),
          .text(binding.usedAt?.display ?? ""),
          Action("解绑", .dialog("/account/identities/\(binding.id)/unbind"), style: .quiet).html,
        ])
    }
    return try await visit.page("登录方式", crumbs: [Crumb("我的账号", "/account")]) {
      Notice(.info, "这次登录的认证等级：\(visit.principal.assurance.label)。有的事项要求更高的等级，办理时会提示。")
      Card("已绑定的平台", isFlush: true) {
        DataTable(
          caption: "已绑定的平台",
          columns: [
            Column("平台", .text), Column("认证等级", .text), Column("绑定时间", .date), Column("最近登录", .date),
            Column("操作", .actions),
          ],
          rows: rows, opensPanel: false,
          empty: .empty("还没有绑定", isStaff ? "工作账号只用账号和密码登录，不能绑定外部平台。" : "绑定后可以用统一身份认证平台登录，不必再记密码。"))
      }
      if !isStaff, !providers.isEmpty {
        Card("绑定新的平台") {
          ServiceGrid(
            providers.map {
              ServiceGrid.Item(
                $0.name, detail: "去登录并绑定", icon: Icon(rawValue: $0.icon) ?? .shield,
                path: "/account/identities/bind/\($0.code)")
            })
        }
      }
    }
  }

  private func binding(_ visit: Visit) async throws -> (Federation.Binding, Session) {
    let session = try await authenticator.session(of: visit)
    let id = try visit.request.integer("id")
    guard let binding = try await federation.bindings(of: session.user.id).first(where: { $0.id == id }) else {
      throw Refusal(.notFound, "binding-missing", "没有找到这个绑定，可能已经解绑。请刷新后查看。")
    }
    return (binding, session)
  }

  private func askUnbind(_ visit: Visit) async throws -> Response {
    let (binding, _) = try await binding(visit)
    return try await visit.confirmation(
      Confirmation(
        title: "解绑“\(binding.provider)”", consequences: ["以后不能再用“\(binding.provider)”登录这个账号", "办件和实名登记不受影响"],
        path: "/account/identities/\(binding.id)/unbind", submit: "解绑", cancelPath: "/account/identities"),
      crumbs: [Crumb("登录方式", "/account/identities")])
  }

  private func unbind(_ visit: Visit) async throws -> Response {
    let (binding, session) = try await binding(visit)
    try await federation.unbind(binding.id, of: session, origin: visit.request.origin)
    return try visit.redirect(to: "/account/identities", saying: "已解绑“\(binding.provider)”。")
  }
}
