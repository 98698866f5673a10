import Core
import Entities
import Files
import HTML
import HTTP
import Shell
import Site

/// What would become of the first rows, and how the columns of the table are matched with fields.
struct ImportPreviewPage {
  let draft: ImportDraft
  let file: StoredFile
  let outcomes: [ImportOutcome]
  /// Why the import cannot be started as it stands.
  let problem: Refusal?
  let visit: Visit

  private var entity: EntityDeclaration { draft.entity }
  private var base: String { "/r/\(entity.name)/import" }
  private var path: String { "\(base)/preview/\(file.key)" }

  func response(status: Int = 200) async throws -> Response {
    try await visit.page(
      "预览：\(file.name)", status: status, layout: .wide,
      crumbs: [Crumb(entity.label, "/r/\(entity.name)"), Crumb("导入", base)], subtitle: "还没有写入任何\(entity.label)"
    ) {
      if let problem { Notice(.danger, title: "还不能开始导入") { p { problem.message } } }
      if problem == nil, !draft.missing.isEmpty { Notice(.warning, missingText) }
      Card("列的对应", isFlush: true) { mapping }
      if problem == nil {
        Card("前 \(outcomes.count) 行的结论", actions: [], isFlush: true) { preview }
        start
      }
    }
  }

  private var missingText: String {
    "表格中没有必填的\(draft.missing.map { "“\($0.label)”" }.joined(separator: "、"))，没有这些内容的新记录不会导入。"
  }

  // MARK: Matching

  private var mapping: HTML {
    form(.class("form"), .method(.get), .action(path)) {
      HiddenField("of", draft.head.sheet ?? "")
      if draft.head.sheets.count > 1 { sheetField }
      matches
      keyField
      modeField
      blankField
      div(.class("form-bar")) {
        Action("按以上设置预览", .submit(name: nil, value: nil), style: problem == nil ? .normal : .primary, icon: .refresh)
        a(.class("button button-quiet"), .href(base)) { "换一个文件" }
      }
    }
  }

  private var sheetField: Shell.Field {
    Shell.Field(
      "sheet", "工作表", .select(draft.head.sheet ?? "", draft.head.sheets.map { Choice($0, $0) }, blank: nil))
  }

  private var matches: DataTable {
    let fields = ImportSpec.fields(of: entity)
    return DataTable(
      caption: "表格的列与\(entity.label)的字段", columns: [Column("表格中的列"), Column("内容示例", .wide), Column("导入到")],
      rows: draft.head.headings.indices.map { column in
        let heading = draft.head.heading(column)
        return TableRow(
          id: "column-\(column)", name: heading, path: nil,
          cells: [.text(heading), .text(example(column)), choice(column, heading, fields)])
      }, opensPanel: false, empty: .empty("表格没有列", "请检查第一行是否为表头。"))
  }

  private func example(_ column: Int) -> String {
    let cells = draft.head.rows.prefix(20).compactMap { row -> String? in
      guard column < row.cells.count, !row.cells[column].isEmpty else { return nil }
      return String(row.cells[column].prefix(40))
    }
    return cells.prefix(3).joined(separator: "；")
  }

  private func choice(_ column: Int, _ heading: String, _ fields: [FieldDeclaration]) -> HTML {
    let chosen = draft.columns[column]
    return select(.name("column.\(column)"), .class("input"), .aria(.label, "“\(heading)”导入到")) {
      option(.value(""), .selected(chosen == nil)) { "不导入" }
      for field in fields {
        option(.value(field.name), .selected(field.name == chosen)) { ImportTemplate.heading(field) }
      }
    }
  }

  private var keyField: Shell.Field {
    let choices = draft.keys.map { key in
      Choice(ImportDraft.text(key), key.compactMap { entity.field($0)?.label }.joined(separator: " + "))
    }
    return Shell.Field(
      "by", "按哪一列识别已有记录", .select(ImportDraft.text(draft.key), choices, blank: "不识别，每一行都新增"),
      help: choices.isEmpty ? "没有对应到编码等不重复的字段，每一行都会作为新记录。" : nil)
  }

  private var modeField: Shell.Field {
    Shell.Field(
      "mode", "导入方式",
      .radio(draft.mode.rawValue, ImportSpec.Mode.allCases.map { Choice($0.rawValue, $0.label, detail: $0.detail) }))
  }

  private var blankField: Shell.Field {
    Shell.Field("blank", "空单元格", .checkbox(draft.blankClears, caption: "更新时清空已有内容；不勾选则保持不变"))
  }

  // MARK: Outcome

  private var preview: DataTable {
    let shown = draft.columns.enumerated().compactMap { column, name in
      name.flatMap { entity.field($0) }.map { (column: column, field: $0) }
    }.prefix(8)
    let columns =
      [Column("行", .number), Column("结论", .state), Column("说明", .wide)]
      + shown.map { Column($0.field.label, isOnPhone: false) }
    let rows = zip(outcomes, draft.head.rows).map { outcome, row in
      TableRow(
        id: "row-\(row.number)", name: "第 \(row.number) 行", path: nil,
        cells: [
          .text(String(row.number)), Badge(outcome.result.label, outcome.result.tone).html, .text(outcome.reason ?? ""),
        ]
          + shown.map { shown in
            .text(shown.column < row.cells.count ? String(row.cells[shown.column].prefix(60)) : "")
          })
    }
    return DataTable(
      caption: "预览", columns: columns, rows: rows, opensPanel: false,
      empty: .empty("表头下面没有内容", "请填写后重新上传。"))
  }

  private var start: HTML {
    form(.class("form"), .method(.post), .action("\(base)/start/\(file.key)")) {
      formTokenField()
      draft.items.map { HiddenField($0.name, $0.value) }
      div(.class("form-bar")) {
        if !outcomes.isEmpty {
          Action("按以上预览开始导入", .submit(name: nil, value: nil), style: .primary, icon: .upload)
        }
        p(.class("form-note")) { "在后台进行，可以离开页面；每一行都会得到结论，没有导入的行可以下载改正后再导入。" }
      }
    }
  }
}

extension ImportOutcome.Result {
  var tone: Tone {
    switch self {
    case .created: .success
    case .updated: .info
    case .unchanged: .neutral
    case .rejected: .danger
    }
  }
}
