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
    for name in clashes(form) {
      collector.error(item.position, "表单“\(form.label)”的字段“\(name)”与办件的字段同名，申请页面分不清填的是哪一个；请给表单字段换一个名称")
    }
    for name in item.hidden {
      guard let field = form.field(name) else { continue }
      if field.required, item.preset[name] == nil, field.defaultValue == nil {
        collector.error(item.position, "字段“\(field.label)”必填，不能隐去；请给它 preset 或默认值")
      }
    }
  }

  /// Fields that both the form and the case ask for by the same name: an application sends both in one form.
  private func clashes(_ form: EntityDeclaration) -> [String] {
    guard let record = catalog.entity(ServiceCase.entity) else { return [] }
    let shared = Set([record.scope.division, record.scope.unit, record.scope.owner].compactMap(\.self))
    return record.fields.filter { $0.editable && !shared.contains($0.name) && form.field($0.name)?.editable == true }
      .map(\.name)
  }

  /// Whether the roles that a process names exist, and the fields: each in a form of some item that takes the process.
  ///
  /// - Parameter callers: the processes that call it, whose forms count as well.
  static func check(
    _ process: ProcessDefinition, callers: [String], catalog: Catalog, items: [ServiceItem],
    _ collector: FindingCollector
  ) {
    let roles = catalog.roles.map(\.name)
    func check(role: String, _ node: ProcessNode) {
      if !roles.contains(role) {
        collector.error(node.position, "“\(node.label)”的办理角色“\(role)”不存在\(Suggestion.text(for: role, among: roles))")
      }
    }
    for node in process.nodes {
      guard case .step(let rule) = node.kind else { continue }
      if !rule.fields.isEmpty {
        let forms = Set(
          items.filter { $0.flows.contains { $0.process == process.id || callers.contains($0.process) } }.map(\.form)
        ).sorted()
        let known = forms.compactMap { catalog.entity($0) }.flatMap(\.fields).map(\.name)
        for field in rule.fields.keys.sorted() where !known.contains(field) {
          let why = forms.isEmpty ? "还没有事项使用本流程" : "使用本流程的表单都没有这个字段"
          collector.error(
            node.position, "“\(node.label)”的字段权限写了“\(field)”，\(why)\(Suggestion.text(for: field, among: known))")
        }
      }
      for handler in rule.handlers {
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
