package import Access
package import Core
package import SQL

/// A role that somebody holds now.
package struct HeldRole: Sendable, Hashable {
  /// Of the record.
  package let id: Int64
  /// As other systems know it (角色编码).
  package let code: String
  /// What it is called (角色名称).
  package let name: String
}

/// Who somebody is to other systems: account, unit and roles in force, for one session or for the account as such.
package struct AccountStanding: Sendable {
  /// The account itself.
  package let user: UserAccount
  /// The unit in force, with the path from the root (see ``Access/UnitMembership/path``).
  package let unit: (code: String, name: String, path: String)?
  /// The roles in force in that unit; none for an account that may not be used.
  package let roles: [HeldRole]
  /// What these roles permit, and on which records.
  package let grants: Grants
}

/// How somebody signed in here, as other systems may ask (OpenID Connect Core 1.0 §2).
package struct SessionOpening: Sendable, Hashable {
  /// When it was opened.
  package let at: Instant
  /// As the log of sign-ins calls it (登录方式).
  package let method: String
  /// How sure it is who it is.
  package let assurance: Assurance
}

extension IdentityService {
  /// How an account stands, in the unit that a session acts for or, without one, in its own.
  ///
  /// Accounts that may not be used hold nothing. `nil` for an account or session that is not there.
  package func standing(of user: Int64, session: Int64? = nil) async throws -> AccountStanding? {
    let now = clock.now()
    let today = now.chinaTime.date
    let row = try await database.first(
      """
      select \(UserAccount.columns), n.code as unit_code, n.name as unit_name, n.path as unit_path,
        \(PrincipalLoader.userRoles(user: "u.id", unit: "n.id", today: today, now: now)) as roles,
        \(PrincipalLoader.userGrants(user: "u.id", unit: "n.id", today: today, now: now)) as grants
      from app_user u left join session s on s.id = \(session) and s.user_id = u.id
        left join unit n on n.id = coalesce(s.unit_id, u.unit_id)
      where u.id = \(user)
      """)
    guard let row else { return nil }
    let account = try UserAccount(row: row)
    let code: String? = try row.get("unit_code")
    let unit: (code: String, name: String, path: String)? = try code.map {
      (code: $0, name: try row.get("unit_name"), path: try row.get("unit_path"))
    }
    let isUsable = account.isUsable(on: today)
    let roles = (try row.get("roles", as: JSON.self).array ?? []).compactMap { item -> HeldRole? in
      guard let parts = item.array, parts.count == 3, let id = parts[0].int, let code = parts[1].string,
        let name = parts[2].string
      else { return nil }
      return HeldRole(id: id, code: code, name: name)
    }
    let grants = PrincipalLoader.read(try row.get("grants", as: JSON.self)).grants
    return AccountStanding(
      user: account, unit: unit, roles: isUsable ? roles : [], grants: isUsable ? grants : Grants([]))
  }

  /// How a session was opened, while it lasts; held against its end until the transaction is over.
  package func holdSession(_ id: Int64, in transaction: Transaction) async throws -> SessionOpening? {
    let row = try await transaction.first(
      """
      select created_at, method, assurance from session
      where id = \(id) and ended_at is null and expires_at > \(clock.now()) for share
      """)
    return try row.map { row in
      SessionOpening(
        at: try row.get("created_at"), method: try row.get("method"),
        assurance: Assurance(rawValue: try row.get("assurance")) ?? .password)
    }
  }
}

extension UserAccount {
  /// Whether the account is in use and has not run out.
  package func isUsable(on today: CivilDate) -> Bool {
    status == .active && (expiresOn.map { today <= $0 } ?? true)
  }
}
