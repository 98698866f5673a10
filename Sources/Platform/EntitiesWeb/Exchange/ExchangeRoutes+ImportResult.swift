import Access
import Core
import Documents
import Entities
import HTML
import HTTP
import Jobs
import Shell
import Site

/// What became of each row of an import, on a page and as a file that can be corrected and sent again.
extension ExchangeRoutes {
  /// Rows on a page.
  private static let pageSize = 100

  /// The import that a path names; one of another register looks missing.
  private func run(_ visit: Visit, of entity: EntityDeclaration) async throws -> ImportRun {
    let run = try await store.records(as: visit.principal, origin: visit.request.origin).importRun(
      try visit.request.integer("run"))
    guard run.spec.entity == entity.name else {
      throw Refusal(.notFound, "import-missing", "没有找到这次导入，可能已过保留期。")
    }
    return run
  }

  func result(_ visit: Visit) async throws -> Response {
    let entity = try importing(visit).entity
    let run = try await run(visit, of: entity)
    let query = visit.request.query
    let kind =
      query.first("outcome").flatMap(ImportOutcome.Result.init(rawValue:))
      ?? (run.tally.rejected > 0 ? .rejected : run.tally.created > 0 ? .created : .updated)
    let after = max(0, query.first("after").flatMap { Int($0) } ?? 0)
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    let found = try await records.importOutcomes(
      run.id, results: [kind], after: after, limit: ExchangeRoutes.pageSize + 1)
    let shown = Array(found.prefix(ExchangeRoutes.pageSize))
    let titles =
      visit.principal.may(.init(entity.name, "view"))
      ? try await records.titles(entity.name, shown.compactMap(\.record)) : [:]
    let base = "/r/\(entity.name)/import/\(run.id)"
    let here = "\(base)?outcome=\(kind.rawValue)"
    let active = try await activeJob(of: run)
    let nextPath = found.count > shown.count ? shown.last.map { "\(here)&after=\($0.row)" } : nil
    return try await visit.page(
      "导入结果：\(run.spec.label)", layout: .wide,
      crumbs: [Crumb(entity.label, "/r/\(entity.name)"), Crumb("导入", "/r/\(entity.name)/import")],
      badge: run.isFinished ? Badge("已完成", .success) : Badge("未完成", .warning),
      subtitle: "\(run.startedAt.display) 开始，\(run.spec.mode.label)，已处理 \(grouped(run.tally.total)) 行",
      actions: downloads(run, base), tabs: tabs(run, kind, base)
    ) {
      if !run.isFinished { unfinished(run, active) }
      table(run, entity, shown, titles, kind)
      steps(first: after > 0 ? here : nil, next: nextPath)
    }
  }

  private func downloads(_ run: ImportRun, _ base: String) -> [Action] {
    var actions = [Action("下载全部结果", .download("\(base)/rows.csv"), icon: .download)]
    if run.tally.rejected > 0 {
      actions.insert(
        Action("下载未导入的行", .download("\(base)/rows.csv?outcome=rejected"), style: .primary, icon: .download), at: 0)
    }
    return actions
  }

  private func tabs(_ run: ImportRun, _ current: ImportOutcome.Result, _ base: String) -> Tabs {
    Tabs(
      [ImportOutcome.Result.rejected, .created, .updated, .unchanged].map { result in
        Tabs.Tab(
          result.label, path: "\(base)?outcome=\(result.rawValue)", isCurrent: result == current,
          count: run.tally.count(of: result))
      }, label: "结论")
  }

  /// The job that still works on a run.
  private func activeJob(of run: ImportRun) async throws -> Job? {
    guard !run.isFinished else { return nil }
    let active = try await jobs.list(states: [.waiting, .running], kind: RecordImportJob.kind, limit: 500)
    return active.first { (try? RecordImportJob(json: $0.payload))?.run == run.id }
  }

