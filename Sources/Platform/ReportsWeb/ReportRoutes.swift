import Access
import Core
import Entities
import EntitiesWeb
import Files
import HTML
package import HTTP
package import Reports
import Shell
package import Site

/// Working a report out over any days, issuing it, and printing what was issued (业务报表打印、制式报表打印).
package struct ReportRoutes: Sendable {
  let site: Site
  let office: ReportOffice

  package init(site: Site, office: ReportOffice) {
    self.site = site
    self.office = office
  }

  package func register(in router: inout Router) {
    router.on(.get, "/reports/{id}", at: site) { visit in try await show(visit) }
    router.on(.get, "/reports/{id}/issue", at: site) { visit in try await ask(visit) }
    router.on(.post, "/reports/{id}/issue", at: site) { visit in try await issue(visit) }
    router.on(.get, "/issued-reports/{id}/pdf", at: site) { visit in try await print(visit) }
  }

  private func entry(_ visit: Visit) async throws -> (entry: Record, report: ReportDefinition) {
    let records = office.store.records(as: visit.principal, origin: visit.request.origin)
    let entry = try await records.get(ReportOffice.register, try visit.request.integer("id"))
    return (entry, try office.definition(of: entry))
  }

  /// The days that were asked for; without any, the last period that is over.
  private func span(_ items: QueryItems, _ report: ReportDefinition) throws(Refusal) -> ReportSpan {
    let (since, until) = (try items.day("since"), try items.day("until"))
    if let since, report.form == .fixed { return ReportSpan(report.period, containing: since) }
    guard let since, let until else {
      return ReportSpan.latest(report.period, before: office.store.clock.today())
    }
    return try ReportSpan(since: since, until: until)
  }

  // MARK: Working out

  private func show(_ visit: Visit) async throws -> Response {
    let (entry, report) = try await entry(visit)
    let span = try span(visit.request.query, report)
    let table = try await office.count(report, span, as: visit.principal, origin: visit.request.origin)
    let query = "since=\(span.since)&until=\(span.until)"
    var actions: [Action] = []
    if visit.principal.may(ReportOffice.issue) {
      actions.append(
        Action("出具报表", .dialog("/reports/\(entry.id)/issue?\(query)"), style: .primary, icon: .document))
    }
    actions.append(Action("打印本页", .print, icon: .print))
    if visit.principal.may(Permission(ReportOffice.issued, "view")) {
      actions.append(Action("已出报表", .link("/r/\(ReportOffice.issued)?report_id=\(entry.id)"), icon: .list))
    }
    let before = ReportSpan.latest(report.period, before: span.since)
    let now = ReportSpan(report.period, containing: office.store.clock.today())
    return try await visit.page(
      report.title, layout: .wide, crumbs: [Crumb("报表", "/r/\(ReportOffice.register)?view=\(report.form.rawValue)")],
      subtitle: "\(span.text) · 按您的数据范围统计", actions: actions
    ) {
      FilterBar(
        path: "/reports/\(entry.id)", search: nil,
        basic: report.form == .fixed
          ? [Shell.Field("since", "\(report.period.label)报，哪一天所在的\(report.period.label)", .date("\(span.since)"))]
          : [
            Shell.Field("since", "从", .date("\(span.since)")), Shell.Field("until", "到", .date("\(span.until)")),
          ])
      p(.class("field-help")) {
        a(.href("/reports/\(entry.id)?since=\(before.since)&until=\(before.until)")) { "上一期（\(before.text)）" }
        " · "
        a(.href("/reports/\(entry.id)?since=\(now.since)&until=\(now.until)")) { "本期（\(now.text)，还没有结束的统计到现在）" }
      }
      if let note = report.note { p(.class("field-help")) { "说明：\(note)" } }
      Card(report.title, isFlush: true) { ReportRoutes.view(table, report) }
    }
  }

  private static func view(_ table: ReportTable, _ report: ReportDefinition) -> DataTable {
    DataTable(
      caption: report.title,
      columns: [Column(table.heading, .text)] + table.columns.map { Column($0, .number, isOnPhone: true) },
      rows: table.rows.enumerated().map { index, row in
        TableRow(id: "\(index)", name: row.label, path: nil, cells: [.text(row.label)] + row.cells.map(cell))
      }, opensPanel: false,
      totals: [.text("合计")] + table.totals.map { .text($0.isNull ? "" : $0.plainText) },
      empty: .empty("没有可统计的记录", "这段时间，您的数据范围内没有\(table.columns.joined(separator: "、"))。换一个时段再看。"))
  }

  private static func cell(_ cell: ReportTable.Cell) -> HTML {
    guard let list = cell.list else { return .text(cell.text) }
    let items = QueryItems(list.items.map { QueryItems.Item(name: $0.name, value: $0.value) })
    return a(.href("/r/\(list.register)?\(items.encoded)")) { cell.text }
  }

  // MARK: Issuing

  private func ask(_ visit: Visit) async throws -> Response {
    try visit.principal.require(ReportOffice.issue, toDo: "出具报表")
    let (entry, report) = try await entry(visit)
    let span = try span(visit.request.query, report)
    var consequences = ["编号留存 PDF 和 Excel，此后数据再变，这份报表也不变。"]
    if span.until >= office.store.clock.today() { consequences.append("这一期还没有结束，数字只到现在为止。") }
    return try await visit.confirmation(
      Confirmation(
        title: "出具“\(report.label)”（\(span.text)）", consequences: consequences, path: "/reports/\(entry.id)/issue",
        hidden: [HiddenField("since", "\(span.since)"), HiddenField("until", "\(span.until)")], submit: "出具报表",
        cancelPath: "/reports/\(entry.id)?since=\(span.since)&until=\(span.until)"))
  }

  private func issue(_ visit: Visit) async throws -> Response {
    let (entry, report) = try await entry(visit)
    let span = try span(try await visit.request.body.form().fields, report)
    let issued = try await office.issue(entry, span, by: visit.principal, origin: visit.request.origin)
    if visit.wantsJSON {
      return .json(["id": .int(issued.id), "number": .string(issued["number"].text ?? "")])
    }
    return try visit.redirect(
      to: "/r/\(ReportOffice.issued)/\(issued.id)",
      saying: "已出具“\(report.label)”（\(span.text)），编号 \(issued["number"].text ?? "")。")
  }

  // MARK: Printing

  /// The PDF as it was issued, shown so that it can be printed; each look counts.
  private func print(_ visit: Visit) async throws -> Response {
    let file = try await office.print(
      try visit.request.integer("id"), by: visit.principal, origin: visit.request.origin)
    let files = office.files
    var response = Response.stream(type: file.contentType) { writer in
      try await files.read(file) { try await writer.write($0) }
    }
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
  }
}
