import Access
import Core
import HTML
package import HTTP
package import Messaging
import SQL
import Shell
package import Site

/// What a user has been told: the message box, and how they want to be told (我的消息、消息接收设置).
package struct BoxRoutes: Sendable {
  let site: Site
  let center: MessageCenter
  let settings: @Sendable () throws -> MessagingSettings
  let publicOrigin: String
  let talks: Talks
  private let wechat: WeChatBinding

  package init(
    site: Site, center: MessageCenter, talks: Talks, publicOrigin: String,
    settings: @escaping @Sendable () throws -> MessagingSettings
  ) {
    self.site = site
    self.center = center
    self.talks = talks
    self.publicOrigin = publicOrigin
    self.settings = settings
    wechat = WeChatBinding(center)
  }

  package func register(in router: inout Router) {
    router.on(.get, "/messages", at: site) { visit in try await box(visit) }
    router.on(.post, "/messages/read", at: site) { visit in try await readAll(visit) }
    router.on(.get, "/messages/{id}", at: site) { visit in try await open(visit) }
    router.on(.post, "/messages/{id}/open", at: site) { visit in try await follow(visit) }
    router.on(.get, "/account/messages", at: site) { visit in try await preferences(visit, errors: []) }
    router.on(.post, "/account/messages", at: site) { visit in try await choose(visit) }
    router.on(.post, "/account/messages/email", at: site) { visit in try await claim(visit) }
    router.on(.post, "/account/messages/email/confirm", at: site) { visit in try await confirm(visit) }
    router.on(.post, "/account/messages/email/remove", at: site) { visit in try await remove(visit) }
    // A link, since a form may not lead to another site.
    router.on(.get, "/account/messages/wechat/start", at: site) { visit in try await beginWeChat(visit) }
    router.on(.get, "/account/messages/wechat", at: site) { visit in try await finishWeChat(visit) }
    router.on(.post, "/account/messages/wechat/remove", at: site) { visit in try await removeWeChat(visit) }
  }

  private func user(_ visit: Visit, toDo what: String) throws(Refusal) -> Int64 {
    guard visit.principal.kind == .user else {
      throw Refusal(.unauthenticated, "sign-in-required", "请先登录，再\(what)。")
    }
    return visit.principal.id
  }

  /// 通知 and 沟通, side by side.
  static func tabs(current: String, unread: Int? = nil, talks: Int? = nil) -> Tabs {
    Tabs(
      [
        .init("通知", path: "/messages", isCurrent: current == "/messages", count: unread),
        .init("同事沟通", path: "/talks", isCurrent: current == "/talks", count: talks),
      ], label: "消息")
  }

  // MARK: Box

  private func box(_ visit: Visit) async throws -> Response {
    let user = try user(visit, toDo: "查看消息")
    let items = visit.request.query
    var query = MessageCenter.BoxQuery()
    query.isUnreadOnly = items.first("unread") == "true"
    query.template = items.first("kind").flatMap { $0.isEmpty ? nil : $0 }
    query.page = min(max(items.first("page").flatMap { Int($0) } ?? 1, 1), 10_000)
    query.size = min(max(items.first("size").flatMap { Int($0) } ?? 20, 10), 200)
    let contents = try await center.box(query, of: user)
    if visit.wantsJSON { return .json(json(contents)) }
    var actions: [Action] = []
    if contents.unread > 0 {
      actions.append(Action("全部标为已读", .post("/messages/read", []), style: .primary, icon: .check))
    }
    let final = query
    return try await visit.page(
      "我的消息", layout: .list, subtitle: contents.unread > 0 ? "\(contents.unread) 条未读" : nil, actions: actions,
      moreActions: [Action("接收设置", .link("/account/messages"), icon: .settings)],
      tabs: visit.principal.may(Talks.write)
        ? BoxRoutes.tabs(current: "/messages", unread: contents.unread, talks: try await talks.unread(of: user)) : nil
    ) {
      ListView(
        filters: FilterBar(
          path: "/messages", search: nil,
          basic: [
            Shell.Field(
              "unread", "状态", .select(final.isUnreadOnly ? "true" : "", [Choice("true", "未读")], blank: "全部")),
            Shell.Field(
              "kind", "种类",
              .select(final.template ?? "", contents.kinds.map { Choice($0.template, $0.label) }, blank: "全部")),
          ]),
        chips: chips(final, contents), table: table(final, contents),
        pager: Pager(
          total: .exact(contents.count), page: final.page, size: final.size, shown: contents.messages.count,
          path: { page, size in path(final, page: page, size: size) }))
    }
  }

  private func path(
    _ query: MessageCenter.BoxQuery, page: Int = 1, size: Int = 20, without name: String? = nil
  ) -> String {
    var parts: [(String, String)] = []
    if query.isUnreadOnly { parts.append(("unread", "true")) }
    if let kind = query.template { parts.append(("kind", kind)) }
    if page > 1 { parts.append(("page", String(page))) }
    if size != 20 { parts.append(("size", String(size))) }
    let kept = parts.filter { $0.0 != name }.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }
    return kept.isEmpty ? "/messages" : "/messages?" + kept.joined(separator: "&")
  }

  private func chips(_ query: MessageCenter.BoxQuery, _ contents: MessageCenter.BoxContents) -> ActiveFilters {
    var chips: [ActiveFilters.Chip] = []
    if query.isUnreadOnly { chips.append(.init("状态", "未读", removePath: path(query, without: "unread"))) }
    if let kind = query.template {
      let label = contents.kinds.first { $0.template == kind }?.label ?? kind
      chips.append(.init("种类", label, removePath: path(query, without: "kind")))
    }
    return ActiveFilters(chips, clearPath: "/messages")
  }

  private func table(_ query: MessageCenter.BoxQuery, _ contents: MessageCenter.BoxContents) -> DataTable {
    let isFiltered = query.isUnreadOnly || query.template != nil
    return DataTable(
      caption: "我的消息",
      columns: [
        Column("消息", .wide), Column("种类"), Column("状态", .state), Column("时间", .date), Column("操作", .actions),
      ],
      rows: contents.messages.map { message in
        TableRow(
          id: String(message.id), name: message.title, path: "/messages/\(message.id)",
          cells: [
            message.readAt == nil ? strong { message.title } : .text(message.title), .text(message.label),
            state(message), .text(message.createdAt.display),
            message.link == nil ? .empty : Action("打开", .post("/messages/\(message.id)/open", []), style: .quiet).html,
          ])
      }, opensPanel: false,
      empty: isFiltered
        ? .nothingFound("没有符合条件的消息", "换一个状态或种类试试。", clear: "/messages")
        : .empty("还没有消息", "办件有进展、有事要您处理时，会在这里告诉您。", icon: .bell))
  }

  private func state(_ message: BoxedMessage) -> HTML {
    HTML {
      if message.readAt == nil { Badge("未读", .info) } else { Badge("已读", .neutral) }
      if message.priority == .urgent { Badge("紧急", .danger) }
    }
  }

  private func json(_ contents: MessageCenter.BoxContents) -> JSON {
    [
      "count": .int(Int64(contents.count)), "unread": .int(Int64(contents.unread)),
      "items": .array(
        contents.messages.map { message in
          [
            "id": .int(message.id), "kind": .string(message.label), "title": .string(message.title),
            "text": .string(message.text), "link": message.link.map { .string($0) } ?? .null,
            "createdAt": .string(message.createdAt.iso8601),
            "readAt": message.readAt.map { .string($0.iso8601) } ?? .null,
          ]
        }),
    ]
  }

  // MARK: One message

  /// Opening a message is reading it; links come from messages, whose numbers nobody else's box holds.
  private func open(_ visit: Visit) async throws -> Response {
    let user = try user(visit, toDo: "查看消息")
    let message = try await center.read(try visit.request.integer("id"), by: user)
    var actions: [Action] = []
    if let link = message.link { actions.append(Action("打开相关页面", .link(link), style: .primary, icon: .right)) }
    actions.append(Action("返回消息列表", .link("/messages"), icon: .back))
    return try await visit.page(
      message.title, crumbs: [Crumb("我的消息", "/messages")],
      badge: message.priority == .urgent ? Badge("紧急", .danger) : nil,
      subtitle: "\(message.label) · \(message.createdAt.display)", actions: actions
    ) {
      Card { MessageText(message.text) }
    }
  }

  /// Marks a message as read and goes where it leads.
  private func follow(_ visit: Visit) async throws -> Response {
    let user = try user(visit, toDo: "查看消息")
    let message = try await center.read(try visit.request.integer("id"), by: user)
    return try visit.redirect(to: message.link ?? "/messages/\(message.id)")
  }

  private func readAll(_ visit: Visit) async throws -> Response {
    let count = try await center.readAll(by: try user(visit, toDo: "处理消息"))
    return try visit.redirect(to: "/messages", saying: count == 0 ? "没有未读的消息。" : "已把 \(count) 条标为已读。")
  }

  // MARK: Preferences

  private static let optional: [MessageChannelKind] = [.sms, .email, .wechat]

  private func preferences(_ visit: Visit, errors: [FieldError], email: String = "", status: Int = 200) async throws
    -> Response
  {
    let user = try user(visit, toDo: "修改消息设置")
    let current = try await center.preferences(of: user)
    func error(_ name: String) -> String? { errors.first { $0.field == name }?.message }
    let wanted = BoxRoutes.optional.filter { !current.refused.contains($0) }.map(\.rawValue)
    let isMailPossible = try settings().mail != nil
    let isWeChatPossible = WeChatBinding.isPossible(try settings())
    let choices = BoxRoutes.optional.map { kind in Choice(kind.rawValue, label(kind, current)) }
    return try await visit.page(
      "消息接收设置", status: status, crumbs: [Crumb("我的账号", "/account")],
      moreActions: [Action("我的消息", .link("/messages"), icon: .bell)]
    ) {
      FormView(
        path: "/account/messages",
        sections: [
          FormSection(
            id: "channels", "用什么方式通知我",
            help: "站内消息始终会收到。紧急消息（如验证码）不受这里的设置影响；夜间只发紧急消息。",
            fields: [Shell.Field("channel", "除站内消息外，还用", .checkboxes(Set(wanted), choices))])
        ], submit: Action("保存设置", .submit(name: nil, value: nil), style: .primary), cancelPath: "/account")
      if isMailPossible { emailCard(current, typed: email, errors: errors, error: error) }
      if isWeChatPossible { wechatCard(current) }
    }
  }

  private func wechatCard(_ current: MessagePreferences) -> HTML {
    Card("微信") {
      if current.hasWeChat {
        p { "已绑定微信，办理进展会由公众号发给您。" }
        Action("解除绑定", .post("/account/messages/wechat/remove", []), style: .quiet)
      } else {
        p { "绑定后，办理进展会由公众号发给您。请先关注公众号，再在微信里打开本页绑定。" }
        Action("绑定微信", .link("/account/messages/wechat/start"), style: .normal)
      }
    }.html
  }

  private func label(_ kind: MessageChannelKind, _ current: MessagePreferences) -> String {
    switch kind {
    case .site: kind.label
    case .sms: current.mobile.map { "短信（\($0)）" } ?? "短信（还没有登记手机号码）"
    case .email: current.email.map { "邮件（\($0)）" } ?? "邮件（还没有确认邮箱）"
    case .wechat: current.hasWeChat ? "微信（已绑定）" : "微信（还没有绑定）"
    }
  }

  private func emailCard(
    _ current: MessagePreferences, typed: String, errors: [FieldError], error: (String) -> String?
  ) -> HTML {
    HTML {
      if let claimed = current.claimed {
        FormView(
          path: "/account/messages/email/confirm",
          sections: [
            FormSection(
              id: "code", "确认邮箱 \(claimed)", help: "验证码已发到这个邮箱，30 分钟内有效。没有收到时，请看一看垃圾邮件。",
              fields: [
                Shell.Field(
                  "code", "邮件里的 6 位验证码",
                  .text(
                    "", .init(maximum: 6, inputMode: "numeric", autocomplete: "one-time-code", width: 8, isCode: true)),
                  isRequired: true, error: error("code"), isPrivate: true)
              ])
          ], errors: errors.filter { $0.field == "code" },
          submit: Action("确认邮箱", .submit(name: nil, value: nil), style: .primary), cancelPath: nil)
      }
      FormView(
        path: "/account/messages/email",
        sections: [
          FormSection(
            id: "email", current.email == nil ? "添加邮箱" : "更换邮箱",
            help: current.email.map { "现在用的是 \($0)。" },
            fields: [
              Shell.Field(
                "email", "邮箱地址", .text(typed, .init(maximum: 254, type: "email", autocomplete: "email", width: 30)),
                isRequired: true, help: "会发一封带验证码的邮件，填回验证码后开始使用。", error: error("email"), isPrivate: true)
            ])
        ], errors: errors.filter { $0.field == "email" },
        submit: Action("发送验证码", .submit(name: nil, value: nil), style: .normal), cancelPath: nil)
      if current.email != nil {
        Action("不再使用这个邮箱", .post("/account/messages/email/remove", []), style: .quiet)
      }
    }
  }

  private func choose(_ visit: Visit) async throws -> Response {
    let user = try user(visit, toDo: "修改消息设置")
    let wanted = try await visit.request.body.form().all("channel")
    try await center.refuse(Set(BoxRoutes.optional.filter { !wanted.contains($0.rawValue) }), of: user)
    return try visit.redirect(to: "/account/messages", saying: "设置已保存。")
  }

  private func claim(_ visit: Visit) async throws -> Response {
    let user = try user(visit, toDo: "修改消息设置")
    let typed = (try await visit.request.body.form().first("email") ?? "").filter { !$0.isWhitespace }
    guard let address = EmailAddress(typed) else {
      let error = FieldError("email", "邮箱地址不对，应为 name@example.cn 的形式。请核对后再发送验证码。")
      return try await preferences(visit, errors: [error], email: typed, status: 422)
    }
    do {
      try await center.claim(address, by: user)
    } catch let refusal as Refusal {
      return try await preferences(
        visit, errors: [FieldError("email", refusal.message)], email: typed, status: refusal.kind.status)
    }
    return try visit.redirect(to: "/account/messages", saying: "验证码已发往 \(address)，请在 30 分钟内填写。")
  }

  private func confirm(_ visit: Visit) async throws -> Response {
    let user = try user(visit, toDo: "修改消息设置")
    let code = (try await visit.request.body.form().first("code") ?? "").filter { !$0.isWhitespace }
    do {
      try await center.confirmEmail(code: code, by: user)
    } catch let refusal as Refusal {
      return try await preferences(
        visit, errors: [FieldError("code", refusal.message)], status: refusal.kind.status)
    }
    return try visit.redirect(to: "/account/messages", saying: "邮箱已确认，以后会用它通知您。")
  }

  private func remove(_ visit: Visit) async throws -> Response {
    try await center.removeEmail(of: try user(visit, toDo: "修改消息设置"))
    return try visit.redirect(to: "/account/messages", saying: "不再使用这个邮箱。")
  }

  // MARK: WeChat

  private func beginWeChat(_ visit: Visit) async throws -> Response {
    let user = try user(visit, toDo: "绑定微信")
    return .redirect(
      to: try wechat.start(user, returningTo: publicOrigin + "/account/messages/wechat", try settings()))
  }

  private func finishWeChat(_ visit: Visit) async throws -> Response {
    let user = try user(visit, toDo: "绑定微信")
    let items = visit.request.query
    try await wechat.finish(
      user, code: items.first("code") ?? "", state: items.first("state") ?? "", try settings())
    return try visit.redirect(to: "/account/messages", saying: "微信已绑定。")
  }

  private func removeWeChat(_ visit: Visit) async throws -> Response {
    try await center.bindWeChat(nil, to: try user(visit, toDo: "解除绑定"), in: center.database)
    return try visit.redirect(to: "/account/messages", saying: "微信已解除绑定。")
  }
}

/// The text of a message, a paragraph for each block of lines.
struct MessageText: HTMLConvertible {
  let text: String

  init(_ text: String) { self.text = text }

  var html: HTML {
    HTML {
      for paragraph in paragraphs { p { paragraph } }
    }
  }

  private var paragraphs: [String] {
    text.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
  }
}
