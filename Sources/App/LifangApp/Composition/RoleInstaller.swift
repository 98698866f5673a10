import Access
import Core
import Entities
import Identity

/// Puts the declared roles into the register of roles.
enum RoleInstaller {
  /// Held by nobody in particular: strangers, and people without a post.
  private static let implied: Set = ["public", "resident"]

  static func install(_ deployment: Deployment) async throws {
    let identity = try deployment.identity(deployment.makeStore())
    let catalog = deployment.catalogs.current
    var roles: [ShippedRole] = []
    for role in catalog.roles where !implied.contains(role.name) {
      let grants = role.grants.flatMap { grant in expanded(grant, catalog) }
      roles.append(
        ShippedRole(
          code: role.name, name: role.label, description: role.help ?? "",
          separation: Separation(rawValue: role.name), clearance: role.clearance,
          isExternal: role.isExternal, grants: grants))
    }
    try await identity.install(roles)
  }

  private static func expanded(_ grant: RoleDeclaration.Grant, _ catalog: Catalog) -> [Grants.Grant] {
    [Grants.Grant(grant.permission, grant.scope)]
  }
}
