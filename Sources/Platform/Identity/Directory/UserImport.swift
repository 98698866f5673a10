import Access
import Core
import SQL

extension RowWriter {
  func assign(_ role: Int64, to user: Int64, in inner: Transaction) async throws {
    _ = try await identity.configuration.registers.insert(
      "user_role", ["user_id": .int(user), "role_id": .int(role)], by: principal, in: inner)
  }
}

/// One import of users.
struct UserImport {
  private struct User {
    let id: Int64
    let external: String?
    let account: String
    let cleared: Bool
    var values: [String: SQLValue]
    var roles: Set<Int64>
  }

  private let writer: RowWriter
  private let source: String
  private var byCode: [String: User] = [:]
  /// Account → external code of its holder, or nil when it belongs to nobody else's source.
  private var accounts: [String: User] = [:]
  private var units: [String: Int64] = [:]
  private var posts: [String: Int64] = [:]
  private var roles: [String: (id: Int64, separated: Bool)] = [:]

  init(_ identity: IdentityService, source: String, principal: Principal, in transaction: Transaction) async throws {
    writer = RowWriter(identity: identity, register: "app_user", principal: principal, transaction: transaction)
    self.source = source
    let rows = try await transaction.query(
      """
      select id, lower(account) as account, name, phone_index, unit_id, post_id, status, expires_on,
        external_source, external_code,
        array(select role_id from user_role h where h.user_id = u.id and h.unit_id is null) as roles
      from app_user u
      """)
    for row in rows {
      var values: [String: SQLValue] = [:]
      for column in ["name", "phone_index", "unit_id", "post_id", "status", "expires_on"] {
        values[column] = try row.value(column)
      }
      let isOurs = try row.get("external_source", as: String?.self) == source
      let user = User(
        id: try row.get("id"), external: try row.get("external_code"), account: try row.get("account"),
        cleared: values["status"] == .text(UserStatus.cleared.rawValue), values: values,
        roles: Set(try row.get("roles", as: [Int64].self)))
      accounts[user.account] = user
      if isOurs, let code = user.external { byCode[code] = user }
    }
    let unitRows = try await transaction.query(
      """
      select id, code, external_code from unit
      where external_source = \(source) or code is not null order by (external_source = \(source)) desc nulls last
      """)
    for row in unitRows {
      for name in ["external_code", "code"] {
        if let code = try row.get(name, as: String?.self), units[code] == nil { units[code] = try row.get("id") }
      }
    }
    for row in try await transaction.query("select id, name from post order by id") {
      let name: String = try row.get("name")
      if posts[name] == nil { posts[name] = try row.get("id") }
    }
    for row in try await transaction.query("select id, code, name, separation is not null as separated from role") {
      let role = (id: try row.get("id", as: Int64.self), separated: try row.get("separated", as: Bool.self))
      roles[try row.get("name")] = role
      roles[try row.get("code")] = role
    }
  }

  mutating func run(_ rows: [DirectoryRow], dryRun: Bool) async throws -> DirectoryReport {
    var report = DirectoryReport(isDryRun: dryRun)
    let before = Set(byCode.keys)
    var seen: [String: Int] = [:]
    for row in rows {
      guard let code = row.filled("code") else {
        report.add(row, .rejected("缺少人员编码。"))
        continue
      }
      if let line = seen[code] {
        report.add(row, .rejected("人员编码与第 \(line) 行重复。"))
        continue
      }
      seen[code] = row.line
      do {
        report.add(row, try await write(row, code))
      } catch let rejection as RowRejection {
        report.add(row, .rejected(rejection.reason))
      }
    }
    report.finish(absent: before.subtracting(seen.keys).count)
    return report
  }

  private mutating func write(_ row: DirectoryRow, _ code: String) async throws -> DirectoryReport.Outcome {
    guard code.count <= 64 else { throw RowRejection("人员编码超过 64 个字。") }
    let account = try account(row)
    let values = try values(row)
    let wanted = try wantedRoles(row)
    guard let user = try match(code, account) else {
      guard let account else { throw RowRejection("缺少账号。") }
      guard values["name"] != nil else { throw RowRejection("缺少姓名。") }
      return try await create(code, account, values, wanted)
    }
    if user.cleared { throw RowRejection("账号“\(user.account)”已清理，不能更新。需要时请新建账号。") }
    var changed = values.filter { $0.key != "phone" && user.values[$0.key] != $0.value }
    if let phone = values["phone"], try fingerprint(phone) != user.values["phone_index"] { changed["phone"] = phone }
    if user.external == nil { changed["external_source"] = .text(source) }
    if user.external == nil { changed["external_code"] = .text(code) }
    if let account, account != user.account { changed["account"] = .text(account) }
    let added = wanted.subtracting(user.roles)
    if changed.isEmpty && added.isEmpty { return .unchanged }
    let writer = writer
    try await writer.update(user.id, changed) { inner in
      for role in added.sorted() { try await writer.assign(role, to: user.id, in: inner) }
    }
    remember(
      User(
        id: user.id, external: code, account: account ?? user.account, cleared: false,
        values: user.values.merging(try indexed(changed)) { $1 }, roles: user.roles.union(added)), code,
      was: user.account)
    return .updated(fields: (changed.keys + (added.isEmpty ? [] : ["roles"])).sorted())
  }

