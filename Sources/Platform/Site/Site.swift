package import Access
package import Core
package import Crypto
package import HTTP
package import Shell

/// What every page of the product shares: who somebody is, the menu, where assets are, and how a refusal looks.
///
/// Identity, the catalog and the spine are handed in as closures by the App, so that the pages of one module can be
/// registered without importing another's.
package struct Site: Sendable {
  /// Who makes a request, from its session cookie or its key.
  package typealias Authenticate = @Sendable (Request) async throws -> (Principal, Visit.Session?)

  private let currentCity: @Sendable () -> City
  /// The prefix of the static assets of this build.
  package let assets: String
  package let clock: WallClock
  /// Whether cookies are marked `Secure`: behind TLS, and never on a plain local port.
  package let secureCookies: Bool
  package let authenticate: Authenticate
  /// The menu entries a principal may open.
  package let menu: @Sendable (Principal) async throws -> [MenuItem]
  package let unreadMessages: @Sendable (Principal) async throws -> Int
  /// Whether the page at a path shows personal data or belongs to a confidential module, and so says across it who looks
  /// (系统水印).
  package var isConfidential: @Sendable (String) -> Bool = { _ in false }
  /// Told of everything that was answered without a refusal.
  package var noteVisit: @Sendable (Visit, Response) -> Void = { _, _ in }
  /// Told of what somebody signed in was refused for want of a right (越界访问, C-598).
  package var noteRefusal: @Sendable (Visit, Refusal) async -> Void = { _, _ in }
  /// How many requests of one user or key may be under way at a time; 0: any number (B5-282).
  package var requestsPerUser: @Sendable () -> Int = { 0 }
  private let load = UserLoad()
  /// What a node works on at a time, and everybody's least share of it (B5-282).
  package var room: @Sendable () -> ServerLoad.Room = { ServerLoad.Room(atOnce: 0, least: 0) }
  package let server = ServerLoad()
  /// Signs short values that travel through the browser, such as flashes and strangers' form tokens.
  let signature: HMAC

  package init(
    city: @escaping @Sendable () -> City, assets: String, clock: WallClock, secureCookies: Bool, key: SecretBytes,
    authenticate: @escaping Authenticate, menu: @escaping @Sendable (Principal) async throws -> [MenuItem],
    unreadMessages: @escaping @Sendable (Principal) async throws -> Int
  ) {
    currentCity = city
    self.assets = assets
    self.clock = clock
    self.secureCookies = secureCookies
    self.authenticate = authenticate
    self.menu = menu
    self.unreadMessages = unreadMessages
    signature = HMAC(key: key)
  }

  /// The city that is served here, as administrators have it now.
  package var city: City { currentCity() }

  /// A handler of visits as a handler of requests: finds out who it is, refuses a change whose form token is wrong, and
  /// shows a refusal as a page unless the client asked for JSON.
  package func handler(_ body: @escaping @Sendable (Visit) async throws -> Response) -> Handler {
    { request in
      let (principal, session) = try await authenticate(request)
      let visit = Visit(request: request, principal: principal, session: session, site: self)
      do {
        guard let place = load.enter(principal, limit: requestsPerUser()) else {
          throw Refusal(
            .tooMany, "too-many-at-once", "您同时进行的操作太多，这一次没有处理。请等前面的完成后再试；需要批量处理时请用导入、导出。")
        }
        guard let seat = try await server.enter(principal, Site.priority(of: request, by: principal), room()) else {
          place.leave()
          throw Refusal(.tooMany, "server-full", "现在办事的人很多，排队的也满了，这一次没有处理，没有改动。请过一会儿再试。")
        }
        var isSent = true
        defer {
          if isSent {
            place.leave()
            seat.leave()
          }
        }
        if request.method.changesSomething, principal.kind != .key { try await visit.checkFormToken() }
        var response = try await body(visit)
        if principal.kind != .stranger { response.headers.setDefault("Cache-Control", "no-store") }
        noteVisit(visit, response)
        // An export is under way as long as it is read; event streams stand open without working.
        if case .stream(let produce) = response.body {
          isSent = false
          response.body = .stream { writer in
            defer {
              place.leave()
              seat.leave()
            }
            try await produce(writer)
          }
        }
        return response
      } catch let refusal as Refusal {
        if refusal.kind == .forbidden, principal.kind == .user || principal.kind == .key {
          await noteRefusal(visit, refusal)
        }
        if visit.wantsJSON { throw refusal }
        return try await visit.refusalPage(refusal)
      }
    }
  }

  /// What gives way to what when the node is full: exports, imports and reports to interfaces, these to people.
  package static func priority(of request: Request, by principal: Principal) -> ServerLoad.Priority {
    let steps = request.path.split(separator: "/")
    if steps.contains("export") || steps.contains("import") || bulk.contains(where: { request.path.hasPrefix($0) }) {
      return .bulk
    }
    return principal.kind == .key ? .interfaces : .people
  }

  /// Where whole tables are worked out and taken away.
  private static let bulk = ["/reports", "/issued-reports", "/logs/report"]

  /// Whether a client wants JSON rather than a page.
  package static func wantsJSON(_ request: Request) -> Bool {
    if request.path.hasPrefix("/api/") || request.query.first("format") == "json" { return true }
    guard let accept = request.headers["Accept"] else { return false }
    return accept.hasPrefix("application/json") || accept.hasPrefix("application/geo+json")
  }

  func mac(_ purpose: String, _ text: String) -> String {
    Base64URL.encode(signature.authenticate("\(purpose)\u{0}\(text)"))
  }

  /// A cookie with this site's safety: HttpOnly, SameSite=Lax, Secure behind TLS.
  package func cookie(_ name: String, _ value: String, maxAge: Int? = nil) throws -> Cookie {
    try Cookie(name, value, maxAge: maxAge, secure: secureCookies)
  }
}

extension Router {
  /// Registers a page or an interface that knows who visits it.
  package mutating func on(
    _ method: Method, _ pattern: String, maximumBody: Int? = nil, at site: Site,
    _ body: @escaping @Sendable (Visit) async throws -> Response
  ) {
    on(method, pattern, maximumBody: maximumBody, site.handler(body))
  }
}

extension Method {
  /// Whether a request of this method may change something (RFC 9110 §9.2.1 calls the others safe).
  package var changesSomething: Bool {
    switch self {
    case .get, .head, .options: false
    default: true
    }
  }
}