  private func unfinished(_ run: ImportRun, _ job: Job?) -> Notice {
    if let job {
      return Notice(.info, "正在导入，已到第 \(run.lastRow) 行。", actions: [Action("看进度", .link("/jobs/\(job.id)"))])
    }
    return Notice(
      .warning, "这次导入没有做完：第 \(run.lastRow) 行以前已按下列结论处理并保留，其后的行没有导入。要继续，请重新上传同一个文件，已有的行会按编码识别。")
  }

  private func table(
    _ run: ImportRun, _ entity: EntityDeclaration, _ outcomes: [ImportOutcome], _ titles: [Int64: String],
    _ kind: ImportOutcome.Result
  ) -> DataTable {
    let isRejected = kind == .rejected
    let rows = outcomes.map { outcome -> Shell.TableRow in
      let field = outcome.field.flatMap { entity.field($0)?.label } ?? ""
      let title = outcome.record.map { titles[$0] ?? "记录 \($0)" } ?? ""
      let content = (outcome.cells ?? []).filter { !$0.isEmpty }.prefix(12).joined(separator: " | ")
      return Shell.TableRow(
        id: String(outcome.row), name: "第 \(outcome.row) 行",
        path: outcome.record.flatMap { titles[$0] == nil ? nil : "/r/\(entity.name)/\($0)" },
        cells: [.text(String(outcome.row)), Badge(outcome.result.label, outcome.result.tone).html]
          + (isRejected
            ? [.text(field), .text(outcome.reason ?? ""), .text(String(content.prefix(200)))] : [.text(title)]))
    }
    return DataTable(
      caption: "逐行结果",
      columns: [Column("行", .number), Column("结论", .state)]
        + (isRejected ? [Column("字段"), Column("原因", .wide), Column("原文", .wide)] : [Column(entity.label, .wide)]),
      rows: rows, opensPanel: false, empty: .empty("没有这一类的行", "换一个结论看看。"))
  }

  private func steps(first: String?, next: String?) -> ActionBar {
    ActionBar(
      [first.map { Action("回到第一页", .link($0)) }, next.map { Action("下一页", .link($0)) }].compactMap { $0 })
  }

  // MARK: The file

  /// The rows with their outcome; those that were not imported with their cells under the headings that an import
  /// recognises, so that they can be corrected in place.
  func rows(_ visit: Visit) async throws -> Response {
    let entity = try importing(visit).entity
    let run = try await run(visit, of: entity)
    let kind = visit.request.query.first("outcome").flatMap(ImportOutcome.Result.init(rawValue:))
    let results = kind.map { [$0] } ?? Set(ImportOutcome.Result.allCases)
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    let mapped = run.spec.columns.enumerated().compactMap { column, name in
      name.flatMap { entity.field($0) }.map { (column: column, heading: ImportTemplate.heading($0)) }
    }
    var response = Response.stream(type: "text/csv; charset=utf-8") { writer in
      let encoder = CSVEncoder()
      var bytes: [UInt8] = []
      encoder.begin(into: &bytes)
      encoder.encode(["导入行号", "导入结论", "导入说明", "记录编号"] + mapped.map(\.heading), into: &bytes)
      var last = 0
      while true {
        let page = try await records.importOutcomes(run.id, results: results, after: last, limit: 2000)
        for outcome in page {
          let cells = mapped.map { ExchangeRoutes.cell($0.column, of: outcome) }
          let known = [
            String(outcome.row), outcome.result.label, outcome.reason ?? "", outcome.record.map { String($0) } ?? "",
          ]
          encoder.encode(known + cells, into: &bytes)
        }
        try await writer.write(bytes)
        bytes.removeAll(keepingCapacity: true)
        guard page.count == 2000, let end = page.last else { return }
        last = end.row
      }
    }
    response.attach(as: "\(entity.label)导入结果-\(run.id).csv")
    return response
  }

  private static func cell(_ column: Int, of outcome: ImportOutcome) -> String {
    guard let cells = outcome.cells, column < cells.count else { return "" }
    return cells[column]
  }
}

extension ImportTally {
  func count(of result: ImportOutcome.Result) -> Int {
    switch result {
    case .created: created
    case .updated: updated
    case .unchanged: unchanged
    case .rejected: rejected
    }
  }
}
