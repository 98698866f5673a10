import Access
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// The page that asks what an export should hold, and says how many rows it has and who will know.
struct ExportPage {
  let draft: ExportDraft
  /// Up to one more than a worksheet takes.
  let count: Int
  let errors: [FieldError]
  let visit: Visit

  private var entity: EntityDeclaration { draft.entity }

  func response(status: Int = 200) async throws -> Response {
    let path = draft.address.path
    return try await visit.page(
      "导出\(entity.label)", status: status, crumbs: [Crumb(entity.label, path)], subtitle: amount
    ) {
      // Not a `FormView`: its script takes a sent form for a page that is left, and a download leaves none.
      form(.class("form"), .method(.post), .action("/r/\(entity.name)/export"), .novalidate()) {
        formTokenField()
        draft.hidden
        ErrorSummary(errors)
        part("export-file", "文件") { formatField }
        part("export-what", "内容") { columnsField }
        part("export-why", "用途") {
          purposeField
          noteField
        }
        div(.class("form-bar")) {
          Action("导出\(entity.label)", .submit(name: nil, value: nil), style: .primary, icon: .download)
          a(.class("button button-quiet"), .href(path)) { "返回列表" }
          p(.class("form-note")) { "导出人、时间、条件、列、用途和条数会记入审计日志，数据管理人员和审计员可以看到。" }
        }
      }
    }
  }

  private var amount: String {
    let limit = ExportDraft.Format.xlsx.limit
    let rows = count > limit ? "超过 \(grouped(limit)) 条" : "共 \(grouped(count)) 条"
    let ticked = draft.address.items.all("id.is").count
    if ticked > 0 { return "列表里勾选的 \(grouped(ticked)) 条中，您能看到的\(rows)" }
    let labels = draft.address.filtered.compactMap { entity.field($0)?.label }
    var conditions = labels.isEmpty ? [] : ["按\(labels.joined(separator: "、"))筛选"]
    if let search = draft.address.search { conditions.append("搜索“\(search)”") }
    return conditions.isEmpty ? "您数据范围内的全部\(entity.label)，\(rows)" : "\(conditions.joined(separator: "，"))，\(rows)"
  }

  private func part(_ id: String, _ title: String, @HTMLBuilder content: () -> HTML) -> HTML {
    let content = content()
    return element("section", .id(id), .class("form-section"), .aria(.labelledby, "\(id)-title")) {
      h2(.id("\(id)-title")) { title }
      content
    }
  }

  private func error(_ name: String) -> String? { errors.first { $0.field == name }?.message }

  private var formatField: Shell.Field {
    Shell.Field(
      "export.format", "文件格式",
      .radio(
        draft.format.rawValue,
        [
          Choice("xlsx", "Excel 工作簿（XLSX）", detail: "不超过 \(grouped(ExportDraft.Format.xlsx.limit)) 条；证件号、编码等长数字不会变形"),
          Choice("csv", "CSV 文本", detail: "UTF-8 编码，不超过 \(grouped(ExportDraft.Format.csv.limit)) 条"),
        ]), isRequired: true, error: error("export.format"))
  }

  private var columnsField: Shell.Field {
    let choices = draft.choices.map { field in
      var choice = Choice(field.name, field.label)
      if !Masking.mayRead(field, visit.principal) {
        choice.detail = "\(field.classification.label)信息，按您的权限导出为掩码"
      } else if field.classification >= .sensitive {
        choice.detail = "\(field.classification.label)信息"
      }
      return choice
    }
    return Shell.Field(
      "export.columns", "要导出的列", .checkboxes(Set(draft.columns), choices), isRequired: true,
      error: error("export.columns"))
  }

  private var purposeField: Shell.Field {
    Shell.Field(
      "export.purpose", "用途", .select(draft.purpose, ExportDraft.purposes.map { Choice($0, $0) }),
      isRequired: draft.needsPurpose, help: entity.personal ? "导出个人敏感信息时必须选择。" : nil, error: error("export.purpose"))
  }

  private var noteField: Shell.Field {
    Shell.Field("export.note", "说明", .text(draft.note, .init(maximum: 100, placeholder: "例如：报送单位、任务名称、文号")))
  }
}
