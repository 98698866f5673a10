import Access
import Core
import Entities
import Households
import Processes
import SQL

extension CaseStore {
  /// Enters what a completed case changes in the registers, as whoever completed it.
  ///
  /// A change that the register refuses does not hold the case up: the history says what has to be done by hand.
  func carryOut(
    _ state: CaseState, _ contents: CaseContents, by principal: Principal, _ records: Records,
    in transaction: Transaction
  ) async throws {
    guard state.instance.variables["outcome"]?.text != "refused",
      let outcome = services.outcome(of: state.item.form)
    else { return }
    guard let form = try await contents.form else { return }
    let record = try await contents.record
    let writer = principal.entrusted(with: outcome.registers)
    let registers = store.records(as: writer, purpose: "办件落实", origin: records.origin).within(transaction)
    var run = OutcomeRun(
      registers: registers, catalog: store.catalog,
      context: EvaluationContext(now: store.clock.now(), principal: principal), form: form, record: record)
    let naming = try outcome.namings.first { try $0.when?.holds(in: run.context, run.lookup) ?? true }
    if naming != nil { try await HouseholdLedger.begin(in: transaction) }
    var left: [UnfinishedEntry] = []
    for step in outcome.changes {
      guard try run.applies(step) else { continue }
      var action = CaseAction(name: "register")
      do {
        let trial = run
        let done = try await transaction.savepoint { _ in try await trial.make(step) }
        action.result = done.result
        action.opinion = done.notes.isEmpty ? nil : String(done.notes.joined(separator: "").prefix(1000))
        if let name = done.name, let person = done.person { run.people[name] = person }
        left += done.tasks.map {
          UnfinishedEntry(store.catalog.entity($0.register)?.label ?? $0.register, in: $0.register, reason: $0.text)
        }
      } catch let refusal as Refusal {
        let label = run.label(of: step)
        action.result = "未能更新\(label)"
        action.opinion = "\(refusal.message)请在\(label)登记中手工办理。"
        left.append(UnfinishedEntry(label, in: run.register(of: step), reason: refusal.message))
      }
      _ = try await transaction.query(eventStatement(state, action, by: principal, at: store.clock.now()))
    }
    try await UnfinishedEntry.keep(left, of: record, by: principal, registers, in: transaction)
    guard let naming else { return }
    let place = run.place(nil)
    try await HouseholdLedger.close(
      .init(
        id: state.id, number: record["number"].text ?? "", item: record["item_label"].text ?? outcome.label,
        kind: naming.kind, division: place.division, unit: place.unit,
        officer: principal.kind == .user ? principal.id : nil), registers)
  }
}

extension Outcome {
  /// The registers that its changes write to.
  fileprivate var registers: Set<String> {
    var names: Set<String> = namings.isEmpty ? [] : [HouseholdLedger.entity, HouseholdLedger.item]
    for step in changes {
      switch step {
      case .record(let change):
        names.insert(change.register)
        if change.register == HouseholdBook.person { names.insert(HouseholdBook.entity) }
      case .household: names.formUnion([HouseholdBook.entity, HouseholdBook.person])
      case .number:
        names.formUnion([HouseholdBook.entity, HouseholdBook.person, ResidentNumbers.entity, ResidentNumbers.range])
      }
    }
    return names
  }
}

/// One carrying out of an outcome: the application it reads, and the people its changes have come to.
private struct OutcomeRun: Sendable {
  struct Done: Sendable {
    let result: String
    var notes: [String] = []
    /// Those of the notes that ask for work.
    var tasks: [HouseholdBook.Report.Task] = []
    var name: String?
    var person: Int64?

    init(result: String, name: String? = nil, person: Int64? = nil) {
      self.result = result
      self.name = name
      self.person = person
    }

    init(_ report: HouseholdBook.Report) {
      result = report.result
      notes = report.notes
      tasks = report.tasks
    }
  }

  let registers: Records
  let catalog: Catalog
  let context: EvaluationContext
  let form: Record
  let record: Record
  var people: [String: Int64] = [:]

  func lookup(_ name: String) -> Value { Outcome.caseFields.contains(name) ? record[name] : form[name] }

  func applies(_ step: Outcome.Step) throws -> Bool {
    let when =
      switch step {
      case .record(let change): change.when
      case .household(let change): change.when
      case .number(let change): change.when
      }
    return try when?.holds(in: context, lookup) ?? true
  }

  /// The register that a step writes to; `nil` for a number, which only cases give.
  func register(of step: Outcome.Step) -> String? {
    switch step {
    case .record(let change): change.register
    case .household: HouseholdBook.entity
    case .number: nil
    }
  }

  /// What the history calls the register of a step.
  func label(of step: Outcome.Step) -> String {
    switch step {
    case .record(let change): catalog.entity(change.register)?.label ?? change.register
    case .household: catalog.entity(HouseholdBook.entity)?.label ?? "户"
    case .number: "公民身份号码"
    }
  }

  func make(_ step: Outcome.Step) async throws -> Done {
    switch step {
    case .record(let change): try await enter(change)
    case .household(let change): try await arrange(change)
    case .number(let change): try await assign(change)
    }
  }

  // MARK: Records

