import Access
import Audit
import Core
package import Entities
import HTML
package import HTTP
import Identity
package import Messaging
import SQL
import Shell
package import Site

/// What became of messages, for administrators (消息记录, B4-271, B4-275, B4-276); addresses are masked, and what a message
/// says is shown to whoever states why they look.
package struct MessageLogRoutes: Sendable {
  let site: Site
  let center: MessageCenter
  let runner: MessageRunner
  let store: RecordStore

  package init(site: Site, center: MessageCenter, runner: MessageRunner, store: RecordStore) {
    self.site = site
    self.center = center
    self.runner = runner
    self.store = store
  }

  package func register(in router: inout Router) {
    router.on(.get, "/messages/log", at: site) { visit in try await list(visit) }
    router.on(.get, "/messages/log/{id}", at: site) { visit in try await detail(visit) }
    router.on(.post, "/messages/log/{id}/retry", at: site) { visit in try await retry(visit) }
    router.on(.get, "/messages/log/{id}/reveal", at: site) { visit in try await askContent(visit) }
    router.on(.post, "/messages/log/{id}/reveal", at: site) { visit in try await content(visit) }
    router.on(.post, "/messages/log/test", at: site) { visit in try await test(visit) }
  }

  private static let view = Permission("message", "view")
  private static let again = Permission("message", "retry")
  private static let reveal = Permission("message", "reveal")

  // MARK: List

  private func list(_ visit: Visit) async throws -> Response {
    try visit.principal.require(MessageLogRoutes.view, toDo: "查看消息记录")
    let filters = MessageLogFilters(visit.request.query)
    let (entries, count) = try await center.log(filters.query)
    let names = try await self.names(entries.compactMap(\.user) + (filters.query.user.map { [$0] } ?? []), visit)
    if visit.wantsJSON { return .json(json(entries, count)) }
    let channels = try await runner.channelStates()
    let mayRetry = visit.principal.may(MessageLogRoutes.again)
    return try await visit.page(
      "消息记录", layout: .list, subtitle: channels.map { "\($0.kind.label)：\($0.problem ?? "可用")" }.joined(separator: "；"),
      actions: mayRetry ? [Action("给自己发测试消息", .post("/messages/log/test", []), icon: .send)] : [],
      moreActions: [Action("消息模板", .link("/designs/message"), icon: .document)]
    ) {
      ListView(
        filters: filters.bar(templates: center.templates.all, names: names),
        chips: filters.chips(templates: center.templates, names: names), table: table(filters, entries, names),
        pager: Pager(
          total: count >= MessageCenter.countLimit ? .about(count) : .exact(count), page: filters.query.page,
          size: filters.query.size, shown: entries.count, path: { page, size in filters.path(page: page, size: size) }))
    }
  }

  /// What users are called, as far as this one may know it.
  private func names(_ users: [Int64], _ visit: Visit) async throws -> [Int64: String] {
    try await store.records(as: visit.principal, origin: visit.request.origin).titles(
      "app_user", Array(Set(users)).sorted())
  }

  private func recipient(_ entry: LoggedDelivery, _ names: [Int64: String]) -> String {
    let name = entry.user.map { names[$0] ?? "用户 \($0)" }
    let parts = [name, entry.address.isEmpty ? nil : entry.address].compactMap(\.self)
    return parts.isEmpty ? "—" : parts.joined(separator: " ")
  }

  private func table(
    _ filters: MessageLogFilters, _ entries: [LoggedDelivery], _ names: [Int64: String]
  ) -> DataTable {
    return DataTable(
      caption: "消息记录",
      columns: [
        Column("消息"), Column("渠道"), Column("状态", .state), Column("发给"), Column("次数", .number),
        Column("说明", .wide), Column("产生时间", .date), Column("下次发送", .date),
      ],
      rows: entries.map { entry in
        TableRow(
          id: String(entry.id), name: "\(entry.label) \(entry.id)", path: "/messages/log/\(entry.id)",
          cells: [
            .text(entry.label), .text(entry.channel.label), MessageLogRoutes.badge(entry).html,
            .text(recipient(entry, names)),
            .text(String(entry.attempts)), .text(entry.reason ?? ""), .text(entry.createdAt.display),
            .text(entry.runAt?.display ?? ""),
          ])
      }, opensPanel: false,
      empty: filters.isNarrowed
        ? .nothingFound("没有符合条件的记录", "换一个条件试试。", clear: "/messages/log")
        : .empty("还没有发过消息", "系统发出的消息会在这里留下记录。", icon: .bell))
  }

  static func badge(_ entry: LoggedDelivery) -> Badge {
    if entry.isUnderWay { return Badge("发送中", .info) }
    if entry.readAt != nil { return Badge("已读", .success) }
    return switch entry.state {
    case .queued: Badge(entry.state.label, .info)
    case .sent, .delivered: Badge(entry.state.label, .success)
    case .failed: Badge(entry.state.label, .danger)
    case .expired: Badge(entry.state.label, .warning)
    case .skipped: Badge(entry.state.label, .neutral)
    }
  }

  private func json(_ entries: [LoggedDelivery], _ count: Int) -> JSON {
    [
      "count": .int(Int64(count)),
      "items": .array(
        entries.map { entry in
          [
            "id": .int(entry.id), "template": .string(entry.template), "channel": .string(entry.channel.rawValue),
            "state": .string(entry.state.rawValue), "attempts": .int(Int64(entry.attempts)),
            "address": .string(entry.address), "user": entry.user.map { .int($0) } ?? .null,
            "via": entry.via.map { .string($0) } ?? .null,
            "readAt": entry.readAt.map { .string($0.iso8601) } ?? .null,
            "reason": entry.reason.map { .string($0) } ?? .null,
            "createdAt": .string(entry.createdAt.iso8601),
            "sentAt": entry.sentAt.map { .string($0.iso8601) } ?? .null,
          ]
        }),
    ]
  }

  // MARK: One delivery

  private func detail(_ visit: Visit) async throws -> Response {
    try visit.principal.require(MessageLogRoutes.view, toDo: "查看消息记录")
    let (entry, attempts) = try await center.delivery(try visit.request.integer("id"))
    var actions: [Action] = []
    if entry.state == .failed || entry.state == .skipped, visit.principal.may(MessageLogRoutes.again) {
      actions.append(Action("重发", .post("/messages/log/\(entry.id)/retry", []), style: .primary, icon: .refresh))
    }
    if visit.principal.may(MessageLogRoutes.reveal) {
      actions.append(Action("查看内容", .dialog("/messages/log/\(entry.id)/reveal"), icon: .eye))
    }
    let names = try await names(entry.user.map { [$0] } ?? [], visit)
    let items = [
      DetailItem("模板", text: entry.label),
      DetailItem("渠道", text: entry.channel.label + (entry.via.map { "（\($0)）" } ?? "")),
      DetailItem("发给", text: recipient(entry, names)), DetailItem("优先级", text: entry.priority.label),
      DetailItem("产生时间", text: entry.createdAt.display, isCode: true),
      DetailItem("发出时间", text: entry.sentAt?.display ?? "还没有", isCode: true),
      DetailItem("下次发送", text: entry.runAt?.display ?? "不再发送", isCode: true),
      DetailItem("签收", text: entry.channel == .site ? entry.readAt.map { "\($0.display) 已读" } ?? "还没有打开" : nil),
      DetailItem("说明", text: entry.reason ?? "无", isWide: true),
    ]
    return try await visit.page(
      "\(entry.label)（\(entry.channel.label)）", crumbs: [Crumb("消息记录", "/messages/log")],
      badge: MessageLogRoutes.badge(entry), actions: actions
    ) {
      Card("发送情况") { DetailList(items) }
      Card("每次发送", isFlush: true) { attemptTable(attempts) }
    }
  }

  // MARK: What it says

  private func question(_ id: Int64, error: String? = nil) -> Confirmation {
    LookPurpose.question(
      "查看消息内容", consequence: "消息里可能有个人信息。这次查看会记入审计日志，收件人实名登记的，本人可以看到。",
      path: "/messages/log/\(id)/reveal", submit: "查看内容", cancel: "/messages/log/\(id)", error: error)
  }

  private func askContent(_ visit: Visit) async throws -> Response {
    try visit.principal.require(MessageLogRoutes.reveal, toDo: "查看消息内容")
    return try await visit.confirmation(question(try visit.request.integer("id")))
  }

  private func content(_ visit: Visit) async throws -> Response {
    try visit.principal.require(MessageLogRoutes.reveal, toDo: "查看消息内容")
    let id = try visit.request.integer("id")
    guard let purpose = LookPurpose.stated(try await visit.request.body.form()) else {
      return try await visit.confirmation(question(id, error: "请选择查看的用途。"), status: 422)
    }
    let (principal, origin) = (visit.principal, visit.request.origin)
    let content = try await store.database.transaction { transaction in
      let (content, user) = try await center.content(
        of: id, for: purpose, by: principal, audit: store.audit, origin: origin, in: transaction)
      if let user, let own = try await RealName.of(user: user, in: transaction) {
        try await PersonalAccess(audit: store.audit).record(
          principal, persons: [own.person], fields: ["message"], purpose: purpose, origin: origin, in: transaction)
      }
      return content
    }
    let path = "/messages/log/\(id)"
    return try await visit.page(
      "消息内容", crumbs: [Crumb("消息记录", "/messages/log")], actions: [Action("回到记录", .link(path), style: .primary)]
    ) {
      Notice(.info, "您正在查看消息内容，用途：\(purpose)。已记入审计日志。")
      MessageCards(content: content)
    }
  }

  private func attemptTable(_ attempts: [LoggedAttempt]) -> DataTable {
    let words = ["sent": "已发出", "failed": "失败", "lost": "中断"]
    return DataTable(
      caption: "每次发送",
      columns: [Column("次", .number), Column("时间", .date), Column("结果"), Column("说明", .wide), Column("进程", .code)],
      rows: attempts.map { attempt in
        TableRow(
          id: String(attempt.number), name: "第 \(attempt.number) 次", path: nil,
          cells: [
            .text(String(attempt.number)), .text(attempt.finishedAt.display),
            .text(words[attempt.outcome] ?? attempt.outcome), .text(attempt.reason ?? ""), .text(attempt.worker),
          ])
      }, opensPanel: false, empty: .empty("还没有发送过", "轮到它时会在这里留下记录。", icon: .clock))
  }

  private func retry(_ visit: Visit) async throws -> Response {
    let id = try visit.request.integer("id")
    try await center.retry(id, by: visit.principal, audit: store.audit, origin: visit.request.origin)
    return try visit.redirect(to: "/messages/log/\(id)", saying: "已排队重发，稍后刷新查看结果。")
  }

  /// Tries every channel with a message to the administrator's own addresses.
  private func test(_ visit: Visit) async throws -> Response {
    try visit.principal.require(MessageLogRoutes.again, toDo: "发测试消息")
    let now = center.clock.now()
    let principal = visit.principal
    guard principal.kind == .user else {
      throw Refusal(.forbidden, "test-user", "测试消息发给登录的人自己，接口密钥不能发。请登录后在消息记录页发送。")
    }
    try await center.database.transaction { transaction in
      try await center.send(
        "channel_test", to: [.user(principal.id)], ["time": now.display, "sender": principal.name],
        key: "\(principal.id) \(now.seconds / 60)", in: transaction)
    }
    return try visit.redirect(to: "/messages/log?template=channel_test", saying: "测试消息已排队；一分钟内只发一次。")
  }
}