  private mutating func create(
    _ code: String, _ account: String, _ values: [String: SQLValue], _ wanted: Set<Int64>
  ) async throws -> DirectoryReport.Outcome {
    var full = values
    full["account"] = .text(account)
    full["external_source"] = .text(source)
    full["external_code"] = .text(code)
    if full["status"] == nil { full["status"] = .text(UserStatus.active.rawValue) }
    full["clearance"] = .text(Classification.inner.name)
    let writer = writer
    let id = try await writer.insert(full) { id, inner in
      for role in wanted.sorted() { try await writer.assign(role, to: id, in: inner) }
    }
    remember(
      User(id: id, external: code, account: account, cleared: false, values: try indexed(full), roles: wanted), code,
      was: account)
    return .created
  }

  private mutating func remember(_ user: User, _ code: String, was account: String) {
    accounts[account] = nil
    accounts[user.account] = user
    byCode[code] = user
  }

  /// The user of this code, else one of this account whom no source has claimed.
  private func match(_ code: String, _ account: String?) throws(RowRejection) -> User? {
    let holder = account.flatMap { accounts[$0] }
    if let user = byCode[code] {
      if let holder, holder.id != user.id { throw RowRejection("账号“\(holder.account)”已属于另一用户。") }
      return user
    }
    guard let holder else { return nil }
    guard holder.external == nil else { throw RowRejection("账号“\(holder.account)”已属于另一用户。") }
    return holder
  }

  private func account(_ row: DirectoryRow) throws(RowRejection) -> String? {
    guard let text = row.filled("account") else { return nil }
    do {
      return try IdentityService.validated(account: text)
    } catch {
      throw RowRejection(error.message)
    }
  }

  private func values(_ row: DirectoryRow) throws(RowRejection) -> [String: SQLValue] {
    var values: [String: SQLValue] = [:]
    if let name = row["name"] {
      guard !name.isEmpty, name.count <= 64 else { throw RowRejection("姓名为空或超过 64 个字。") }
      values["name"] = .text(name)
    }
    if let phone = row["phone"] { values["phone"] = try UserImport.phone(phone).map { .text($0) } ?? .null }
    if let unit = row["unit_code"] {
      guard unit.isEmpty || units[unit] != nil else { throw RowRejection("所属机构“\(unit)”不存在。请先导入机构。") }
      values["unit_id"] = units[unit].map { .int($0) } ?? .null
    }
    if let post = row["post"] {
      guard post.isEmpty || posts[post] != nil else { throw RowRejection("岗位“\(post)”不存在。请先建立岗位。") }
      values["post_id"] = posts[post].map { .int($0) } ?? .null
    }
    if let status = row.filled("status") { values["status"] = .text(try UserImport.status(status).rawValue) }
    if let date = row["expires_on"] {
      let read = CivilDate(date)
      guard date.isEmpty || read != nil else { throw RowRejection("有效期“\(date)”不是日期。") }
      values["expires_on"] = read.map { .date($0) } ?? .null
    }
    return values
  }

  private func wantedRoles(_ row: DirectoryRow) throws(RowRejection) -> Set<Int64> {
    var wanted: Set<Int64> = []
    for name in (row["roles"] ?? "").split(whereSeparator: { ",，、;；|".contains($0) }) {
      let name = String(name).trimmed
      guard let role = roles[name] else { throw RowRejection("角色“\(name)”不存在。") }
      guard !role.separated else { throw RowRejection("角色“\(name)”属于三员，不能通过导入分配。") }
      wanted.insert(role.id)
    }
    return wanted
  }

  private func fingerprint(_ phone: SQLValue) throws -> SQLValue {
    guard case .text(let text) = phone else { return .null }
    return try writer.identity.configuration.registers.fingerprint("app_user", "phone", text).map { .bytes($0) }
      ?? .null
  }

  /// The values as the table shows them afterwards.
  private func indexed(_ values: [String: SQLValue]) throws -> [String: SQLValue] {
    var values = values
    if let phone = values.removeValue(forKey: "phone") { values["phone_index"] = try fingerprint(phone) }
    return values
  }

  private static func phone(_ text: String) throws(RowRejection) -> String? {
    if text.isEmpty { return nil }
    do { return try PhoneNumber.read(text).text } catch { throw RowRejection(error.message) }
  }

  private static func status(_ text: String) throws(RowRejection) -> UserStatus {
    switch text {
    case "active", "正常", "启用", "在职", "1", "true": .active
    case "disabled", "停用", "禁用", "离职", "0", "false": .disabled
    default: throw RowRejection("状态“\(text)”不能识别，请用 正常 或 停用。")
    }
  }
}
