import Access
import Core
import Documents
import HTML
package import HTTP
package import Identity
import Shell
package import Site

/// What a person does with the own account: password, second factor, devices, and who looked at the own data.
package struct AccountRoutes: Sendable {
  let site: Site
  let identity: IdentityService
  let authenticator: Authenticator

  package init(site: Site, identity: IdentityService, authenticator: Authenticator) {
    self.site = site
    self.identity = identity
    self.authenticator = authenticator
  }

  package func register(in router: inout Router) {
    router.on(.get, "/account", at: site) { visit in try await overview(visit) }
    router.on(.get, "/account/password", at: site) { visit in try await passwordPage(visit, errors: []) }
    router.on(.post, "/account/password", at: site) { visit in try await changePassword(visit) }
    router.on(.get, "/account/second-factor", at: site) { visit in try await secondFactor(visit, error: nil) }
    router.on(.post, "/account/second-factor", at: site) { visit in try await confirmSecondFactor(visit) }
    router.on(.post, "/account/second-factor/remove", at: site) { visit in try await removeSecondFactor(visit) }
    router.on(.post, "/account/sessions/{id}/end", at: site) { visit in try await endSession(visit) }
    router.on(.post, "/account/unit", at: site) { visit in try await switchUnit(visit) }
  }

  private func overview(_ visit: Visit) async throws -> Response {
    let session = try await authenticator.session(of: visit)
    let sessions = try await identity.sessions(of: session.user.id)
    let units = try await identity.units(of: session.user.id)
    let items = [
      DetailItem("姓名", text: session.user.name), DetailItem("账号", text: session.user.account, isCode: true),
      DetailItem("当前机构", text: session.principal.unit?.name),
      DetailItem("数据级别", text: session.principal.clearance.label),
      DetailItem("本次登录", text: session.principal.assurance.label),
      DetailItem("双因素认证", text: session.secondFactor ? "已启用" : "未启用"),
    ]
    let rows = sessions.map { other in
      TableRow(
        id: String(other.id), name: other.remoteAddress ?? "", path: nil,
        cells: [
          .text(other.lastSeenAt.display), .text(other.remoteAddress ?? ""),
          .text(AccountRoutes.device(other.userAgent)),
          other.id == session.id
            ? Badge("本机", .info).html
            : Action("结束", .post("/account/sessions/\(other.id)/end", []), style: .quiet).html,
        ])
    }
    return try await visit.page(
      "我的账号",
      actions: [
        Action("个人信息", .link("/account/profile"), style: .primary), Action("修改密码", .link("/account/password")),
        Action("双因素认证", .link("/account/second-factor")), Action("登录方式", .link("/account/identities")),
        Action("可用的系统", .link("/account/applications")), Action("消息接收设置", .link("/account/messages")),
        Action("谁看过我的信息", .link("/account/lookups")),
      ]
    ) {
      Card("基本信息") { DetailList(items) }
      if units.count > 1 {
        Card("切换机构") {
          form(.class("inline-form"), .method(.post), .action("/account/unit")) {
            formTokenField()
            Shell.Field(
              "membership", "以哪个机构的身份工作",
              .select(
                session.principal.unit.map { String($0.id) } ?? "", units.map { Choice(String($0.id), $0.name) },
                blank: nil))
            Action("切换机构", .submit(name: nil, value: nil), style: .normal)
          }
        }
      }
      Card("已登录的设备", isFlush: true) {
        DataTable(
          caption: "已登录的设备",
          columns: [Column("最近使用", .date), Column("地址", .code), Column("设备", .wide), Column("操作", .actions)],
          rows: rows, opensPanel: false, empty: .empty("没有其他设备", "只有这台设备登录着。"))
      }
    }
  }

  /// The browser and system of a user-agent string, roughly, as people name them.
  static func device(_ agent: String?) -> String {
    guard let agent else { return "未知设备" }
    let systems = [
      ("Android", "安卓"), ("iPhone", "iPhone"), ("HarmonyOS", "鸿蒙"), ("Windows", "Windows"), ("Mac OS", "Mac"),
      ("Linux", "Linux"),
    ]
    let browsers = [
      ("MicroMessenger", "微信"), ("Edg/", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"),
    ]
    let system = systems.first { agent.contains($0.0) }?.1
    let browser = browsers.first { agent.contains($0.0) }?.1
    let parts = [browser, system].compactMap { $0 }
    return parts.isEmpty ? String(agent.prefix(40)) : parts.joined(separator: " · ")
  }

  // MARK: Password

  private func passwordPage(_ visit: Visit, errors: [FieldError], status: Int = 200) async throws -> Response {
    let session = try await authenticator.session(of: visit)
    var note: String?
    if case .newPassword(let reason) = session.demand { note = reason.message }
    func error(_ name: String) -> String? { errors.first { $0.field == name }?.message }
    let fields = [
      Shell.Field(
        "old", "现在的密码", .password(autocomplete: "current-password"), isRequired: true, error: error("old")),
      Shell.Field(
        "new", "新密码", .password(autocomplete: "new-password"), isRequired: true, help: identity.policy.password.hint,
        error: error("new")),
      Shell.Field(
        "again", "再输一次新密码", .password(autocomplete: "new-password"), isRequired: true, error: error("again")),
    ]
    return try await visit.page("修改密码", status: status, crumbs: [Crumb("我的账号", "/account")]) {
      if let note { Notice(.warning, note) }
      FormView(
        path: "/account/password", sections: [FormSection(id: "password", "修改密码", fields: fields)], errors: errors,
        submit: Action("修改密码", .submit(name: nil, value: nil), style: .primary), cancelPath: "/account",
        note: "修改后其他设备需要重新登录。")
    }
  }

  private func changePassword(_ visit: Visit) async throws -> Response {
    let session = try await authenticator.session(of: visit)
    let form = try await visit.request.body.form()
    let new = form.first("new") ?? ""
    guard new == form.first("again") else {
      return try await passwordPage(visit, errors: [FieldError("again", "两次输入的新密码不一致。")], status: 422)
    }
    do {
      let opened = try await identity.changePassword(
        session, from: form.first("old") ?? "", to: new, origin: visit.request.origin)
      var response = try visit.redirect(to: "/account", saying: "密码已修改，其他设备需要重新登录。")
      response.setCookie(try site.cookie(Authenticator.cookie, opened.token))
      return response
    } catch let refusal as Refusal {
      let all = [refusal] + refusal.others
      return try await passwordPage(
        visit, errors: all.map { FieldError($0.field ?? "new", $0.message) }, status: refusal.kind.status)
    }
  }

  // MARK: Second factor

  private func secondFactor(_ visit: Visit, error: String?, status: Int = 200) async throws -> Response {
    let session = try await authenticator.session(of: visit)
    let crumbs = [Crumb("我的账号", "/account")]
    if session.secondFactor {
      return try await visit.page("双因素认证", status: status, crumbs: crumbs) {
        Notice(.success, "双因素认证已启用：登录时除密码外还要输入手机验证器上的 6 位数字。")
        FormView(
          path: "/account/second-factor/remove",
          sections: [
            FormSection(
              id: "remove", "停用双因素认证",
              fields: [
                Shell.Field(
                  "password", "现在的密码", .password(autocomplete: "current-password"), isRequired: true, error: error)
              ])
          ], submit: Action("停用双因素认证", .submit(name: nil, value: nil), style: .danger), cancelPath: "/account")
      }
    }
    let enrolment = try await identity.beginEnrolment(session)
    let picture = try QRCode(enrolment.uri, level: .medium).svg()
    return try await visit.page("启用双因素认证", status: status, crumbs: crumbs) {
      Card("第一步：用验证器扫码") {
        p { "在手机上打开任意一款动态验证码应用（国密或 TOTP 验证器），扫描二维码，或手工输入密钥。" }
        div(.class("enrolment-code"), .role("img"), .aria(.label, "双因素认证二维码")) { HTML.unsafe(raw: picture) }
        DetailList([DetailItem("密钥", text: enrolment.secretText, isCode: true)])
      }
      FormView(
        path: "/account/second-factor",
        sections: [
          FormSection(
            id: "code", "第二步：输入验证码",
            fields: [
              Shell.Field(
                "code", "验证器上的 6 位数字",
                .text(
                  "", .init(maximum: 6, inputMode: "numeric", autocomplete: "one-time-code", width: 8, isCode: true)),
                isRequired: true, error: error, isPrivate: true)
            ])
        ], submit: Action("启用双因素认证", .submit(name: nil, value: nil), style: .primary), cancelPath: "/account")
    }
  }

  private func confirmSecondFactor(_ visit: Visit) async throws -> Response {
    let session = try await authenticator.session(of: visit)
    let code = try await visit.request.body.form().first("code") ?? ""
    do {
      let recovery = try await identity.confirmEnrolment(session, code: code, origin: visit.request.origin)
      return try await visit.page("双因素认证已启用", crumbs: [Crumb("我的账号", "/account")], actions: [Action("打印", .print)]) {
        Notice(.warning, title: "请保存恢复码") {
          p { "手机丢失时，可以用一个恢复码代替验证码登录，每个只能用一次。离开本页后不再显示。" }
        }
        Card("恢复码") { ul(.class("recovery-codes number")) { for code in recovery { li { code } } } }
      }
    } catch let refusal as Refusal {
      return try await secondFactor(visit, error: refusal.message, status: refusal.kind.status)
    }
  }

  private func removeSecondFactor(_ visit: Visit) async throws -> Response {
    let session = try await authenticator.session(of: visit)
    let password = try await visit.request.body.form().first("password")
    do {
      try await identity.removeSecondFactor(
        of: session.user.id, password: password, by: session, origin: visit.request.origin)
    } catch let refusal as Refusal {
      return try await secondFactor(visit, error: refusal.message, status: refusal.kind.status)
    }
    return try visit.redirect(to: "/account", saying: "双因素认证已停用。", tone: .warning)
  }

  // MARK: Sessions and units

  private func endSession(_ visit: Visit) async throws -> Response {
    let session = try await authenticator.session(of: visit)
    try await identity.kick(try visit.request.integer("id"), by: session.principal, origin: visit.request.origin)
    return try visit.redirect(to: "/account", saying: "那台设备已下线。")
  }

  private func switchUnit(_ visit: Visit) async throws -> Response {
    let session = try await authenticator.session(of: visit)
    let form = try await visit.request.body.form()
    guard let unit = form.first("membership").flatMap({ Int64($0) }) else {
      throw Refusal(.invalid, "unit-missing", "请选择一个机构。", field: "membership")
    }
    try await identity.switchUnit(session, to: unit, origin: visit.request.origin)
    return try visit.redirect(to: "/", saying: "已切换机构。")
  }
}
