package import Access
package import Audit
package import Core
import Entities
import Identity
import Processes
package import SQL

/// An application ready to be handed in.
package struct CaseApplication: Sendable {
  package let item: String
  package let channel: CaseChannel
  package var content: CaseContent

  package init(item: String, channel: CaseChannel, content: CaseContent) {
    self.item = item
    self.channel = channel
    self.content = content
  }
}

/// A case that has been taken up.
package struct StartedCase: Sendable, Hashable {
  package let id: Int64
  package let number: String
}

extension CaseStore {
  /// Hands in an application: everything is checked, the case, its form and materials are entered, and the process begins
  /// as the item chooses it.
  ///
  /// - Throws: ``Refusal`` with every fault at once: of the applicant's data, the form, the conditions, the materials
  ///   (`material.NAME`).
  /// - Parameters:
  ///   - faults: what was wrong with the form before it could be understood; refused together with the rest.
  ///   - arrival: of an application that came by the ferry.
  ///   - relay: of an application that a platform hands in for the principal.
  ///   - given: a transaction that is under way.
  package func start(
    _ application: CaseApplication, faults: [Refusal] = [], by principal: Principal, origin: Origin = .inside,
    arrival: CaseArrival? = nil, relay: CaseRelay? = nil, in given: Transaction? = nil
  ) async throws -> StartedCase {
    let current = versions.current
    guard let item = current.services.item(application.item), let itemVersion = current.items[item.code] else {
      throw Refusal(.notFound, "item-unknown", "没有这个事项，或它已停办。请从事项列表重新选择。")
    }
    if isOutside, application.channel == .window {
      throw Refusal(.unprocessable, "ferry-outside", "窗口受理在公安网办理，互联网侧只接受网上申请。请在公安网的系统里受理。")
    }
    guard item.channels.contains(application.channel) else {
      throw Refusal(.unprocessable, "item-channel", "“\(item.label)”不能\(application.channel.label)。请选择其他方式。")
    }
    if application.channel == .online, let refusal = item.assuranceRefusal(principal.assurance) { throw refusal }
    let context = EvaluationContext(now: store.clock.now(), principal: principal)
    // Others are asked before the transaction begins: nothing is locked while they think.
    let checks = try await checks(application, item, faults, context, by: principal, origin: origin, arrival: arrival)
    return try await inTransaction(given) { transaction in
      try await transaction.execute(CaseStore.sharedPlans)
      let records = store.records(as: acting(for: principal, form: item.form), origin: origin).within(transaction).plain
      var values = try defaults(of: ServiceCase.entity, context).merging(application.content.values) { _, given in given
      }
      if values["relation"]?.text == "self" {
        values["subject_name"] = values["applicant_name"]
        values["subject_document"] = values["applicant_document"]
      }
      let desk = try await desk(item, application.channel, values, by: principal, in: transaction)
      let facts = CaseFacts(
        channel: application.channel, acceptedBy: desk.acceptedBy,
        isOwnStation: desk.home == nil || desk.home == desk.unit, relation: values["relation"]?.text)
      let form = try defaults(of: item.form, context).merging(application.content.form) { _, given in given }
        .filter {
          item.preset[$0.key] != nil || !item.hidden.contains($0.key) || application.content.form[$0.key] != nil
        }
        .merging(item.preset) { _, preset in preset }
      let view = ApplicationView(item, values: form, facts: facts, context: context)
      let name = try view.process()
      guard let process = current.services.processes[name], let version = current.processes[name] else {
        throw Fault("process-unpublished", name)
      }
      values.merge([
        "item_code": .text(item.code), "item_label": .text(item.label),
        "category": .text(category(of: item)), "item_version": .integer(Int64(itemVersion.number)),
        "channel": .text(application.channel.rawValue), "state": .text("active"),
        "process": .text(process.definition.name), "submitted_at": .instant(store.clock.now()),
        "unit_id": desk.unit > 0 ? .integer(desk.unit) : .null,
        "due_at": .instant(try deadline(ProcessDuration(days: item.limit), from: store.clock.now())),
      ]) { _, ours in ours }
      if let home = desk.home { values["home_unit_id"] = .integer(home) }
      values["was_incomplete"] = .boolean(false)
      if application.channel == .window { values["accepted_by"] = .integer(principal.id) }
      // A key may apply in an office, and is nobody to be asked afterwards.
      let isPerson = application.channel != .office || principal.kind == .user
      let starter = isPerson ? principal.id : 0
      if application.channel != .window, isPerson, principal.id > 0 {
        values["applicant_user_id"] = .integer(principal.id)
      }
      if let arrival {
        values["number"] = .text(arrival.number)
        values["submitted_at"] = .instant(arrival.submittedAt)
      }
      try refuse(values, form, view, application, faults, checks, context)
      let directory =
        isOutside
        ? CaseDirectory(relayFor: principal.id)
        : try await CaseDirectory(
          for: process, unit: desk.unit, home: desk.home, division: values["division_code"]?.text ?? "",
          starter: starter,
          applicant: values["applicant_user_id"]?.integer, using: responsibility, in: transaction)
      let delivery = values["delivery"]?.text.flatMap { CaseDelivery(rawValue: $0) }
      let (instance, _) = try engine(process, directory).start(
        try view.variables(
          of: process.definition, delivery: delivery,
          bringsOriginals: application.content.materials.contains { $0.way == .promised }))
      // The record begins where the process has come to already.
      values["state"] = .text(instance.caseState(in: process, byApplicant: false))
      values["step"] = instance.stepText(in: process)
      values["stage"] = .text(instance.stage(in: process))
      if instance.state == .finished {
        values["finished_at"] = .instant(store.clock.now())
        values.merge(finishing(values, by: principal, at: store.clock.now())) { _, new in new }
      }
      let record = try await records.insert(ServiceCase.entity, values.filter { !$0.value.isNull }, input: .code)
      let number = (isOutside ? CaseStore.outsideMark : "") + (record["number"].text ?? "")
      if isOutside {
        try await records.update(ServiceCase.entity, record.id, version: nil, ["number": .text(number)], input: .code)
      }
      let shared: [String: Value] = [
        ServiceCase.reference: .integer(record.id), "division_code": values["division_code"] ?? .null,
        "unit_id": values["unit_id"] ?? .null, "applicant_user_id": values["applicant_user_id"] ?? .null,
      ]
      try await records.insert(
        item.form, form.merging(shared) { _, shared in shared }.filter { !$0.value.isNull }, input: .code)
      try await put(application.content.materials, into: record.id, values, item, known: [], records, checks: checks)
      let state = CaseState(
        id: record.id, record: values, process: process, item: item, starter: starter, instance: instance,
        pausedAt: nil, shelvedAt: nil)
      if let arrival { try await note(arrival, of: record.id, in: transaction) }
      if let relay { try await note(relay, of: record.id, number, for: principal, in: transaction) }
      try await commit(
        state, before: nil, CaseAction(name: "submit"),
        opening: CaseOpening(
          processVersion: version.id, itemVersion: itemVersion.id,
          statements: ["delete from case_draft where user_id = \(principal.id) and item = \(item.code)"]),
        known: CaseContents(record, values, number: number), by: principal, records, in: transaction)
      try await note(checks, state, number: record["number"].text ?? "", shared, in: transaction)
      try await directory.dispatch?.save(at: store.clock.now(), in: transaction)
      if isOutside { try await sendApplication(application, id: record.id, number: number, in: transaction) }
      return StartedCase(id: record.id, number: number)
    }
  }

