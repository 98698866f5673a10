import Access
import Core
package import Entities
import SQL

/// Identity's rules on its registers wherever they are written: forms, imports, API.
///
/// The database refuses the same by trigger; here the refusal names the field and says what to do.
package enum IdentityHooks {
  package static let all: RecordHooks = {
    var hooks = RecordHooks()
    hooks.beforeInsert("app_user") { drafts, _ in
      for index in drafts.indices {
        if let refusal = fault(ofUser: &drafts[index].values) { drafts[index].refuse(refusal) }
      }
    }
    hooks.beforeUpdate("app_user") { changes, records in
      for index in changes.indices {
        if let refusal = fault(ofUser: &changes[index].changes) { changes[index].refuse(refusal) }
        try await checkChange(of: &changes[index], records)
      }
    }
    hooks.beforeInsert("api_key") { drafts, _ in
      for index in drafts.indices {
        if let refusal = fault(ofAddresses: drafts[index].values) { drafts[index].refuse(refusal) }
      }
    }
    hooks.beforeUpdate("api_key") { changes, _ in
      for index in changes.indices {
        if let refusal = fault(ofAddresses: changes[index].changes) { changes[index].refuse(refusal) }
      }
    }
    hooks.beforeInsert("sign_in_certificate") { drafts, _ in
      for index in drafts.indices {
        do throws(Refusal) {
          let certificate = try ClientCertificate(pem: drafts[index]["certificate"].text ?? "")
          drafts[index]["fingerprint"] = .text(certificate.fingerprint)
        } catch { drafts[index].refuse(error) }
      }
    }
    hooks.beforeInsert("user_role") { drafts, records in
      for index in drafts.indices where isOneself(drafts[index]["user_id"], records) {
        drafts[index].refuse(.rightsOfOneself)
      }
      for index in drafts.indices
      where try await isMismatched(role: drafts[index]["role_id"], user: drafts[index]["user_id"], records) {
        drafts[index].refuse(.separatedAdministrators)
      }
    }
    hooks.beforeUpdate("user_role") { changes, records in
      for index in changes.indices where isOneself(changes[index]["user_id"], records) {
        changes[index].refuse(.rightsOfOneself)
      }
      for index in changes.indices
      where try await isMismatched(role: changes[index]["role_id"], user: changes[index]["user_id"], records) {
        changes[index].refuse(.separatedAdministrators)
      }
    }
    hooks.beforeInsert("role_grant") { drafts, records in
      for index in drafts.indices where try await isHeld(role: drafts[index].values["role_id"], records) {
        drafts[index].refuse(.rightsOfOneself)
      }
      for index in drafts.indices where try await isReserved(drafts[index].values, records) {
        drafts[index].refuse(.reservedPermission)
      }
    }
    hooks.beforeUpdate("role_grant") { changes, records in
      for index in changes.indices where try await isHeld(role: changes[index].after["role_id"], records) {
        changes[index].refuse(.rightsOfOneself)
      }
      for index in changes.indices where try await isReserved(changes[index].after, records) {
        changes[index].refuse(.reservedPermission)
      }
    }
    hooks.beforeUpdate("unit") { changes, records in
      for index in changes.indices where changes[index].alters("parent_id") {
        guard let parent = changes[index]["parent_id"].integer else { continue }
        let below = try await records.rows(
          "select 1 from unit where id = \(parent) and strpos('.' || path, \(".\(changes[index].id).")) > 0")
        if !below.isEmpty { changes[index].refuse(.unitTree) }
      }
    }
    return hooks
  }()

  /// Puts the account into the form it is stored in; the first thing that is wrong, or `nil`.
  private static func fault(ofUser values: inout [String: Value]) -> Refusal? {
    do throws(Refusal) {
      if let account = values["account"]?.text {
        values["account"] = .text(try IdentityService.validated(account: account))
      }
      if let hours = values["allowed_hours"]?.text { _ = try HourRule(hours) }
    } catch {
      return error
    }
    return fault(ofAddresses: values)
  }

  private static func fault(ofAddresses values: [String: Value]) -> Refusal? {
    guard let addresses = values["allowed_addresses"]?.text else { return nil }
    do throws(Refusal) { _ = try AddressRule(addresses) } catch { return error }
    return nil
  }

  private static func checkChange(of change: inout RecordChange, _ records: Records) async throws {
    if change.alters("status") {
      if change.before["status"]?.text == UserStatus.cleared.rawValue { change.refuse(.accountCleared) }
      if records.principal.kind == .user, records.principal.id == change.id {
        change.refuse(Refusal(.conflict, "not-oneself", "不能停用或清理自己正在使用的账号。", field: "status"))
      }
    }
    if change.alters("separation") {
      let held = try await records.rows(
        """
        select 1 from user_role h join role r on r.id = h.role_id where h.user_id = \(change.id)
          and r.separation is not null and r.separation is distinct from \(change["separation"].text)::text limit 1
        """)
      if !held.isEmpty { change.refuse(.separatedAdministrators) }
    }
  }

  /// Nobody gives rights to oneself, not even who gives them to others (D2-572).
  private static func isOneself(_ user: Value, _ records: Records) -> Bool {
    records.principal.kind == .user && user.integer == records.principal.id
  }

  /// Whether the principal holds the role.
  private static func isHeld(role: Value?, _ records: Records) async throws -> Bool {
    guard records.principal.kind == .user, let role = role?.integer else { return false }
    return try await !records.rows(
      "select 1 from user_role where user_id = \(records.principal.id) and role_id = \(role) limit 1"
    ).isEmpty
  }

  private static func isMismatched(role: Value, user: Value, _ records: Records) async throws -> Bool {
    guard let role = role.integer, let user = user.integer else { return false }
    return try await !records.rows(
      """
      select 1 from role r, app_user u where r.id = \(role) and u.id = \(user) and r.separation is not null
        and r.separation is distinct from u.separation
      """
    ).isEmpty
  }

  private static func isReserved(_ values: [String: Value], _ records: Records) async throws -> Bool {
    guard let role = values["role_id"]?.integer, let subject = values["subject"]?.text,
      let action = values["action"]?.text
    else { return false }
    if subject == "*" { return true }
    return try await !records.rows(
      """
      select 1 from reserved_permission p where p.subject = \(subject) and (\(action) = '*' or p.action = \(action))
        and p.separation is distinct from (select separation from role where id = \(role)) limit 1
      """
    ).isEmpty
  }
}

extension Records {
  /// Reads inside the write that is under way.
  fileprivate func rows(_ query: SQL) async throws -> Rows {
    guard let transaction else { throw Fault("hook-without-transaction") }
    return try await transaction.query(query)
  }
}
