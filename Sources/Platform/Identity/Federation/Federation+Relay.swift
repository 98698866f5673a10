package import Access
package import Audit
package import Core
import Entities
import SQL

/// Whom a platform that hands in applications for others says somebody is (对接平台代递).
package struct RelayedIdentity: Sendable {
  /// What the platform itself calls the person.
  package let subject: String
  package let name: String
  package let document: ResidentID
  package let phone: PhoneNumber?
  /// How sure it is, in its own words.
  package let level: String?

  package init(subject: String, name: String, document: ResidentID, phone: PhoneNumber?, level: String?) {
    (self.subject, self.name, self.document, self.phone, self.level) = (subject, name, document, phone, level)
  }
}

extension Federation {
  /// The account of somebody a key acts for: the one that signing in by the same platform leads to.
  ///
  /// The key names the platform (`provider_id`); as with a sign-in the population register has the last word on who
  /// somebody is, and accounts of staff are never opened (C-018, C-049).
  ///
  /// - Throws: ``Refusal`` `key-provider` for a key without a platform, `provider-unknown` while that is switched off,
  ///   `identity-name`, `identity-deceased`, `identity-changed`, `identity-staff`.
  package func applicant(_ said: RelayedIdentity, of key: Principal, origin: Origin) async throws -> Principal {
    let row = try await identity.database.first("select provider_id from api_key where id = \(key.id)")
    guard key.kind == .key, let number = try row?.get("provider_id", as: Int64?.self) else {
      throw Refusal(
        .forbidden, "key-provider", "这个接口密钥没有对应的身份认证平台，不能代群众申请。请系统管理员在密钥上选定平台后再用。")
    }
    let provider = try await provider { $0.id == number }
    let vouched = VouchedIdentity(
      subject: said.subject, name: said.name, document: said.document, phone: said.phone,
      level: said.level.flatMap { provider.levels[$0] } ?? provider.defaultLevel)
    let user = try await identity.database.transaction { transaction in
      try await self.account(vouched, of: provider, origin, in: transaction)
    }
    return try await person(user, vouched.level)
  }

  /// Somebody a key has acted for before.
  package func applicant(_ user: Int64, level: Assurance) async throws -> Principal { try await person(user, level) }

  private func person(_ user: Int64, _ level: Assurance) async throws -> Principal {
    let found = try await identity.principal(actor: user)
    return Principal(
      kind: .user, id: found.id, name: found.name, unit: nil, grants: found.grants, clearance: found.clearance,
      assurance: level)
  }
}
