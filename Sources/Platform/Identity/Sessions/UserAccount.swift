package import Access
package import Core

/// Which of the three separated administrators (三员分立) an account or a role belongs to.
package enum Separation: String, Sendable, Hashable, CaseIterable {
  /// 系统管理员: units, posts, accounts, menus, parameters.
  case systemAdministrator = "system_admin"
  /// 安全保密管理员: roles, permissions, passwords, sessions, keys.
  case securityOfficer = "security_officer"
  /// 安全审计员: the audit and the logs.
  case auditor

  package var label: String {
    switch self {
    case .systemAdministrator: "系统管理员"
    case .securityOfficer: "安全保密管理员"
    case .auditor: "安全审计员"
    }
  }
}

/// What an account may be used for (用户状态).
package enum UserStatus: String, Sendable, Hashable, CaseIterable {
  case active
  /// 停用: may come back.
  case disabled
  /// 已清理 (B1-224): roles and permissions are gone, sign-in is over.
  case cleared

  package var label: String {
    switch self {
    case .active: "正常"
    case .disabled: "停用"
    case .cleared: "已清理"
    }
  }
}

/// An account as sign-in and sessions need it (用户账号).
package struct UserAccount: Sendable {
  package let id: Int64
  package let account: String
  package let name: String
  package let unitID: Int64?
  package let status: UserStatus
  package let separation: Separation?
  package let clearance: Classification
  package let expiresOn: CivilDate?
  package let rules: AccessRules

  /// Why the account may not be used at `time` from `address`, or `nil`.
  package func refusal(address: String?, at time: Instant) -> Refusal? {
    switch status {
    case .active: break
    case .disabled: return Refusal(.forbidden, "account-disabled", "该账号已停用。需要时请联系本单位的系统管理员。")
    case .cleared: return Refusal(.forbidden, "account-cleared", "该账号已清理，不能再登录。需要时请联系本单位的系统管理员。")
    }
    if let expiresOn, time.chinaTime.date > expiresOn {
      return Refusal(.forbidden, "account-expired", "该账号已于 \(expiresOn) 到期。需要时请联系本单位的系统管理员。")
    }
    return rules.refusal(address: address, at: time)
  }
}
