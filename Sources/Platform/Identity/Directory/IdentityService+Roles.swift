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
  /// For people who are none of the administration's own (外部人员).
  package var isExternal: Bool
  package var grants: [Grants.Grant]

  package init(
    code: String, name: String, description: String, separation: Separation? = nil, clearance: Classification = .inner,
    isExternal: Bool = false, grants: [Grants.Grant]
  ) {
    self.code = code
    self.name = name
    self.description = description
    self.separation = separation
    self.clearance = clearance
    self.isExternal = isExternal
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
    let grants = role.grants.flatMap { grant in
      grant.scope.alternatives.compactMap { scope in scope.columns.map { (grant.permission, $0) } }
    }
    let keys = Set(grants.map(IdentityService.key))
    let row = try await transaction.first(
      "select id, shipped_grants, external from role where code = \(role.code) for update")
    let known: Set<String>
    let id: Int64
    if let row {
      id = try row.get("id")
      // Of a role that is older than this question, the release answers it once.
      if try row.isNull("external") {
        try await configuration.registers.update(
          "role", id, ["external": .bool(role.isExternal)], by: .system, in: transaction)
      }
      known = Set(try row.get("shipped_grants", as: String?.self)?.split(separator: "\n").map(String.init) ?? [])
    } else {
      known = []
      id = try await configuration.registers.insert(
        "role",
        [
          "code": .text(role.code), "name": .text(role.name), "description": .text(role.description),
          "separation": role.separation.map { .text($0.rawValue) } ?? .null, "clearance": .text(role.clearance.name),
          "active": .bool(true), "builtin": .bool(true), "external": .bool(role.isExternal),
        ], by: .system, in: transaction)
    }
    guard known != keys else { return }
    for (permission, scope) in grants where !known.contains(IdentityService.key((permission, scope))) {
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

  /// Names a grant among those a release has brought.
  private static func key(_ grant: (permission: Permission, scope: (code: String, value: String?))) -> String {
    "\(grant.permission) \(grant.scope.code)" + (grant.scope.value.map { " \($0)" } ?? "")
  }
}
