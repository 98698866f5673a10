import Access
import Audit
import Connectors
import Core
import Entities
import SQL

/// Asking others before an application is taken up (外部核验).
extension CaseStore {
  /// Verifies the materials, screens the people and compares them with the register of population, all at once. An
  /// application that is refused anyway is sent nowhere.
  ///
  /// - Throws: what the database says; a system that does not answer is no error.
  func checks(
    _ application: CaseApplication, _ item: ServiceItem, _ faults: [Refusal], _ context: EvaluationContext,
    by principal: Principal, origin: Origin
  ) async throws -> CaseChecks {
    guard faults.isEmpty, let entity = store.catalog.entity(item.form) else { return CaseChecks() }
    let form = try defaults(of: item.form, context).merging(application.content.form) { _, given in given }
      .merging(item.preset) { _, preset in preset }
    let validator = RecordValidator(entity, catalog: store.catalog)
    let attached = form.merging([ServiceCase.reference: .integer(0)]) { first, _ in first }
    guard validator.refusals(for: attached, in: context).isEmpty else { return CaseChecks() }
    var values = application.content.values
    if values["relation"]?.text == "self" {
      values["subject_name"] = values["applicant_name"]
      values["subject_document"] = values["applicant_document"]
    }
    let known = values.merging(form) { own, _ in own }.filter { !$0.value.isBlank }
    var checks = CaseChecks()
    checks.refusals = try await differences(of: known, item, origin: origin)
    let otherwise = try await otherwise(known, item, context, origin: origin)
    if application.channel == .online {
      checks.refusals += otherwise.map(CaseStore.refusal)
    } else {
      // At the window the register of the household lies on the desk; whoever reviews is told.
      checks.alerts = otherwise.map {
        CaseAlert(label: "与登记不一致", person: $0.label, message: "“\($0.label)”与人口、户登记里的不同，请对照户口簿核对")
      }
    }
    guard checks.refusals.isEmpty, connectors != nil else { return checks }
    try await ask(application.content.materials, known, item, by: principal, into: &checks)
    guard application.channel == .online else { return checks }
    for requirement in item.materials {
      guard let found = checks.verifications[requirement.name], found.result == .mismatch,
        let handed = application.content.materials.first(where: { $0.requirement == requirement.name }),
        let kind = requirement.kinds.first(where: { $0.name == handed.kind }), kind.mismatch == .refuse
      else { continue }
      checks.refusals.append(
        Refusal(
          .unprocessable, "material-mismatch",
          "“\(kind.label)”核验不一致：\(found.note)。请对照证件改正；证件确实无误的，请带原件到窗口办理。",
          field: "material.\(requirement.name)"))
    }
    return checks
  }

  private enum Part: Sendable {
    case material(String, MaterialVerification, call: Int64?)
    case screening(CaseAlert?, call: Int64?)
  }

  private func ask(
    _ materials: [HandedMaterial], _ known: [String: Value], _ item: ServiceItem, by principal: Principal,
    into checks: inout CaseChecks
  ) async throws {
    guard let connectors else { return }
    let people = people(in: known, item)
    let parts = try await withThrowingTaskGroup(of: Part?.self) { group in
      for handed in materials {
        guard let requirement = item.materials.first(where: { $0.name == handed.requirement }),
          let kind = requirement.kinds.first(where: { $0.name == handed.kind })
        else { continue }
        group.addTask {
          guard let found = try await self.verify(kind, known, about: nil, by: principal) else { return nil }
          return .material(requirement.name, found.0, call: found.call)
        }
      }
      for (connector, operation) in connectors.connectors.screenings {
        for person in people {
          group.addTask {
            let answer = try await connectors.call(
              connector.name, operation.name, ["document": .text(person.document)], purpose: "办理“\(item.label)”时比对",
              by: principal)
            guard answer.outcome == .yes else { return .screening(nil, call: answer.call) }
            let alert = CaseAlert(
              label: "\(connector.label)命中", person: person.label, message: answer.reason ?? "请按规定处置，并核实身份")
            return .screening(alert, call: answer.call)
          }
        }
      }
      var parts: [Part] = []
      for try await part in group { if let part { parts.append(part) } }
      return parts
    }
    for part in parts {
      switch part {
      case .material(let name, let found, let call):
        checks.verifications[name] = found
        checks.calls += [call].compactMap(\.self)
      case .screening(let alert, let call):
        checks.alerts += [alert].compactMap(\.self)
        checks.calls += [call].compactMap(\.self)
      }
    }
    checks.calls.sort()
    checks.alerts.sort { ($0.label, $0.person) < ($1.label, $1.person) }
  }

  /// Asks the system that a kind of material names; `nil` when it names none.
  func verify(
    _ kind: MaterialKind, _ known: [String: Value], about: ConnectorSubject?, by principal: Principal
  ) async throws -> (MaterialVerification, call: Int64?)? {
    guard let connectors, let name = kind.check, let connector = connectors.connectors.connector(name),
      let operation = connector.verification
    else { return nil }
    let answer = try await connectors.call(
      name, operation.name, operation.request.gathered { known[$0] ?? .null }, purpose: "核验\(kind.label)",
      about: about, by: principal)
    let result: MaterialVerification.Result =
      answer.outcome == .yes ? .match : answer.outcome == .no ? .mismatch : .unknown
    let said = answer.reason ?? (result == .unknown ? "\(connector.system)没有给出结论" : "\(connector.system)已答复")
    return (
      MaterialVerification(
        result, note: result == .unknown ? "\(said)，请对照原件人工核验" : said, at: store.clock.now(), by: connector.system),
      answer.call
    )
  }

  // MARK: The people of an application

