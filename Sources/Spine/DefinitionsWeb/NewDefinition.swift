import Definitions
import Processes
import YAML

/// The text that a new definition begins with.
enum NewDefinition {
  /// - Parameter source: what it copies; `nil` for a process with one step and a message in site.
  static func text(_ key: DefinitionKey, label: String, from source: String?) -> String {
    guard key.kind != .process else { return process(key, label, source).bpmn }
    let start = source ?? (key.kind == .message ? "{channels: [site], title: \"\", text: \"\"}" : "{}")
    let node = (try? YAMLNode(parsing: start, file: key.file)) ?? .mapping([])
    return node.setting(key.kind.rawValue, .string(key.name)).setting("label", .string(label)).write()
  }

  private static func process(_ key: DefinitionKey, _ label: String, _ source: String?) -> ProcessDefinition {
    if let source, let definition = try? ProcessDefinition(bpmn: Array(source.utf8), file: key.file) {
      return definition.copied(as: key.name, named: label)
    }
    let place = SourcePosition(file: key.file, line: 1, column: 1)
    func node(_ id: String, _ name: String, _ kind: ProcessNode.Kind) -> ProcessNode {
      ProcessNode(id: id, name: name, kind: kind, position: place)
    }
    func flow(_ source: String, _ target: String) -> ProcessFlow {
      ProcessFlow(id: "f_\(source)", source: source, target: target, position: place)
    }
    let review = ProcessVariable(
      name: "review", label: "审核意见", kind: .text,
      choices: [
        .init(value: "passed", label: "通过"), .init(value: "refused", label: "不予办理", needsOpinion: true),
      ])
    let outcome = ProcessVariable(
      name: "outcome", label: "办理结果", kind: .text,
      choices: [.init(value: "completed", label: "办结"), .init(value: "refused", label: "不予办理")])
    let rule = StepRule(
      handler: .unitOfAddress, fallback: .starter, inputs: [StepInput(variable: "review", isRequired: true)],
      limit: ProcessDuration(days: 1))
    return ProcessDefinition(
      id: key.name, name: label, variables: [review, outcome],
      nodes: [
        node("start", "申请", .start), node("review", "审核", .step(rule)),
        node(
          "result", "登记结果",
          .decision([
            ProcessAssignment(variable: "outcome", formula: "if(review == 'refused', 'refused', 'completed')")
          ])), node("end", "结束", .end(isTerminating: false)),
      ], flows: [flow("start", "review"), flow("review", "result"), flow("result", "end")])
  }
}

extension YAMLNode {
  /// A mapping with another value for a key, where it stood or at the end; `nil` takes it away.
  func setting(_ key: String, _ value: YAMLNode?) -> YAMLNode {
    var entries = (mapping ?? []).map { ($0.key, $0.value) }
    if let index = entries.firstIndex(where: { $0.0 == key }) {
      if let value { entries[index].1 = value } else { entries.remove(at: index) }
    } else if let value {
      entries.append((key, value))
    }
    return .mapping(entries)
  }

  /// The texts of a list, or of a single value.
  var texts: [String] { sequence?.compactMap(\.text) ?? text.map { [$0] } ?? [] }
}
