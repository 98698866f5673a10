import Access
package import Audit
import Core
package import Ferry
import HTML
package import HTTP
import SQL
import Shell
package import Site

/// How the ferry between the networks stands, and what waits for a decision (摆渡监控).
package struct FerryRoutes: Sendable {
  let site: Site
  let dock: FerryDock
  let audit: Audit
  let published: @Sendable () async throws -> (rows: [PublishedRegister], faults: [PublishedFault])
  let publish: @Sendable () async throws -> Int

  /// - Parameters:
  ///   - published: how the registers that go outwards fare.
  ///   - publish: sends all of them again; returns how many registers.
  package init(
    site: Site, dock: FerryDock, audit: Audit,
    published: @escaping @Sendable () async throws -> (rows: [PublishedRegister], faults: [PublishedFault]),
    publish: @escaping @Sendable () async throws -> Int
  ) {
    self.site = site
    self.dock = dock
    self.audit = audit
    self.published = published
    self.publish = publish
  }

  package func register(in router: inout Router) {
    router.on(.get, "/ferry", at: site) { visit in try await page(visit) }
    router.on(.post, "/ferry/held/{number}/retry", at: site) { visit in try await retry(visit) }
    router.on(.get, "/ferry/held/{number}/reject", at: site) { visit in try await askReject(visit) }
    router.on(.post, "/ferry/held/{number}/reject", at: site) { visit in try await reject(visit) }
    router.on(.get, "/ferry/registers/publish", at: site) { visit in try await askPublish(visit) }
    router.on(.post, "/ferry/registers/publish", at: site) { visit in try await publishRegisters(visit) }
    router.on(.post, "/ferry/strays/{id}/dismiss", at: site) { visit in try await dismiss(visit) }
  }

  private static let view = Permission("ferry", "view")
  static let decide = Permission("ferry", "decide")

  // MARK: Page

  private func page(_ visit: Visit) async throws -> Response {
    try visit.principal.require(FerryRoutes.view, toDo: "查看摆渡监控")
    let status = try await dock.status()
    let held = try await dock.heldItems()
    let settings = dock.post.current
    let published = try await published()
    if visit.wantsJSON { return .json(json(status, settings, held, published.rows)) }
    guard let settings else {
      return try await visit.page("摆渡监控") {
        StateView.empty(
          "没有启用网间摆渡", "本系统单独运行。需要与另一个网络交换数据时，请在系统参数“网间摆渡”里设置本侧和目录，并交换公钥。", icon: .send,
          actions: [Action("系统参数", .link("/settings/parameters"))])
      }
    }
    let problem = try keyProblem() ?? status.alarm(settings)
    let mayDecide = visit.principal.may(FerryRoutes.decide)
    let badge =
      problem != nil ? Badge("异常", .danger) : held.isEmpty ? Badge("正常", .success) : Badge("有待处理", .warning)
    return try await visit.page(
      "摆渡监控", layout: .wide, badge: badge,
      subtitle: "本系统在\(settings.side.label)", actions: [Action("刷新", .link("/ferry"), icon: .refresh)]
    ) {
      if let problem { Notice(.danger, problem) }
      TileRow(tiles(status))
      Card("待处理数据", count: held.isEmpty ? nil : .exact(held.count), isFlush: true) { heldTable(held, mayDecide) }
      if !published.rows.isEmpty {
        Card("发布的登记", actions: publishActions(settings, mayDecide), isFlush: true) {
          registerTable(published.rows, settings)
        }
      }
      if !published.faults.isEmpty {
        Card("没有采用的记录", count: .exact(published.faults.count), isFlush: true) { faultTable(published.faults) }
      }
      Card("两个方向") { DetailList(details(status, settings)) }
    }
  }

  private func keyProblem() throws -> String? {
    do throws(Refusal) {
      return try dock.keyFolder.open() == nil ? "还没有密钥，数据留在发件箱里。请在两侧运行 lifang ferry keys 并交换公钥。" : nil
    } catch { return error.message }
  }

  private func tiles(_ status: FerryStatus) -> [Tile] {
    [
      Tile(
        "待送达", value: String(status.waitingOut), unit: "条",
        note: status.oldest == nil ? "全部送达" : "最早的已等 \(FerryRoutes.span(status.oldestAge))",
        noteTone: status.oldest == nil ? .success : .neutral),
      Tile("24 小时收到", value: String(status.appliedToday), unit: "条"),
      Tile(
        "平均时延", value: status.meanDelay.map { FerryRoutes.span($0) } ?? "—",
        note: status.longestDelay.map { "最长 \(FerryRoutes.span($0))" } ?? "24 小时内没有收到数据"),
      Tile(
        "待处理", value: String(status.held + status.strays), unit: "条",
        note: status.held + status.strays == 0 ? "没有" : "请在下面处理",
        noteTone: status.held + status.strays == 0 ? .success : .warning),
    ]
  }

  private func details(_ status: FerryStatus, _ settings: FerrySettings) -> [DetailItem] {
    let missing = status.missing.prefix(10).map(String.init).joined(separator: "、")
    return [
      DetailItem("已送出到", text: "第 \(status.sent) 号", isCode: true),
      DetailItem("对侧已收到", text: "第 \(status.acknowledged) 号", isCode: true),
      DetailItem("已收取到", text: "第 \(status.applied) 号", isCode: true),
      DetailItem("排队等前一号", text: "\(status.waitingIn) 条", isCode: true),
      DetailItem("断号", text: missing.isEmpty ? "没有" : missing, isCode: true),
      DetailItem("最近收到对侧文件", text: status.heardAt?.display ?? "还没有", isCode: true),
      DetailItem("重发", text: "\(status.repeats) 次", isCode: true),
      DetailItem("重复收到", text: "\(status.duplicates) 次", isCode: true),
      DetailItem("拒收文件", text: "\(status.rejected) 个", isCode: true),
      DetailItem("告警时限", text: "\(settings.alarmMinutes) 分钟", isCode: true),
      DetailItem("送出目录", text: settings.outgoing, isCode: true, isWide: true),
      DetailItem("收取目录", text: settings.incoming, isCode: true, isWide: true),
    ]
  }

  private func heldTable(_ held: [FerryHeld], _ mayDecide: Bool) -> DataTable {
    DataTable(
      caption: "待处理数据",
      columns: [
        Column("数据"), Column("编号", .code), Column("原因", .wide), Column("收到时间", .date), Column("办理", .actions),
      ],
      rows: held.map { one in
        TableRow(
          id: "\(one.isStray ? "s" : "m")\(one.id)", name: "\(one.kind) \(one.id)", path: nil,
          cells: [
            .text(one.kind), .text(one.isStray ? one.subject : "第 \(one.id) 号 \(one.subject)"),
            .text(one.times > 1 ? "\(one.reason)（\(one.times) 次）" : one.reason), .text(one.at.display),
            mayDecide ? ActionBar(actions(one)).html : .empty,
          ])
      }, opensPanel: false, empty: .empty("没有待处理的数据", "收到的数据都已校验并采用。", icon: .success))
  }

  private func actions(_ one: FerryHeld) -> [Action] {
    if one.isStray { return [Action("已知悉", .post("/ferry/strays/\(one.id)/dismiss", []), style: .quiet)] }
    return [
      Action("重新处理", .post("/ferry/held/\(one.id)/retry", []), style: .quiet),
      Action("拒绝", .dialog("/ferry/held/\(one.id)/reject"), style: .quiet),
    ]
  }

  /// `12 秒`, `3 分钟`, `2 小时`.
  static func span(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    if whole < 120 { return "\(whole) 秒" }
    return whole < 7200 ? "\(whole / 60) 分钟" : "\(whole / 3600) 小时"
  }

  private func json(
    _ status: FerryStatus, _ settings: FerrySettings?, _ held: [FerryHeld], _ published: [PublishedRegister]
  ) -> JSON {
    func number(_ value: Double?) -> JSON { value.map { .double($0) } ?? .null }
    return [
      "side": settings.map { .string($0.side.rawValue) } ?? .null, "sent": .int(status.sent),
      "acknowledged": .int(status.acknowledged), "applied": .int(status.applied),
      "waitingOut": .int(status.waitingOut), "waitingIn": .int(status.waitingIn), "held": .int(status.held),
      "strays": .int(status.strays), "duplicates": .int(status.duplicates), "repeats": .int(status.repeats),
      "rejected": .int(status.rejected), "missing": .array(status.missing.map { .int($0) }),
      "meanDelay": number(status.meanDelay), "longestDelay": number(status.longestDelay),
      "alarm": settings.flatMap { status.alarm($0) }.map { .string($0) } ?? .null,
      "registers": .array(published.map(FerryRoutes.json)),
      "items": .array(
        held.map {
          [
            "id": .int($0.id), "stray": .bool($0.isStray), "kind": .string($0.kind), "subject": .string($0.subject),
            "reason": .string($0.reason),
          ]
        }),
    ]
  }

  // MARK: Deciding

  private func retry(_ visit: Visit) async throws -> Response {
    try visit.principal.require(FerryRoutes.decide, toDo: "处理摆渡数据")
    let number = try visit.request.integer("number")
    do {
      try await dock.retry(number, by: visit.principal.actor)
    } catch let refusal as Refusal where !visit.wantsJSON && refusal.code != "ferry-not-held" {
      return try visit.redirect(to: "/ferry", saying: "第 \(number) 号还是不能采用：\(refusal.message)", tone: .danger)
    }
    try await audit.append(
      AuditEntry(
        visit.principal, "ferry.retry", origin: visit.request.origin, details: ["number": .int(number)]),
      in: dock.database)
    return try visit.redirect(to: "/ferry", saying: "第 \(number) 号已经采用。")
  }

  private func askReject(_ visit: Visit) async throws -> Response {
    try visit.principal.require(FerryRoutes.decide, toDo: "处理摆渡数据")
    return try await confirm(try visit.request.integer("number"), visit)
  }

  private func confirm(_ number: Int64, _ visit: Visit, errors: [FieldError] = [], status: Int = 200) async throws
    -> Response
  {
    let outline = try await dock.outline(of: number)
    return try await visit.confirmation(
      Confirmation(
        title: "拒绝第 \(number) 号数据？",
        consequences: ["它的内容从本侧清除，不能恢复；对侧不会自动重发。", "同一件业务后面的数据可以继续处理。"] + outline.prefix(12),
        fields: [
          Shell.Field("reason", "拒绝原因", .text(""), isRequired: true, help: "写明为什么不采用，将记入日志")
        ], errors: errors, path: "/ferry/held/\(number)/reject", submit: "拒绝这一条", isDangerous: true,
        cancelPath: "/ferry"), crumbs: [Crumb("摆渡监控", "/ferry")], status: status)
  }

  private func reject(_ visit: Visit) async throws -> Response {
    try visit.principal.require(FerryRoutes.decide, toDo: "处理摆渡数据")
    let number = try visit.request.integer("number")
    let reason = try await visit.request.body.form().first("reason") ?? ""
    guard reason.contains(where: { !$0.isWhitespace }) else {
      return try await confirm(number, visit, errors: [FieldError("reason", "请写明拒绝原因。")], status: 422)
    }
    let principal = visit.principal
    let origin = visit.request.origin
    try await dock.database.transaction { transaction in
      try await dock.reject(number, reason: reason, by: principal.actor, in: transaction)
      try await audit.append(
        AuditEntry(principal, "ferry.reject", origin: origin, details: ["number": .int(number)]), in: transaction)
    }
    return try visit.redirect(to: "/ferry", saying: "第 \(number) 号已拒绝，内容已清除。")
  }

  private func dismiss(_ visit: Visit) async throws -> Response {
    try visit.principal.require(FerryRoutes.decide, toDo: "处理摆渡数据")
    let id = try visit.request.integer("id")
    let principal = visit.principal
    let origin = visit.request.origin
    try await dock.database.transaction { transaction in
      try await dock.dismiss(stray: id, by: principal.actor, in: transaction)
      try await audit.append(
        AuditEntry(principal, "ferry.dismiss", origin: origin, details: ["file": .int(id)]), in: transaction)
    }
    return try visit.redirect(to: "/ferry", saying: "已记为知悉。")
  }
}
