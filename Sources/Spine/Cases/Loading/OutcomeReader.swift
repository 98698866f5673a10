import Entities
import Households
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
      document.node, "办结落实“\(document.name)”", keys: ["outcome", "label", "known", "kinds", "changes", "issues"],
      collector)
  }

  func outcome() -> Outcome? {
    guard let form = catalog.entity(document.name), form.attachedTo == ServiceCase.entity else {
      collector.error(document.namePosition, "办结落实以表单命名，没有办件表单“\(document.name)”")
      return nil
    }
    var names: Set<String> = []
    let changes = reader.nodes("changes").compactMap { step($0, form, &names) }
    return Outcome(
      form: form.name, label: reader.label(fallback: form.label),
      known: reader.nodes("known").compactMap { known($0, form) }, namings: namings(form, changes), changes: changes,
      issues: reader.nodes("issues").compactMap { issue($0, form) })
  }

  /// `{field: from_address, of: subject_document, person: registered_address}`, or `household:` of the person's household.
  private func known(_ node: YAMLNode, _ form: EntityDeclaration) -> Outcome.Known? {
    let item = MappingReader(
      node, "登记里已知的内容", keys: ["field", "of", "person", "household", "compare", "when"], collector)
    let owner = catalog.entity(ServiceCase.entity)
    func field(_ key: String, _ among: [FieldDeclaration], _ label: String) -> FieldDeclaration? {
      let name = item.required(key, limit: 50, fallback: "")
      if let found = among.first(where: { $0.name == name }) { return found }
      collector.error(
        item.place(key), "\(label)没有字段“\(name)”\(Suggestion.text(for: name, among: among.map(\.name)))")
      return nil
    }
    let named = form.fields + (owner?.fields ?? []).filter { Outcome.caseFields.contains($0.name) }
    let key = item.has("household") ? "household" : "person"
    guard let register = catalog.entity(key), let target = field("field", named, form.label),
      let of = field("of", named.filter { $0.type == .residentID }, form.label),
      let from = field(key, register.fields, register.label)
    else { return nil }
    if target.type != from.type || target.dictionary != from.dictionary {
      collector.error(
        item.place("field"), "“\(target.label)”是\(target.type.label)，与“\(from.label)”（\(from.type.label)）不是同一种内容")
    }
    return Outcome.Known(
      field: target.name, of: of.name, source: key == "person" ? .person(from.name) : .household(from.name),
      isCompared: item.flag("compare", default: true), when: item.node("when").flatMap { expression($0, form) })
  }

  /// `{kind: death, when: "reason == 'death'"}`; due wherever persons or households change.
  private func namings(_ form: EntityDeclaration, _ changes: [Outcome.Step]) -> [Outcome.Naming] {
    let namings = reader.nodes("kinds").compactMap { node -> Outcome.Naming? in
      let naming = MappingReader(node, "变动类别", keys: ["kind", "when"], collector)
      let kind = naming.required("kind", limit: 50, fallback: "")
      if let kinds = catalog.dictionary("household_change_kind"), kinds.code(kind) == nil {
        collector.error(
          naming.place("kind"),
          "字典“\(kinds.label)”里没有“\(kind)”\(Suggestion.text(for: kind, among: kinds.codes.map(\.code)))")
      }
      return Outcome.Naming(kind: kind, when: naming.node("when").flatMap { expression($0, form) })
    }
    let isDue = changes.contains { step in
      switch step {
      case .record(let change): change.register == HouseholdBook.person
      case .household, .number: true
      }
    }
    if isDue, namings.last?.when != nil || namings.isEmpty {
      collector.error(document.namePosition, "办结落实“\(document.name)”改变人口或户，应写 kinds，最后一项不带 when")
    }
    return namings
  }

  /// - Parameter names: of the changes before this one.
  private func step(_ node: YAMLNode, _ form: EntityDeclaration, _ names: inout Set<String>) -> Outcome.Step? {
    if node["household"] != nil { return household(node, form, names).map { .household($0) } }
    if node["number"] != nil { return number(node, form, names).map { .number($0) } }
    guard let change = change(node, form, names) else { return nil }
    if let name = change.name { names.insert(name) }
    return .record(change)
  }

  private func household(_ node: YAMLNode, _ form: EntityDeclaration, _ names: Set<String>) -> Outcome.HouseholdChange?
  {
    let parts = Outcome.HouseholdChange.Part.allCases
    let reader = MappingReader(
      node, "户变动", keys: ["household", "person", "when"] + parts.map(\.rawValue), collector)
    guard let kind = reader.choice("household", Outcome.HouseholdChange.Kind.self) else { return nil }
    if kind != .collective, kind != .revert, !reader.has("person") { collector.error(node.position, "户变动缺少 person") }
    for needed in kind.needed where !reader.has(needed.rawValue) {
      collector.error(node.position, "户变动 \(kind.rawValue) 缺少 \(needed.rawValue)")
    }
    var values: [Outcome.HouseholdChange.Part: Expression] = [:]
    for part in parts {
      guard let node = reader.node(part.rawValue), let value = expression(node, form) else { continue }
      if value.type != .text, value.type != .null { collector.error(node.position, "\(part.rawValue) 应是文字") }
      values[part] = value
    }
    return Outcome.HouseholdChange(
      kind: kind, subject: reader.node("person").flatMap { subject($0, form, names) }, parts: values,
      when: reader.node("when").flatMap { expression($0, form) }, position: node.position)
  }

  private func number(_ node: YAMLNode, _ form: EntityDeclaration, _ names: Set<String>) -> Outcome.NumberChange? {
    let reader = MappingReader(node, "编制身份号码", keys: ["number", "birth_date", "sex", "cause", "when"], collector)
    let cause = reader.required("cause", limit: 50, fallback: "")
    if let causes = catalog.dictionary("resident_number_cause"), causes.code(cause) == nil {
      collector.error(reader.place("cause"), "字典“\(causes.label)”里没有“\(cause)”")
    }
    guard let subject = reader.node("number").flatMap({ subject($0, form, names) }) else { return nil }
    let birthDate = reader.node("birth_date").flatMap { expression($0, form) }
    let sex = reader.node("sex").flatMap { expression($0, form) }
    if let birthDate, birthDate.type != .date { collector.error(reader.place("birth_date"), "birth_date 应是日期") }
    return Outcome.NumberChange(
      subject: subject, birthDate: birthDate, sex: sex, cause: cause,
      when: reader.node("when").flatMap { expression($0, form) }, position: node.position)
  }

  /// An earlier change's name, or a formula for a resident id.
  private func subject(_ node: YAMLNode, _ form: EntityDeclaration, _ names: Set<String>) -> Outcome.Subject? {
    if let text = node.text, names.contains(text) { return .change(text) }
    return expression(node, form).map { .residentID($0) }
  }

  private func change(_ node: YAMLNode, _ form: EntityDeclaration, _ names: Set<String>) -> Outcome.Change? {
    let change = MappingReader(
      node, "登记变动", keys: ["register", "as", "after", "find", "set", "create", "when"], collector)
    let after = change.text("after", limit: 50)
    if let after, !names.contains(after) { collector.error(change.place("after"), "前面没有叫“\(after)”的登记变动") }
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
      when: change.node("when").flatMap { expression($0, form) }, name: change.has("as") ? change.name("as") : nil,
      after: after, position: node.position)
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
      switch issue.text("at", limit: 100) {
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

extension Outcome.HouseholdChange.Kind {
  /// What it cannot do without.
  fileprivate var needed: [Outcome.HouseholdChange.Part] {
    switch self {
    case .collective: [.collective, .kind]
    case .relate: [.relation]
    case .kind: [.kind]
    case .leave: [.reason]
    case .revert: [.change]
    case .join, .establish, .head, .merge, .rejoin: []
    }
  }
}