  private func fields(_ item: ServiceItem) -> [FieldDeclaration] {
    [ServiceCase.entity, item.form].compactMap { store.catalog.entity($0) }.flatMap(\.fields)
  }

  /// Everybody named by a resident id, each once.
  private func people(in known: [String: Value], _ item: ServiceItem) -> [(document: String, label: String)] {
    var people: [(document: String, label: String)] = []
    for field in fields(item) where field.type == .residentID {
      guard let document = known[field.name]?.text, !people.contains(where: { $0.document == document }) else {
        continue
      }
      let label = field.label
      people.append((document, label.hasSuffix("身份证号") ? String(label.dropLast(4)) : label))
    }
    return people
  }

  /// What was typed and what the register of population says otherwise (录入项约束, C-035); says nothing of the register
  /// but that it differs.
  private func differences(of known: [String: Value], _ item: ServiceItem, origin: Origin) async throws -> [Refusal] {
    guard store.catalog.entity("person") != nil else { return [] }
    let records = store.records(as: .system, purpose: "核对申请内容", origin: origin).plain
    let fields = fields(item)
    var refusals: [Refusal] = []
    // The same person often stands in several places of an application.
    var people: [String: Record?] = [:]
    for field in fields where field.type == .residentID {
      guard let document = known[field.name]?.text, let name = CaseStore.name(beside: field.name),
        let label = fields.first(where: { $0.name == name })?.label, let typed = known[name]?.text
      else { continue }
      if people[document] == nil {
        let found = try await records.find("person", where: "resident_id", equals: .text(document))
        people.updateValue(found, forKey: document)
      }
      guard let person = people[document] ?? nil else { continue }
      if let registered = person["name"].text, registered != typed {
        refusals.append(
          Refusal(
            .unprocessable, "population-name", "“\(label)”与这个身份证号在人口登记里的姓名不一致。请对照身份证核对姓名和号码；姓名确已变更的，请到窗口办理。",
            field: name))
      } else if field.name == "applicant_document", person["deceased_on"].date != nil {
        refusals.append(
          Refusal(
            .unprocessable, "population-deceased", "人口登记显示这个身份证号的户口已注销，不能作为申请人。请核对号码，有疑问请到窗口查询。",
            field: field.name))
      }
    }
    return refusals
  }

  /// The fields that say otherwise than the registers what these hold of somebody (录入项约束, C-035), as the outcome of the form
  /// declares it: addresses, numbers of households, relations to their heads.
  private func otherwise(
    _ known: [String: Value], _ item: ServiceItem, _ context: EvaluationContext, origin: Origin
  ) async throws -> [FieldDeclaration] {
    let records = store.records(as: .system, purpose: "核对申请内容", origin: origin).plain
    let fields = fields(item)
    var found: [FieldDeclaration] = []
    for one in services.outcome(of: item.form)?.known ?? [] where one.isCompared {
      guard let typed = known[one.field], let field = fields.first(where: { $0.name == one.field }),
        try one.when?.holds(in: context, { known[$0] ?? .null }) ?? true, let document = known[one.of]?.text,
        let registered = try await KnownValue.read(one, of: document, records), !registered.isBlank
      else { continue }
      if !KnownValue.agree(typed, registered, isAddress: field.mask == .address) { found.append(field) }
    }
    return found
  }

  private static func refusal(_ field: FieldDeclaration) -> Refusal {
    Refusal(
      .unprocessable, "population-differs",
      "“\(field.label)”与人口、户登记里的不一致。请对照户口簿改正；登记刚变动或有误的，请带户口簿到窗口办理。", field: field.name)
  }

  /// `father_resident_id` stands beside `father_name`.
  private static func name(beside field: String) -> String? {
    for suffix in ["_resident_id", "_document"] where field.hasSuffix(suffix) {
      return field.dropLast(suffix.utf8.count) + "_name"
    }
    return nil
  }

  // MARK: Writing down

  /// Enters what was found with a case that begins: alerts, history, and the case in the log of calls.
  func note(
    _ checks: CaseChecks, _ state: CaseState, number: String, _ shared: [String: Value], in transaction: Transaction
  ) async throws {
    let now = store.clock.now()
    for requirement in state.item.materials {
      guard let found = checks.verifications[requirement.name] else { continue }
      _ = try await transaction.query(
        eventStatement(state, CaseStore.event(found, requirement.label), by: .system, at: now))
    }
    if !checks.alerts.isEmpty {
      let records = store.records(as: .system, purpose: "登记比对提醒").within(transaction)
      for alert in checks.alerts {
        let values: [String: Value] = [
          "label": .text(alert.label), "person": .text(String(alert.person.prefix(60))),
          "message": .text(String(alert.message.prefix(300))), "raised_at": .instant(now),
        ]
        try await records.insert(
          "case_alert", values.merging(shared) { first, _ in first }.filter { !$0.value.isNull }, input: .code)
        _ = try await transaction.query(
          eventStatement(
            state, CaseAction(name: "alert", opinion: alert.message, target: "\(alert.label)：\(alert.person)"),
            by: .system, at: now))
      }
    }
    guard !checks.calls.isEmpty else { return }
    try await ConnectorLog.attribute(
      checks.calls, to: ConnectorSubject(entity: ServiceCase.entity, id: state.id, label: "办件 \(number)"), store,
      in: transaction)
  }

  static func event(_ found: MaterialVerification, _ label: String) -> CaseAction {
    CaseAction(name: "verify", opinion: found.note, target: "\(label)：\(found.result.label)")
  }

  func alerts(of id: Int64, in transaction: Transaction) async throws -> [Record] {
    guard store.catalog.entity("case_alert") != nil else { return [] }
    return try await store.records(as: .system, purpose: "办理办件").within(transaction).attached("case_alert", to: id)
  }
}
