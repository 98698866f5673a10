import Cases
import Core
import Definitions
import Entities
import Messaging
import Processes
import Shell

/// How processes, items and forms are called.
extension DefinitionRoutes {
  var catalog: Catalog { cases.store.catalog }

  var words: HandlerWords { HandlerWords(catalog) }

  func classLabel(_ code: String) -> String {
    for dictionary in catalog.dictionaries where dictionary.name.hasSuffix("_class") {
      guard let found = dictionary.code(code) else { continue }
      let parent = found.parent.flatMap { dictionary.code($0)?.label }
      return parent.map { "\($0) / \(found.label)" } ?? found.label
    }
    return code
  }

  func formLabel(_ name: String) -> String { catalog.entity(name)?.label ?? name }

  func processLabel(_ name: String) -> String { cases.services.processes[name]?.definition.name ?? name }

  /// When a step is reminded of and what comes when its limit is over.
  func limitText(_ rule: StepRule, _ definition: ProcessDefinition) -> String {
    var parts: [String] = []
    if let reminder = rule.reminder { parts.append("到期前 \(HandlerWords.text(reminder))提醒") }
    if let overdue = rule.overdue { parts.append("超时\(words.text(overdue, in: definition))") }
    return parts.isEmpty ? "—" : parts.joined(separator: "，")
  }

  /// A template as a draft words it.
  func template(_ text: String, _ key: DefinitionKey) -> MessageTemplate? {
    MessageTemplates(catalog.laying([(file: key.file, yaml: text)]).catalog).template(key.name)
  }
}

extension HandlerWords {
  /// With steps and variables by the names people know.
  func text(_ handler: StepHandler, in definition: ProcessDefinition) -> String {
    switch handler {
    case .sameAs(let step): "与“\(definition.node(step)?.label ?? step)”相同的人"
    case .roleOf(let name): "按“\(definition.variables.first { $0.name == name }?.label ?? name)”确定"
    default: text(handler)
    }
  }

  func text(_ rule: OverdueRule, in definition: ProcessDefinition) -> String {
    if case .back(let step?) = rule { return "自动退回到“\(definition.node(step)?.label ?? step)”" }
    return text(rule)
  }
}

extension Signing {
  var label: String {
    switch self {
    case .one: "一人办理"
    case .all(let sequential): sequential ? "依次会签" : "全部会签"
    case .any: "或签（一人即可）"
    case .share(let percent): "\(percent)% 会签"
    }
  }
}
