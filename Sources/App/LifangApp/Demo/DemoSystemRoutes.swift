import Core
import Crypto
import HTML
import HTTP
import Shell

/// The pages of ``DemoSystem``.
struct DemoSystemRoutes: Sendable {
  let system: DemoSystem
  var assets = ""
  var isSecure = false

  /// The session of the other system, and what a sign-in that was begun comes back with.
  private static let cookie = "demo-system"
  private static let begun = "demo-system-begun"

  func register(in router: inout Router) {
    router.on(.get, "/demo-system") { request in home(request) }
    router.on(.get, "/demo-system/start") { _ in try start() }
    router.on(.get, "/demo-system/callback") { request in try await callback(request) }
    router.on(.post, "/demo-system/leave") { request in try leave(request) }
    router.on(.post, "/demo-system/over") { request in try await over(request) }
  }

  private func page(_ request: Request, @HTMLBuilder content: () -> HTML) -> Response {
    var frame = FrameModel(city: DemoSystem.name, person: nil, path: request.path)
    frame.environment.assets = assets
    let page = PublicPage(title: DemoSystem.name, visit: frame, kind: .single) {
      div(.class("single-card")) {
        h1 { DemoSystem.name }
        content()
      }
    }
    var response = Response.html(page.render())
    response.headers["Cache-Control"] = "no-store"
    return response
  }

  private func home(_ request: Request) -> Response {
    guard let session = system.session(request.cookies[DemoSystemRoutes.cookie]) else {
      return page(request) {
        Notice(.info, "这是演示用的另一个系统，用统一账号登录；在哪一边退出，另一边都退出。")
        div(.class("single-actions")) {
          Action("用统一账号登录", .link(DemoSystem.path + "/start"), style: .primary)
        }
      }
    }
    return page(request) {
      Notice(.success, "您已用统一账号登录，没有再输密码。")
      DetailList([
        DetailItem("姓名", text: session.name), DetailItem("机构", text: session.unit),
        DetailItem("角色", text: session.roles.joined(separator: "、")),
        DetailItem("账号的编号", text: session.subject, isCode: true),
      ])
      form(.class("form"), .method(.post), .action(DemoSystem.path + "/leave")) {
        div(.class("single-actions")) {
          Action("退出登录", .submit(name: nil, value: nil), style: .primary)
          Action("回到统一账号", .link("/account/applications"), style: .quiet)
        }
      }
    }
  }

  private func start() throws -> Response {
    let random = RandomSource.system
    let (state, nonce, verifier) = (random.token(), random.token(), random.token())
    let challenge = Base64URL.encode(Digest.hash(Array(verifier.utf8), .sha256))
    let items: QueryItems = [
      "response_type": "code", "client_id": DemoSystem.code, "redirect_uri": system.redirect,
      "scope": "openid profile", "state": state, "nonce": nonce, "code_challenge": challenge,
      "code_challenge_method": "S256",
    ]
    var response = Response.redirect(to: system.issuer + "/oauth/authorize?" + items.encoded)
    response.setCookie(
      try Cookie(
        DemoSystemRoutes.begun, "\(state).\(nonce).\(verifier)", path: DemoSystem.path, maxAge: 600, secure: isSecure))
    return response
  }

  private func callback(_ request: Request) async throws -> Response {
    let begun = (request.cookies[DemoSystemRoutes.begun] ?? "").split(separator: ".").map(String.init)
    guard begun.count == 3, request.query.first("state") == begun[0], request.query.first("iss") == system.issuer,
      let code = request.query.first("code"),
      let sid = try await system.enter(code, verifier: begun[2], nonce: begun[1])
    else {
      return page(request) {
        Notice(.danger, "没有登录成功。")
        div(.class("single-actions")) { Action("重新登录", .link(DemoSystem.path), style: .primary) }
      }
    }
    var response = Response.redirect(to: DemoSystem.path)
    response.setCookie(try Cookie(DemoSystemRoutes.cookie, sid, path: DemoSystem.path, secure: isSecure))
    return response
  }

  private func leave(_ request: Request) throws -> Response {
    let sid = request.cookies[DemoSystemRoutes.cookie] ?? ""
    guard CrossSiteGuard.isSameOrigin(request), let session = system.session(sid) else {
      return .redirect(to: DemoSystem.path)
    }
    system.forget(sid)
    let items: QueryItems = ["id_token_hint": session.token, "post_logout_redirect_uri": system.home]
    return .redirect(to: system.issuer + "/oauth/logout?" + items.encoded)
  }

  private func over(_ request: Request) async throws -> Response {
    let form = try await request.body.form()
    return try await system.end(form.first("logout_token") ?? "") ? Response(status: 200) : Response(status: 400)
  }
}
