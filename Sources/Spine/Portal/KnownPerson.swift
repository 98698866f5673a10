import Access
import Core
package import Entities
import Identity
import SQL

/// What is known of who is signed in, to fill forms in with (免填): of the population register, else of the identity a
/// provider vouched for, and the telephone of the account.
package struct KnownPerson: Sendable {
  package var name: String?
  package var document: String?
  package var phone: String?
  /// Whether the person is linked to the register, or a provider vouched for the name itself: a telephone is no name.
  package var isRealName = false

  package init(name: String? = nil, document: String? = nil, phone: String? = nil) {
    self.name = name
    self.document = document
    self.phone = phone
  }

  /// What is known of an account; all `nil` for one that nobody vouched for.
  package static func of(user: Int64, in store: RecordStore, purpose: String) async throws -> KnownPerson {
    let records = store.records(as: .system, purpose: purpose)
    return try await store.database.transaction { transaction in
      var known = KnownPerson()
      if let real = try await RealName.of(user: user, in: transaction) {
        let person = try await records.within(transaction).get(
          "person", real.person, columns: ["name", "resident_id", "phone"])
        known = KnownPerson(
          name: person["name"].text, document: person["resident_id"].text, phone: person["phone"].text)
        known.isRealName = true
      } else {
        let query = ListQuery(
          IdentityProvider.binding, filters: [ListFilter("user_id", .equals(.integer(user)))],
          columns: ["name", "resident_id", "phone", "level"], limit: 20)
        let bindings = try await records.within(transaction).list(query).records
        let vouched = bindings.first { IdentityProvider.vouching.contains($0["level"]) }
        if let binding = vouched ?? bindings.first {
          known = KnownPerson(
            name: binding["name"].text, document: binding["resident_id"].text, phone: binding["phone"].text)
          known.isRealName = vouched != nil
        }
      }
      if known.phone == nil {
        known.phone = try await records.within(transaction).get("app_user", user, columns: ["phone"])["phone"].text
      }
      return known
    }
  }

  /// The address that somebody is registered at, and its community; `nil` for an account that is linked to nobody.
  package static func home(of user: Int64, in store: RecordStore) async throws -> (code: String, division: String)? {
    let address = try await store.database.transaction { transaction in
      try await RealName.of(user: user, in: transaction)?.address
    }
    guard let address else { return nil }
    let record = try await store.records(as: .system).get("address", address, columns: ["code", "division_code"])
    return record["code"].text.flatMap { code in record["division_code"].text.map { (code, $0) } }
  }
}