  func defaults(of name: String, _ context: EvaluationContext) throws -> [String: Value] {
    try RecordValidator(try store.entity(name), catalog: store.catalog).defaults(in: context)
  }

  /// The labels of the item's class, from the top: 户口登记 / 出生登记.
  package func category(of item: ServiceItem) -> String {
    for dictionary in store.catalog.dictionaries where dictionary.name.hasSuffix("_class") {
      guard let code = dictionary.code(item.category) else { continue }
      let parent = code.parent.flatMap { dictionary.code($0)?.label }
      return parent.map { "\($0) / \(code.label)" } ?? code.label
    }
    return item.category
  }

  // MARK: The desk

  private struct Desk {
    let unit: Int64
    let home: Int64?
    let acceptedBy: String?
  }

  /// Which unit takes the application up, and whether an auxiliary or an officer does there (受办分离, C-036).
  private func desk(
    _ item: ServiceItem, _ channel: CaseChannel, _ values: [String: Value], by principal: Principal,
    in transaction: Transaction
  ) async throws -> Desk {
    let division = values["division_code"]?.text ?? ""
    let names = item.flows.map(\.process)
    let variable = names.compactMap { services.processes[$0] }
      .flatMap(\.definition.variables).first { $0.name == "accepted_by" }
    let choices = variable?.choices ?? []
    let roles = choices.compactMap(\.role)
    // Where nobody accepts, whoever is asked first of all is who answers for the place.
    let responsible = channel == .office ? answering(names) : roles
    let home = try await responsibility.unit(withRoles: responsible, covering: division, in: transaction)
    if channel == .window {
      try principal.require(Permission("case_work", "accept"), toDo: "在窗口受理")
      guard let unit = principal.unit?.id else {
        throw Refusal(.forbidden, "desk-unit", "您的账号还没有所属机构，不能受理。请联系系统管理员。")
      }
      let held = try await responsibility.held(roles, by: principal.id, in: transaction)
      let choice = choices.first { choice in choice.role.map { held.contains($0) } ?? false }
      guard choices.isEmpty || choice != nil else {
        throw Refusal(.forbidden, "desk-role", "您没有受理“\(item.label)”的角色。请由户籍窗口的辅警或民警受理。")
      }
      return Desk(unit: unit, home: home, acceptedBy: choice?.value)
    }
    // Outside no office has anybody; the inside finds out whose it is.
    if isOutside {
      let unit = try await responsibility.unit(covering: division, in: transaction)
      return Desk(unit: unit ?? 0, home: unit, acceptedBy: choices.last?.value)
    }
    guard let unit = home else {
      // Without a readable division everything else is judged all the same, for an office that cannot be.
      if division.isEmpty { return Desk(unit: 0, home: nil, acceptedBy: choices.last?.value) }
      if channel == .office {
        throw Refusal(
          .unprocessable, "desk-none", "这个地方还没有人审核“\(item.label)”，没有提交。请系统管理员给派出所或分局的人员授予审核的角色。",
          field: "division_code")
      }
      throw Refusal(
        .unprocessable, "desk-none", "所选的地方还没有开通网上受理。请改选户口所在地或落户地的社区（村），或到窗口办理。", field: "division_code")
    }
    let present = try await responsibility.nearest(.role, roles, to: unit, division: division, in: transaction)
    let choice = choices.first { choice in choice.role.flatMap { present[$0]?.first?.unit } == unit }
    return Desk(unit: unit, home: home, acceptedBy: choice?.value ?? choices.last?.value)
  }

