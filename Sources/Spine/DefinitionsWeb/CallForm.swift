import Cases
import Core
import Entities
import HTTP
import Processes
import Shell

/// The form of a call activity (调用流程): which process, what it is given and what comes back.
struct CallForm {
  let definition: ProcessDefinition
  /// The processes that may be called, by id.
  let library: [String: ProcessDefinition]
  var errors: [FieldError] = []
  private(set) var name = ""
  private var process = ""
  private var inputs = ""
  private var outputs = ""

  init(_ definition: ProcessDefinition, library: [String: ProcessDefinition]) {
    self.definition = definition
    self.library = library
  }

  mutating func show(_ name: String, _ rule: CallRule) {
    self.name = name
    process = rule.process
    (inputs, outputs) = (Self.lines(rule.inputs), Self.lines(rule.outputs))
  }

  /// What was typed, as a rule; what is not understood is told in ``errors``.
  mutating func read(_ form: FormData) -> CallRule? {
    name = String(TextForms.trimmed(form.first("name") ?? "").prefix(60))
    process = form.first("process") ?? ""
    inputs = String((form.first("inputs") ?? "").prefix(4000)).unixLines
    outputs = String((form.first("outputs") ?? "").prefix(4000)).unixLines
    if name.isEmpty { errors.append(FieldError("name", "请写一个名称，流程图和办理过程里显示。")) }
    if library[process] == nil { errors.append(FieldError("process", "请选择要调用的流程。")) }
    let given = assignments(inputs, "inputs")
    let returned = assignments(outputs, "outputs")
    return errors.isEmpty ? CallRule(process: process, inputs: given, outputs: returned) : nil
  }

  private mutating func assignments(_ text: String, _ field: String) -> [ProcessAssignment] {
    text.split(separator: "\n").map { TextForms.trimmed(String($0)) }.filter { !$0.isEmpty }.compactMap { line in
      let parts = line.split(separator: "=", maxSplits: 1).map { TextForms.trimmed(String($0)) }
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
        errors.append(FieldError(field, "“\(line.prefix(40))”应写成 变量 = 公式，每行一个。"))
        return nil
      }
      return ProcessAssignment(variable: parts[0], formula: parts[1])
    }
  }

  static func lines(_ assignments: [ProcessAssignment]) -> String {
    assignments.map { "\($0.variable) = \($0.formula)" }.joined(separator: "\n")
  }

  private func error(_ field: String) -> String? { errors.first { $0.field == field }?.message }

  private static func names(_ variables: [ProcessVariable]) -> String {
    variables.isEmpty ? "没有变量" : variables.map { "\($0.name)（\($0.label)）" }.joined(separator: "、")
  }

  var section: Shell.FormSection {
    // A process that calls this one cannot be called by it: that would have no end.
    let choices = library.values.filter { $0.id != definition.id }.sorted { $0.id < $1.id }.map {
      Choice($0.id, $0.name, detail: $0.id)
    }
    let callee = library[process].map { "它的变量：\(Self.names($0.variables))。" } ?? "选好流程保存一次，这里会列出它的变量。"
    return Shell.FormSection(
      id: "call", "调用流程",
      fields: [
        Shell.Field("name", "名称", .text(name, .init(maximum: 60)), isRequired: true, error: error("name")),
        Shell.Field(
          "process", "调用", .select(process, choices), isRequired: true, help: "被调用的流程全部办完，才接着往下走。",
          error: error("process")),
        Shell.Field(
          "inputs", "传入", .longText(inputs, rows: 4, maximum: 4000),
          help: "每行一个：被调用流程的变量 = 按本流程变量写的公式。\(callee)", error: error("inputs")),
        Shell.Field(
          "outputs", "带回", .longText(outputs, rows: 4, maximum: 4000),
          help: "每行一个：本流程的变量 = 按被调用流程变量写的公式。本流程的变量：\(Self.names(definition.variables))。",
          error: error("outputs")),
      ])
  }
}
