package import Access
package import Audit
package import Core
import Crypto
import SQL

/// An account to be made (新增用户, B1-222).
package struct NewUser: Sendable {
  package var account: String
  package var name: String
  package var phone: String?
  package var unit: Int64?
  package var post: Int64?
  package var separation: Separation?
  package var clearance = Classification.inner
  package var roles: [Int64]

  package init(account: String, name: String, unit: Int64? = nil, roles: [Int64] = []) {
    self.account = account
    self.name = name
    self.unit = unit
    self.roles = roles
  }
}

extension IdentityService {
  /// Makes an account with its roles and a first password, which is returned once and must be changed.
  package func createUser(
    _ user: NewUser, by principal: Principal, origin: Origin
  ) async throws -> (id: Int64, password: String) {
    try principal.require(Permission("app_user", "create"), toDo: "新增用户")
    if !user.roles.isEmpty { try principal.require(Permission("user_role", "create"), toDo: "分配角色") }
    let account = try IdentityService.validated(account: user.account)
    let password = temporaryPassword()
    let hash = try await worker.make(password)
    let id = try await refusingConstraints {
      try await database.transaction { transaction in
        let id = try await self.configuration.registers.insert(
          "app_user", try IdentityService.values(of: user, account: account), by: principal, in: transaction)
        try await self.store(hash, of: id, reason: "initial", in: transaction)
        for role in user.roles { try await self.assign(role, to: id, unit: nil, by: principal, in: transaction) }
        try await self.audit.append(
          AuditEntry(
            principal, "app_user.create", entity: "app_user", record: id, origin: origin,
            details: ["roles": .array(user.roles.map { .int($0) })]), in: transaction)
        return id
      }
    }
    return (id, password)
  }

  private static func values(of user: NewUser, account: String) throws(Refusal) -> [String: SQLValue] {
    let name = user.name.trimmed
    guard !name.isEmpty, name.count <= 64 else {
      throw Refusal(.unprocessable, "name-missing", "请填写姓名，最多 64 个字。", field: "name")
    }
    let phone: PhoneNumber? = if let text = user.phone { try PhoneNumber.read(text) } else { nil }
    return [
      "account": .text(account), "name": .text(name),
      "phone": phone.map { .text($0.text) } ?? .null,
      "unit_id": user.unit.map { .int($0) } ?? .null, "post_id": user.post.map { .int($0) } ?? .null,
      "status": .text(UserStatus.active.rawValue), "separation": user.separation.map { .text($0.rawValue) } ?? .null,
      "clearance": .text(user.clearance.name),
    ]
  }

