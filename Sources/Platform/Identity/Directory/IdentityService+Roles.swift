package import Access
import Audit
import Core
import SQL

/// A role that ships with the product, to be put into the register (预置角色).
package struct ShippedRole: Sendable {
  package var code: String
  package var name: String
  package var description: String
  package var separation: Separation?
  package var clearance: Classification
  package var grants: [Grants.Grant]

  package init(
    code: String, name: String, description: String, separation: Separation? = nil, clearance: Classification = .inner,
    grants: [Grants.Grant]
  ) {
    self.code = code
    self.name = name
    self.description = description
    self.separation = separation
    self.clearance = clearance
    self.grants = grants
  }
}

extension IdentityService {
  /// Puts shipped roles into the register, by code: missing ones are made; of those that are there, only grants that a
  /// new version brings are added, since what administrators took away or renamed is theirs.
  ///
  /// A grant counts as new when the role never had it: the codes a release has brought are remembered in
  /// `role.shipped_grants`.
  package func install(_ roles: [ShippedRole]) async throws {
    try await refusingConstraints {
      try await database.transaction { transaction in
        for role in roles { try await self.install(role, in: transaction) }
      }
    }
  }

  private func install(_ role: ShippedRole, in transaction: Transaction) async throws {
    let grants = role.grants.compactMap { grant in grant.scope.columns.map { (grant.permission, $0) } }
    let keys = Set(grants.map { "\($0.0) \($0.1.code)" })
    let row = try await transaction.first("select id, shipped_grants from role where code = \(role.code) for update")
    let known: Set<String>
    let id: Int64
    if let row {
      id = try row.get("id")
      known = Set(try row.get("shipped_grants", as: String?.self)?.split(separator: "\n").map(String.init) ?? [])
    } else {
      known = []
      id = try await configuration.registers.insert(
        "role",
        [
          "code": .text(role.code), "name": .text(role.name), "description": .text(role.description),
          "separation": role.separation.map { .text($0.rawValue) } ?? .null, "clearance": .text(role.clearance.name),
          "active": .bool(true), "builtin": .bool(true),
        ], by: .system, in: transaction)
    }
    guard known != keys else { return }
    for (permission, scope) in grants where !known.contains("\(permission) \(scope.code)") {
      _ = try await configuration.registers.insert(
        "role_grant",
        [
          "role_id": .int(id), "subject": .text(permission.subject), "action": .text(permission.action),
          "scope": .text(scope.code), "scope_value": scope.value.map { .text($0) } ?? .null,
        ], by: .system, in: transaction)
    }
    try await configuration.registers.update(
      "role", id, ["shipped_grants": .text(keys.union(known).sorted().joined(separator: "\n"))], by: .system,
      in: transaction)
  }
}

extension ShippedRole {
  /// The three separated administrators (三员), who hold between them what nobody may hold together.
  package static let separated: [ShippedRole] = [
    ShippedRole(
      code: "system_admin", name: "系统管理员", description: "管理机构、岗位、用户账号、菜单、字典、参数和任务，不分配权限，不看审计。",
      separation: .systemAdministrator,
      grants: grants(
        ["unit", "post", "app_user", "menu_entry", "parameter", "dictionary", "entity", "help_document"],
        ["view", "create", "update", "delete", "import", "export", "history"])
        + grants(["job", "backup"], ["view", "run", "update"]) + grants(["app_user"], ["clear"])),
    ShippedRole(
      code: "security_officer", name: "安全保密管理员", description: "管理角色、权限、密码、会话、接口密钥和安全策略，不建账号，不看审计。",
      separation: .securityOfficer,
      grants: grants(
        ["role", "role_grant", "user_role", "api_key", "policy"],
        ["view", "create", "update", "delete", "export", "history"])
        + grants(["app_user", "unit", "post"], ["view"]) + grants(["credential"], ["reset", "unlock"])
        + grants(["session"], ["view", "kick"]) + grants(["key_ring"], ["view", "rotate"])),
    ShippedRole(
      code: "auditor", name: "安全审计员", description: "查看和校验审计记录、登录日志和接口日志，不改动系统。", separation: .auditor,
      grants: grants(["audit", "login_log", "api_call"], ["view", "export"]) + grants(["audit"], ["verify"])
        + grants(["app_user", "unit", "role", "role_grant", "user_role"], ["view"])),
  ]

  private static func grants(_ subjects: [String], _ actions: [String]) -> [Grants.Grant] {
    subjects.flatMap { subject in actions.map { Grants.Grant(Permission(subject, $0), .all) } }
  }
}
