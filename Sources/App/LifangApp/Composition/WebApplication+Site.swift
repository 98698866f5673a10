import Access
import Audit
import Core
import Crypto
import Entities
import HTTP
import Identity
import IdentityWeb
import Messaging
import PortalWeb
import Shell
import Site

extension WebApplication {
  /// What all pages share: who somebody is, the menu, the city, the limits of a node.
  func site(_ assets: Assets) throws -> Site {
    let (deployment, store, parameters, identity) = (deployment, store, parameters, identity)
    let (authenticator, messages, talks, visits) = (authenticator, messages, talks, visits)
    let menu = MenuBuilder(catalogs: deployment.catalogs, identity: identity)
    let first = try City(parameters)
    var site = Site(
      city: { (try? City(parameters)) ?? first }, assets: String(assets.url("").dropLast()),
      clock: deployment.clock,
      secureCookies: origin.hasPrefix("https://"),
      key: HMAC(key: try deployment.keys.secret(.index)).derivedKey("site"),
      authenticate: { try await authenticator.authenticate($0) }, menu: { try await menu.items(for: $0) },
      unreadMessages: { principal in
        let told = try await messages.unread(of: principal.id)
        return principal.may(Talks.write) ? told + (try await talks.unread(of: principal.id)) : told
      })
    if !deployment.configuration.isBenchmark {
      site.requestsPerUser = { identity.policy.requestsPerUser }
      site.room = {
        let policy = identity.policy
        return ServerLoad.Room(atOnce: policy.requestsAtOnce, least: policy.leastPerUser)
      }
    }
    let catalogs = deployment.catalogs
    site.isConfidential = { ConfidentialPages.holds($0, catalogs.current) }
    site.noteVisit = { visit, response in PortalPages.count(visit, response, in: visits) }
    let database = deployment.database
    let log = deployment.log
    site.noteRefusal = { visit, refusal in
      let entry = AuditEntry(
        visit.principal, "access.refuse", outcome: .refused, origin: visit.request.origin,
        details: [
          "path": .string(String(visit.request.path.prefix(200))), "method": .string(visit.request.method.rawValue),
          "reason": .string(refusal.code),
        ])
      do { try await store.audit.append(entry, in: database) } catch { log.fault(error, "audit-refusal-failed") }
    }
    return site
  }
}

extension City {
  /// As administrators set it (参数“城市”).
  fileprivate init(_ parameters: Parameters) throws {
    try self.init(
      name: parameters.text("city.name"), longitude: Double(parameters.decimal("city.longitude").description) ?? .nan,
      latitude: Double(parameters.decimal("city.latitude").description) ?? .nan)
  }
}
