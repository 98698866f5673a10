import Access
import Audit
import Connectors
import Core
import Entities
import Identity
import SQL

/// Asking others before an application is taken up (外部核验).
extension CaseStore {
  /// Verifies the materials, screens the people and compares them with the register of population, all at once. An
  /// application that is refused anyway is sent nowhere.
  ///
  /// What the registers say otherwise refuses an application on line only where it is about the applicant whom a provider
  /// of identities vouched for: whoever types the number of somebody else learns nothing from the answer. What comes by the
  /// ferry is never refused for it, or its message would be held for good.
  ///
  /// - Throws: what the database says; a system that does not answer is no error.
  func checks(
    _ application: CaseApplication, _ item: ServiceItem, _ faults: [Refusal], _ context: EvaluationContext,
    by principal: Principal, origin: Origin, arrival: CaseArrival? = nil
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
    let answersApplicant = application.channel == .online && arrival == nil
    if store.catalog.entity("person") != nil {
      var people = NamedPeople(store.records(as: .system, purpose: "核对申请内容", origin: origin).plain)
      let differences = try await differences(of: known, item, &people)
      if arrival == nil {
        checks.refusals = differences.map(\.refusal)
      } else {
        checks.alerts = differences.map(\.alert)
      }
      let own = answersApplicant ? try await vouchedDocuments(of: principal) : []
      for (field, document) in try await otherwise(known, item, context, &people) {
        if own.contains(document) {
          checks.refusals.append(CaseStore.refusal(field))
        } else {
          // Whoever reviews is told; at the window the register of the household lies on the desk.
          checks.alerts.append(
            CaseAlert(
              label: "与登记不一致", person: field.label, message: "“\(field.label)”与人口、户登记里的不同，请对照户口簿核对"))
        }
      }
    }
    try await prove(application.content.materials, known, item, answersApplicant: answersApplicant, into: &checks)
    guard checks.refusals.isEmpty, connectors != nil else { return checks }
    try await ask(application.content.materials, known, item, by: principal, into: &checks)
    guard answersApplicant else { return checks }
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

  /// Proves what came as electronic licences; on line a wrong one is refused, since its applicant can hand in otherwise.
  private func prove(
    _ materials: [HandedMaterial], _ known: [String: Value], _ item: ServiceItem, answersApplicant: Bool,
    into checks: inout CaseChecks
  ) async throws {
    for handed in materials {
      guard let requirement = item.materials.first(where: { $0.name == handed.requirement }),
        let kind = requirement.kinds.first(where: { $0.name == handed.kind }),
        let found = try await proof(of: handed, requirement, kind, known, in: store.database)
      else { continue }
      checks.verifications[requirement.name] = found
      if found.result != .match, answersApplicant {
        checks.refusals.append(
          Refusal(
            .unprocessable, "licence-unproved", "“\(kind.label)”的电子证照没有通过核验，不能采用。请移除后重新调用，或改为上传照片。",
            field: "material.\(requirement.name)"))
      }
    }
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
              label: connector.label + CaseAlert.hit, person: person.label, message: answer.reason ?? "请按规定处置，并核实身份")
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
        // An electronic licence proved itself, and who issued it says whether it is what was applied with.
        checks.verifications[name] = checks.verifications[name]?.joined(found) ?? found
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
  func people(in known: [String: Value], _ item: ServiceItem) -> [(document: String, label: String)] {
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
  private func differences(
    of known: [String: Value], _ item: ServiceItem, _ people: inout NamedPeople
  ) async throws -> [(refusal: Refusal, alert: CaseAlert)] {
    let fields = fields(item)
    var found: [(refusal: Refusal, alert: CaseAlert)] = []
    for field in fields where field.type == .residentID {
      guard let document = known[field.name]?.text, let name = CaseStore.name(beside: field.name),
        let label = fields.first(where: { $0.name == name })?.label, let typed = known[name]?.text
      else { continue }
      guard let person = try await people.find(document) else { continue }
      if let registered = person["name"].text, registered != typed {
        found.append(
          (
            Refusal(
              .unprocessable, "population-name", "“\(label)”与这个身份证号在人口登记里的姓名不一致。请对照身份证核对姓名和号码；姓名确已变更的，请到窗口办理。",
              field: name),
            CaseAlert(label: "与登记不一致", person: label, message: "“\(label)”与这个身份证号在人口登记里的姓名不同，请对照身份证核对")
          ))
      } else if field.name == "applicant_document", person["deceased_on"].date != nil {
        found.append(
          (
            Refusal(
              .unprocessable, "population-deceased", "人口登记显示这个身份证号的户口已注销，不能作为申请人。请核对号码，有疑问请到窗口查询。",
              field: field.name),
            CaseAlert(label: "与登记不一致", person: field.label, message: "人口登记显示申请人的户口已注销，请核实申请人身份")
          ))
      }
    }
    return found
  }

  /// The people of the register whom an application names, each asked for once: every look is audited, and the same person
  /// often stands in several places.
  private struct NamedPeople {
    let records: Records
    private var people: [String: Record?] = [:]

    init(_ records: Records) { self.records = records }

    mutating func find(_ document: String) async throws -> Record? {
      if let known = people[document] { return known }
      let found = try await records.find("person", where: "resident_id", equals: .text(document))
      people.updateValue(found, forKey: document)
      return found
    }
  }

  /// The numbers that are the principal's own for certain: signed in by real name, and linked to a person of the register or
  /// vouched for by a provider. Empty for everybody else.
  private func vouchedDocuments(of principal: Principal) async throws -> Set<String> {
    guard principal.kind == .user, principal.id > 0, principal.assurance >= .realName else { return [] }
    let records = store.records(as: .system, purpose: "核对申请内容")
    return try await store.database.transaction { transaction in
      let records = records.within(transaction)
      var documents: Set<String> = []
      if let real = try await RealName.of(user: principal.id, in: transaction) {
        let person = try await records.get("person", real.person, columns: ["resident_id"])
        if let document = person["resident_id"].text { documents.insert(document) }
      }
      guard store.catalog.entity(IdentityProvider.binding) != nil else { return documents }
      let bindings = try await records.list(
        ListQuery(
          IdentityProvider.binding,
          filters: [
            ListFilter("user_id", .equals(.integer(principal.id))),
            ListFilter("level", .oneOf(IdentityProvider.vouching)),
          ], columns: ["resident_id"], limit: 20))
      documents.formUnion(bindings.records.compactMap { $0["resident_id"].text })
      return documents
    }
  }

  /// The fields that say otherwise than the registers what these hold of somebody (录入项约束, C-035), as the outcome of the form
  /// declares it: addresses, numbers of households, relations to their heads.
  private func otherwise(
    _ known: [String: Value], _ item: ServiceItem, _ context: EvaluationContext, _ people: inout NamedPeople
  ) async throws -> [(field: FieldDeclaration, document: String)] {
    let fields = fields(item)
    var found: [(field: FieldDeclaration, document: String)] = []
    for one in services.outcome(of: item.form)?.known ?? [] where one.isCompared {
      guard let typed = known[one.field], let field = fields.first(where: { $0.name == one.field }),
        try one.when?.holds(in: context, { known[$0] ?? .null }) ?? true, let document = known[one.of]?.text,
        let person = try await people.find(document),
        let registered = try await KnownValue.read(one, of: person, people.records), !registered.isBlank
      else { continue }
      if !KnownValue.agree(typed, registered, isAddress: field.mask == .address) { found.append((field, document)) }
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
      for alert in checks.alerts {
        try await enter(alert, shared, in: transaction)
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

  private func enter(_ alert: CaseAlert, _ shared: [String: Value], in transaction: Transaction) async throws {
    let values: [String: Value] = [
      "label": .text(alert.label), "person": .text(String(alert.person.prefix(60))),
      "message": .text(String(alert.message.prefix(300))), "raised_at": .instant(store.clock.now()),
    ]
    try await store.records(as: .system, purpose: "登记比对提醒").within(transaction).insert(
      "case_alert", values.merging(shared) { first, _ in first }.filter { !$0.value.isNull }, input: .code)
  }

  /// Alerts whoever handles a case that is under way.
  func raise(_ alert: CaseAlert, in state: CaseState, _ transaction: Transaction) async throws {
    var shared: [String: Value] = [ServiceCase.reference: .integer(state.id)]
    for name in ["division_code", "unit_id", "applicant_user_id"] { shared[name] = state.record[name] ?? .null }
    try await enter(alert, shared, in: transaction)
  }

  static func event(_ found: MaterialVerification, _ label: String) -> CaseAction {
    CaseAction(name: "verify", opinion: found.note, target: "\(label)：\(found.result.label)")
  }

  func alerts(of id: Int64, in transaction: Transaction) async throws -> [Record] {
    guard store.catalog.entity("case_alert") != nil else { return [] }
    return try await store.records(as: .system, purpose: "办理办件").within(transaction).attached("case_alert", to: id)
  }
}