  /// The form an account is stored in: 2 to 64 letters, digits and `. _ - @`, or Chinese, without case.
  package static func validated(account: String) throws(Refusal) -> String {
    let account = normalised(account: account)
    let fits = account.unicodeScalars.allSatisfy { scalar in
      scalar.properties.isIdeographic || ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar)
        || "._-@".unicodeScalars.contains(scalar)
    }
    guard (2...64).contains(account.count), fits else {
      throw Refusal(
        .unprocessable, "account-invalid", "账号须为 2 至 64 位字母、数字、汉字或 . _ - @，不分大小写。", field: "account")
    }
    return account
  }

  /// Gives a role to a user, for every unit or for one (分配角色).
  package func assign(
    role: Int64, to user: Int64, unit: Int64? = nil, by principal: Principal, origin: Origin
  ) async throws {
    try principal.require(Permission("user_role", "create"), toDo: "分配角色")
    try await refusingConstraints {
      try await database.transaction { transaction in
        try await self.assign(role, to: user, unit: unit, by: principal, in: transaction)
        try await self.audit.append(
          AuditEntry(
            principal, "user_role.create", entity: "app_user", record: user, origin: origin,
            details: ["role": .int(role), "unit": unit.map { .int($0) } ?? .null]), in: transaction)
      }
    }
  }

  private func assign(
    _ role: Int64, to user: Int64, unit: Int64?, by principal: Principal, in transaction: Transaction
  ) async throws {
    _ = try await configuration.registers.insert(
      "user_role",
      ["user_id": .int(user), "role_id": .int(role), "unit_id": unit.map { .int($0) } ?? .null], by: principal,
      in: transaction)
  }

  /// Takes a role from a user.
  package func withdraw(role: Int64, from user: Int64, by principal: Principal, origin: Origin) async throws {
    try principal.require(Permission("user_role", "delete"), toDo: "收回角色")
    try await database.transaction { transaction in
      let held = try await transaction.query("select id from user_role where user_id = \(user) and role_id = \(role)")
      for id in try held.values(as: Int64.self) {
        try await self.configuration.registers.delete("user_role", id, by: principal, in: transaction)
      }
      try await self.audit.append(
        AuditEntry(
          principal, "user_role.delete", entity: "app_user", record: user, origin: origin, details: ["role": .int(role)]
        ),
        in: transaction)
    }
  }

  /// Clears an account that is no longer needed (清理用户, B1-224): its roles are withdrawn, its password, second factor
  /// and sessions end, the record stays for what it did. There is no way back but a new account.
  package func clearUser(_ user: Int64, by principal: Principal, origin: Origin) async throws {
    try principal.require(Permission("app_user", "clear"), toDo: "清理用户")
    guard principal.kind != .user || principal.id != user else {
      throw Refusal(.conflict, "not-oneself", "不能清理自己正在使用的账号。")
    }
    try await database.transaction { transaction in
      guard let row = try await transaction.first("select status from app_user where id = \(user) for update") else {
        throw IdentityService.noSuchUser
      }
      guard try row.get("status", as: String.self) != UserStatus.cleared.rawValue else {
        throw Refusal(.conflict, "account-cleared", "该账号已经清理过了。")
      }
      let held = try await transaction.query("select id from user_role where user_id = \(user)").values(as: Int64.self)
      for id in held {
        try await self.configuration.registers.delete("user_role", id, by: principal, in: transaction)
      }
      try await self.endSessions("user_id = \(user)", .account, by: principal, in: transaction)
      // A trigger takes password, second factor and the rest away, whoever sets this state.
      try await self.configuration.registers.update(
        "app_user", user, ["status": .text(UserStatus.cleared.rawValue)], by: principal, in: transaction)
      try await self.audit.append(
        AuditEntry(
          principal, "app_user.clear", entity: "app_user", record: user, origin: origin,
          details: ["roles": .int(Int64(held.count))]), in: transaction)
    }
  }

  /// Stops an account or lets it be used again (停用、启用); its sessions end when it is stopped.
  package func setStatus(
    _ status: UserStatus, of user: Int64, by principal: Principal, origin: Origin
  ) async throws {
    guard status != .cleared else { return try await clearUser(user, by: principal, origin: origin) }
    try principal.require(Permission("app_user", status == .active ? "enable" : "disable"), toDo: "停用或启用用户")
    guard principal.kind != .user || principal.id != user else {
      throw Refusal(.conflict, "not-oneself", "不能停用自己正在使用的账号。")
    }
    try await database.transaction { transaction in
      guard let row = try await transaction.first("select status from app_user where id = \(user) for update") else {
        throw IdentityService.noSuchUser
      }
      guard try row.get("status", as: String.self) != UserStatus.cleared.rawValue else {
        throw Refusal.accountCleared
      }
      if status != .active {
        try await self.endSessions("user_id = \(user)", .account, by: principal, in: transaction)
      }
      try await self.configuration.registers.update(
        "app_user", user, ["status": .text(status.rawValue)], by: principal, in: transaction)
      try await self.audit.append(
        AuditEntry(
          principal, "app_user.status", entity: "app_user", record: user, origin: origin,
          details: ["status": .string(status.rawValue)]), in: transaction)
    }
  }

  /// Turns what the database refuses by rule into refusals that say what to do.
  func refusingConstraints<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
      return try await body()
    } catch {
      throw SQLFailure.within(error).flatMap(IdentityService.refusal(of:)) ?? error
    }
  }

  static func refusal(of failure: SQLFailure) -> Refusal? {
    switch failure.constraint {
    case "separated_administrators": .separatedAdministrators
    case "reserved_permission": .reservedPermission
    case "unit_tree": .unitTree
    case "unit_parent": .unitParent
    case "account_cleared": .accountCleared
    case "app_user_account_any_case", "app_user_account_key":
      Refusal(.conflict, "account-taken", "该账号已被使用，请换一个。", field: "account")
    case "user_role_once": Refusal(.conflict, "role-held", "该用户已有这个角色。", field: "role_id")
    default: nil
    }
  }
}

extension Refusal {
  static let separatedAdministrators = Refusal(
    .conflict, "separated-administrators",
    "系统管理员、安全保密管理员、安全审计员须由不同账号担任：账号的三员类别与角色的不一致。请换一个账号或角色。", field: "role_id")
  static let rightsOfOneself = Refusal(
    .conflict, "rights-of-oneself", "不能给自己的账号或自己担任的角色增加权限，没有改动。请由另一位安全保密管理员办理。", field: "role_id")
  static let reservedPermission = Refusal(
    .conflict, "reserved-permission", "这项权限只能授予对应的三员角色，对象也不能写 *。请改用三员角色，或去掉这项权限。", field: "subject")
  static let unitTree = Refusal(
    .conflict, "unit-tree", "上级机构不能是本机构或它的下级。请另选上级机构。", field: "parent_id")
  static let unitParent = Refusal(
    .unprocessable, "unit-parent", "上级机构不存在，可能已被删除。请另选上级机构。", field: "parent_id")
  static let accountCleared = Refusal(
    .conflict, "account-cleared", "该账号已清理，不能再启用。请新建账号。", field: "status")
}

extension String {
  /// Without white space at the ends.
  var trimmed: String {
    guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace }) else {
      return ""
    }
    return String(self[first...last])
  }
}
