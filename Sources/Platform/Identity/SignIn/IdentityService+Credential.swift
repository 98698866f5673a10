package import Access
package import Core
import SQL

/// How an account stands with its password and second factor, for the page of the security officer.
package struct CredentialState: Sendable, Hashable {
  /// `nil` while there is no password.
  package let passwordChangedAt: Instant?
  /// Why it must be changed at the next request.
  package let changeReason: Session.NewPasswordReason?
  package let hasSecondFactor: Bool
  /// Recovery codes that are left.
  package let recoveryCodes: Int
  /// `nil` unless it is locked now.
  package let lockedUntil: Instant?
}

extension IdentityService {
  /// - Throws: ``Refusal`` unless `principal` is the user or may reset or unlock.
  package func credentialState(of user: Int64, by principal: Principal) async throws -> CredentialState {
    if principal.kind != .user || principal.id != user, !principal.may(Permission("credential", "unlock")) {
      try principal.require(Permission("credential", "reset"), toDo: "查看账号安全状态")
    }
    guard let candidate = try await candidate("u.id = \(user)") else { throw IdentityService.noSuchUser }
    let row = try await database.first(
      """
      select changed_at, change_reason, (select count(*) from recovery_code where user_id = \(user)) as codes
      from (select) one left join credential c on c.user_id = \(user)
      """)
    return CredentialState(
      passwordChangedAt: try row?.get("changed_at"),
      changeReason: try row?.get("change_reason", as: String?.self).flatMap { .init(rawValue: $0) },
      hasSecondFactor: candidate.enrolled, recoveryCodes: try row?.get("codes") ?? 0,
      lockedUntil: try await lockedUntil(fingerprint(account: candidate.user.account)))
  }
}
