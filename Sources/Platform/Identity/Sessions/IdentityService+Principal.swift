package import Access
import Core
import SQL

extension IdentityService {
  /// What a user or key may do now, without a session: for work that goes on after its request, such as an import.
  ///
  /// - Parameter actor: as ``Access/Principal/actor``: positive for users, negative for keys, zero for the system.
  /// - Throws: ``Refusal`` `account-gone` when the user is no longer active.
  package func principal(actor: Int64) async throws -> Principal {
    if actor == 0 { return .system }
    guard actor > 0 else { return try await keyPrincipal(-actor) }
    let now = clock.now()
    let row = try await database.first(
      """
      select \(UserAccount.columns), \(PrincipalLoader.unitColumns),
        \(PrincipalLoader.userGrants(user: "u.id", unit: "n.id", today: now.chinaTime.date, now: now)) as grants
      from app_user u left join unit n on n.id = u.unit_id where u.id = \(actor)
      """)
    guard let row else { throw IdentityService.accountGone }
    let user = try UserAccount(row: row)
    guard user.status == .active else { throw IdentityService.accountGone }
    let roles = PrincipalLoader.read(try row.get("grants", as: JSON.self))
    return Principal(
      kind: .user, id: user.id, name: user.name, unit: try PrincipalLoader.unit(row), grants: roles.grants,
      clearance: min(user.clearance, roles.clearance))
  }

  private func keyPrincipal(_ id: Int64) async throws -> Principal {
    let now = clock.now()
    let row = try await database.first(
      """
      select k.name, k.status, \(PrincipalLoader.unitColumns),
        \(PrincipalLoader.roleGrants(role: "k.role_id", today: now.chinaTime.date, now: now)) as grants
      from api_key k left join unit n on n.id = k.unit_id where k.id = \(id)
      """)
    guard let row, try row.get("status", as: String.self) == "active" else { throw IdentityService.accountGone }
    let roles = PrincipalLoader.read(try row.get("grants", as: JSON.self))
    return Principal(
      kind: .key, id: id, name: try row.get("name"), unit: try PrincipalLoader.unit(row), grants: roles.grants,
      clearance: roles.clearance)
  }

  private static let accountGone = Refusal(
    .forbidden, "account-gone", "发起这项工作的账号或密钥已停用，工作没有继续。请由在用的账号重新发起。")
}
