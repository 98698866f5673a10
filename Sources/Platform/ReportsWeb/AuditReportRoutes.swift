import Access
import Audit
import Core
import Entities
import HTML
package import HTTP
package import Reports
import Shell
package import Site

/// What the audit of a period comes to, for the auditor: looked at over any days, printed, and issued (审计报告, C-616).
package struct AuditReportRoutes: Sendable {
  let site: Site
  let office: AuditOffice

  package init(site: Site, office: AuditOffice) {
    self.site = site
    self.office = office
  }

  package func register(in router: inout Router) {
    router.on(.get, "/logs/report", at: site) { visit in try await show(visit) }
    router.on(.get, "/logs/report/issue", at: site) { visit in try await ask(visit) }
    router.on(.post, "/logs/report/issue", at: site) { visit in try await issue(visit) }
  }

  /// No longer than a year of entries is read for one page.
  private static let longest = 366

  /// The days that were asked for; without any, the month so far.
  private func span(_ items: QueryItems) throws(Refusal) -> ReportSpan {
    let today = office.today
    guard let since = try items.day("since") else {
      return try ReportSpan(since: ReportSpan(.month, containing: today).since, until: today)
    }
    let span = try ReportSpan(since: since, until: try items.day("until") ?? today)
    guard span.until.daysSinceEpoch - span.since.daysSinceEpoch < AuditReportRoutes.longest else {
      throw Refusal(.invalid, "report-span", "一份审计报告最长一年，没有统计。请缩短时段。", field: "since")
    }
    return span
  }

  private func show(_ visit: Visit) async throws -> Response {
    let span = try span(visit.request.query)
    let sheet = try await office.look(span, by: visit.principal, origin: visit.request.origin)
    let query = "since=\(span.since)&until=\(span.until)"
    let before = ReportSpan.latest(.month, before: office.today)
    return try await visit.page(
      "审计报告", layout: .wide, crumbs: [Crumb("审计日志", "/logs")], subtitle: span.text,
      actions: [
        Action("出具报告", .dialog("/logs/report/issue?\(query)"), style: .primary, icon: .document),
        Action("打印本页", .print, icon: .print), Action("已出报告", .link("/r/\(AuditOffice.register)"), icon: .list),
      ]
    ) {
      FilterBar(
        path: "/logs/report", search: nil,
        basic: [
          Shell.Field("since", "从", .date("\(span.since)")), Shell.Field("until", "到", .date("\(span.until)")),
        ])
      p(.class("field-help")) {
        a(.href("/logs/report?since=\(before.since)&until=\(before.until)")) { "上一个月（\(before.text)）" }
        " · "
        a(.href("/logs/report")) { "本月到今天" }
      }
      AuditReportRoutes.tiles(sheet.totals, query: "time.from=\(span.since)&time.to=\(span.until)")
      AuditReportRoutes.remarks(sheet)
      for section in sheet.sections {
        Card(section.title, isFlush: !section.rows.isEmpty) { AuditReportRoutes.table(section) }
      }
    }
  }

  private static func tiles(_ totals: AuditSurvey.Totals, query: String) -> TileRow {
    func number(_ count: Int64) -> String { grouped(Int(count)) }
    return TileRow([
      Tile(
        "日志", value: number(totals.entries), unit: "条", note: "\(number(totals.people)) 个账号", path: "/logs?\(query)"),
      Tile(
        "登录", value: number(totals.signIns), unit: "次", note: "失败 \(number(totals.refusedSignIns)) 次",
        noteTone: totals.refusedSignIns > 0 ? .warning : .neutral, path: "/logs?\(query)&action=session."),
      Tile(
        "查看个人信息", value: number(totals.looks), unit: "次", note: "完整信息 \(number(totals.reveals)) 次"),
      Tile("导出", value: number(totals.exports), unit: "次", path: "/logs?\(query)&action=export"),
      Tile("账号权限改动", value: number(totals.changes), unit: "次"),
      Tile(
        "被拒绝", value: number(totals.refusals), unit: "次", note: "失败 \(number(totals.failures)) 次",
        path: "/logs?\(query)&outcome=refused"),
    ])
  }

  private static func remarks(_ sheet: AuditSheet) -> HTML {
    Card("值得注意") {
      if sheet.remarks.isEmpty {
        p { "按设定的阈值，没有发现需要核查的情况。" }
      } else {
        ul { for remark in sheet.remarks { li { remark } } }
      }
      p(.class("field-help")) { sheet.chainText }
    }.html
  }

  @HTMLBuilder private static func table(_ section: AuditSheet.Section) -> HTML {
    if section.rows.isEmpty {
      p { section.empty }
    } else {
      DataTable(
        caption: section.title,
        columns: section.headings.map { Column($0.title, $0.isNumber ? .number : .text, isOnPhone: true) },
        rows: section.rows.enumerated().map { index, row in
          TableRow(id: "\(index)", name: row.first ?? "", path: nil, cells: row.map { .text($0) })
        }, opensPanel: false, empty: .empty("没有记录", section.empty))
    }
  }

  // MARK: Issuing

  private func ask(_ visit: Visit) async throws -> Response {
    try visit.principal.require(AuditOffice.report, toDo: "出具审计报告")
    let span = try span(visit.request.query)
    var consequences = ["从头校验日志链，编号留存 PDF、Excel 和 Word，此后不再改变。日志多时需要一会儿。"]
    if span.until >= office.today { consequences.append("这段时间还没有结束，数字只到现在为止。") }
    return try await visit.confirmation(
      Confirmation(
        title: "出具审计报告（\(span.text)）", consequences: consequences, path: "/logs/report/issue",
        hidden: [HiddenField("since", "\(span.since)"), HiddenField("until", "\(span.until)")], submit: "出具报告",
        cancelPath: "/logs/report?since=\(span.since)&until=\(span.until)"))
  }

  private func issue(_ visit: Visit) async throws -> Response {
    let span = try span(try await visit.request.body.form().fields)
    let issued = try await office.issue(span, by: visit.principal, origin: visit.request.origin)
    let number = issued["number"].text ?? ""
    if visit.wantsJSON { return .json(["id": .int(issued.id), "number": .string(number)]) }
    return try visit.redirect(
      to: "/r/\(AuditOffice.register)/\(issued.id)", saying: "已出具审计报告（\(span.text)），编号 \(number)。")
  }
}
