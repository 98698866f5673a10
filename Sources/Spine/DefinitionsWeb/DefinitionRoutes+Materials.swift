import Cases
import Core
import Definitions
import Entities
import HTML
import HTTP
import Shell
import Site
import YAML

/// The kinds of material that businesses ask for (材料模板, C-501): electronic, original, or as the applicant chooses.
extension DefinitionRoutes {
  func materialsEditor(_ visit: Visit, _ work: Work, _ typed: MaterialsInputs?, errors: [FieldError]) async throws
    -> Response
  {
    guard let node = DefinitionText.node(work.text, work.key) else {
      return try visit.redirect(to: path(work.key, "text"), saying: "目录现在读不懂，请在文本里改正。", tone: .warning)
    }
    let inputs = typed ?? MaterialsInputs(node)
    let label = store.label(of: work.key, work.text)
    return try await visit.page(
      "\(label)：编辑", status: errors.isEmpty ? 200 : 422, crumbs: crumbs(work.key, label),
      badge: badge(work.key, work.draft), tabs: tabs(work.key, "edit")
    ) {
      if work.draft != nil, errors.isEmpty { findings(store.findings(of: work.key, work.text), of: work.key) }
      if mayDraft(visit) {
        FormView(
          path: path(work.key, "edit"),
          sections: [
            Shell.FormSection(
              id: "catalogue", "目录", fields: [Shell.Field("label", "名称", .text(inputs.label, .init(maximum: 60)))]),
            rows(inputs, errors),
          ], errors: errors, submit: Action("检查并保存草稿", .submit(name: "step", value: "save"), style: .primary),
          cancelPath: path(work.key), hidden: [work.seen], draftKey: path(work.key, "edit"),
          note: "正在使用的材料不能删除；先从事项里去掉。")
      } else {
        Preview(key: work.key, text: work.text, routes: self).html
      }
    }
  }

  private func rows(_ inputs: MaterialsInputs, _ errors: [FieldError]) -> Shell.FormSection {
    let media = [MaterialMedium.electronic, .original, .either].map { Choice($0.rawValue, $0.label) }
    return Shell.FormSection(id: "rows", "材料", help: "清空名称和代号即删除。", hasErrors: !errors.isEmpty) {
      for (index, row) in inputs.rows.enumerated() {
        fieldset(.class("design-row")) {
          legend { row.label.isEmpty ? "新的材料" : row.label }
          Shell.Field(
            "r\(index).label", "材料名称", .text(row.label, .init(maximum: 100)),
            error: errors.first { $0.field == "r\(index).label" }?.message)
          Shell.Field(
            "r\(index).name", "代号", .text(row.name, .init(maximum: 50, width: 20, isCode: true)),
            error: errors.first { $0.field == "r\(index).name" }?.message)
          Shell.Field("r\(index).medium", "形式", .radio(row.medium, media))
          Shell.Field("r\(index).held", "免提交", .checkbox(row.isHeld, caption: "受理单位能核查到的可以不交"))
          Shell.Field("r\(index).help", "说明", .text(row.help, .init(maximum: 300)))
          Shell.Field(
            "r\(index).validity", "有效期", .number(row.validity, unit: "个月", minimum: "1", maximum: "1200"),
            help: "不填为不限。")
        }
      }
      HiddenField("rows", String(inputs.rows.count))
      Action("再加一种材料", .submit(name: "step", value: "row"), icon: .plus, takesIncomplete: true)
    }
  }

  func saveMaterials(_ visit: Visit, _ work: Work, _ form: FormData) async throws -> Response {
    guard let node = DefinitionText.node(work.text, work.key) else { throw DefinitionStore.missing }
    var inputs = MaterialsInputs(form)
    if form.first("step") == "row" {
      inputs.rows.append(.init())
      return try await materialsEditor(visit, work, inputs, errors: [])
    }
    let laid = inputs.laid(over: node)
    let wrong = store.findings(of: work.key, laid.write()).filter { $0.severity == .error }
    guard wrong.isEmpty else {
      return try await materialsEditor(visit, work, inputs, errors: wrong.map { FieldError(nil, $0.message) })
    }
    return try await keep(laid, work, form, visit)
  }
}
