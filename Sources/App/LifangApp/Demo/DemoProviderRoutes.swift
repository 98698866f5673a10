import Core
import Crypto
import HTML
import HTTP
import Shell

/// The pages and interfaces of ``DemoIdentityProvider``.
struct DemoProviderRoutes: Sendable {
  let provider: DemoIdentityProvider
  var assets = ""

  func register(in router: inout Router) {
    let prefix = provider.prefix
    router.on(.get, prefix + "/.well-known/openid-configuration") { _ in .json(provider.configuration) }
    router.on(.get, prefix + "/jwks") { _ in .json(try provider.keys()) }
    router.on(.get, prefix + "/authorize") { request in try await ask(request) }
    router.on(.post, prefix + "/authorize") { request in try await answer(request) }
    router.on(.post, prefix + "/token") { request in try await token(request) }
    router.on(.get, prefix + "/userinfo") { request in userInfo(request) }
  }

  /// What a client asks, as far as it may: its own id and address only.
  private struct Question {
    let state: String
    let nonce: String
    let challenge: String

    init(_ items: QueryItems, _ client: DemoIdentityProvider.Client) throws(Refusal) {
      guard items.first("client_id") == client.id, items.first("redirect_uri") == client.redirect else {
        throw Refusal(.invalid, "client-unknown", "没有这个客户端，或回调地址与登记的不同。")
      }
      guard items.first("response_type") == "code", items.first("code_challenge_method") == "S256",
        let challenge = items.first("code_challenge"), challenge.utf8.count == 43,
        items.first("scope")?.split(separator: " ").contains("openid") == true
      else { throw Refusal(.invalid, "request-invalid", "请求不完整：需要 response_type=code、scope 含 openid 和 S256 校验码。") }
      self.challenge = challenge
      state = items.first("state") ?? ""
      nonce = items.first("nonce") ?? ""
    }
  }

  private func ask(_ request: Request) async throws -> Response {
    _ = try Question(request.query, provider.client)
    var frame = FrameModel(city: "演示身份认证", person: nil, path: request.path)
    frame.environment.assets = assets
    let citizens = try await provider.citizens()
    let names = [
      "client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge",
      "code_challenge_method",
    ]
    let page = PublicPage(title: "演示身份认证", visit: frame, kind: .single) {
      div(.class("single-card")) {
        h1 { "演示身份认证" }
        Notice(.warning, "这是演示平台，市民都是虚构的，不需要密码。正式使用时换成皖事通、省政务服务网等平台。")
        form(.class("form"), .method(.post), .action(provider.prefix + "/authorize")) {
          for name in names { HiddenField(name, request.query.first(name) ?? "") }
          Shell.Field(
            "citizen", "以谁的身份登录",
            .radio(
              citizens.first?.subject ?? "", citizens.map { Choice($0.subject, $0.name, detail: masked($0.document)) }))
          Shell.Field(
            "level", "认证方式",
            .select("L2", [Choice("L1", "手机号"), Choice("L2", "实名"), Choice("L3", "实名并刷脸")], blank: nil))
          div(.class("single-actions")) {
            Action("同意并登录", .submit(name: "answer", value: "yes"), style: .primary)
            Action("不同意", .submit(name: "answer", value: "no"), style: .quiet)
          }
        }
      }
    }
    var response = Response.html(page.render())
    // The answer leads to the client, which stands on another origin unless both run in one server.
    let origin = provider.client.redirect.split(separator: "/", omittingEmptySubsequences: false).prefix(3)
      .joined(separator: "/")
    if request.headers["Host"].map({ !origin.hasSuffix("//\($0)") }) ?? true {
      response.headers["Content-Security-Policy"] = SecurityHeaders.policy + " \(origin)"
    }
    response.headers["Cache-Control"] = "no-store"
    return response
  }

  private func masked(_ document: String) -> String { "\(document.prefix(6))********\(document.suffix(4))" }

  private func answer(_ request: Request) async throws -> Response {
    let form = try await request.body.form()
    let question = try Question(form.fields, provider.client)
    var items = [QueryItems.Item(name: "state", value: question.state), .init(name: "iss", value: provider.issuer)]
    if form.first("answer") == "no" {
      items.append(.init(name: "error", value: "access_denied"))
    } else {
      guard let citizen = try await provider.citizens().first(where: { $0.subject == form.first("citizen") }) else {
        throw Refusal(.invalid, "citizen-unknown", "请选择一位市民。", field: "citizen")
      }
      let level = form.first("level").flatMap { ["L1", "L2", "L3"].contains($0) ? $0 : nil } ?? "L2"
      items.append(
        .init(
          name: "code",
          value: provider.grant(citizen, level: level, nonce: question.nonce, challenge: question.challenge)))
    }
    return .redirect(to: provider.client.redirect + "?" + QueryItems(items).encoded)
  }

  private func token(_ request: Request) async throws -> Response {
    let form = try await request.body.form()
    guard isClient(request) else { return .json(["error": "invalid_client"], status: 401) }
    guard form.first("grant_type") == "authorization_code", form.first("redirect_uri") == provider.client.redirect,
      let answer = try provider.redeem(form.first("code") ?? "", verifier: form.first("code_verifier") ?? "")
    else { return .json(["error": "invalid_grant"], status: 400) }
    var response = Response.json(answer)
    response.headers["Cache-Control"] = "no-store"
    return response
  }

  private func isClient(_ request: Request) -> Bool {
    let expected = Array("\(provider.client.id):\(provider.client.secret)".utf8)
    guard let header = request.headers["Authorization"], header.hasPrefix("Basic ") else { return false }
    let text = header.dropFirst(6).map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }.filter { $0 != "=" }
    guard let sent = Base64URL.decode(String(text)) else { return false }
    // Both parts hold no character that a form would escape.
    return constantTimeEqual(sent, expected)
  }

  private func userInfo(_ request: Request) -> Response {
    guard let header = request.headers["Authorization"], header.hasPrefix("Bearer "),
      let claims = provider.userInfo(String(header.dropFirst(7)))
    else { return .json(["error": "invalid_token"], status: 401) }
    return .json(claims)
  }
}
