import Access
import Core
import Crypto
import DemoCity
import Entities
import Identity
import SQL

/// The provider of identities of a demo city, on the same server as the city, and its record in the register.
enum DemoIdentity {
  static let code = "demo"
  static let path = "/demo-identity"
  private static let citizens = 8

  /// Puts the provider into the register, with a new secret at every start.
  ///
  /// - Parameter origin: of this site.
  static func provider(_ deployment: Deployment, origin: String) async throws -> DemoIdentityProvider {
    let secret = RandomSource.system.token()
    let issuer = origin + path
    let values: [String: Value] = [
      "code": .text(code), "name": .text("演示身份认证"), "icon": .text("shield"), "issuer": .text(issuer),
      "client_id": .text("lifang"), "client_secret": .text(secret), "scopes": .text("openid profile phone"),
      "levels": .text("L1=phone; L2=real_name; L3=face"), "position": .integer(10),
    ]
    let store = deployment.makeStore()
    let records = store.records(as: .system)
    if IdentityProvider.isKnownOrigin(origin) {
      if let known = try await records.find(IdentityProvider.entity, where: "code", equals: .text(code)) {
        try await records.update(IdentityProvider.entity, known.id, version: nil, values, input: .code)
      } else {
        try await records.insert(IdentityProvider.entity, values, input: .code)
      }
    }
    return try DemoIdentityProvider(
      issuer: issuer, prefix: path,
      client: .init(id: "lifang", secret: secret, redirect: origin + "/sign-in/callback"), clock: deployment.clock
    ) { try await people(store) }
  }

  /// The resident of the demo accounts first, then others of age.
  private static func people(_ store: RecordStore) async throws -> [DemoIdentityProvider.Citizen] {
    let records = store.records(as: .system, purpose: "演示身份认证")
    let columns = ["name", "resident_id", "phone", "birth_date", "user_id"]
    let today = store.clock.today()
    func adults(_ filters: [ListFilter], limit: Int) async throws -> [Record] {
      let query = ListQuery(
        "person", filters: [ListFilter("document_kind", .equals(.text("resident_id")))] + filters, columns: columns,
        limit: limit)
      return try await records.list(query).records.filter { record in
        guard let birth = record["birth_date"].date else { return false }
        return (18...90).contains(birth.years(until: today))
      }
    }
    let bound = try await adults([ListFilter("user_id", .empty(false))], limit: 4)
    let others = try await adults([ListFilter("residency", .equals(.text("permanent")))], limit: 60)
    return (bound + others.filter { $0["user_id"].isBlank }).prefix(citizens).compactMap { record in
      guard let name = record["name"].text, let document = record["resident_id"].text else { return nil }
      return DemoIdentityProvider.Citizen(
        subject: "citizen-\(record.id)", name: name, document: document, phone: record["phone"].text)
    }
  }
}

extension IdentityProvider {
  /// Whether the register would take an issuer below this origin.
  fileprivate static func isKnownOrigin(_ origin: String) -> Bool {
    ["https://", "http://127.0.0.1:", "http://localhost:"].contains { origin.hasPrefix($0) }
  }
}
