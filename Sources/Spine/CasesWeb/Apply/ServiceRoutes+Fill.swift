import Access
import Cases
import Connectors
import Core
import Entities
import EntitiesWeb
import HTTP
import Shell
import Site

/// Filling a form in from what is held already (信息复用): the number of a birth certificate brings the newborn (C-033), an
/// identification number at the window brings who it is (C-325).
extension ServiceRoutes {
  /// The buttons that fill the form of an item in, as far as it asks for what they go by.
  func fillActions(_ item: ServiceItem, _ channel: CaseChannel) -> [Action] {
    let people =
      channel == .window
      ? [
        Action("按身份证号带入人口信息", .submit(name: "_fill", value: ServiceRoutes.people), icon: .people, takesIncomplete: true)
      ]
      : []
    return people
      + (cases.connectors?.connectors.fills(of: item.form) ?? []).filter { !item.hidden.contains($0.fill.by) }
      .map { connector, operation, _ in
        Action(
          operation.label, .submit(name: "_fill", value: "\(connector.name).\(operation.name)"), icon: .download,
          takesIncomplete: true)
      }
  }

  /// The fill that asks the register of people.
  private static let people = "register.people"

  /// What an identification number brings, where the form has a field of that name beside it: `mother_resident_id` brings
  /// `mother_name` and `mother_ethnicity`.
  private static let particulars = ["name", "sex", "birth_date", "ethnicity", "phone", "household_number"]

  /// What of a form officers fill in.
  func fields(_ item: ServiceItem) -> [FieldDeclaration] {
    [ServiceCase.entity, item.form].compactMap { store.catalog.entity($0) }.flatMap(\.fields).filter {
      $0.editable && !item.hidden.contains($0.name)
    }
  }

  /// What the names of the fields beside a number begin with: `mother` for `mother_resident_id`.
  static func stem(of field: String) -> Substring? {
    ["_document", "_resident_id"].first { field.hasSuffix($0) }.map { field.dropLast($0.count) }
  }

  /// Fills in who the numbers of a form belong to, as far as the officer may see them; each look is in the audit.
  ///
  /// - Parameter only: the one number to go by, which a card gave; that nobody is registered under it is then no error.
  func fillPeople(_ item: ServiceItem, _ texts: [String: [String]], only: String? = nil, _ visit: Visit) async throws
    -> Filled
  {
    var filled = Filled(texts: texts)
    let fields = fields(item)
    let names = Set(fields.map(\.name))
    let records = store.records(as: visit.principal, purpose: "受理“\(item.label)”时带入", origin: visit.request.origin)
    let mayReveal = visit.principal.may(Permission("person", "reveal"))
    var asked = false
    for field in fields where field.type == .residentID && only ?? field.name == field.name {
      guard let number = texts[field.name]?.first, !number.isEmpty, let stem = ServiceRoutes.stem(of: field.name)
      else { continue }
      asked = true
      guard let found = try await records.find("person", where: "resident_id", equals: .text(number)) else {
        filled.isUnknown = true
        if only != nil { continue }
        filled.errors.append(
          FieldError(field.name, "人口登记里没有“\(field.label)”填写的号码，或不在您的数据范围内，没有带入。请核对号码，也可以手工填写。"))
        continue
      }
      let person = mayReveal ? try await records.get("person", found.id, reveal: true) : found
      for particular in ServiceRoutes.particulars {
        let name = "\(stem)_\(particular)"
        guard names.contains(name), !person.masked.contains(particular), !person[particular].isBlank else {
          continue
        }
        try await fill(name, person[particular], from: "人口登记", told: "登记的是", fields, &filled)
      }
    }
    if only == nil, asked {
      try await fillKnown(item, names, fields, records, mayReveal: mayReveal, visit, &filled)
    }
    if !asked { filled.errors = [FieldError("applicant_document", "请先填写申请人或被申请人的身份证号，再带入。")] }
    return filled
  }

