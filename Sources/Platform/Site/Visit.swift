package import Access
package import Core
import Geo
package import HTML
package import HTTP
package import Shell

/// One request to a page or an interface, with who makes it; handed to every handler instead of the bare request.
package struct Visit: Sendable {
  package let request: Request
  package let principal: Principal
  /// What the session remembers of a signed-in user; `nil` for strangers and keys.
  package let session: Session?
  package let site: Site

  package init(request: Request, principal: Principal, session: Session?, site: Site) {
    self.request = request
    self.principal = principal
    self.session = session
    self.site = site
  }

  /// What pages need of a session, without the session's secrets.
  package struct Session: Sendable, Hashable {
    package let id: Int64
    /// Sent back by every form (CSRF).
    package let formToken: String
    package let account: String
    package let roles: [String]
    package let otherUnits: [Person.Membership]

    package init(id: Int64, formToken: String, account: String, roles: [String], otherUnits: [Person.Membership]) {
      self.id = id
      self.formToken = formToken
      self.account = account
      self.roles = roles
      self.otherUnits = otherUnits
    }
  }

  /// Whether htmx asks for a part of a page rather than the whole.
  package var wantsFragment: Bool { request.headers["HX-Request"] != nil && request.headers["HX-Boosted"] == nil }

  /// Whether the client asks for JSON.
  package var wantsJSON: Bool { Site.wantsJSON(request) }

  package var textSize: TextSize { request.cookies["text-size"].flatMap { TextSize(rawValue: $0) } ?? .standard }

  package var environment: HTMLEnvironment {
    HTMLEnvironment(
      assets: site.assets, formToken: session?.formToken ?? site.strangerToken(request.cookies["visitor"] ?? ""))
  }

  /// The frame around this visit's pages.
  package func frame() async throws -> FrameModel {
    var person: Person?
    if principal.kind == .user, let session {
      person = Person(
        name: principal.name, unit: principal.unit?.name ?? (session.roles.isEmpty ? "居民" : "未分配机构"),
        roles: session.roles,
        otherUnits: session.otherUnits)
    }
    let city = site.city
    var frame = FrameModel(
      city: city.name, person: person, menu: try await site.menu(principal),
      // Prepared queries of one register are entries of their own.
      path: request.query.first("view").map { "\(request.path)?view=\($0)" } ?? request.path, textSize: textSize,
      menuFolded: request.cookies["menu"] == "folded", environment: environment,
      flashes: site.flash(in: request).map { [$0] } ?? [], requestID: request.id)
    frame.mapStart = "\(city.centre.longitude),\(city.centre.latitude)"
    if principal.kind == .user, site.isConfidential(request.path) {
      frame.watermark = Watermark([
        [principal.name, principal.unit?.name].compactMap(\.self).joined(separator: " "),
        "\(request.remoteAddress) \(site.clock.now().display)",
      ])
    }
    if principal.kind == .user {
      frame.links.messages = "/messages"
      frame.messageCount = try await site.unreadMessages(principal)
    }
    return frame
  }

  /// A page in the frame, as a response.
  package func page(
    _ title: String, status: Int = 200, layout: Page.Layout = .standard, crumbs: [Crumb] = [], badge: Badge? = nil,
    subtitle: String? = nil, actions: [Action] = [], moreActions: [Action] = [], tabs: Tabs? = nil,
    scripts: [PageScript] = [], @HTMLBuilder content: () -> HTML
  ) async throws -> Response {
    let page = Page(
      title: title, visit: try await frame(), layout: layout, crumbs: crumbs, status: badge, subtitle: subtitle,
      actions: actions, moreActions: moreActions, tabs: tabs, scripts: scripts, content: content)
    return try html(page.render(), status: status)
  }

  /// Rendered markup as this visit's answer: shows a flash once, and gives a stranger the cookie that form tokens are
  /// bound to.
  package func html(_ bytes: [UInt8], status: Int = 200) throws -> Response {
    var response = Response.html(bytes, status: status)
    try site.clearFlash(of: request, in: &response)
    return response
  }

  /// A confirmation as a dialog when scripts ask for it, as a page otherwise.
  package func confirmation(_ confirmation: Confirmation, crumbs: [Crumb] = [], status: Int = 200) async throws
    -> Response
  {
    let frame = try await frame()
    if wantsFragment {
      return try html(Fragment(visit: frame) { confirmation.dialog }.render(), status: status)
    }
    return try html(confirmation.page(visit: frame, crumbs: crumbs).render(), status: status)
  }

  /// A redirect after a change (303), with a message that the next page shows once.
  package func redirect(to path: String, saying message: String? = nil, tone: Tone = .success) throws -> Response {
    var response = Response.redirect(to: path)
    if let message { try site.setFlash(message, tone: tone, in: &response) }
    return response
  }

  /// A refusal as a page; a stranger who must sign in is sent to do so and brought back.
  package func refusalPage(_ refusal: Refusal) async throws -> Response {
    if refusal.kind == .unauthenticated, request.method == .get, !wantsFragment {
      return .redirect(to: "/sign-in?return=\(PercentEncoding.encode(request.target))")
    }
    let title =
      switch refusal.kind {
      case .notFound: "没有找到"
      case .forbidden, .unauthenticated: "没有权限"
      case .conflict: "内容已被改动"
      case .tooMany: "操作太频繁"
      case .unavailable: "暂时不能处理"
      default: "不能这样做"
      }
    let page = ErrorPage(
      status: refusal.kind.status, title: title, message: refusal.message, visit: try await frame())
    return try html(page.render(), status: refusal.kind.status)
  }
}
