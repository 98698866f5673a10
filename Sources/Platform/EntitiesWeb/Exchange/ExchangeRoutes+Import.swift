import Access
import Core
import Documents
import Entities
import Files
import HTML
import HTTP
import Shell
import Site

/// Sending a table, looking at what would become of it, and starting its import.
extension ExchangeRoutes {
  /// The register that a path names, if tables may come into it here.
  ///
  /// - Throws: ``Refusal`` without the right, or `import-closed`.
  func importing(_ visit: Visit) throws -> Register {
    let register = try pages.register(visit, to: "import")
    guard register.entity.importPath == "/r/\(register.entity.name)/import" else {
      throw Refusal(.notFound, "import-closed", "\(register.entity.label)不从这里导入。请从列表页重新进入。")
    }
    return register
  }

  // MARK: Sending

  func askFile(_ visit: Visit) async throws -> Response {
    let entity = try pages.register(visit, to: "import").entity
    if case .page(let path) = entity.imports { return .redirect(to: path) }
    return try await filePage(try importing(visit).entity, visit, error: nil)
  }

  private func filePage(_ entity: EntityDeclaration, _ visit: Visit, error: String?, status: Int = 200) async throws
    -> Response
  {
    let base = "/r/\(entity.name)/import"
    let runs = try await store.records(as: visit.principal, origin: visit.request.origin).importRuns(of: entity.name)
    return try await visit.page(
      "导入\(entity.label)", status: status, crumbs: [Crumb(entity.label, "/r/\(entity.name)")],
      subtitle: "每一行都会得到结论：新增、更新、无变化或未导入，并说明原因",
      actions: [Action("下载 Excel 模板", .download("\(base)/template"), icon: .download)],
      moreActions: [Action("下载 CSV 模板", .download("\(base)/template?as=csv"), icon: .download)]
    ) {
      FormView(
        path: base,
        sections: [
          FormSection(
            id: "file", "选择文件",
            fields: [
              Shell.Field(
                "file", "表格文件",
                .file(Control.FileField(accept: ".xlsx,.csv,.txt", limit: "XLSX 或 CSV（UTF-8、GB18030），不超过 200 MB")),
                isRequired: true, help: "第一行是表头。列名与模板相同时自动对应，其余可在下一步手工对应。", error: error)
            ])
        ], errors: error.map { [FieldError("file", $0)] } ?? [],
        submit: Action("上传并预览", .submit(name: nil, value: nil), style: .primary), cancelPath: "/r/\(entity.name)",
        isMultipart: true, note: "预览之前不会写入任何\(entity.label)。")
      Card("最近的导入", isFlush: true) { runsTable(runs, base) }
    }
  }

  private func runsTable(_ runs: [ImportRun], _ base: String) -> DataTable {
    DataTable(
      caption: "最近的导入",
      columns: [
        Column("文件", .wide), Column("时间", .date), Column("新增", .number), Column("更新", .number),
        Column("无变化", .number), Column("未导入", .number), Column("状态", .state),
      ],
      rows: runs.map { run in
        TableRow(
          id: String(run.id), name: run.spec.label, path: "\(base)/\(run.id)",
          cells: [
            .text(run.spec.label), .text(run.startedAt.display), .text(grouped(run.tally.created)),
            .text(grouped(run.tally.updated)), .text(grouped(run.tally.unchanged)), .text(grouped(run.tally.rejected)),
            (run.isFinished ? Badge("已完成", .success) : Badge("未完成", .warning)).html,
          ])
      }, opensPanel: false, empty: .empty("还没有导入过", "下载模板填写，或直接选择已有的表格。"))
  }

  func template(_ visit: Visit) async throws -> Response {
    let entity = try importing(visit).entity
    let template = ImportTemplate(entity: entity, catalog: store.catalog)
    if visit.request.query.first("as") == "csv" {
      var response = Response.bytes(template.csv, type: "text/csv; charset=utf-8")
      response.attach(as: "\(entity.label)导入模板.csv")
      return response
    }
    // What was answered so far kept the connection's thread; putting a workbook together must not.
    await Task.yield()
    let file = try temporaryFile()
    try template.writeWorkbook(to: file.path, created: site.clock.now())
    return file.response(named: "\(entity.label)导入模板.xlsx")
  }

