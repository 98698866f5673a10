import Access
import Core
package import Entities
import Identity
import SQL

/// Another system that people sign in to with their account here (接入应用): a record of the register
/// `client_application` (B1-308).
package struct ClientApplication: Sendable {
  /// The register of applications (接入应用).
  package static let entity = "client_application"
  /// The register of whom they list (应用使用范围).
  package static let access = "application_access"
  /// The register of permissions of their own (应用权限).
  package static let permission = "application_permission"
  /// The register of roles that have these (应用授权).
  package static let grant = "application_grant"

  /// Who may use it (谁可以用).
  package enum Audience: String, Sendable {
    /// Whom rows of 使用范围 name.
    case listed
    /// Whoever belongs to a unit and has no role of people from outside.
    case staff
    /// Residents too.
    case everyone
  }

  /// Of the record.
  package let id: Int64
  /// `client_id`.
  package let code: String
  /// What people call it.
  package let name: String
  /// Where it is opened from the list of systems; `nil` keeps it off that list.
  package let home: ApplicationAddress?
  /// Where browsers may return to (回调地址).
  package let redirects: [ApplicationAddress]
  /// Where browsers may go after signing out.
  package let logoutReturns: [ApplicationAddress]
  /// Where it is told that a session is over; `nil`: it is not told.
  package let logoutAddress: ApplicationAddress?
  /// Who may use it.
  package let audience: Audience
  /// Whether it may know mobile numbers.
  package let withPhone: Bool
  /// Whether it is in use; one that is not signs nobody in and reads nothing.
  package let isOn: Bool

  package init(_ record: Record) {
    id = record.id
    code = record["code"].text ?? ""
    name = record["name"].text ?? ""
    home = record["home"].text.flatMap { try? ApplicationAddress($0) }
    redirects = (try? ApplicationAddress.list(record["redirects"].text, field: "redirects")) ?? []
    logoutReturns = (try? ApplicationAddress.list(record["logout_returns"].text, field: "logout_returns")) ?? []
    logoutAddress = record["logout_address"].text.flatMap { try? ApplicationAddress($0) }
    // What cannot be read opens the system to nobody.
    audience = Audience(rawValue: record["audience"].text ?? "") ?? .listed
    withPhone = record["with_phone"].boolean ?? false
    isOn = record["state"].text == "on"
  }

  /// Exactly one of the registered addresses.
  package func redirect(_ text: String) -> ApplicationAddress? { redirects.first { $0.url == text } }
}

/// One row of 使用范围: people of a role, of a unit and those below it, or both.
struct ApplicationAccess: Sendable, Hashable {
  let role: Int64?
  let unit: Int64?

  func admits(_ standing: AccountStanding) -> Bool {
    guard role != nil || unit != nil else { return false }
    if let role, !standing.roles.contains(where: { $0.id == role }) { return false }
    if let unit, standing.unit?.path.split(separator: ".").contains(Substring(String(unit))) != true { return false }
    return true
  }
}

/// To which applications one account may sign in (B1-308).
struct ApplicationAdmission: Sendable {
  let standing: AccountStanding
  let isUsable: Bool
  /// Whether one of its roles is for people from outside (外部人员).
  let isOutside: Bool
  /// 使用范围 of those applications that are for whom they list.
  let rows: [Int64: [ApplicationAccess]]

  func admits(to application: ClientApplication) -> Bool {
    guard isUsable else { return false }
    switch application.audience {
    case .everyone: return true
    case .staff: return standing.unit != nil && !isOutside
    case .listed: return rows[application.id, default: []].contains { $0.admits(standing) }
    }
  }
}

