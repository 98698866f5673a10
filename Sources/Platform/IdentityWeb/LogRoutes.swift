import Access
package import Audit
import Core
import Documents
package import Entities
import HTML
package import HTTP
package import SQL
import Shell
package import Site

/// The auditor's pages: operation log with its entries, statistics by day, interface calls, and checking the chain
/// (A-080, B1-244, B1-245).
package struct LogRoutes: Sendable {
  let site: Site
  let database: Database
  let keys: AuditKeys
  let catalogs: LiveCatalog

  package init(site: Site, database: Database, keys: AuditKeys, catalogs: LiveCatalog) {
    self.site = site
    self.database = database
    self.keys = keys
    self.catalogs = catalogs
  }

  package func register(in router: inout Router) {
    router.on(.get, "/logs", at: site) { visit in try await list(visit) }
    router.on(.get, "/logs/statistics", at: site) { visit in try await statistics(visit) }
    router.on(.get, "/logs/calls", at: site) { visit in try await calls(visit) }
    router.on(.post, "/logs/verify", at: site) { visit in try await verify(visit) }
    router.on(.get, "/logs/export", at: site) { visit in try await export(visit) }
    router.on(.get, "/logs/{id}", at: site) { visit in try await entry(visit) }
  }

  private func requireAuditor(_ visit: Visit) throws {
    try visit.principal.require(Permission("audit", "view"), toDo: "查看审计日志")
  }

  private func tabs(_ current: String, _ visit: Visit) -> Tabs {
    var tabs: [Tabs.Tab] = [
      .init("操作日志", path: "/logs", isCurrent: current == "list"),
      .init("访问与操作统计", path: "/logs/statistics", isCurrent: current == "statistics"),
      .init("接口调用", path: "/logs/calls", isCurrent: current == "calls"),
    ]
    if visit.principal.may(Permission("audit", "report")) { tabs.append(.init("审计报告", path: "/logs/report")) }
    return Tabs(tabs)
  }

  // MARK: List

  /// What the filter offers: the beginnings of actions that belong together, and verbs.
  private func actions() -> [Choice] {
    [Choice("session.", "登录与会话"), Choice("credential.", "密码与认证")]
      + ["list", "view", "reveal", "create", "update", "delete", "import", "export"].map {
        Choice($0, label(action: $0))
      }
  }

  private func filter(_ query: QueryItems) throws -> AuditFilter {
    var filter = AuditFilter()
    func day(_ name: String) throws -> CivilDate? {
      guard let text = query.first(name), !text.isEmpty else { return nil }
      guard let date = CivilDate(text) else {
        throw Refusal(.invalid, "query-value", "“\(text.prefix(20))”不是日期。请写成 2026-11-21。", field: name)
      }
      return date
    }
    filter.from = try day("time.from")?.start
    filter.to = try day("time.to")?.adding(days: 1).start
    filter.action = query.first("action").flatMap { $0.isEmpty ? nil : $0 }
    filter.entity = query.first("entity").flatMap { $0.isEmpty ? nil : $0 }
    filter.outcome = query.first("outcome").flatMap { AuditEntry.Outcome(rawValue: $0) }
    filter.remoteAddress = query.first("address").flatMap { $0.isEmpty ? nil : $0 }
    return filter
  }

  private func list(_ visit: Visit) async throws -> Response {
    try requireAuditor(visit)
    let query = visit.request.query
    let before = query.first("before").flatMap { Int64($0) }
    let records = try await AuditQuery(database).list(try filter(query), before: before, limit: 51)
    let shown = Array(records.prefix(50))
    let rows = shown.map { record in
      TableRow(
        id: String(record.id), name: "日志 \(record.id)", path: "/logs/\(record.id)",
        cells: [
          .text(record.time.display), .text(record.principalName), .text(record.unitName ?? "—"),
          .text(label(action: record.action)), .text(label(entity: record.entity)),
          .text(record.record.map { String($0) } ?? "—"), outcome(record.outcome), .text(record.remoteAddress ?? "—"),
        ])
    }
    let entities = catalogs.current.entities.map { Choice($0.name, $0.label) }
    let filters = FilterBar(
      path: "/logs", search: nil,
      basic: [
        Shell.Field(
          "time", "时间", .dateRange(from: query.first("time.from") ?? "", to: query.first("time.to") ?? "")),
        Shell.Field(
          "action", "操作",
          .select(query.first("action") ?? "", actions(), blank: "全部")),
        Shell.Field("entity", "对象", .select(query.first("entity") ?? "", entities, blank: "全部")),
      ],
      more: [
        Shell.Field(
          "outcome", "结果",
          .select(
            query.first("outcome") ?? "", AuditEntry.Outcome.allCases.map { Choice($0.rawValue, $0.label) }, blank: "全部"
          )),
        Shell.Field("address", "来源地址", .text(query.first("address") ?? "", .init(maximum: 45, isCode: true))),
      ])
    let columns = [
      Column("时间", .date), Column("操作人", .text), Column("机构", .text, isOnPhone: false), Column("操作", .text),
      Column("对象", .text), Column("记录", .number, isOnPhone: false), Column("结果", .state),
      Column("来源地址", .code, isOnPhone: false),
    ]
    let isNarrowed = query.items.contains { $0.name != "before" && !$0.value.isEmpty }
    let empty =
      isNarrowed
      ? StateView.nothingFound("没有符合条件的日志", "试着放宽时间或去掉一个条件。", clear: "/logs")
      : .empty("还没有日志", "有人登录或操作后，这里会逐条记录。")
    return try await visit.page(
      "审计日志", layout: .wide,
      actions: [
        Action("校验日志链", .post("/logs/verify", []), style: .primary, icon: .shield),
        Action("导出", .download("/logs/export?\(query.encoded)"), icon: .download),
      ], tabs: tabs("list", visit)
    ) {
      filters
      DataTable(caption: "操作日志", columns: columns, rows: rows, opensPanel: false, empty: empty)
      if records.count > 50, let last = shown.last {
        p(.class("pager")) {
          a(.class("button button-normal"), .href("/logs?\(query.setting("before", to: String(last.id)).encoded)")) {
            "更早的日志"
          }
        }
      }
    }
  }

  /// The action in words; what it was done to stands in a column of its own.
  private func label(action: String) -> String { catalogs.current.label(ofAction: action) ?? action }

  private func label(entity: String) -> String {
    if entity.isEmpty { return "—" }
    return catalogs.current.entity(entity)?.label ?? catalogs.current.permission(entity)?.label ?? entity
  }

  private func outcome(_ outcome: AuditEntry.Outcome) -> HTML {
    let tone: Tone =
      switch outcome.rawValue {
      case "done", "success", "ok": .success
      case "refused", "denied": .warning
      default: .danger
      }
    return Badge(outcome.label, tone).html
  }

  private func entry(_ visit: Visit) async throws -> Response {
    try requireAuditor(visit)
    guard let record = try await AuditQuery(database).entry(try visit.request.integer("id")) else {
      throw Refusal(.notFound, "audit-missing", "没有这条日志。")
    }
    var items = [
      DetailItem("时间", text: record.time.iso8601, isCode: true),
      DetailItem("操作人", text: "\(record.principalName)（\(record.principalKind) \(record.principalID)）"),
      DetailItem("机构", text: record.unitName),
      DetailItem("操作", text: "\(label(action: record.action))（\(record.action)）"),
      DetailItem("对象", text: label(entity: record.entity)),
      DetailItem("结果", outcome(record.outcome)), DetailItem("用途", text: record.purpose),
      DetailItem("来源地址", text: record.remoteAddress, isCode: true),
      DetailItem("请求编号", text: record.requestID, isCode: true),
    ]
    if let id = record.record {
      let link = a(.href("/r/\(record.entity)/\(id)")) { "\(label(entity: record.entity)) \(id)" }
      items.insert(DetailItem("记录", catalogs.current.entity(record.entity) == nil ? .text(String(id)) : link), at: 5)
    }
    if let agent = record.details["agent"]?.string {
      items.append(DetailItem("浏览器和系统", text: AccountRoutes.device(agent)))
    }
    if record.details != .null {
      items.append(DetailItem("详情", text: record.details.text, isCode: true, isWide: true))
    }
    return try await visit.page("日志 \(record.id)", crumbs: [Crumb("审计日志", "/logs")]) { Card { DetailList(items) } }
  }

  // MARK: Statistics

  private func statistics(_ visit: Visit) async throws -> Response {
    try requireAuditor(visit)
    let today = site.clock.today()
    var filter = AuditFilter()
    filter.from = today.adding(days: -29).start
    let daily = try await AuditQuery(database).daily(filter)
    let visits = try await UsageLog.visits(from: today.adding(days: -29), to: today, in: database)
    var byDay: [CivilDate: (visits: Int64, operations: Int64, failed: Int64)] = [:]
    for row in daily {
      byDay[row.day, default: (0, 0, 0)].operations += row.count
      if AuditEntry.Outcome(rawValue: row.outcome) != AuditEntry.Outcome.allCases.first {
        byDay[row.day, default: (0, 0, 0)].failed += row.count
      }
    }
    for row in visits { byDay[row.day, default: (0, 0, 0)].visits += row.visits }
    let rows = byDay.keys.sorted(by: >).map { day in
      let counts = byDay[day] ?? (0, 0, 0)
      return TableRow(
        id: day.description, name: day.description, path: "/logs?time.from=\(day)&time.to=\(day)",
        cells: [
          .text(day.description), .text(grouped(Int(counts.visits))), .text(grouped(Int(counts.operations))),
          .text(grouped(Int(counts.failed))),
        ])
    }
    let totals = byDay.values.reduce((visits: Int64(0), operations: Int64(0), failed: Int64(0))) {
      ($0.visits + $1.visits, $0.operations + $1.operations, $0.failed + $1.failed)
    }
    return try await visit.page("访问与操作统计", layout: .wide, subtitle: "最近三十天", tabs: tabs("statistics", visit)) {
      TileRow([
        Tile("访问量", value: grouped(Int(totals.visits)), unit: "次"),
        Tile("操作", value: grouped(Int(totals.operations)), unit: "次", path: "/logs"),
        Tile("被拒或失败", value: grouped(Int(totals.failed)), unit: "次"),
      ])
      DataTable(
        caption: "每日访问与操作",
        columns: [Column("日期", .date), Column("访问量", .number), Column("操作", .number), Column("被拒或失败", .number)],
        rows: rows, opensPanel: false, empty: .empty("还没有统计", "系统使用一天后会有数据。"))
    }
  }

  private func calls(_ visit: Visit) async throws -> Response {
    try requireAuditor(visit)
    let now = site.clock.now()
    let calls = try await UsageLog.calls(from: now + -30 * 86400, to: now + 1, in: database)
    let rows = calls.map { call in
      TableRow(
        id: call.route, name: call.route, path: nil,
        cells: [
          .text(call.route), .text(grouped(Int(call.calls))), .text(grouped(Int(call.errors))),
          .text("\((call.milliseconds * 10).rounded() / 10) 毫秒"),
        ])
    }
    return try await visit.page("接口调用", layout: .wide, subtitle: "最近三十天", tabs: tabs("calls", visit)) {
      DataTable(
        caption: "接口调用",
        columns: [Column("接口", .wide), Column("调用", .number), Column("出错", .number), Column("平均用时", .number)],
        rows: rows, opensPanel: false, empty: .empty("还没有接口调用", "对接单位用密钥调用接口后，这里按接口统计。"))
    }
  }

  // MARK: Checking and taking away

  private func verify(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("audit", "verify"), toDo: "校验日志链")
    let report = try await AuditVerifier(database: database, keys: keys).verify()
    return try await visit.page("日志链校验", crumbs: [Crumb("审计日志", "/logs")]) {
      if let finding = report.finding {
        Notice(.danger, title: "日志链不完整") {
          p { finding.description }
          p { "请保留现场，立即通知安全保密管理员，并与离线导出的日志比对。" }
        }
      } else {
        Notice(.success, title: "日志链完整") { p { "共校验 \(grouped(Int(report.checked))) 条，没有发现改动或缺失。" } }
      }
    }
  }

  private func export(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("audit", "export"), toDo: "导出审计日志")
    let filter = try filter(visit.request.query)
    let database = database
    let actor = visit.principal
    let entry = AuditEntry(actor, "export", entity: "audit", origin: visit.request.origin)
    try await database.transaction { try await Audit(clock: site.clock).append(entry, in: $0) }
    var response = Response.stream(type: "text/csv; charset=utf-8") { writer in
      try await writer.write(Array("\u{FEFF}编号,时间,操作人,机构,操作,对象,记录,结果,来源地址,请求编号\r\n".utf8))
      let encoder = CSVEncoder()
      var before: Int64?
      while true {
        let page = try await AuditQuery(database).list(filter, before: before, limit: 1000)
        guard let last = page.last else { break }
        var bytes: [UInt8] = []
        for record in page {
          encoder.encode(
            [
              String(record.id), record.time.iso8601, record.principalName, record.unitName ?? "",
              label(action: record.action),
              label(entity: record.entity), record.record.map { String($0) } ?? "", record.outcome.label,
              record.remoteAddress ?? "",
              record.requestID ?? "",
            ], into: &bytes)
        }
        try await writer.write(bytes)
        before = last.id
      }
    }
    response.attach(as: "审计日志-\(site.clock.today()).csv")
    return response
  }
}
