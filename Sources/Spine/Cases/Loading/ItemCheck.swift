import Core
import Entities
import Processes

/// What a single item cannot know: whether what it names exists and fits.
struct ItemCheck {
  let item: ServiceItem
  let catalog: Catalog
  let processes: [String: RunnableProcess]
  let collector: FindingCollector

  init(
    _ item: ServiceItem, catalog: Catalog, processes: [String: RunnableProcess], _ collector: FindingCollector
  ) {
    self.item = item
    self.catalog = catalog
    self.processes = processes
    self.collector = collector
  }

  func run() {
    for flow in item.flows where processes[flow.process] == nil && !flow.process.isEmpty {
      collector.error(
        flow.position, "没有流程“\(flow.process)”\(Suggestion.text(for: flow.process, among: processes.keys))")
    }
    let classes = catalog.dictionaries.contains { dictionary in
      dictionary.name.hasSuffix("_class") && dictionary.code(item.category) != nil
    }
    if !classes { collector.error(item.position, "没有事项类别“\(item.category)”。请先在类别字典（…_class）里加上") }
    guard let form = catalog.entity(item.form) else { return }
    for name in item.hidden {
      guard let field = form.field(name) else { continue }
      if field.required, item.preset[name] == nil, field.defaultValue == nil {
        collector.error(item.position, "字段“\(field.label)”必填，不能隐去；请给它 preset 或默认值")
      }
    }
  }

  /// Whether the roles and posts that a process names exist.
  static func check(_ process: ProcessDefinition, catalog: Catalog, _ collector: FindingCollector) {
    let roles = catalog.roles.map(\.name)
    func check(role: String, _ node: ProcessNode) {
      if !roles.contains(role) {
        collector.error(node.position, "“\(node.label)”的办理角色“\(role)”不存在\(Suggestion.text(for: role, among: roles))")
      }
    }
    for node in process.nodes {
      guard case .step(let rule) = node.kind else { continue }
      for handler in [rule.handler, rule.fallback] {
        switch handler {
        case .role(let role), .homeRole(let role): check(role: role, node)
        case .roleOf(let name):
          for role in process.variables.first(where: { $0.name == name })?.choices.compactMap(\.role) ?? [] {
            check(role: role, node)
          }
        default: break
        }
      }
    }
  }
}
