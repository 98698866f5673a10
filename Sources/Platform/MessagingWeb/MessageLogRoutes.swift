import Access
package import Audit
import Core
import HTML
package import HTTP
package import Messaging
import SQL
import Shell
package import Site

/// What became of messages, for administrators (消息记录); shows nothing of what they say, and addresses masked.
package struct MessageLogRoutes: Sendable {
  let site: Site
  let center: MessageCenter
  let runner: MessageRunner
  let audit: Audit

  package init(site: Site, center: MessageCenter, runner: MessageRunner, audit: Audit) {
    self.site = site
    self.center = center
    self.runner = runner
    self.audit = audit
  }

  package func register(in router: inout Router) {
    router.on(.get, "/messages/log", at: site) { visit in try await list(visit) }
    router.on(.get, "/messages/log/{id}", at: site) { visit in try await detail(visit) }
    router.on(.post, "/messages/log/{id}/retry", at: site) { visit in try await retry(visit) }
    router.on(.post, "/messages/log/test", at: site) { visit in try await test(visit) }
  }

  private static let view = Permission("message", "view")
  private static let again = Permission("message", "retry")

  // MARK: List

  private func list(_ visit: Visit) async throws -> Response {
    try visit.principal.require(MessageLogRoutes.view, toDo: "查看消息记录")
    let items = visit.request.query
    var query = MessageCenter.LogQuery()
    query.state = items.first("state").flatMap { LoggedDelivery.State(rawValue: $0) }
    query.channel = items.first("channel").flatMap { MessageChannelKind(rawValue: $0) }
    query.template = items.first("template").flatMap { $0.isEmpty ? nil : $0 }
    query.page = min(max(items.first("page").flatMap { Int($0) } ?? 1, 1), 10_000)
    query.size = min(max(items.first("size").flatMap { Int($0) } ?? 50, 10), 200)
    let final = query
    let (entries, count) = try await center.log(final)
    if visit.wantsJSON { return .json(json(entries, count)) }
    let channels = try runner.channelStates()
    let mayRetry = visit.principal.may(MessageLogRoutes.again)
    return try await visit.page(
      "消息记录", layout: .list, subtitle: channels.map { "\($0.kind.label)：\($0.problem ?? "可用")" }.joined(separator: "；"),
      actions: mayRetry ? [Action("给自己发测试消息", .post("/messages/log/test", []), icon: .send)] : [],
      moreActions: [Action("消息模板", .link("/messages/templates"), icon: .document)]
    ) {
      ListView(
        filters: filters(final), chips: chips(final), table: table(final, entries),
        pager: Pager(
          total: count >= MessageCenter.countLimit ? .about(count) : .exact(count), page: final.page, size: final.size,
          shown: entries.count, path: { page, size in path(final, page: page, size: size) }))
    }
  }

  private func path(
    _ query: MessageCenter.LogQuery, page: Int = 1, size: Int = 50, without name: String? = nil
  ) -> String {
    var parts: [(String, String)] = []
    if let state = query.state { parts.append(("state", state.rawValue)) }
    if let channel = query.channel { parts.append(("channel", channel.rawValue)) }
    if let template = query.template { parts.append(("template", template)) }
    if page > 1 { parts.append(("page", String(page))) }
    if size != 50 { parts.append(("size", String(size))) }
    let kept = parts.filter { $0.0 != name }.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }
    return kept.isEmpty ? "/messages/log" : "/messages/log?" + kept.joined(separator: "&")
  }

  private func filters(_ query: MessageCenter.LogQuery) -> FilterBar {
    FilterBar(
      path: "/messages/log", search: nil,
      basic: [
        Shell.Field(
          "state", "状态",
          .select(
            query.state?.rawValue ?? "", LoggedDelivery.State.allCases.map { Choice($0.rawValue, $0.label) },
            blank: "全部")),
        Shell.Field(
          "channel", "渠道",
          .select(
            query.channel?.rawValue ?? "", MessageChannelKind.allCases.map { Choice($0.rawValue, $0.label) },
            blank: "全部")),
        Shell.Field(
          "template", "模板",
          .select(query.template ?? "", center.templates.all.map { Choice($0.name, $0.label) }, blank: "全部")),
      ])
  }

  private func chips(_ query: MessageCenter.LogQuery) -> ActiveFilters {
    var chips: [ActiveFilters.Chip] = []
    if let state = query.state { chips.append(.init("状态", state.label, removePath: path(query, without: "state"))) }
    if let channel = query.channel {
      chips.append(.init("渠道", channel.label, removePath: path(query, without: "channel")))
    }
    if let name = query.template {
      let label = center.templates.template(name)?.label ?? name
      chips.append(.init("模板", label, removePath: path(query, without: "template")))
    }
    return ActiveFilters(chips, clearPath: "/messages/log")
  }

  private func table(_ query: MessageCenter.LogQuery, _ entries: [LoggedDelivery]) -> DataTable {
    let isFiltered = query.state != nil || query.channel != nil || query.template != nil
    return DataTable(
      caption: "消息记录",
      columns: [
        Column("消息"), Column("渠道"), Column("状态", .state), Column("发给", .code), Column("次数", .number),
        Column("说明", .wide), Column("产生时间", .date), Column("下次发送", .date),
      ],
      rows: entries.map { entry in
        TableRow(
          id: String(entry.id), name: "\(entry.label) \(entry.id)", path: "/messages/log/\(entry.id)",
          cells: [
            .text(entry.label), .text(entry.channel.label), MessageLogRoutes.badge(entry).html, .text(entry.address),
            .text(String(entry.attempts)), .text(entry.reason ?? ""), .text(entry.createdAt.display),
            .text(entry.runAt?.display ?? ""),
          ])
      }, opensPanel: false,
      empty: isFiltered
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
            "address": .string(entry.address), "reason": entry.reason.map { .string($0) } ?? .null,
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
    let items = [
      DetailItem("模板", text: entry.label), DetailItem("渠道", text: entry.channel.label),
      DetailItem("发给", text: entry.address, isCode: true), DetailItem("优先级", text: entry.priority.label),
      DetailItem("产生时间", text: entry.createdAt.display, isCode: true),
      DetailItem("发出时间", text: entry.sentAt?.display ?? "还没有", isCode: true),
      DetailItem("下次发送", text: entry.runAt?.display ?? "不再发送", isCode: true),
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
    try await center.retry(id, by: visit.principal, audit: audit, origin: visit.request.origin)
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
