import Access
package import Audit
package import Connectors
import Core
package import Crypto
import Entities
import HTML
package import HTTP
import SQL
import Shell
package import Site

/// How a subscription fares (变更订阅的运行情况): what waits, what was pushed, its secret, a try, and a replay.
package struct SubscriptionRoutes: Sendable {
  let site: Site
  let runner: PushRunner
  let audit: Audit
  let random: RandomSource

  package init(site: Site, runner: PushRunner, audit: Audit, random: RandomSource = .system) {
    self.site = site
    self.runner = runner
    self.audit = audit
    self.random = random
  }

  package func register(in router: inout Router) {
    router.on(.get, "/subscriptions/{id}", at: site) { visit in try await page(visit) }
    router.on(.get, "/subscriptions/{id}/secret", at: site) { visit in try await askSecret(visit) }
    router.on(.post, "/subscriptions/{id}/secret", at: site) { visit in try await secret(visit) }
    router.on(.post, "/subscriptions/{id}/probe", at: site) { visit in try await probe(visit) }
    router.on(.get, "/subscriptions/{id}/replay", at: site) { visit in try await askReplay(visit) }
    router.on(.post, "/subscriptions/{id}/replay", at: site) { visit in try await replay(visit) }
  }

  private static let change = Permission(Subscription.entity, "update")
  private static let crumbs = [Crumb("变更订阅", "/r/subscription")]

  /// The subscription as the visitor may see it, and whether a secret is set.
  private func record(_ visit: Visit) async throws -> (record: Record, hasSecret: Bool) {
    let id = try visit.request.integer("id")
    let record = try await runner.store.records(as: visit.principal, origin: visit.request.origin)
      .get(Subscription.entity, id)
    let kept = try await runner.store.records(as: .system, purpose: "变更推送").plain.get(Subscription.entity, id)
    return (record, !kept["secret"].isBlank)
  }

  // MARK: Page

  private func page(_ visit: Visit) async throws -> Response {
    let (record, hasSecret) = try await record(visit)
    guard let status = try await runner.status(of: record.id) else {
      throw Refusal(.notFound, "record-missing", "没有找到这个订阅。请从列表重新进入。")
    }
    if visit.wantsJSON { return .json(SubscriptionRoutes.json(record, status)) }
    let isActive = record["state"].text == "active"
    let log = try await deliveries(of: record.id, visit)
    let badge =
      !isActive
      ? Badge("已暂停", .warning) : status.failures > 0 ? Badge("送不到，正在重试", .danger) : Badge("推送中", .success)
    return try await visit.page(
      record["label"].text ?? "变更订阅", layout: .wide, crumbs: SubscriptionRoutes.crumbs, badge: badge,
      actions: actions(record, hasSecret, isActive, visit),
      moreActions: [
        Action("查看和修改订阅", .link("/r/subscription/\(record.id)"), icon: .edit),
        Action("全部推送记录", .link("/r/subscription_delivery?subscription_id=\(record.id)"), icon: .list),
      ]
    ) {
      if !hasSecret {
        Notice(.warning, title: "还没有签名密钥") { p { "生成签名密钥并交给对方后，才能开始推送。对方用它验证推送来自本系统。" } }
      } else if !isActive, let reason = record["reason"].text {
        Notice(.warning, title: "推送已暂停") { p { reason } }
      }
      TileRow(tiles(status))
      Card("订阅") { DetailList(facts(record, status)) }
      Card("最近的推送", isFlush: true) { log }
    }
  }

  private func actions(_ record: Record, _ hasSecret: Bool, _ isActive: Bool, _ visit: Visit) -> [Action] {
    let path = "/subscriptions/\(record.id)"
    var actions: [Action] = []
    if hasSecret, visit.principal.may(Permission(Subscription.entity, isActive ? "pause" : "start")) {
      actions.append(
        isActive
          ? Action("暂停推送", .dialog("/r/subscription/\(record.id)/do/pause?version=\(record.version)"))
          : Action(
            "开始推送", .dialog("/r/subscription/\(record.id)/do/start?version=\(record.version)"), style: .primary,
            icon: .send))
    }
    guard visit.principal.may(SubscriptionRoutes.change) else { return actions }
    if hasSecret {
      actions.append(Action("试送", .post("\(path)/probe", []), icon: .send))
      actions.append(Action("重放", .dialog("\(path)/replay"), icon: .history))
    }
    actions.append(
      Action(
        hasSecret ? "更换签名密钥" : "生成签名密钥", .dialog("\(path)/secret"), style: hasSecret ? .normal : .primary,
        icon: .lock))
    return actions
  }

  private func tiles(_ status: PushStatus) -> [Tile] {
    [
      Tile(
        "未送达", value: grouped(Int(status.lag.changes)), unit: "条变更",
        note: status.lag.isScanning ? "正在送已有的记录" : status.lag.oldest.map { "最早的一条 \($0.display)" } ?? "全部送达",
        noteTone: status.lag.changes == 0 && !status.lag.isScanning ? .success : .neutral),
      Tile("已送达", value: grouped(Int(status.delivered)), unit: "条", note: "含重放和全量"),
      Tile(
        "最近送达", value: status.deliveredAt.map { String($0.display.suffix(5)) } ?? "—",
        note: status.deliveredAt.map { String($0.display.prefix(10)) } ?? "还没有送达过"),
      Tile(
        "连续失败", value: String(status.failures), unit: "次",
        note: status.failingSince.map { "自 \($0.display) 起；\(status.nextAt.display) 再试" } ?? "没有",
        noteTone: status.failures > 0 ? .danger : .success),
    ]
  }

  private func facts(_ record: Record, _ status: PushStatus) -> [DetailItem] {
    [
      DetailItem("登记表", text: record.titles["register"] ?? record["register"].text),
      DetailItem("接口密钥", text: record.titles["key_id"] ?? "—"),
      DetailItem("区划", text: record["division_code"].text ?? "密钥范围内全部"),
      DetailItem("二维码", text: record["with_codes"].boolean == true ? "附二维码图片" : "不附"),
      DetailItem("字段", text: record["fields"].text ?? "密钥可见的全部字段", isWide: true),
      DetailItem("接收地址", text: record["address"].text, isCode: true, isWide: true),
    ]
  }

  private func deliveries(of id: Int64, _ visit: Visit) async throws -> DataTable {
    var rows: [TableRow] = []
    if visit.principal.may(Permission(PushLog.entity, "view")) {
      let query = ListQuery(
        PushLog.entity, filters: [ListFilter("subscription_id", .equals(.integer(id)))],
        columns: ["sent_at", "count", "outcome", "status", "milliseconds", "reason", "number"], limit: 10)
      rows = try await runner.store.records(as: visit.principal).list(query).records.map { record in
        let isDone = record["outcome"].text == "answered"
        return TableRow(
          id: String(record.id), name: record["number"].text ?? "", path: "/r/subscription_delivery/\(record.id)",
          cells: [
            .text(record["sent_at"].instant?.display ?? ""),
            Badge(isDone ? "已送达" : "没有送达", isDone ? .success : .danger).html,
            .text(String(record["count"].integer ?? 0)), .text("\(record["milliseconds"].integer ?? 0) 毫秒"),
            .text(record["reason"].text ?? "—"), .text(record["number"].text ?? ""),
          ])
      }
    }
    return DataTable(
      caption: "最近的推送",
      columns: [
        Column("时间", .date), Column("结果", .state), Column("条数", .number), Column("用时", .number),
        Column("说明", .wide), Column("推送编号", .code, isOnPhone: false),
      ], rows: rows, opensPanel: false, empty: .empty("还没有推送", "开始推送后，每一次请求都记在这里。"))
  }

  private static func json(_ record: Record, _ status: PushStatus) -> JSON {
    [
      "state": .string(record["state"].text ?? ""), "reason": record["reason"].text.map { .string($0) } ?? .null,
      "waiting": .int(status.lag.changes), "scanning": .bool(status.lag.isScanning),
      "oldest": status.lag.oldest.map { .string($0.iso8601) } ?? .null, "delivered": .int(status.delivered),
      "deliveredAt": status.deliveredAt.map { .string($0.iso8601) } ?? .null, "failures": .int(status.failures),
    ]
  }

  // MARK: Doing

  private func askSecret(_ visit: Visit) async throws -> Response {
    let (record, hasSecret) = try await record(visit)
    try visit.principal.require(SubscriptionRoutes.change, toDo: "更换签名密钥")
    let path = "/subscriptions/\(record.id)"
    return try await visit.confirmation(
      Confirmation(
        title: hasSecret ? "更换签名密钥" : "生成签名密钥",
        consequences: (hasSecret ? ["原密钥马上不再使用，对方换上新密钥之前会拒收，过后自动补送。"] : []) + ["密钥只显示这一次，请当面或通过可靠方式交给对方。"],
        path: "\(path)/secret", submit: hasSecret ? "更换签名密钥" : "生成签名密钥", cancelPath: path),
      crumbs: SubscriptionRoutes.crumbs)
  }

  private func secret(_ visit: Visit) async throws -> Response {
    let id = try visit.request.integer("id")
    let secret = try await Subscription.replaceSecret(
      of: id, by: visit.principal, origin: visit.request.origin, random: random, in: runner.store)
    return try await visit.page(
      "签名密钥已生成", crumbs: SubscriptionRoutes.crumbs,
      actions: [Action("返回运行情况", .link("/subscriptions/\(id)"), style: .primary), Action("打印", .print)]
    ) {
      Notice(.warning, title: "密钥只显示这一次") { p { "请当面或通过可靠方式交给对方。丢失时只能更换。" } }
      Card {
        DetailList([
          DetailItem("标识", text: "subscription-\(id)", isCode: true), DetailItem("签名密钥", text: secret, isCode: true),
        ])
      }
    }
  }

  private func probe(_ visit: Visit) async throws -> Response {
    let (record, _) = try await record(visit)
    try visit.principal.require(SubscriptionRoutes.change, toDo: "试送")
    let outcome = try await runner.probe(record.id)
    try await runner.store.database.transaction { transaction in
      try await audit.append(
        AuditEntry(
          visit.principal, "subscription.probe", entity: Subscription.entity, record: record.id,
          origin: visit.request.origin), in: transaction)
    }
    let path = "/subscriptions/\(record.id)"
    if outcome.outcome == .answered { return try visit.redirect(to: path, saying: "对方收下了，可以开始推送。") }
    return try visit.redirect(to: path, saying: "没有送到：\(outcome.reason ?? "没有答复")", tone: .danger)
  }

  private func replayQuestion(_ record: Record, _ typed: String, _ refusal: Refusal?) -> Confirmation {
    let path = "/subscriptions/\(record.id)"
    return Confirmation(
      title: "重放变更", consequences: ["从所填时间起改过的记录重新推送一遍，然后接着推送新的变更。", "对方按记录的版本去重；不填时间则重送全部记录。"],
      fields: [
        Shell.Field("from", "从什么时间起", .dateTime(typed), help: "不填则从头重送全部记录", error: refusal?.message)
      ], errors: refusal.map { [FieldError("from", $0.message)] } ?? [], path: "\(path)/replay", submit: "重放变更",
      cancelPath: path)
  }

  private func askReplay(_ visit: Visit) async throws -> Response {
    let (record, _) = try await record(visit)
    try visit.principal.require(SubscriptionRoutes.change, toDo: "重放变更")
    return try await visit.confirmation(replayQuestion(record, "", nil), crumbs: SubscriptionRoutes.crumbs)
  }

  private func replay(_ visit: Visit) async throws -> Response {
    let (record, _) = try await record(visit)
    let typed = try await visit.request.body.form().first("from") ?? ""
    var start = ChangeStart.everything
    if !typed.isEmpty {
      guard let time = Instant(typed), time <= site.clock.now() else {
        let refusal = Refusal(.invalid, "replay-time", "请填写过去的时间，如 2026-11-21 14:05。", field: "from")
        return try await visit.confirmation(
          replayQuestion(record, typed, refusal), status: refusal.kind.status)
      }
      start = .since(time)
    }
    try await Subscription.replay(
      record.id, from: start, by: visit.principal, origin: visit.request.origin, in: runner.store)
    return try visit.redirect(to: "/subscriptions/\(record.id)", saying: "已安排重放，马上开始推送。")
  }
}