  /// Proposes what the household of somebody and the own station say (C-325), as the outcome of the form declares it: address,
  /// number and head of the household, and the division whose station it is.
  private func fillKnown(
    _ item: ServiceItem, _ names: Set<String>, _ fields: [FieldDeclaration], _ records: Records, mayReveal: Bool,
    _ visit: Visit, _ filled: inout Filled
  ) async throws {
    let context = EvaluationContext(now: store.clock.now(), principal: visit.principal)
    var people: [String: Record?] = [:]
    for known in cases.services.outcome(of: item.form)?.known ?? [] where names.contains(known.field) {
      let texts = filled.texts
      func text(_ name: String) -> String? { texts[name]?.first.flatMap { $0.isEmpty ? nil : $0 } }
      func answer(_ name: String) -> Value { item.preset[name] ?? text(name).map { Value.text($0) } ?? .null }
      let isOwn = known.of == "subject_document" && text("relation") == "self"
      guard let document = text(known.of) ?? (isOwn ? text("applicant_document") : nil),
        try known.when?.holds(in: context, answer) ?? true
      else { continue }
      if people[document] == nil {
        var found = try await records.find("person", where: "resident_id", equals: .text(document))
        if mayReveal, let id = found?.id { found = try await records.get("person", id, reveal: true) }
        people.updateValue(found, forKey: document)
      }
      guard let person = people[document] ?? nil,
        let value = try await KnownValue.read(known, of: person, records), !value.isBlank
      else { continue }
      let typed = text(known.field)
      let isAddress = fields.first { $0.name == known.field }?.mask == .address
      // The same address written otherwise is no difference.
      if let typed, KnownValue.agree(.text(typed), .text(FieldControl.editText(value)), isAddress: isAddress) {
        continue
      }
      try await fill(known.field, value, from: "人口、户登记", told: "登记的是", fields, &filled)
    }
    if filled.texts["division_code"]?.first?.isEmpty != false, names.contains("division_code"),
      let division = visit.principal.unit?.division
    {
      filled.texts["division_code"] = [division]
      filled.sources["division_code"] = "来自本单位辖区"
    }
  }

  /// Fills one empty field in; where something else was typed, that stays and the difference is told.
  func fill(
    _ name: String, _ value: Value, from source: String, told: String, _ fields: [FieldDeclaration],
    _ filled: inout Filled
  ) async throws {
    let text = FieldControl.editText(value)
    let typed = filled.texts[name]?.first ?? ""
    if typed.isEmpty {
      filled.texts[name] = [text]
      filled.sources[name] = "来自\(source)"
    } else if typed != text {
      let field = fields.first { $0.name == name }
      var known = field?.dictionary.flatMap { store.catalog.dictionary($0)?.label(of: text) } ?? value.plainText
      if field?.type == .division {
        known = try await store.records(as: .system).divisionNames(for: [text]).path(of: text) ?? known
      }
      filled.errors.append(
        FieldError(name, "“\(field?.label ?? name)”与\(source)不同：\(told)“\(known)”，请核对。"))
    }
  }

  /// What was filled in.
  struct Filled {
    var texts: [String: [String]]
    /// Where it comes from, by field.
    var sources: [String: String] = [:]
    var errors: [FieldError] = []
    /// The register of people has nobody of a number that was asked for, or not within the officer's scope.
    var isUnknown = false
  }

  /// Fills empty fields in; where something else was typed, that stays and the difference is told.
  ///
  /// - Parameter owner: the resident id of an applicant on line, who sees only what is theirs; `nil` at the window.
  func fill(
    _ asked: String, _ item: ServiceItem, _ texts: [String: [String]], owner: String?, _ visit: Visit
  ) async throws -> Filled {
    if asked == ServiceRoutes.people {
      guard owner == nil else { throw Refusal(.forbidden, "fill-unknown", "这个表单不能带入。请刷新页面。") }
      return try await fillPeople(item, texts, visit)
    }
    var filled = Filled(texts: texts)
    guard let connectors = cases.connectors, let form = store.catalog.entity(item.form),
      let (connector, operation, fill) = connectors.connectors.fills(of: item.form).first(where: {
        "\($0.connector.name).\($0.operation.name)" == asked
      })
    else { throw Refusal(.notFound, "fill-unknown", "这个表单不能带入。请刷新页面。") }
    let number = texts[fill.by]?.first ?? ""
    guard !number.isEmpty else {
      filled.errors = [FieldError(fill.by, "请先填写“\(form.field(fill.by)?.label ?? "")”，再带入。")]
      return filled
    }
    let values = operation.request.gathered { name in
      texts[name]?.first.flatMap { $0.isEmpty ? nil : .text($0) } ?? .null
    }
    let answer = try await connectors.read(
      connector.name, operation, values, owner: owner, purpose: "填写“\(item.label)”时带入", by: visit.principal)
    guard answer.outcome == .yes else {
      let reason = answer.reason ?? "\(connector.system)没有给出结果"
      filled.errors = [FieldError(fill.by, "没有带入：\(reason)。已填写的内容都在，可以手工填写。")]
      return filled
    }
    for (name, from) in fill.fields {
      guard let field = form.field(name), let value = answer.values[from], !value.isBlank else { continue }
      try await self.fill(field.name, value, from: connector.label, told: "证件上是", form.fields, &filled)
    }
    return filled
  }
}
