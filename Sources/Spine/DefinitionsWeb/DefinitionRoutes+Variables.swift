import Core
import Definitions
import Entities
import HTML
import HTTP
import Processes
import Shell
import Site

/// What a process may ask and decide by (流程变量), a line a choice.
extension DefinitionRoutes {
  /// A variable as it is typed.
  private struct Typed {
    var name = ""
    var label = ""
    var kind = "text"
    var choices = ""

    init() {}

    init(_ variable: ProcessVariable) {
      name = variable.name
      label = variable.label
      kind = variable.kind.rawValue
      choices = variable.choices.map { choice in
        "\(choice.value) \(choice.label)" + (choice.role.map { " role:\($0)" } ?? "")
          + (choice.needsOpinion ? " 须说明理由" : "")
      }.joined(separator: "\n")
    }

    init(_ form: FormData, _ index: Int) {
      name = String((form.first("v\(index).name") ?? "").filter { !$0.isWhitespace }.prefix(40))
      label = String((form.first("v\(index).label") ?? "").prefix(60))
      kind = form.first("v\(index).kind") ?? "text"
      choices = String((form.first("v\(index).choices") ?? "").prefix(5000))
    }

    var isBlank: Bool { name.isEmpty && label.allSatisfy(\.isWhitespace) }

    /// `passed 通过`, `auxiliary 辅警 role:hukou_auxiliary`, `refused 不予办理 须说明理由`.
    var readChoices: [ProcessVariable.Choice] {
      choices.split(whereSeparator: \.isNewline).compactMap { line in
        let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
        guard let value = words.first else { return nil }
        let role = words.dropFirst().first { $0.hasPrefix("role:") }.map { String($0.dropFirst(5)) }
        let needsOpinion = words.contains("须说明理由")
        let label = words.dropFirst().filter { !$0.hasPrefix("role:") && $0 != "须说明理由" }.joined(separator: " ")
        return ProcessVariable.Choice(
          value: value, label: label.isEmpty ? value : label, role: role, needsOpinion: needsOpinion)
      }
    }
  }

  private static let kinds: [Choice] = [
    Choice("text", "文字"), Choice("integer", "整数"), Choice("decimal", "小数"), Choice("boolean", "是否"),
    Choice("date", "日期"),
  ]

  func variables(_ visit: Visit) async throws -> Response {
    let (work, definition) = try await process(visit)
    return try await page(visit, work, definition, definition.variables.map(Typed.init), errors: [])
  }

  private func page(
    _ visit: Visit, _ work: Work, _ definition: ProcessDefinition, _ typed: [Typed], errors: [FieldError]
  ) async throws -> Response {
    func error(_ field: String) -> String? { errors.first { $0.field == field }?.message }
    let all = typed + (mayDraft(visit) ? [Typed()] : [])
    let sections = all.enumerated().map { index, one in
      Shell.FormSection(
        id: "v\(index)", one.isBlank ? "新的变量" : one.label,
        fields: [
          Shell.Field("v\(index).label", "名称", .text(one.label, .init(maximum: 60)), error: error("v\(index).label")),
          Shell.Field(
            "v\(index).name", "代号", .text(one.name, .init(maximum: 40, width: 20, isCode: true)),
            help: "小写字母开头；清空代号和名称即删除。", error: error("v\(index).name")),
          Shell.Field("v\(index).kind", "类型", .select(one.kind, DefinitionRoutes.kinds, blank: nil)),
          Shell.Field(
            "v\(index).choices", "可选值", .longText(one.choices, rows: 3),
            help: "文字类型可用，每行一个：代号 名称，如“passed 通过”；须写理由的在后面加“须说明理由”，代表角色的加“role:角色代号”。",
            error: error("v\(index).choices")),
        ])
    }
    return try await visit.page(
      "\(definition.name)：流程变量", status: errors.isEmpty ? 200 : 422, crumbs: crumbs(work.key, definition.name),
      badge: badge(work.key, work.draft), tabs: tabs(work.key, "variables")
    ) {
      if mayDraft(visit) {
        FormView(
          path: path(work.key, "variables"), sections: sections, errors: errors,
          submit: Action("保存到草稿", .submit(name: nil, value: nil), style: .primary), cancelPath: path(work.key, "chain"),
          hidden: [work.seen, HiddenField("count", String(all.count))], note: "环节里要填写的内容、分支的条件，都用这些变量。")
      } else {
        for one in typed { Card(one.label) { pre { "\(one.name)\n\(one.choices)" } } }
      }
    }
  }

  func saveVariables(_ visit: Visit) async throws -> Response {
    let (work, definition) = try await process(visit)
    let sent = try await visit.request.body.form()
    let count = min(Int(sent.first("count") ?? "") ?? 0, 200)
    let typed = (0..<count).map { Typed(sent, $0) }
    var errors: [FieldError] = []
    var variables: [ProcessVariable] = []
    for (index, one) in typed.enumerated() where !one.isBlank {
      let isName =
        one.name.utf8.first.map { (97...122).contains($0) } == true
        && one.name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
      if !isName { errors.append(FieldError("v\(index).name", "代号应为小写字母开头的字母、数字和下划线。")) }
      if variables.contains(where: { $0.name == one.name }) {
        errors.append(FieldError("v\(index).name", "代号“\(one.name)”写了两次。请改用不同的代号。"))
      }
      let kind = ProcessVariable.Kind(rawValue: one.kind) ?? .text
      let choices = one.readChoices
      if !choices.isEmpty, kind != .text { errors.append(FieldError("v\(index).choices", "只有文字类型可以有可选值。请清空或改类型。")) }
      if Set(choices.map(\.value)).count < choices.count {
        errors.append(FieldError("v\(index).choices", "可选值的代号有重复。请改正。"))
      }
      variables.append(
        ProcessVariable(name: one.name, label: one.label.isEmpty ? one.name : one.label, kind: kind, choices: choices))
    }
    guard errors.isEmpty else {
      return try await page(visit, work, definition, typed.filter { !$0.isBlank }, errors: errors)
    }
    try await save(definition.renamed(definition.name, variables: variables).bpmn, work.key, sent, visit)
    return try visit.redirect(to: path(work.key, "variables"), saying: "流程变量已保存到草稿。")
  }
}