  /// The roles that answer in processes.
  private func answering(_ processes: [String]) -> [String] {
    processes.compactMap { services.processes[$0] }.flatMap(\.definition.nodes).flatMap { node -> [String] in
      guard case .step(let rule) = node.kind else { return [] }
      return rule.handlers.compactMap { handler in if case .role(let role) = handler { role } else { nil } }
    }
  }

  // MARK: What is wrong

  private func refuse(
    _ values: [String: Value], _ form: [String: Value], _ view: ApplicationView, _ application: CaseApplication,
    _ faults: [Refusal], _ checks: CaseChecks, _ context: EvaluationContext
  ) throws(Refusal) {
    var refusals = faults
    let catalog = store.catalog
    if let entity = catalog.entity(ServiceCase.entity) {
      // The number is given when the record is made.
      refusals += RecordValidator(entity, catalog: catalog).refusals(for: values, in: context)
    }
    if let refusal = view.item.result.refusal(ofDelivery: values["delivery"]?.text) { refusals.append(refusal) }
    if let entity = catalog.entity(view.item.form) {
      for name in form.keys.sorted() where view.item.hidden.contains(name) && view.item.preset[name] == nil {
        if form[name]?.isBlank == false {
          refusals.append(
            Refusal(.invalid, "field-hidden", "这个事项不填写“\(entity.field(name)?.label ?? name)”。请刷新后重新填写。", field: name))
        }
      }
      let validator = RecordValidator(entity, catalog: catalog)
      let attached: [String: Value] = [ServiceCase.reference: .integer(0)]
      refusals += validator.refusals(for: form.merging(attached) { first, _ in first }, in: context)
    }
    if refusals.isEmpty { refusals += try view.refusals() }
    let handed = Dictionary(
      application.content.materials.map { ($0.requirement, $0) }, uniquingKeysWith: { first, _ in first })
    for requirement in try view.materials() {
      let handed = handed[requirement.name]
      if let refusal = requirement.refusal(handed, channel: application.channel, today: context.today) {
        refusals.append(refusal)
      }
    }
    refusals += checks.refusals
    // A value that could not be read is not missing as well.
    let unread = Set(faults.compactMap(\.field))
    refusals = faults + refusals.dropFirst(faults.count).filter { $0.field.map { !unread.contains($0) } ?? true }
    if let refusal = Refusal(all: refusals) { throw refusal }
  }
}