  func receive(_ visit: Visit) async throws -> Response {
    let entity = try importing(visit).entity
    guard let sent = try await visit.request.body.form().file("file"), sent.size > 0 else {
      return try await filePage(entity, visit, error: "请选择一个文件。", status: 422)
    }
    do {
      _ = try TableHead(path: sent.path, rows: 1)
      let file = try await files.put(
        path: sent.path, name: sent.filename, classification: ExchangeRoutes.classification(of: entity),
        policy: .tables,
        by: visit.principal)
      return .redirect(to: "/r/\(entity.name)/import/preview/\(file.key)")
    } catch let refusal as Refusal {
      return try await filePage(entity, visit, error: refusal.message, status: refusal.kind.status)
    }
  }

  /// A table is as secret as the most secret field it may hold.
  private static func classification(of entity: EntityDeclaration) -> Classification {
    let fields = ImportSpec.fields(of: entity).map(\.classification)
    return ([entity.personal ? .sensitive : .inner] + fields).max() ?? .sensitive
  }

  // MARK: Looking

  /// A table that this person sent; another's looks missing.
  private func waiting(_ visit: Visit) async throws -> StoredFile {
    let file = try await files.find(try visit.request.parameter("file"))
    guard file.createdBy == visit.principal.actor, file.owner == nil else {
      throw Refusal(.notFound, "import-file", "没有找到上传的文件，可能已过保留期。请重新上传。")
    }
    return file
  }

  private func draft(_ entity: EntityDeclaration, _ file: StoredFile, _ items: QueryItems) async throws -> ImportDraft {
    let sheet = items.first("sheet").flatMap { $0.isEmpty ? nil : $0 }
    let head = try await files.withPath(of: file) { try TableHead(path: $0, sheet: sheet) }
    return ImportDraft(entity, head, items)
  }

  func preview(_ visit: Visit) async throws -> Response {
    let entity = try importing(visit).entity
    let file = try await waiting(visit)
    let draft = try await draft(entity, file, visit.request.query)
    return try await previewPage(draft, file, visit)
  }

  private func previewPage(_ draft: ImportDraft, _ file: StoredFile, _ visit: Visit, problem known: Refusal? = nil)
    async throws -> Response
  {
    var outcomes: [ImportOutcome] = []
    var problem = known
    if problem == nil {
      do {
        let records = store.records(as: visit.principal, origin: visit.request.origin)
        outcomes = try await RecordImporter(records, draft.spec(label: file.name)).preview(draft.head.rows)
      } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .unprocessable {
        problem = refusal
      }
    }
    let page = ImportPreviewPage(draft: draft, file: file, outcomes: outcomes, problem: problem, visit: visit)
    return try await page.response(status: known == nil ? 200 : 422)
  }

  // MARK: Starting

  func start(_ visit: Visit) async throws -> Response {
    let entity = try importing(visit).entity
    let file = try await waiting(visit)
    let draft = try await draft(entity, file, try await visit.request.body.form().fields)
    do {
      let queued = try await store.queueImport(
        draft.spec(label: file.name), of: file, sheet: draft.head.sheet, by: visit.principal, on: jobs)
      return .redirect(to: "/jobs/\(queued.job)")
    } catch let refusal as Refusal where refusal.kind == .invalid {
      return try await previewPage(draft, file, visit, problem: refusal)
    }
  }
}

extension FilePolicy {
  /// 表格; what is inside is found out by reading it.
  fileprivate static let tables = FilePolicy(maximumSize: 200 << 20, description: "XLSX 或 CSV 表格") { kind in
    switch kind {
    case .xlsx, .zip, .text, .unknown: true
    default: false
    }
  }
}
