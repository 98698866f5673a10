package import Access
import Core
package import Entities
package import HTTP
package import Identity
import Shell
package import Site

/// Finds out who makes a request: from the session cookie, an interface key, or nobody.
package struct Authenticator: Sendable {
  package static let cookie = "session"

  let identity: IdentityService
  let keys: APIKeys
  /// What strangers may see (角色“公众”).
  let stranger: Principal
  /// What everybody who signs in and holds no post may do with what is their own (角色“居民”).
  let resident: RoleDeclaration?

  package init(identity: IdentityService, keys: APIKeys, stranger: Principal, resident: RoleDeclaration?) {
    self.identity = identity
    self.keys = keys
    self.stranger = stranger
    self.resident = resident
  }

  /// Paths that a session may reach before it has met what is demanded of it, such as a new password.
  private static let alwaysOpen: Set = ["/account/password", "/account/second-factor", "/sign-out", "/text-size"]

  package func authenticate(_ request: Request) async throws -> (Principal, Visit.Session?) {
    if let key = request.headers["X-API-Key"] {
      return (try await keys.authenticate(key, origin: request.origin), nil)
    }
    guard let token = request.cookies[Authenticator.cookie], !token.isEmpty else { return (stranger, nil) }
    let session: Session
    do {
      session = try await identity.authenticate(token, origin: request.origin)
    } catch let refusal as Refusal where refusal.kind == .unauthenticated {
      return (stranger, nil)
    }
    let isOpen = Authenticator.alwaysOpen.contains(request.path) || request.path.hasPrefix("/d/")
    if let demand = session.demand, !isOpen {
      switch demand {
      case .newPassword(let reason): throw Demanded(path: "/account/password", message: reason.message)
      case .secondFactor: throw Demanded(path: "/account/second-factor", message: "您的账号须用双因素认证，请先启用，再继续办理。")
      }
    }
    let view = Visit.Session(
      id: session.id, formToken: session.formToken, account: session.user.account, roles: session.roleNames,
      otherUnits: [])
    return (principal(of: session), view)
  }

  private func principal(of session: Session) -> Principal {
    let principal = session.principal
    guard let resident, session.demand == nil, session.roleNames.isEmpty, session.user.unitID == nil else {
      return principal
    }
    // What they typed themselves is no secret from them; they reach nothing else.
    return Principal(
      kind: principal.kind, id: principal.id, name: principal.name, unit: nil, grants: Grants(resident.access),
      clearance: resident.clearance, assurance: principal.assurance)
  }

  /// The whole session of a signed-in visit, for pages about the account itself.
  func session(of visit: Visit) async throws -> Session {
    guard let token = visit.request.cookies[Authenticator.cookie], visit.session != nil else {
      throw Refusal(.unauthenticated, "sign-in-required", "请先登录。")
    }
    return try await identity.authenticate(token, origin: visit.request.origin)
  }
}

/// A page that a session must pass first; shown as a redirect.
package struct Demanded: Error, Sendable {
  package let path: String
  package let message: String
}
