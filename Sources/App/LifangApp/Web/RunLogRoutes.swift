import Access
import Audit
import Core
import Documents
import HTML
import HTTP
import SQL
import Shell
import Site

/// What the server itself logged (系统日志), by level, event, time and words (C-257, C-551): for operators who have no shell.
struct RunLogRoutes: Sendable {
  let site: Site
  let deployment: Deployment

  private static let path = "/operation/exceptions"

  func register(in router: inout Router) {
    router.on(.get, "/operation/exceptions", at: site) { visit in try await list(visit) }
    router.on(.get, "/operation/exceptions/export", at: site) { visit in try await export(visit) }
  }

  private static let levels: [(code: String, label: String, tone: Tone)] = [
    ("error", "异常", .danger), ("warning", "警告", .warning), ("info", "信息", .neutral),
  ]

  private static let events = [
    "request-failed": "请求处理出错", "sql-slow": "慢查询", "ferry-alarm": "摆渡告警", "ferry-rejected": "摆渡拒收文件",
    "ferry-stopped": "摆渡停止", "ferry-apply-failed": "摆渡数据处理出错", "case-timer": "办件时限未能执行",
    "job-failed": "后台任务出错", "usage-flush-failed": "访问统计写入失败", "stopping": "平台停止",
    "cluster-made": "数据库建立", "cluster-started": "数据库启动", "cluster-stopped": "数据库停止", "migration-applied": "数据库结构升级",
  ]

  /// What was asked for.
  private struct Asked: Sendable {
    var level = ""
    var event = ""
    var words = ""
    var since: CivilDate?
    var until: CivilDate?

    init(_ query: QueryItems) throws(Refusal) {
      func day(_ name: String) throws(Refusal) -> CivilDate? {
        guard let text = query.first(name), !text.isEmpty else { return nil }
        guard let day = CivilDate(text) else {
          throw Refusal(.invalid, "query-value", "“\(text.prefix(20))”不是日期。请写成 2026-11-21。", field: name)
        }
        return day
      }
      level = query.first("level").flatMap { text in RunLogRoutes.levels.first { $0.code == text }?.code } ?? ""
      event = query.first("event").flatMap { RunLogRoutes.events[$0] == nil ? nil : $0 } ?? ""
      words = String((query.first("q") ?? "").prefix(100))
      since = try day("time.from")
      until = try day("time.to")
    }

    var isNarrowed: Bool { !level.isEmpty || !event.isEmpty || !words.isEmpty || since != nil || until != nil }

    var condition: SQL {
      var parts: [SQL] = ["true"]
      if !level.isEmpty { parts.append("r.level = \(level)") }
      if !event.isEmpty { parts.append("r.event = \(event)") }
      if let since { parts.append("r.at >= \(since.start)") }
      if let until { parts.append("r.at < \(until.adding(days: 1).start)") }
      for word in words.split(separator: " ").map(String.init) {
        parts.append(
          "(r.request = \(word) or position(lower(\(word)::text) in lower(r.event || ' ' || r.node || ' ' || r.detail)) > 0)"
        )
      }
      return SQL.join(parts, separator: " and ")
    }
  }

  private struct Line {
    let id: Int64
    let at: Instant
    let level: String
    let event: String
    let node: String
    let request: String?
    let detail: String
    /// Whoever it happened to, where the audit knows the request.
    let person: String?
  }

  /// The newest first.
  private func lines(_ asked: Asked, before: Int64?, limit: Int) async throws -> [Line] {
    let page: SQL = before.map { "and r.id < \($0)" } ?? ""
    return try await deployment.owner.query(
      """
      select r.*, (select a.principal_name from audit_entry a where a.request_id = r.request and a.occurred_at
          between r.at - interval '1 minute' and r.at + interval '1 minute' order by a.id limit 1) as person
      from run_event r where \(asked.condition) \(page) order by r.id desc limit \(limit)
      """
    ).map {
      Line(
        id: try $0.get("id"), at: try $0.get("at"), level: try $0.get("level"), event: try $0.get("event"),
        node: try $0.get("node"), request: try $0.get("request"), detail: try $0.get("detail"),
        person: try $0.get("person"))
    }
  }

