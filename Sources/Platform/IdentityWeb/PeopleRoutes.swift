import Access
import Audit
import Core
import HTML
package import HTTP
package import Identity
package import SQL
import Shell
package import Site

/// Who is online, help with passwords, and who looked at my data.
package struct PeopleRoutes: Sendable {
  let site: Site
  let identity: IdentityService
  let authenticator: Authenticator
  let database: Database

  package init(site: Site, identity: IdentityService, authenticator: Authenticator, database: Database) {
    self.site = site
    self.identity = identity
    self.authenticator = authenticator
    self.database = database
  }

  package func register(in router: inout Router) {
    router.on(.get, "/online", at: site) { visit in try await online(visit) }
    router.on(.post, "/online/{id}/kick", at: site) { visit in try await kick(visit) }
    router.on(.get, "/account/lookups", at: site) { visit in try await lookups(visit) }
    router.on(.get, "/users/order-password", at: site) { visit in try await askOrder(visit) }
    router.on(.post, "/users/order-password", at: site) { visit in try await order(visit) }
    router.on(.get, "/users/{id}/reset-password", at: site) { visit in try await askReset(visit) }
    router.on(.get, "/users/{id}/unlock", at: site) { visit in try await askUnlock(visit) }
    router.on(.post, "/users/{id}/reset-password", at: site) { visit in try await reset(visit) }
    router.on(.post, "/users/{id}/unlock", at: site) { visit in try await unlock(visit) }
  }

  private func online(_ visit: Visit) async throws -> Response {
    let sessions = try await identity.online(by: visit.principal)
    let mayKick = visit.principal.may(Permission("session", "kick"))
    let rows = sessions.map { session in
      TableRow(
        id: String(session.id), name: session.name, path: "/r/app_user/\(session.userID)",
        cells: [
          .text(session.name), .text(session.account), .text(session.unitName ?? "—"),
          .text(session.lastSeenAt.display), .text(session.remoteAddress ?? "—"),
          .text(AccountRoutes.device(session.userAgent)),
          mayKick ? Action("强制下线", .post("/online/\(session.id)/kick", []), style: .quiet).html : .text("—"),
        ])
    }
    let units = try await identity.onlineByUnit(by: visit.principal)
    return try await visit.page("在线用户", layout: .wide, subtitle: "现在有 \(sessions.count) 个会话") {
      if !units.isEmpty { Card("各单位在线情况", isFlush: true) { unitTable(units) } }
      DataTable(
        caption: "在线用户",
        columns: [
          Column("姓名"), Column("账号", .code), Column("机构"), Column("最近操作", .date), Column("来源地址", .code),
          Column("设备", .wide, isOnPhone: false), Column("操作", .actions),
        ], rows: rows, opensPanel: false, empty: .empty("没有在线用户", "有人登录后会显示在这里。"))
    }
  }

  /// 在线、离线人数和在线率, a unit with everything below it.
  private func unitTable(_ units: [UnitPresence]) -> DataTable {
    DataTable(
      caption: "各单位在线情况",
      columns: [
        Column("单位"), Column("在线", .number), Column("离线", .number), Column("用户", .number), Column("在线率", .number),
      ],
      rows: units.map { unit in
        TableRow(
          id: "u\(unit.id)", name: unit.name, path: "/r/app_user?unit_id=\(unit.id)",
          cells: [
            .text(unit.name), .text(grouped(Int(unit.online))), .text(grouped(Int(unit.users - unit.online))),
            .text(grouped(Int(unit.users))),
            .text(unit.users == 0 ? "—" : "\((unit.online * 1000 / unit.users + 5) / 10)%"),
          ])
      }, opensPanel: false, empty: .empty("没有单位", "建立单位和用户后这里按单位统计。"))
  }

  private func kick(_ visit: Visit) async throws -> Response {
    try await identity.kick(try visit.request.integer("id"), by: visit.principal, origin: visit.request.origin)
    return try visit.redirect(to: "/online", saying: "该会话已强制下线。")
  }

  private func askReset(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("credential", "reset"), toDo: "重置密码")
    let user = try visit.request.integer("id")
    return try await visit.confirmation(
      Confirmation(
        title: "设置临时密码", consequences: ["原密码立即失效，正在使用的会话全部退出。", "临时密码只显示一次，本人首次登录时必须修改。"],
        path: "/users/\(user)/reset-password", submit: "设置临时密码", cancelPath: "/r/app_user/\(user)"))
  }

  /// The users that were ticked; `nil` for all there are.
  private func chosen(_ text: String?) throws(Refusal) -> [Int64]? {
    guard let text, !text.isEmpty else { return nil }
    let users = text.split(separator: ",").compactMap { Int64($0) }
    guard !users.isEmpty, users.count <= 1000, users.count == text.split(separator: ",").count else {
      throw Refusal(.invalid, "users-chosen", "选中的用户不对。请回到用户列表重新勾选，一次最多 1000 位。", field: "users")
    }
    return users
  }

  /// 强制修改口令, of some or of all (D2-566).
  private func askOrder(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("credential", "reset"), toDo: "要求修改密码")
    let text = visit.request.query.first("users")
    let users = try chosen(text)
    return try await visit.confirmation(
      Confirmation(
        title: users.map { "要求 \($0.count) 位用户修改密码" } ?? "要求全部用户修改密码",
        consequences: ["密码不变；下一次操作时必须先改成新密码，改好之前不能做别的。", "接口密钥和从外部平台登录的不受影响。"],
        path: "/users/order-password", hidden: text.map { [HiddenField("users", $0)] } ?? [], submit: "要求修改密码",
        cancelPath: "/r/app_user"))
  }

  private func order(_ visit: Visit) async throws -> Response {
    let users = try chosen(try await visit.request.body.form().first("users"))
    let count = try await identity.orderPasswordChange(
      of: users, by: visit.principal, origin: visit.request.origin)
    return try visit.redirect(to: "/r/app_user", saying: "已要求 \(count) 位用户修改密码；没有密码或已被要求的不重复计。")
  }

  private func askUnlock(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("credential", "unlock"), toDo: "解除锁定")
    let user = try visit.request.integer("id")
    return try await visit.confirmation(
      Confirmation(
        title: "解除锁定", consequences: ["因多次输错密码而锁定的账号可以立即再次登录。"], path: "/users/\(user)/unlock",
        submit: "解除锁定", cancelPath: "/r/app_user/\(user)"))
  }

  private func reset(_ visit: Visit) async throws -> Response {
    let user = try visit.request.integer("id")
    let password = try await identity.resetPassword(of: user, by: visit.principal, origin: visit.request.origin)
    return try await visit.page("密码已重置", crumbs: [Crumb("用户", "/r/app_user")], actions: [Action("打印", .print)]) {
      Notice(.warning, title: "临时密码只显示这一次") { p { "请当面或通过可靠方式告知本人，首次登录时必须修改。" } }
      Card { DetailList([DetailItem("临时密码", text: password, isCode: true)]) }
    }
  }

  private func unlock(_ visit: Visit) async throws -> Response {
    let user = try visit.request.integer("id")
    try await identity.unlock(user, by: visit.principal, origin: visit.request.origin)
    return try visit.redirect(to: "/r/app_user/\(user)", saying: "账号已解锁。")
  }

  /// 谁看过我的信息: the looks at the data of the person whose real-name account this is.
  private func lookups(_ visit: Visit) async throws -> Response {
    let session = try await authenticator.session(of: visit)
    let access = PersonalAccess(audit: Audit(clock: site.clock))
    let user = session.user.id
    let looks = try await database.transaction { transaction -> [PersonalAccess.Look] in
      guard let own = try await RealName.of(user: user, in: transaction) else { return [] }
      return try await access.looks(at: own.person, in: transaction)
    }
    let rows = looks.enumerated().map { index, look in
      TableRow(
        id: String(index), name: look.principalName, path: nil,
        cells: [.text(look.time.display), .text(look.principalName), .text(look.unitName ?? "—"), .text(look.purpose)])
    }
    return try await visit.page(
      "谁看过我的信息", crumbs: [Crumb("我的账号", "/account")], subtitle: "工作人员每次查看您的个人信息，都在这里留下记录"
    ) {
      DataTable(
        caption: "查看记录", columns: [Column("时间", .date), Column("查看人"), Column("机构"), Column("事由", .wide)],
        rows: rows, opensPanel: false,
        empty: .empty("还没有人查看过", "账号与实名登记的人口信息关联后，每一次查看都会列在这里。", icon: .shield))
    }
  }
}