  private func enter(_ change: Outcome.Change) async throws -> Done {
    guard let entity = catalog.entity(change.register) else { throw Fault("outcome-register", change.register) }
    if let after = change.after, people[after] == nil {
      throw Refusal(.unprocessable, "outcome-after", "前一项登记没有完成，这一项没有做。")
    }
    func values(_ assignments: [Outcome.Change.Assignment]) throws -> [String: Value] {
      var values: [String: Value] = [:]
      for assignment in assignments {
        guard let field = entity.field(assignment.field) else { continue }
        values[field.name] = try assignment.value.stored(as: field, in: context, lookup)
      }
      return values
    }
    let set = try values(change.set)
    if let find = change.find {
      let key = try find.value.evaluate(in: context, lookup)
      if !key.isBlank, let known = try await registers.find(entity.name, where: find.field, equals: key) {
        try await registers.update(entity.name, known.id, version: nil, set, input: .exact)
        if entity.name == HouseholdBook.person {
          try await HouseholdBook(registers, place: place(nil)).refresh(known.id)
        }
        return Done(result: "已更新\(entity.label)", name: change.name, person: known.id)
      }
      guard change.create != nil else {
        throw Refusal(.unprocessable, "outcome-missing", "\(entity.label)里没有找到这个人或这一户。")
      }
    }
    var made = try values(change.create ?? []).merging(set) { created, _ in created }.filter { !$0.value.isNull }
    if entity.name == HouseholdBook.person { made = HouseholdBook.completed(made) }
    let new = try await registers.insert(entity.name, made, input: .code)
    return Done(result: "已登入\(entity.label)", name: change.name, person: new.id)
  }

  // MARK: Households and numbers

  private func text(_ expression: Expression?) throws -> String? {
    let text = try expression?.evaluate(in: context, lookup).text
    return text?.isEmpty == false ? text : nil
  }

  private func subject(_ subject: Outcome.Subject?) async throws -> Int64 {
    switch subject {
    case .change(let name):
      guard let person = people[name] else {
        throw Refusal(.unprocessable, "outcome-after", "这个人没有登入人口登记，这一项没有做。")
      }
      return person
    case .residentID(let expression):
      guard let id = try text(expression) else {
        throw Refusal(.unprocessable, "outcome-person", "申请里没有这个人的身份证号，找不到人。")
      }
      return try await HouseholdBook(registers, place: place(nil)).find(id)
    case nil: throw Fault("outcome-subject", form.entity)
    }
  }

  func place(_ address: String?) -> HouseholdBook.Place {
    HouseholdBook.Place(
      division: record["division_code"].text ?? "",
      unit: record["home_unit_id"].integer ?? record["unit_id"].integer ?? 0, address: address)
  }

  private func kinship(_ expression: Expression?) throws -> Kinship? {
    try text(expression).flatMap { Kinship(rawValue: $0) }
  }

  private func arrange(_ change: Outcome.HouseholdChange) async throws -> Done {
    let parts = change.parts
    let book = HouseholdBook(registers, place: place(try text(parts[.address])))
    let target = HouseholdBook.Target(
      number: try text(parts[.number]), member: try text(parts[.of]), collective: try text(parts[.collective]))
    let members = try text(parts[.members])
    if change.kind == .collective {
      let report = try await book.establish(
        collective: target.collective ?? "", kind: try text(parts[.kind]) ?? "collective",
        keeper: try text(parts[.keeper]))
      return Done(report)
    }
    if change.kind == .revert {
      let report = try await book.revert(try text(parts[.change]) ?? "", for: record["number"].text ?? "")
      return Done(report)
    }
    let person = try await subject(change.subject)
    let report: HouseholdBook.Report
    switch change.kind {
    case .join:
      report = try await book.join(
        person, target, relation: try kinship(parts[.relation]), hostRelation: try kinship(parts[.host]),
        companions: members)
    case .establish:
      report = try await book.establish(
        person, kind: try text(parts[.kind]) ?? "family", from: try text(parts[.from]), members: members)
    case .leave:
      report = try await book.leave(
        person, successor: try text(parts[.successor]), reason: try text(parts[.reason]) ?? "other")
    case .head: report = try await book.appoint(person, number: target.number, members: members)
    case .relate:
      guard let relation = try kinship(parts[.relation]) else { throw Fault("outcome-relation", form.entity) }
      report = try await book.relate(person, as: relation)
    case .kind:
      report = try await book.change(
        kind: try text(parts[.kind]) ?? "family", of: person, name: target.collective)
    case .merge: report = try await book.merge(person, into: target, members: members)
    case .rejoin: report = try await book.rejoin(person)
    case .collective, .revert: throw Fault("outcome-subject", form.entity)
    }
    return Done(report)
  }

  private func assign(_ change: Outcome.NumberChange) async throws -> Done {
    let person = try await subject(change.subject)
    let birthDate = try change.birthDate?.evaluate(in: context, lookup).date
    let sex = try text(change.sex).flatMap { ResidentID.Sex(rawValue: $0) }
    guard (birthDate != nil) == (change.birthDate != nil), (sex != nil) == (change.sex != nil) else {
      throw Refusal(.unprocessable, "number-facts", "申请表里没有性别或出生日期，没有编制公民身份号码。")
    }
    let place = place(nil)
    let id = try await ResidentNumbers(registers).assign(
      to: person, division: place.division, unit: place.unit, birthDate: birthDate, sex: sex, cause: change.cause,
      case: record["number"].text ?? "")
    try await HouseholdBook(registers, place: place).refresh(person)
    // The number itself is personal and stands in the registers; the history shows which it is by its end.
    return Done(result: "已编制公民身份号码，末四位 \(id.text.suffix(4))")
  }
}