  private static func label(level: String) -> String { levels.first { $0.code == level }?.label ?? level }

  // MARK: List

  private func list(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("platform", "view"), toDo: "查看系统日志")
    let query = visit.request.query
    let asked = try Asked(query)
    let found = try await lines(asked, before: query.first("before").flatMap { Int64($0) }, limit: 51)
    let rows = found.prefix(50).map { line in
      TableRow(
        id: String(line.id), name: RunLogRoutes.events[line.event] ?? line.event, path: nil,
        cells: [
          .text(line.at.display),
          Badge(
            RunLogRoutes.label(level: line.level),
            RunLogRoutes.levels.first { $0.code == line.level }?.tone ?? .neutral
          ).html,
          .text(RunLogRoutes.events[line.event] ?? line.event), .text(line.detail), .text(line.person ?? "系统"),
          .text(line.request ?? "—"),
        ])
    }
    let table = DataTable(
      caption: "系统日志",
      columns: [
        Column("时间", .date), Column("级别", .state), Column("事件"), Column("详情", .wide), Column("操作人"),
        Column("请求编号", .code),
      ], rows: Array(rows), opensPanel: false,
      empty: asked.isNarrowed
        ? .nothingFound("没有符合条件的记录", "换一个条件试试。", clear: RunLogRoutes.path)
        : .empty("还没有记录", "系统启动、出错或变慢时会记在这里，保留 90 天。", icon: .success))
    let mayExport = visit.principal.may(Permission("platform", "export"))
    return try await visit.page(
      "系统日志", layout: .wide, crumbs: [Crumb("运行情况", "/operation")],
      actions: mayExport
        ? [Action("导出", .download("/operation/exceptions/export?\(query.encoded)"), icon: .download)] : []
    ) {
      filters(asked)
      table
      if found.count > 50 {
        p(.class("pager")) {
          a(
            .class("button button-normal"),
            .href("\(RunLogRoutes.path)?\(query.setting("before", to: String(found[49].id)).encoded)")
          ) { "更早的记录" }
        }
      }
    }
  }

  private func filters(_ asked: Asked) -> FilterBar {
    FilterBar(
      path: RunLogRoutes.path, search: nil,
      basic: [
        Shell.Field(
          "level", "级别", .select(asked.level, RunLogRoutes.levels.map { Choice($0.code, $0.label) }, blank: "全部")),
        Shell.Field("q", "文字", .text(asked.words, .init(maximum: 100, placeholder: "详情、节点或请求编号", type: "search"))),
        Shell.Field(
          "time", "时间",
          .dateRange(from: asked.since?.description ?? "", to: asked.until?.description ?? "")),
      ],
      more: [
        Shell.Field(
          "event", "事件",
          .select(
            asked.event, RunLogRoutes.events.sorted { $0.key < $1.key }.map { Choice($0.key, $0.value) }, blank: "全部"))
      ])
  }

  // MARK: Export

  private func export(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("platform", "export"), toDo: "导出系统日志")
    let asked = try Asked(visit.request.query)
    let entry = AuditEntry(visit.principal, "platform.export", entity: "platform", origin: visit.request.origin)
    try await deployment.database.transaction { try await Audit(clock: site.clock).append(entry, in: $0) }
    var response = Response.stream(type: "text/csv; charset=utf-8") { writer in
      let encoder = CSVEncoder()
      var bytes: [UInt8] = []
      encoder.begin(into: &bytes)
      encoder.encode(["时间", "级别", "事件", "节点", "请求编号", "详情"], into: &bytes)
      var before: Int64?
      while true {
        let page = try await lines(asked, before: before, limit: 1000)
        for line in page {
          encoder.encode(
            [
              line.at.iso8601, RunLogRoutes.label(level: line.level), line.event, line.node, line.request ?? "",
              line.detail,
            ], into: &bytes)
        }
        try await writer.write(bytes)
        bytes = []
        guard page.count == 1000, let last = page.last else { break }
        before = last.id
      }
    }
    response.attach(as: "系统日志-\(site.clock.today()).csv")
    return response
  }
}
