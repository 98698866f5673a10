import Access
import Core
package import Entities
import Identity
import SQL

/// Another system that people sign in to with their account here (接入应用): a record of the register
/// `client_application` (B1-308).
package struct ClientApplication: Sendable {
  package static let entity = "client_application"
  package static let access = "application_access"
  package static let permission = "application_permission"
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

  package let id: Int64
  /// `client_id`.
  package let code: String
  package let name: String
  package let home: ApplicationAddress?
  package let redirects: [ApplicationAddress]
  package let logoutReturns: [ApplicationAddress]
  package let logoutAddress: ApplicationAddress?
  package let audience: Audience
  package let withPhone: Bool
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

  /// Whether the principal holds the role: nobody gives rights to oneself (D2-572).
  private static func isHeld(_ role: Value, _ records: Records) async throws -> Bool {
    guard records.principal.kind == .user, let role = role.integer else { return false }
    guard let transaction = records.transaction else { throw Fault("hook-without-transaction") }
    return try await transaction.first(
      "select 1 from user_role where user_id = \(records.principal.id) and role_id = \(role) limit 1") != nil
  }
}