/// What the registers of applications refuse by themselves, wherever they are written.
package struct ClientApplicationRules: RecordRules {
  package init() {}

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(ClientApplication.entity) { drafts, _ in
      for index in drafts.indices {
        if let refusal = ClientApplicationRules.fault(drafts[index].values) { drafts[index].refuse(refusal) }
      }
    }
    hooks.beforeUpdate(ClientApplication.entity) { changes, _ in
      for index in changes.indices {
        if let refusal = ClientApplicationRules.fault(changes[index].after) { changes[index].refuse(refusal) }
      }
    }
    hooks.beforeUpdate(ClientApplication.permission) { changes, records in
      for index in changes.indices where changes[index].alters("code") || changes[index].alters("application_id") {
        if let refusal = try await ClientApplicationRules.renaming(changes[index].id, records) {
          changes[index].refuse(refusal)
        }
      }
    }
    hooks.beforeUpdate(ClientApplication.entity) { changes, records in
      for index in changes.indices where changes[index].alters("code") {
        if let refusal = try await ClientApplicationRules.recoding(changes[index].id, records) {
          changes[index].refuse(refusal)
        }
      }
    }
    for entity in [ClientApplication.access, ClientApplication.grant] {
      hooks.beforeInsert(entity) { drafts, records in
        for index in drafts.indices
        where try await ClientApplicationRules.isHeld(drafts[index]["role_id"], records) {
          drafts[index].refuse(ClientApplicationRules.oneself)
        }
      }
      hooks.beforeUpdate(entity) { changes, records in
        for index in changes.indices
        where try await ClientApplicationRules.isHeld(changes[index]["role_id"], records) {
          changes[index].refuse(ClientApplicationRules.oneself)
        }
      }
    }
  }

  static let oneself = Refusal(
    .conflict, "rights-of-oneself", "不能给自己担任的角色增加应用权限，没有改动。请由另一位安全保密管理员办理。", field: "role_id")

  private static func fault(_ values: [String: Value]) -> Refusal? {
    do throws(Refusal) {
      let code = values["code"]?.text ?? ""
      guard (3...40).contains(code.utf8.count), code.utf8.first != 45, code.utf8.last != 45,
        code.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 })
      else {
        throw Refusal(
          .invalid, "application-code", "代码由 3 至 40 个小写字母、数字和短横线组成，短横线不在首尾。请改正后保存。", field: "code")
      }
      _ = try ApplicationAddress.list(values["redirects"]?.text, field: "redirects")
      _ = try ApplicationAddress.list(values["logout_returns"]?.text, field: "logout_returns")
      for field in ["home", "logout_address"] {
        if let text = values[field]?.text { _ = try ApplicationAddress(text, field: field) }
      }
    } catch {
      return error
    }
    return nil
  }

  /// The code is what the other system goes by: another one under a permission that roles have would give them another
  /// right without anybody granting it (D2-572).
  private static func renaming(_ permission: Int64, _ records: Records) async throws -> Refusal? {
    guard let transaction = records.transaction else { throw Fault("hook-without-transaction") }
    let roles: [String] = try await transaction.query(
      """
      select r.name from application_grant g join role r on r.id = g.role_id where g.permission_id = \(permission)
      order by r.name limit 4
      """
    ).values()
    guard !roles.isEmpty else { return nil }
    let shown = roles.prefix(3).joined(separator: "、") + (roles.count > 3 ? "等" : "")
    return Refusal(
      .conflict, "permission-granted",
      "这项应用权限已授予\(shown)，代码和所属应用不能再改，没有改动。请新增一项权限并另行授予，或先取消授权。", field: "code")
  }

  /// Under the code of another system, all that was granted would count there.
  private static func recoding(_ application: Int64, _ records: Records) async throws -> Refusal? {
    guard let transaction = records.transaction else { throw Fault("hook-without-transaction") }
    let granted = try await transaction.first(
      """
      select 1 from application_permission p join application_grant g on g.permission_id = p.id
      where p.application_id = \(application) limit 1
      """)
    guard granted != nil else { return nil }
    return Refusal(
      .conflict, "application-granted", "这个系统的应用权限已经授予角色，代码不能再改，没有改动。请另行登记一个接入应用。", field: "code")
  }

  /// Whether the principal holds the role: nobody gives rights to oneself (D2-572).
  private static func isHeld(_ role: Value, _ records: Records) async throws -> Bool {
    guard records.principal.kind == .user, let role = role.integer else { return false }
    guard let transaction = records.transaction else { throw Fault("hook-without-transaction") }
    return try await transaction.first(
      "select 1 from user_role where user_id = \(records.principal.id) and role_id = \(role) limit 1") != nil
  }
}
