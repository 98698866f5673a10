package import Access
package import Core
package import HTML
package import HTTP
package import Shell

/// One request to a page or an interface, with who makes it; handed to every handler instead of the bare request.
package struct Visit: Sendable {
  package let request: Request
  package let principal: Principal
  /// What the session remembers of a signed-in user; `nil` for strangers and keys.
  package let session: SessionView?
  package let site: Site

  package init(request: Request, principal: Principal, session: SessionView?, site: Site) {
    self.request = request
    self.principal = principal
    self.session = session
    self.site = site
  }

  /// What pages need of a session, without the session's secrets.
  package struct SessionView: Sendable, Hashable {
    /// The session's record id, which audit entries name.
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

  /// Whether the client asks for JSON: an interface path, `format=json`, or an `Accept` that names it first.
  package var wantsJSON: Bool { Site.wantsJSON(request) }

  /// The frame around this visit's pages.
  package func frame() async throws -> FrameModel {
    var person: Person?
    if principal.kind == .user, let session {
      person = Person(
        name: principal.name, unit: principal.unit?.name ?? "未分配机构", roles: session.roles,
        otherUnits: session.otherUnits)
    }
    var frame = FrameModel(
      city: site.city, person: person, menu: try await site.menu(principal), path: request.path,
      textSize: textSize, menuFolded: request.cookies["menu"] == "folded",
      environment: environment, flashes: flashes, requestID: request.id)
    if principal.kind == .user { frame.messageCount = try await site.unreadMessages(principal) }
    return frame
  }

  package var environment: HTMLEnvironment {
    HTMLEnvironment(assets: site.assets, formToken: session?.formToken ?? site.strangerToken(request))
  }

  package var textSize: TextSize { request.cookies["text-size"].flatMap { TextSize(rawValue: $0) } ?? .standard }

  private var flashes: [Flash] { Site.flash(in: request).map { [$0] } ?? [] }

  /// A page in the frame, as a response.
  package func page(
    _ title: String, status: Int = 200, layout: Page.Layout = .standard, crumbs: [Crumb] = [], badge: Badge? = nil,
    subtitle: String? = nil, actions: [Action] = [], moreActions: [Action] = [], tabs: Tabs? = nil,
    scripts: [PageScript] = [], @HTMLBuilder content: () -> HTML
  ) async throws -> Response {
    let frame = try await frame()
    let page = Page(
      title: title, visit: frame, layout: layout, crumbs: crumbs, status: badge, subtitle: subtitle, actions: actions,
      moreActions: moreActions, tabs: tabs, scripts: scripts, content: content)
    var response = Response.html(page.render(), status: status)
    site.clearFlash(of: request, in: &response)
    return response
  }

  /// A redirect after a change (303), with a message that the next page shows once.
  package func redirect(to path: String, saying message: String? = nil, tone: Tone = .success) -> Response {
    var response = Response.redirect(to: path)
    if let message { site.setFlash(message, tone: tone, in: &response) }
    return response
  }
}
