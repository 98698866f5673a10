import Access
import Core
import Entities
import HTML
package import HTTP
import Identity
package import IdentityWeb
import Shell
package import SignOn
package import Site

/// How an application is connected (接入情况): what its developers need, its secret, how notices fare; the signing keys; and
/// for everybody the systems that they may use.
package struct ClientApplicationRoutes: Sendable {
  let site: Site
  let signOn: SignOn
  let runner: LogoutRunner
  let authenticator: Authenticator

  package init(site: Site, signOn: SignOn, runner: LogoutRunner, authenticator: Authenticator) {
    self.site = site
    self.signOn = signOn
    self.runner = runner
    self.authenticator = authenticator
  }

  package func register(in router: inout Router) {
    router.on(.get, "/client-applications/{id}", at: site) { visit in try await page(visit) }
    router.on(.get, "/client-applications/{id}/secret", at: site) { visit in try await askSecret(visit) }
    router.on(.post, "/client-applications/{id}/secret", at: site) { visit in try await secret(visit) }
    router.on(.get, "/token-keys", at: site) { visit in try await keys(visit) }
    router.on(.get, "/token-keys/replace", at: site) { visit in try await askReplace(visit) }
    router.on(.post, "/token-keys/replace", at: site) { visit in try await replace(visit) }
    router.on(.get, "/account/applications", at: site) { visit in try await own(visit) }
  }

  private static let change = Permission(ClientApplication.entity, "update")
  private static let crumbs = [Crumb("接入应用", "/r/client_application")]

  private func record(_ visit: Visit) async throws -> Record {
    try await signOn.store.records(as: visit.principal, origin: visit.request.origin)
      .get(ClientApplication.entity, try visit.request.integer("id"))
  }

  // MARK: One application

  private func page(_ visit: Visit) async throws -> Response {
    let record = try await record(visit)
    let application = ClientApplication(record)
    let made = try await signOn.secretTime(of: application.id)
    let figures = try await runner.figures(of: application.id)
    let notices = try await runner.latest(of: application.id)
    let isShut = try await signOn.isShut(application)
    if visit.wantsJSON {
      return .json([
        "entered": .int(figures.entered), "open": .int(figures.open), "waiting": .int(figures.waiting),
        "failed": .int(figures.failed), "secretAt": made.map { .string($0.iso8601) } ?? .null,
      ])
    }
    let badge =
      !application.isOn
      ? Badge("已停用", .warning) : made == nil ? Badge("还没有密钥", .warning) : Badge("已接入", .success)
    return try await visit.page(
      application.name, layout: .wide, crumbs: ClientApplicationRoutes.crumbs, badge: badge,
      actions: visit.principal.may(ClientApplicationRoutes.change)
        ? [
          Action(
            made == nil ? "生成应用密钥" : "更换应用密钥", .dialog("/client-applications/\(application.id)/secret"),
            style: made == nil ? .primary : .normal, icon: .lock)
        ] : [],
      moreActions: [
        Action("查看和修改应用", .link("/r/client_application/\(application.id)"), icon: .edit),
        Action("使用范围", .link("/r/application_access?application_id=\(application.id)"), icon: .list),
        Action("应用权限", .link("/r/application_permission?application_id=\(application.id)"), icon: .list),
        Action("签名密钥", .link("/token-keys"), icon: .lock),
      ]
    ) {
      if made == nil {
        Notice(.warning, title: "还没有应用密钥") { p { "生成应用密钥并交给对方后，才能用本系统的账号登录。" } }
      }
      if isShut {
        Notice(
          .warning, title: "还没有人可以使用",
          actions: [Action("增加使用范围", .link("/r/application_access/new?application_id=\(application.id)"))]
        ) { p { "“谁可以用”是列出的角色和单位，而使用范围还是空的。" } }
      }
      TileRow(tiles(figures))
      Card("交给对方的配置") { DetailList(facts(application)) }
      Card("最近的退出通知", isFlush: true) { table(notices, application) }
    }
  }

  private func tiles(_ figures: (entered: Int64, open: Int64, waiting: Int64, failed: Int64)) -> [Tile] {
    [
      Tile("近 7 天登录", value: grouped(Int(figures.entered)), unit: "次", note: "同一次登录里再次进入不重复计"),
      Tile("还没有退出", value: grouped(Int(figures.open)), unit: "个", note: "从本系统进入的会话"),
      Tile(
        "通知待送", value: grouped(Int(figures.waiting)), unit: "条", note: figures.waiting == 0 ? "全部送达" : "正在送或等待重试",
        noteTone: figures.waiting == 0 ? .success : .warning),
      Tile(
        "没有送到", value: grouped(Int(figures.failed)), unit: "条", note: figures.failed == 0 ? "没有" : "多次重试后放弃",
        noteTone: figures.failed == 0 ? .success : .danger),
    ]
  }

  private func facts(_ application: ClientApplication) -> [DetailItem] {
    [
      DetailItem("发行者（issuer）", text: signOn.issuer, isCode: true),
      DetailItem("客户端编号（client_id）", text: application.code, isCode: true),
      DetailItem(
        "自动配置", text: signOn.issuer + "/.well-known/openid-configuration", isCode: true, isWide: true),
      DetailItem(
        "回调地址", text: application.redirects.map(\.url).joined(separator: "　"), isCode: true, isWide: true),
      DetailItem("退出通知地址", text: application.logoutAddress?.url ?? "不通知", isCode: true, isWide: true),
      DetailItem(
        "可申请的范围（scope）", text: "openid profile permissions" + (application.withPhone ? " phone" : ""), isCode: true),
      DetailItem("登录方式", text: "授权码 + PKCE（S256），client_secret_basic"),
    ]
  }

  private func table(_ notices: [LogoutRunner.Entry], _ application: ClientApplication) -> DataTable {
    let rows = notices.map { notice in
      let badge =
        switch notice.outcome {
        case "sent": Badge("已送达", .success)
        case "failed": Badge("没有送到", .danger)
        default: notice.attempts == 0 ? Badge("待送", .info) : Badge("正在重试", .warning)
        }
      return TableRow(
        id: String(notice.id), name: notice.created.display, path: nil,
        cells: [
          .text(notice.created.display), badge.html, .text(ClientApplicationRoutes.reason(notice.reason)),
          .text(String(notice.attempts)), .text(notice.problem ?? "—"),
        ])
    }
    return DataTable(
      caption: "最近的退出通知",
      columns: [
        Column("时间", .date), Column("结果", .state), Column("因为"), Column("次数", .number), Column("说明", .wide),
      ], rows: rows, opensPanel: false,
      empty: .empty(
        application.logoutAddress == nil ? "不通知" : "还没有通知",
        application.logoutAddress == nil ? "填写退出通知地址后，用户退出时会通知对方。" : "从本系统进入的用户退出后，每一次通知都记在这里。"))
  }

  private static func reason(_ code: String) -> String {
    switch SessionEnd(rawValue: code) {
    case .signOut: "本人退出"
    case .kicked: "强制下线"
    case .password: "修改或重置密码"
    case .account: "账号停用、清理或删除"
    case .expired: "登录时间到上限"
    case .tooMany: "同时登录的设备过多"
    case .idle, .replaced, nil: "会话结束"
    }
  }

  // MARK: Secret

  private func askSecret(_ visit: Visit) async throws -> Response {
    let record = try await record(visit)
    try visit.principal.require(ClientApplicationRoutes.change, toDo: "更换应用密钥")
    let isNew = try await signOn.secretTime(of: record.id) == nil
    let path = "/client-applications/\(record.id)"
    return try await visit.confirmation(
      Confirmation(
        title: isNew ? "生成应用密钥" : "更换应用密钥",
        consequences: (isNew ? [] : ["原密钥马上不能用，对方换上新密钥之前，用户不能登录它；已经登录的不受影响。"])
          + ["密钥只显示这一次，请当面或通过可靠方式交给对方。"],
        path: "\(path)/secret", submit: isNew ? "生成应用密钥" : "更换应用密钥", cancelPath: path),
      crumbs: ClientApplicationRoutes.crumbs)
  }

  private func secret(_ visit: Visit) async throws -> Response {
    let record = try await record(visit)
    let secret = try await signOn.replaceSecret(of: record.id, by: visit.principal, origin: visit.request.origin)
    return try await visit.page(
      "应用密钥已生成", crumbs: ClientApplicationRoutes.crumbs,
      actions: [
        Action("返回接入情况", .link("/client-applications/\(record.id)"), style: .primary), Action("打印", .print),
      ]
    ) {
      Notice(.warning, title: "密钥只显示这一次") { p { "请当面或通过可靠方式交给对方。丢失时只能更换。" } }
      Card {
        DetailList([
          DetailItem("client_id", text: record["code"].text, isCode: true),
          DetailItem("client_secret", text: secret, isCode: true, isWide: true),
        ])
      }
    }
  }

  // MARK: Signing keys

  private func keys(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("key_ring", "view"), toDo: "查看签名密钥")
    let rows = try await signOn.keys.standings().map { key in
      let badge =
        switch key.state {
        case .next: Badge("已公布，待用", .info)
        case .current: Badge("在用", .success)
        case .past: Badge("已停用", .neutral)
        }
      return TableRow(
        id: key.id, name: key.id, path: nil, cells: [.text(key.id), badge.html, .text(key.signsFrom.display)])
    }
    return try await visit.page(
      "签名密钥", crumbs: ClientApplicationRoutes.crumbs, subtitle: "签发给接入应用的身份令牌（ES256）；到期自动更换，不影响使用",
      actions: visit.principal.may(Permission("key_ring", "rotate"))
        ? [Action("立即更换", .dialog("/token-keys/replace"), style: .danger)] : []
    ) {
      DataTable(
        caption: "签名密钥", columns: [Column("编号", .code), Column("状态", .state), Column("启用时间", .date)], rows: rows,
        opensPanel: false, empty: .empty("还没有密钥", "第一次使用时自动生成。"))
    }
  }

  private func askReplace(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("key_ring", "rotate"), toDo: "更换签名密钥")
    return try await visit.confirmation(
      Confirmation(
        title: "立即更换签名密钥",
        consequences: ["只在密钥可能泄露时使用；平时会自动更换。", "旧密钥签发的令牌马上失效，正在登录的用户需要重试一次，已经登录的不受影响。"],
        path: "/token-keys/replace", submit: "立即更换", cancelPath: "/token-keys"),
      crumbs: ClientApplicationRoutes.crumbs)
  }

  private func replace(_ visit: Visit) async throws -> Response {
    try await signOn.replaceKeys(by: visit.principal, origin: visit.request.origin)
    return try visit.redirect(to: "/token-keys", saying: "已更换签名密钥。")
  }

  // MARK: For everybody

  private func own(_ visit: Visit) async throws -> Response {
    let session = try await authenticator.session(of: visit)
    let applications = try await signOn.applications(for: session.user.id, session: session.id)
    let entered = Set(try await signOn.entered(from: session.id))
    return try await visit.page(
      "可用的系统", crumbs: [Crumb("我的账号", "/account")], subtitle: "用这个账号登录，不必再输密码；在这里退出，它们一起退出"
    ) {
      if applications.isEmpty {
        StateView.empty("没有可用的系统", "有系统接入并允许您使用后，会列在这里。")
      } else {
        ServiceGrid(
          applications.map { application in
            ServiceGrid.Item(
              application.name, detail: entered.contains(application.name) ? "已进入" : nil, icon: .external,
              path: application.home?.url ?? "/")
          })
      }
    }
  }
}
