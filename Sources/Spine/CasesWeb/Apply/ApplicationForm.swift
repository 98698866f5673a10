package import Cases
import Core
package import Entities
package import EntitiesWeb
import HTML
package import HTTP
import Processes
package import Shell

/// The form of an application: the applicant, what the item asks, the materials, where it goes and how the result comes
/// back. Only what the answers so far make necessary is shown.
package struct ApplicationForm {
  let item: ServiceItem
  let catalog: Catalog
  let context: EvaluationContext
  let divisions: DivisionNames
  let facts: CaseFacts
  /// What has been typed, by input name.
  let typed: FormInput
  let errors: [FieldError]
  /// Files that have been sent already, by requirement.
  let files: [String: [Control.PresentFile]]
  /// Where values that were filled in beforehand come from, by field.
  var sources: [String: String] = [:]
  /// Whether the applicant may fetch electronic licences instead of photographs, and whose these are.
  var licences = Licences.Offer.none
  var vouchedDocument: String?
  /// What of a case is asked for; all of it when it is begun, less when it is supplemented.
  package var asksCase = true
  /// What a step may do with the fields of the form; everything when it is begun.
  private var rule: StepRule?

  private let values: [String: Value]

  package init(
    _ item: ServiceItem, catalog: Catalog, context: EvaluationContext, divisions: DivisionNames, facts: CaseFacts,
    typed: FormInput, errors: [FieldError] = [], files: [String: [Control.PresentFile]] = [:]
  ) {
    self.item = item
    self.catalog = catalog
    self.context = context
    self.divisions = divisions
    self.facts = facts
    // A division that was filled in beforehand shows its name, as one that was picked does.
    var typed = typed
    for entity in [catalog.entity(ServiceCase.entity), catalog.entity(item.form)].compactMap(\.self) {
      for field in entity.fields where field.type == .division && typed.first("\(field.name).text").isEmpty {
        if let path = divisions.path(of: typed.first(field.name)) { typed.texts["\(field.name).text"] = [path] }
      }
    }
    self.typed = typed
    self.errors = errors
    self.files = files
    let form = FormData(fields: QueryItems(typed), files: [])
    var values: [String: Value] = [:]
    for entity in [catalog.entity(ServiceCase.entity), catalog.entity(item.form)].compactMap(\.self) {
      let register = Register(entity, catalog: catalog, context: context, divisions: divisions)
      values.merge(FormReader(register, form, record: nil).values) { _, new in new }
    }
    self.values = values.merging(item.preset) { _, preset in preset }
  }

  /// Asks only for what a step may change, nothing of the case itself, and shows what it may read (字段权限).
  mutating func restrict(to rule: StepRule) {
    self.rule = rule
    asksCase = false
  }

  private func access(to field: String, of entity: String) -> FieldAccess {
    guard let rule, entity == item.form else { return .edit }
    let access = rule.access(to: field)
    // Where single fields are opened, the rest stands above already, as what was applied for.
    return access == .read && !rule.edits.contains(.form) ? .hide : access
  }

  private func lookup(_ name: String) -> Value {
    switch name {
    case "channel": .text(facts.channel.rawValue)
    case "accepted_by": facts.acceptedBy.map { .text($0) } ?? .null
    case "own_station": .boolean(facts.isOwnStation)
    default: values[name] ?? .null
    }
  }

  private var questions: FormQuestions { FormQuestions(context: context, answer: lookup) }

  /// Whether the form asks for a field now.
  func asks(_ field: FieldDeclaration, of entity: EntityDeclaration) -> Bool {
    guard field.isStored, field.editable, !field.hidden, !item.hidden.contains(field.name) else { return false }
    return questions.asks(field, of: entity)
  }

  /// The fields whose answers decide what else is asked.
  private var deciding: Set<String> {
    var names: Set<String> = []
    for entity in [catalog.entity(ServiceCase.entity), catalog.entity(item.form)].compactMap(\.self) {
      names.formUnion(FormQuestions.deciding(of: entity))
    }
    for requirement in item.materials { names.formUnion(requirement.when?.fields ?? []) }
    if licences != .none { names.formUnion(item.materials.filter { !$0.licensed.isEmpty }.compactMap(\.holder)) }
    return names
  }

  // MARK: Sections

  package var sections: [Shell.FormSection] {
    var sections: [Shell.FormSection] = []
    if asksCase { sections += self.sections(of: ServiceCase.entity, before: true) }
    sections += self.sections(of: item.form, before: true)
    if let materials { sections.append(materials) }
    if asksCase { sections += self.sections(of: ServiceCase.entity, before: false) }
    return sections
  }

  /// The applicant comes before the business, where it goes and how it comes back after the materials.
  private func sections(of name: String, before: Bool) -> [Shell.FormSection] {
    guard let entity = catalog.entity(name) else { return [] }
    let register = Register(entity, catalog: catalog, context: context, divisions: divisions)
    let isCase = name == ServiceCase.entity
    let deciding = deciding
    let byField = Dictionary(
      errors.compactMap { error in error.field.map { ($0, error.message) } }, uniquingKeysWith: { first, _ in first })
    let controls = FieldControl(catalog: catalog, errors: byField)
    return register.sections.enumerated().compactMap { index, section in
      if isCase, section.fields.contains(where: { $0.name == "applicant_name" || $0.name == "subject_name" }) != before
      {
        return nil
      }
      var fields: [Shell.Field] = []
      for field in section.fields where asks(field, of: entity) {
        if isCase, field.name == "delivery" || field.name == "recipient_address", item.result.delivery.isEmpty {
          continue
        }
        let access = access(to: field.name, of: name)
        if access == .hide { continue }
        var shown = controls.field(field, typed: typed, record: nil)
        if let preset = item.preset[field.name] {
          shown.control = .fixed(text(preset, of: field))
          shown.isRequired = false
        } else if access == .read {
          shown.control = .fixed(values[field.name].map { text($0, of: field) } ?? "")
          shown.isRequired = false
        } else {
          shown.isRequired = questions.requires(field)
          shown.refreshesForm = deciding.contains(field.name)
          shown.source = sources[field.name]
          if isCase, field.name == "delivery" { shown.control = deliveryControl }
        }
        fields.append(shown)
      }
      return fields.isEmpty ? nil : Shell.FormSection(id: "\(name)-\(index)", section.label, fields: fields)
    }
  }

  private var deliveryControl: Control {
    .radio(
      typed.first("delivery").isEmpty ? item.result.delivery[0].rawValue : typed.first("delivery"),
      item.result.delivery.map { Choice($0.rawValue, $0.label) })
  }

  private func text(_ value: Value, of field: FieldDeclaration) -> String {
    if let name = field.dictionary, let code = value.text {
      return catalog.dictionary(name)?.label(of: code) ?? code
    }
    if case .boolean(let flag) = value { return flag ? "是" : "否" }
    return value.plainText
  }

  // MARK: Materials

  /// What is needed under the answers so far.
  var requirements: [MaterialRequirement] {
    item.materials.filter { questions.holds($0.when) }
  }

  private var materials: Shell.FormSection? {
    let requirements = requirements
    if requirements.isEmpty { return nil }
    let wrong = Set(errors.compactMap(\.field))
    return Shell.FormSection(
      id: "materials", "申请材料", help: "拍照要平整、清楚、四角完整。能由受理单位核查的材料可以不交。",
      hasErrors: requirements.contains {
        wrong.contains("material.\($0.name)") || wrong.contains("material.\($0.name).issued")
      }
    ) {
      for requirement in requirements {
        MaterialField(
          requirement: requirement, typed: typed, files: files[requirement.name] ?? [],
          error: errors.first { $0.field == "material.\(requirement.name)" }?.message,
          issuedError: errors.first { $0.field == "material.\(requirement.name).issued" }?.message,
          channel: facts.channel, licences: offer(requirement))
      }
    }
  }

  /// Whether the paper is the applicant's own under the answers so far, and can be fetched; `nil` while its field is empty.
  func isOwn(_ requirement: MaterialRequirement) -> Bool? {
    guard let holder = requirement.holder, !requirement.licensed.isEmpty, let vouchedDocument else { return false }
    let isSelf = holder == "subject_document" && lookup("relation").text == "self"
    return lookup(isSelf ? "applicant_document" : holder).text.map { $0 == vouchedDocument }
  }

  private func offer(_ requirement: MaterialRequirement) -> Licences.Offer {
    guard licences != .none, let isOwn = isOwn(requirement) else { return licences == .open ? .unnamed : licences }
    return isOwn ? licences : .none
  }

  // MARK: Reading

  /// What was handed in: only what the form asks for under its own answers.
  package func content(from form: FormData) -> (content: CaseContent, errors: [FieldError]) {
    var content = CaseContent()
    var errors: [FieldError] = []
    for name in [ServiceCase.entity, item.form] {
      guard let entity = catalog.entity(name), asksCase || name == item.form else { continue }
      let register = Register(entity, catalog: catalog, context: context, divisions: divisions)
      let asked = entity.fields.filter {
        asks($0, of: entity) && item.preset[$0.name] == nil && access(to: $0.name, of: name) == .edit
      }
      .map(\.name)
      let reader = FormReader(register, form, record: nil, only: asked)
      errors += reader.errors
      if name == item.form {
        content.form = reader.values
      } else {
        content.values = reader.values
      }
    }
    if item.result.delivery.isEmpty {
      content.values["delivery"] = nil
    } else if asksCase, content.values["delivery"]?.isBlank != false {
      content.values["delivery"] = .text(item.result.delivery[0].rawValue)
    }
    return (content, errors)
  }
}
