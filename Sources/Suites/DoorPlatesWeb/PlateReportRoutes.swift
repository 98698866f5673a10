import Access
import Core
import Documents
import DoorPlates
package import Entities
import HTML
package import HTTP
import Shell
package import Site

/// 批量反馈: a file or a call with many plates: the maker's progress, and what was mounted.
package struct PlateReportRoutes: Sendable {
  let site: Site
  let reports: PlateReports

  private static let maximumBody = 8 << 20

  package init(site: Site, store: RecordStore) {
    self.site = site
    reports = PlateReports(store: store)
  }

  package func register(in router: inout Router) {
    router.on(.post, "/api/plates/reports", at: site) { visit in try await call(visit) }
    router.on(.get, "/plates/reports", at: site) { visit in try await ask(visit, nil) }
    router.on(.post, "/plates/reports", maximumBody: PlateReportRoutes.maximumBody, at: site) { visit in
      try await read(visit)
    }
  }

  /// `{"items": [{"number": "MP…", "state": "making|made|abnormal|install", "note": "…"}]}`; `code` in place of `number`.
  private func call(_ visit: Visit) async throws -> Response {
    let body = try await visit.request.body.json()
    guard let items = body["items"]?.array, !items.isEmpty else {
      throw Refusal(
        .invalid, "report-form", "请求里没有 items，没有改动。写成 {\"items\":[{\"number\":…,\"state\":…}]}。", field: "items")
    }
    let lines = try items.enumerated().map { index, item throws(Refusal) in
      guard let key = item["number"]?.string ?? item["code"]?.string, let name = item["state"]?.string,
        let kind = PlateReports.Kind(rawValue: name)
      else {
        throw Refusal(
          .invalid, "report-form",
          "第 \(index + 1) 条应有 number（或 code）和 state（\(PlateReports.Kind.allCases.map(\.rawValue).joined(separator: "、"))），没有改动。",
          field: "items")
      }
      return PlateReports.Line(key: key, kind: kind, note: item["note"]?.string ?? "")
    }
    let outcomes = try await reports.take(lines, by: visit.principal, origin: visit.request.origin)
    return .json([
      "done": .int(Int64(outcomes.filter { $0.refusal == nil }.count)),
      "items": .array(
        outcomes.map { outcome in
          [
            "key": .string(outcome.line.key), "state": .string(outcome.line.kind.rawValue),
            "outcome": .string(outcome.refusal == nil ? "done" : "refused"),
            "code": outcome.refusal.map { .string($0.code) } ?? .null,
            "message": outcome.refusal.map { .string($0.message) } ?? .null,
          ]
        }),
    ])
  }

  // MARK: Files

  /// What this principal may report.
  private func kinds(_ visit: Visit) -> [PlateReports.Kind] {
    PlateReports.Kind.allCases.filter { visit.principal.may(Permission("door_plate", $0.rawValue)) }
  }

  private func ask(_ visit: Visit, _ refusal: Refusal?) async throws -> Response {
    let kinds = kinds(visit)
    guard !kinds.isEmpty else { throw PlateReportRoutes.forbidden }
    return try await visit.page(
      "批量反馈门牌", status: refusal?.kind.status ?? 200, subtitle: "用一张表格反馈多块门牌的制作或安装情况"
    ) {
      Card("上传表格") {
        if let refusal { Notice(.danger, refusal.message) }
        p { "第一行是标题，要有“门牌编号”或“地址编码”；报异常的还要有“原因”。制牌包里的门牌清单可以直接使用。一行一块，最多 \(PlateReports.limit) 块。" }
        p(.class("field-help")) { "逐行办理；不能办理的列出原因，不影响其他行。" }
        element("form", .class("form"), .method(.post), .action("/plates/reports"), .multipart()) {
          formTokenField()
          Shell.Field(
            "state", "反馈为", .radio(kinds.first?.rawValue ?? "", kinds.map { Choice($0.rawValue, $0.label) }),
            isRequired: true)
          Shell.Field(
            "file", "表格", .file(.init(accept: ".xlsx,.csv", limit: "XLSX 或 CSV，8 MB 以内")), isRequired: true,
            error: refusal?.message)
          div(.class("dialog-actions")) { Action("提交反馈", .submit(name: nil, value: nil), style: .primary) }
        }
      }
    }
  }

  private static let forbidden = Refusal(
    .forbidden, "permission-missing", "您没有反馈门牌制作或安装的权限。需要时请联系本单位的系统管理员。")

  private func read(_ visit: Visit) async throws -> Response {
    let form = try await visit.request.body.form()
    guard let kind = PlateReports.Kind(rawValue: form.first("state") ?? ""), kinds(visit).contains(kind) else {
      throw PlateReportRoutes.forbidden
    }
    let lines: [PlateReports.Line]
    do {
      guard let file = form.files.first, file.size > 0 else {
        throw Refusal(.invalid, "file-missing", "没有收到表格，没有改动。请选择文件后再提交。", field: "file")
      }
      lines = try PlateReportRoutes.lines(file.path, kind)
    } catch let refusal as Refusal {
      return try await ask(visit, refusal)
    }
    let outcomes = try await reports.take(lines, by: visit.principal, origin: visit.request.origin)
    let refused = outcomes.filter { $0.refusal != nil }
    return try await visit.page(
      "批量反馈结果", subtitle: "反馈为“\(kind.label)”",
      actions: [Action("再反馈一批", .link("/plates/reports")), Action("门牌列表", .link("/r/door_plate"))]
    ) {
      Notice(refused.isEmpty ? .success : .warning, "办理 \(outcomes.count - refused.count) 块，未办理 \(refused.count) 块。")
      if !refused.isEmpty {
        DataTable(
          caption: "未办理的门牌", columns: [Column("门牌编号或地址编码", .code), Column("原因", .wide)],
          rows: refused.enumerated().map { index, outcome in
            TableRow(
              id: String(index), name: outcome.line.key,
              path: "/r/door_plate?q=\(PercentEncoding.encode(outcome.line.key))",
              cells: [.text(outcome.line.key), .text(outcome.refusal?.message ?? "")])
          }, opensPanel: false, empty: .empty("全部办理", "没有未办理的门牌。"))
      }
    }
  }

  private static func lines(_ path: String, _ kind: PlateReports.Kind) throws -> [PlateReports.Line] {
    let table = try TableReader(.file(path))
    guard let key = table.header.cells.firstIndex(where: { ["门牌编号", "编号", "地址编码"].contains($0) }) else {
      throw Refusal(.unprocessable, "report-column", "表格第一行里没有“门牌编号”或“地址编码”，没有改动。", field: "file")
    }
    let note = table.header.cells.firstIndex { ["原因", "异常原因", "备注"].contains($0) }
    var lines: [PlateReports.Line] = []
    while let row = try table.next() {
      let text = TableReader.trimmed(row[key])
      if text.isEmpty { continue }
      lines.append(.init(key: text, kind: kind, note: note.map { TableReader.trimmed(row[$0]) } ?? ""))
      if lines.count > PlateReports.limit { break }
    }
    guard !lines.isEmpty else {
      throw Refusal(.unprocessable, "table-empty", "表格里没有门牌，没有改动。请核对后重新上传。", field: "file")
    }
    return lines
  }
}
