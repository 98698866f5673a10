import Core
import HTML
import HTTP
import Identity
import IdentityWeb
import Shell
import SignOn
import Site

/// Signing out, begun by another system.
extension SignOnRoutes {
  func leave(_ visit: Visit) async throws -> Response {
    let query = visit.request.query
    let departure = try await departure(query)
    guard visit.session != nil else { return try over(visit, departure) }
    let session = try await authenticator.session(of: visit)
    if try await signOn.isOwn(departure, session) {
      try await signOn.identity.signOut(session, origin: visit.request.origin)
      return try over(visit, departure)
    }
    // Without proof any page could sign people out: they are asked.
    let names = try await signOn.entered(from: session.id)
    let question = Confirmation(
      title: "退出登录",
      consequences: [
        departure.application.map { "“\($0.name)”请求退出您的账号。" } ?? "有系统请求退出您的账号。",
        names.isEmpty ? "本系统随即退出。" : "本系统和\(names.map { "“\($0)”" }.joined(separator: "、"))一起退出。",
      ], path: "/oauth/logout/confirm",
      hidden: ["client_id", "post_logout_redirect_uri", "state"].compactMap { name in
        let value = name == "client_id" ? departure.application?.code : query.first(name)
        return value.map { HiddenField(name, $0) }
      }, submit: "退出登录", cancelPath: "/")
    var response = try await visit.confirmation(question)
    // The form leads on to the other system.
    if let origin = SignOnRoutes.other(departure.back, signOn) {
      response.headers["Content-Security-Policy"] = SecurityHeaders.policy + " \(origin)"
    }
    return response
  }

  func confirmLeaving(_ visit: Visit) async throws -> Response {
    let departure = try await departure(try await visit.request.body.form().fields)
    if visit.session != nil {
      try await signOn.identity.signOut(
        try await authenticator.session(of: visit), origin: visit.request.origin)
    }
    return try over(visit, departure)
  }

  private func departure(_ items: QueryItems) async throws -> SignOn.Departure {
    try await signOn.departure(
      hint: items.first("id_token_hint"), client: items.first("client_id"),
      back: items.first("post_logout_redirect_uri"), state: items.first("state"))
  }

  private func over(_ visit: Visit, _ departure: SignOn.Departure) throws -> Response {
    var response: Response
    if let location = departure.location {
      response = .redirect(to: location)
    } else {
      response = try visit.redirect(to: "/sign-in", saying: "已退出登录。")
    }
    response.setCookie(try Cookie.removal(of: Authenticator.cookie, secure: site.secureCookies))
    response.headers["Cache-Control"] = "no-store"
    return response
  }
}
