import Access
import Core
import Entities
import Processes
import SQL

extension CaseStore {
  /// Changes the form and the materials in a step that may.
  ///
  /// - Throws: ``Refusal`` `content-closed` when the step may not change what was sent.
  func change(_ state: CaseState, task: Int, _ content: CaseContent, _ records: Records) async throws {
    guard !content.isEmpty else { return }
    guard let (visit, _) = state.instance.task(task), let rule = state.process.rule(of: visit.node) else { return }
    let closed = content.form.keys.filter { rule.access(to: $0) != .edit }.min()
    if let closed, rule.editsForm {
      let label = try store.entity(state.form).field(closed)?.label ?? closed
      throw Refusal(
        .forbidden, "field-closed", "这一环节不能修改“\(label)”，没有改动。请刷新后只改可以修改的内容。", field: closed)
    }
    guard closed == nil, content.values.isEmpty || rule.edits.contains(.form),
      content.materials.isEmpty || rule.edits.contains(.materials)
    else {
      throw Refusal(.forbidden, "content-closed", "这一环节不能修改表单或材料，没有改动。需要修改请退回补正。")
    }
    // What the form does not offer is not taken later either (补正).
    if let refusal = state.item.result.refusal(ofDelivery: content.values["delivery"]?.text) { throw refusal }
    if !content.values.isEmpty {
      try await records.update(ServiceCase.entity, state.id, version: nil, content.values, input: .code)
    }
    if !content.form.isEmpty {
      guard let form = try await records.attached(state.form, to: state.id).first else {
        throw Fault("case-without-form", state.form)
      }
      try await records.update(state.form, form.id, version: nil, content.form, input: .code)
    }
    guard !content.materials.isEmpty else { return }
    let known = try await records.attached(ServiceCase.material, to: state.id)
    try await put(content.materials, into: state.id, state.record, state.item, known: known, records)
  }

  /// Enters materials: one record a requirement, the latest counts.
  ///
  /// - Parameter known: those that are there already.
  func put(
    _ materials: [HandedMaterial], into id: Int64, _ record: [String: Value], _ item: ServiceItem, known: [Record],
    _ records: Records, checks: CaseChecks = CaseChecks()
  ) async throws {
    for handed in materials {
      guard let requirement = item.materials.first(where: { $0.name == handed.requirement }) else { continue }
      if let refusal = requirement.refusal(handed, channel: .window, today: store.clock.today()) { throw refusal }
      var values: [String: Value] = [
        "material": .text(handed.kind), "issued_on": handed.issuedOn.map { .date($0) } ?? .null,
        "label": .text(String(requirement.label.prefix(100))),
        "state": .text(handed.way.rawValue),
        "files": handed.files.isEmpty ? .null : .list(handed.files),
        "licence": handed.licence.map { .text($0.json.text) } ?? .null,
      ]
      // What was found out about other papers does not hold for these.
      values.merge(MaterialVerification.values(checks.verifications[handed.requirement])) { _, new in new }
      if let old = known.first(where: { $0["requirement"].text == handed.requirement }) {
        if try await holdsLicence(old, still: handed, records) { values["licence"] = nil }
        try await records.update(ServiceCase.material, old.id, version: nil, values, input: .code)
      } else {
        let made = values.merging([
          "requirement": .text(handed.requirement), ServiceCase.reference: .integer(id),
          "division_code": record["division_code"] ?? .null, "unit_id": record["unit_id"] ?? .null,
          "applicant_user_id": record["applicant_user_id"] ?? .null,
        ]) { first, _ in first }
        try await records.insert(
          ServiceCase.material, made.filter { !$0.value.isNull }, input: .code)
      }
    }
  }

  /// Whether the licence of a material is still among its files.
  private func holdsLicence(_ old: Record, still handed: HandedMaterial, _ records: Records) async throws -> Bool {
    guard handed.licence == nil, old.isFromLicence, let session = records.transaction else { return false }
    let system = store.records(as: .system, purpose: "核验电子证照").within(session).plain
    let kept = try await system.get(ServiceCase.material, old.id, columns: ["licence", "material"], reveal: true)
    guard kept["material"].text == handed.kind,
      let licence = ElectronicLicence(text: kept["licence"].text)
    else { return false }
    let files = try await ArchiveDigest.files(handed.files, in: session)
    return files.values.contains { $0["digest"]?.string == licence.digest }
  }

  /// What the history says of a move, and whether enough was said with it.
  func describe(_ move: CaseMove, _ opinion: String?, in state: CaseState, _ session: some SQLSession) async throws
    -> CaseAction
  {
    var action = CaseAction(name: move.name, task: move.task, opinion: opinion)
    func name(_ users: [Int64]) async throws -> String {
      var names: [String] = []
      for user in users { names.append(try await store.actorName(user, session) ?? "用户 \(user)") }
      return names.joined(separator: "、")
    }
    func requireOpinion(_ what: String) throws(Refusal) {
      if opinion == nil { throw Refusal(.invalid, "opinion-missing", "\(what)要说明理由，对方会看到。请填写后再提交。", field: "opinion") }
    }
    switch move {
    case .complete(let task, let values):
      guard let (visit, _) = state.instance.task(task), let rule = state.process.rule(of: visit.node) else { break }
      let extra = values.keys.filter { key in !rule.inputs.contains { $0.variable == key } }
      if let name = extra.min() {
        throw Refusal(.invalid, "process-input", "这一环节不填写“\(name)”。请刷新后重新办理。", field: name)
      }
      for input in rule.inputs {
        guard let variable = state.process.definition.variables.first(where: { $0.name == input.variable }),
          let choice = values[input.variable]?.text.flatMap({ variable.choice($0) })
        else { continue }
        if action.result == nil { action.result = choice.label }
        if choice.needsOpinion { try requireOpinion("“\(choice.label)”") }
      }
    case .transfer(_, let other), .delegate(_, let other): action.target = try await name([other])
    case .addBefore(_, let others), .addAfter(_, let others): action.target = try await name(others)
    case .remove(let task):
      if let (_, held) = state.instance.task(task), case .user(let user) = CaseParticipant(held.holder) {
        action.target = try await name([user])
      }
    case .back(_, let step):
      try requireOpinion("退回")
      action.target = state.process.node(step)?.label ?? step
    case .reopen(let step):
      try requireOpinion("重开")
      action.target = state.process.node(step)?.label ?? step
    case .void: try requireOpinion(state.record["applicant_user_id"] == nil ? "作废" : "撤销或作废")
    case .shelve: try requireOpinion("挂账")
    case .withdraw(let visit): action.step = state.instance.visit(visit)?.node
    case .fire(let visit, let timer):
      action.step = state.instance.visit(visit)?.node ?? state.instance.call(visit)?.node
      action.result = state.process.node(timer)?.label
    case .remind(let visit), .overdue(let visit): action.step = state.instance.visit(visit)?.node
    case .elapse(let token):
      action.step = state.instance.tokens.first { $0.id == token }?.node
    case .claim, .release, .resume: break
    }
    return action
  }
}
