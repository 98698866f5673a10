import Entities
import Papers
import YAML

/// Reads what the completed cases of a form change (`outcome: hukou_birth`).
struct OutcomeReader {
  private let document: DeclarationDocument
  private let catalog: Catalog
  private let collector: FindingCollector
  private let reader: MappingReader
  private let documents: DocumentTemplates
  /// Of all processes.
  private let steps: Set<String>

  init(
    _ document: DeclarationDocument, catalog: Catalog, documents: DocumentTemplates, steps: Set<String>,
    _ collector: FindingCollector
  ) {
    self.documents = documents
    self.steps = steps
    self.document = document
    self.catalog = catalog
    self.collector = collector
    reader = MappingReader(
      document.node, "办结落实“\(document.name)”", keys: ["outcome", "label", "changes", "issues"], collector)
  }

  func outcome() -> Outcome? {
    guard let form = catalog.entity(document.name), form.attachedTo == ServiceCase.entity else {
      collector.error(document.namePosition, "办结落实以表单命名，没有办件表单“\(document.name)”")
      return nil
    }
    return Outcome(
      form: form.name, label: reader.label(fallback: form.label),
      changes: reader.nodes("changes").compactMap { change($0, form) },
      issues: reader.nodes("issues").compactMap { issue($0, form) })
  }

  private func change(_ node: YAMLNode, _ form: EntityDeclaration) -> Outcome.Change? {
    let change = MappingReader(node, "登记变动", keys: ["register", "find", "set", "create", "when"], collector)
    let name = change.required("register", limit: 50, fallback: "")
    guard let register = catalog.entity(name) else {
      collector.error(
        change.place("register"), "没有登记表“\(name)”\(Suggestion.text(for: name, among: catalog.entities.map(\.name)))")
      return nil
    }
    let find = assignments(change, "find", register, form)
    if let find, find.count != 1 { collector.error(change.place("find"), "find 应是一个字段和它的值") }
    if find == nil, !change.has("create") { collector.error(node.position, "登记变动应有 find 或 create") }
    return Outcome.Change(
      register: name, find: find?.first, set: assignments(change, "set", register, form) ?? [],
      create: assignments(change, "create", register, form),
      when: change.node("when").flatMap { expression($0, form) }, position: node.position)
  }

  private func issue(_ node: YAMLNode, _ form: EntityDeclaration) -> Outcome.Issue? {
    let issue = MappingReader(
      node, "办理结果", keys: ["document", "at", "when", "find", "replaces"], collector)
    let name = issue.required("document", limit: 50, fallback: "")
    guard let template = documents.template(name), let register = catalog.entity(template.entity) else {
      if !name.isEmpty {
        collector.error(
          issue.place("document"), "没有文书“\(name)”\(Suggestion.text(for: name, among: documents.all.map(\.name)))")
      }
      return nil
    }
    if !template.isIssued { collector.error(issue.place("document"), "文书“\(name)”没有 series，不是签发的证照") }
    let find = assignments(issue, "find", register, form)
    if let find, find.count != 1 { collector.error(issue.place("find"), "find 应是一个字段和它的值") }
    if find == nil, ![form.name, ServiceCase.entity].contains(template.entity) {
      collector.error(issue.position, "文书“\(name)”用的是\(register.label)，应写明 find：按哪个字段找到它")
    }
    let moment: Outcome.Issue.Moment =
      switch issue.text("at", limit: 50) {
      case nil: .decided
      case "finished": .finished
      case let step?: .step(step)
      }
    if case .step(let step) = moment, !steps.contains(step) {
      collector.error(issue.place("at"), "没有流程有环节“\(step)”\(Suggestion.text(for: step, among: steps))")
    }
    return Outcome.Issue(
      document: name, moment: moment, when: issue.node("when").flatMap { expression($0, form) }, find: find?.first,
      replaces: issue.node("replaces").flatMap { expression($0, form) }, position: node.position)
  }

  private func assignments(
    _ change: MappingReader, _ key: String, _ register: EntityDeclaration, _ form: EntityDeclaration
  ) -> [Outcome.Change.Assignment]? {
    guard let node = change.node(key) else { return nil }
    return (node.mapping ?? []).compactMap { entry in
      guard let field = register.field(entry.key), field.isStored else {
        collector.error(
          entry.keyPosition,
          "“\(register.label)”没有字段“\(entry.key)”\(Suggestion.text(for: entry.key, among: register.fields.map(\.name)))")
        return nil
      }
      guard let value = expression(entry.value, form) else { return nil }
      if !value.fits(field) {
        collector.error(entry.value.position, "“\(field.label)”要\(field.type.label)，公式得到的是\(value.type.label)")
      }
      return .init(field: entry.key, value: value)
    }
  }

  private func expression(_ node: YAMLNode, _ form: EntityDeclaration) -> Expression? {
    guard let text = node.text else {
      collector.error(node.position, "这里应是一个公式")
      return nil
    }
    let fields = catalog.entity(ServiceCase.entity).map { entity in
      Outcome.caseFields.compactMap { entity.field($0) }.map { (name: $0.name, label: $0.label, type: $0.type) }
    }
    do throws(ExpressionFailure) {
      return try Expression(parsing: text, at: node.textPosition, for: form, and: fields ?? [])
    } catch {
      collector.error(error.position, error.message)
      return nil
    }
  }
}
