import HTTP
import Processes
import Shell

/// A condition chosen by variable and value, and where the way leads.
struct BranchForm {
  let definition: ProcessDefinition
  let asksTarget: Bool
  var errors: [FieldError] = []
  private(set) var label = ""
  private(set) var target = ""
  private var chosen = ""
  private var formula = ""

  init(_ definition: ProcessDefinition, asksTarget: Bool) {
    self.definition = definition
    self.asksTarget = asksTarget
  }

  mutating func read(_ form: FormData) {
    label = String((form.first("label") ?? "").prefix(60))
    target = form.first("target") ?? ""
    chosen = form.first("chosen") ?? ""
    formula = String((form.first("formula") ?? "").prefix(500))
  }

  mutating func show(_ flow: ProcessFlow) {
    label = flow.name
    let condition = flow.condition ?? ""
    if choices.contains(where: { $0.value == condition }) { chosen = condition } else { formula = condition }
  }

  /// What a person wrote counts before what was chosen.
  var condition: String { formula.allSatisfy(\.isWhitespace) ? chosen : formula }

  var gaps: [FieldError] {
    var gaps: [FieldError] = []
    if condition.isEmpty { gaps.append(FieldError("chosen", "请选择一个条件，或自己写。")) }
    if asksTarget, definition.node(target) == nil { gaps.append(FieldError("target", "请选择走到哪里。")) }
    return gaps
  }

  /// `review == 'supplement'`, by the words people know.
  private var choices: [Choice] {
    definition.variables.flatMap { variable -> [Choice] in
      if !variable.choices.isEmpty {
        return variable.choices.map { choice in
          Choice("\(variable.name) == '\(choice.value)'", "\(variable.label)是“\(choice.label)”", group: variable.label)
        }
      }
      if variable.kind == .boolean {
        return [
          Choice("\(variable.name) == true", "\(variable.label)：是", group: variable.label),
          Choice("\(variable.name) == false", "\(variable.label)：否", group: variable.label),
        ]
      }
      return []
    }
  }

  private func error(_ field: String) -> String? { errors.first { $0.field == field }?.message }

  var section: Shell.FormSection {
    var fields = [
      Shell.Field("chosen", "当", .select(chosen, choices), help: "按环节里填写的内容判断。", error: error("chosen")),
      Shell.Field(
        "formula", "或自己写条件", .text(formula, .init(maximum: 500, isCode: true)),
        help: "写了就以它为准，如 days > 3 and review == 'passed'。变量：\(definition.variables.map(\.name).joined(separator: "、"))",
        error: error("formula")),
    ]
    if asksTarget {
      let targets = definition.nodes.compactMap { node -> Choice? in
        switch node.kind {
        case .step: Choice(node.id, node.label, group: "环节（在前面的即退回）")
        case .end: Choice(node.id, ChainPage.name(node), group: "结束")
        case .call: Choice(node.id, node.label, group: "调用流程")
        case .decision, .service: Choice(node.id, node.label, group: "系统办理")
        default: nil
        }
      }
      fields.append(Shell.Field("target", "走到", .select(target, targets), isRequired: true, error: error("target")))
    }
    fields.append(
      Shell.Field("label", "连线上的字", .text(label, .init(maximum: 60)), help: "流程图上显示，如“退回补正”。", error: error("label")))
    return Shell.FormSection(id: "branch", "分支", fields: fields)
  }
}
