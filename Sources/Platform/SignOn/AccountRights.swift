package import Access
package import Audit
package import Core
import Entities
import Identity
import SQL

/// What somebody may do, here and in the applications whose rights are given here (统一授权, B1-307).
package struct AccountRights: Sendable {
  let signOn: SignOn

  package init(_ signOn: SignOn) { self.signOn = signOn }

  /// Held by keys of other systems that may ask.
  package static let view = Permission("account_right", "view")

  /// The roles and permissions of an account, of one application or of all.
  ///
  /// - Parameter account: within the data scope of `principal`.
  /// - Throws: ``Refusal`` `permission-missing`, `account-unknown`, `application-unknown`.
  package func of(
    account: String, application: String?, by principal: Principal, origin: Origin
  ) async throws -> JSON {
    try principal.require(AccountRights.view, toDo: "查询账号的权限")
    let record = try await signOn.store.records(as: principal, origin: origin)
      .find("app_user", where: "account", equals: .text(String(account.prefix(64))))
    guard let record, let standing = try await signOn.identity.standing(of: record.id) else {
      throw Refusal(.notFound, "account-unknown", "没有这个账号，或不在密钥的数据范围内。请核对账号。")
    }
    let database = signOn.database
    let (subject, applications) = try await database.transaction { transaction in
      let subject = try await signOn.subject(of: record.id, in: transaction)
      let applications = try await held(standing, application, in: transaction)
      if let application, applications.isEmpty {
        throw Refusal(
          .notFound, "application-unknown", "没有代码为“\(application.prefix(40))”的接入应用，或它已停用。请核对 application。",
          field: "application")
      }
      try await signOn.store.audit.append(
        AuditEntry(
          principal, "account_right.view", entity: "app_user", record: record.id, origin: origin,
          details: ["application": application.map { .string($0) } ?? .null]), in: transaction)
      return (subject, applications)
    }
    return [
      "account": .string(standing.user.account), "subject": .string(subject), "name": .string(standing.user.name),
      "active": .bool(standing.user.isUsable(on: signOn.now.chinaTime.date)),
      "unit": standing.unit.map { ["code": .string($0.code), "name": .string($0.name)] } ?? .null,
      "roles": .array(standing.roles.map { ["code": .string($0.code), "name": .string($0.name)] }),
      "permissions": .array(AccountRights.json(standing.grants)), "applications": .array(applications),
    ]
  }

  /// The applications in use by code, whether somebody may enter each, and the permissions that they have there.
  private func held(
    _ standing: AccountStanding, _ code: String?, in transaction: Transaction
  ) async throws -> [JSON] {
    let granted = try await transaction.query(
      """
      select p.application_id, p.code from application_permission p join application_grant g on g.permission_id = p.id
      where g.role_id = any(\(standing.roles.map(\.id))::bigint[]) group by 1, 2 order by 2
      """)
    var codes: [Int64: [String]] = [:]
    for row in granted {
      let application: Int64 = try row.get("application_id")
      codes[application, default: []].append(try row.get("code"))
    }
    let applications = try await signOn.applicationsInUse(
      code, in: signOn.store.records(as: .system).within(transaction))
    let admission = try await signOn.admission(of: standing, to: applications, in: transaction)
    return applications.sorted { $0.code < $1.code }.map { one in
      [
        "code": .string(one.code), "name": .string(one.name), "allowed": .bool(admission.admits(to: one)),
        "permissions": .array((codes[one.id] ?? []).map { .string($0) }),
      ]
    }
  }

  /// Each permission with the records that it reaches.
  private static func json(_ grants: Grants) -> [JSON] {
    grants.all.flatMap { grant in
      grant.scope.alternatives.compactMap { scope -> JSON? in
        guard let columns = scope.columns else { return nil }
        return [
          "permission": .string(grant.permission.description), "scope": .string(columns.code),
          "value": columns.value.map { .string($0) } ?? .null,
        ]
      }
    }
  }
}
