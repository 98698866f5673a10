package import Access
package import Core
import Crypto
package import HTTP
package import Shell

/// What every page of the product shares: who somebody is, the menu, where assets are, and how a refusal looks.
///
/// Identity, the catalog and the spine are handed in as closures by the App, so that pages of any module can be
/// registered without importing each other.
package struct Site: Sendable {
  /// The name of the city (达州市), beside the product's.
  package let city: String
  /// The prefix of static assets of this build.
  package let assets: String
  package let clock: WallClock
  /// Whether cookies are marked `Secure`: behind TLS, and never on a plain local port.
  package let secureCookies: Bool
  /// Who makes a request, from its session cookie or its key.
  package let authenticate: @Sendable (Request) async throws -> (Principal, Visit.SessionView?)
  /// The menu entries a principal may open.
  package let menu: @Sendable (Principal) async throws -> [MenuItem]
  package let unreadMessages: @Sendable (Principal) async throws -> Int
  /// Signs short values such as flashes and strangers' form tokens.
  private let key: [UInt8]

  package init(
    city: String, assets: String, clock: WallClock, secureCookies: Bool, key: [UInt8],
    authenticate: @escaping @Sendable (Request) async throws -> (Principal, Visit.SessionView?),
    menu: @escaping @Sendable (Principal) async throws -> [MenuItem],
    unreadMessages: @escaping @Sendable (Principal) async throws -> Int
  ) {
    self.city = city
    self.assets = assets
    self.clock = clock
    self.secureCookies = secureCookies
    self.key = key
    self.authenticate = authenticate
    self.menu = menu
    self.unreadMessages = unreadMessages
  }

  /// A handler of visits as a handler of requests: finds out who it is, and refuses a change without the form's token.
  package func handler(_ body: @escaping @Sendable (Visit) async throws -> Response) -> Handler {
    { request in
      let (principal, session) = try await authenticate(request)
      let visit = Visit(request: request, principal: principal, session: session, site: self)
      do {
        if request.method.changesSomething, principal.kind != .key { try await visit.checkFormToken() }
        return try await body(visit)
      } catch let refusal as Refusal where !visit.wantsJSON {
        return try await visit.refusalPage(refusal)
      }
    }
  }

  /// Whether a client wants JSON rather than a page.
  package static func wantsJSON(_ request: Request) -> Bool {
    if request.path.hasPrefix("/api/") || request.query.first("format") == "json" { return true }
    guard let accept = request.headers["Accept"] else { return false }
    return accept.hasPrefix("application/json") || accept.hasPrefix("application/geo+json")
  }

  // MARK: Form tokens

  /// The form token of somebody without a session: a signed value bound to the browser's `visitor` cookie.
  package func strangerToken(_ request: Request) -> String {
    mac("form", request.cookies["visitor"] ?? "")
  }

  func mac(_ purpose: String, _ text: String) -> String {
    Base64URL.encode(HMACSM3.authenticate(Array("\(purpose):\(text)".utf8), key: key))
  }

  // MARK: Flashes

  /// Leaves a message that the next page shows once, in a signed cookie.
  package func setFlash(_ text: String, tone: Tone, in response: inout Response) {
    let value = Base64URL.encode(Array("\(tone.rawValue)|\(text)".utf8))
    response.setCookie(
      Cookie(
        name: "flash", value: "\(value).\(mac("flash", value))", path: "/", maxAge: 60, isSecure: secureCookies,
        isHTTPOnly: true, sameSite: .lax))
  }

  func flash(in request: Request) -> Flash? {
    guard let parts = request.cookies["flash"]?.split(separator: "."), parts.count == 2,
      mac("flash", String(parts[0])) == parts[1], let bytes = Base64URL.decode(String(parts[0]))
    else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let bar = text.firstIndex(of: "|"), let tone = Tone(rawValue: String(text[..<bar])) else { return nil }
    return Flash(tone, String(text[text.index(after: bar)...]))
  }

  func clearFlash(of request: Request, in response: inout Response) {
    guard request.cookies["flash"] != nil else { return }
    response.setCookie(Cookie(name: "flash", value: "", path: "/", maxAge: 0, isSecure: secureCookies))
  }
}
