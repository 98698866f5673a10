import Access
import Core
import Entities
import Papers
import Processes
import SQL

extension CaseStore {
  /// Issues the documents that a move has made due.
  ///
  /// What a step is there for (签发准迁证) stops the move when it cannot be issued; what follows from a decision does not:
  /// the history says why, and what to do.
  func issueDocuments(
    _ state: CaseState, before: ProcessInstance?, _ action: CaseAction, _ contents: CaseContents,
    by principal: Principal,
    _ records: Records, in transaction: Transaction
  ) async throws {
    guard let outcome = services.outcome(of: state.item.form), state.instance.state != .void else { return }
    let moments = moments(state, before: before, action)
    let due = outcome.issues.filter { moments.contains($0.moment) }
    guard !due.isEmpty else { return }
    guard let form = try await contents.form else { return }
    let record = try await contents.record
    let lookup: @Sendable (String) -> Value = { name in
      Outcome.caseFields.contains(name) ? record[name] : form[name]
    }
    let context = EvaluationContext(now: store.clock.now(), principal: principal)
    for issue in due {
      if let when = issue.when, try !when.holds(in: context, lookup) { continue }
      let template = try office.template(issue.document)
      let isNeeded = if case .step = issue.moment { true } else { false }
      try await enter(template, state, record, isNeeded: isNeeded, by: principal, records, in: transaction) {
        let id = try await subject(of: issue, template, state, form, context, lookup, principal, records, transaction)
        return (id, try issue.replaces?.evaluate(in: context, lookup).text)
      }
    }
  }

  /// Issues one, and says so in the history, or why not.
  ///
  /// - Parameters:
  ///   - isNeeded: whether the move stops when it cannot be issued.
  ///   - isFiled: whether the archive takes it in by the same move, so that its file has to be there.
  ///   - subject: finds the record it is made of, and the number of what it takes the place of.
  private func enter(
    _ template: DocumentTemplate, _ state: CaseState, _ record: Record, isNeeded: Bool, isFiled: Bool = false,
    by principal: Principal, _ records: Records, in transaction: Transaction,
    _ subject: @escaping @Sendable () async throws -> (id: Int64, replaces: String?)
  ) async throws {
    var said = CaseAction(name: "issue")
    do {
      let number = try await transaction.savepoint { _ in
        let (id, replaced) = try await subject()
        let made = try await office.issue(
          template, of: id,
          DocumentOffice.Occasion(
            purpose: "办件 \(record["number"].text ?? "")", caseID: state.id, unit: (state.unit, state.division),
            replaces: replaced), by: principal, origin: records.origin, in: transaction)
        if isFiled { try await office.settle(made.id, in: transaction) }
        return made["number"].text ?? ""
      }
      said.result = "已签发\(template.label) \(number)"
    } catch let refusal as Refusal {
      if isNeeded { throw refusal }
      said.result = "未能签发\(template.label)"
      said.opinion = refusal.message
    }
    _ = try await transaction.query(eventStatement(state, said, by: principal, at: store.clock.now()))
  }

  /// Issues the notice that a refused application gets (不予办理告知书, C-278), as the parameter `case.refusal_notice` names it.
  func issueRefusal(_ state: CaseState, by principal: Principal, _ records: Records, in transaction: Transaction)
    async throws
  {
    let name = (try? parameters.text("case.refusal_notice")) ?? ""
    guard !name.isEmpty, !state.item.isInternal else { return }
    let template = try office.template(name)
    let reader = store.records(as: records.principal, purpose: "签发告知书", origin: records.origin).within(transaction)
    let record = try await reader.get(ServiceCase.entity, state.id, reveal: true)
    try await enter(template, state, record, isNeeded: false, isFiled: true, by: principal, records, in: transaction) {
      (state.id, nil)
    }
  }

  /// Why a case was refused: what was said to the deciding answer, or which limit ran out.
  func refusalReason(_ action: CaseAction, of id: Int64, in transaction: Transaction) async throws -> Value {
    if let said = action.opinion ?? (action.name == "complete" ? nil : action.result) { return .text(said) }
    let said: String? = try await transaction.query(
      "select opinion from case_event where case_id = \(id) and opinion is not null order by id desc limit 1"
    ).first?.get("opinion")
    return said.map { .text($0) } ?? .null
  }

  private func moments(_ state: CaseState, before: ProcessInstance?, _ action: CaseAction) -> Set<Outcome.Issue.Moment>
  {
    var moments: Set<Outcome.Issue.Moment> = []
    if state.instance.isGranted {
      if before?.isGranted != true { moments.insert(.decided) }
      if state.instance.state == .finished, before?.state != .finished { moments.insert(.finished) }
    }
    if action.name == "complete", let number = action.task, let (visit, _) = state.instance.task(number),
      visit.state == .done, before?.task(number)?.visit.state == .open
    {
      moments.insert(.step(visit.node))
    }
    return moments
  }

  /// The record that a document is made of.
  private func subject(
    of issue: Outcome.Issue, _ template: DocumentTemplate, _ state: CaseState, _ form: Record,
    _ context: EvaluationContext, _ lookup: @escaping @Sendable (String) -> Value, _ principal: Principal,
    _ records: Records, _ transaction: Transaction
  ) async throws -> Int64 {
    guard let find = issue.find else { return template.entity == ServiceCase.entity ? state.id : form.id }
    let entity = try store.entity(template.entity)
    let value = try find.value.evaluate(in: context, lookup)
    let finder = principal.entrusted(with: [entity.name], to: "view")
    let register = store.records(as: finder, purpose: "签发\(template.label)", origin: records.origin)
      .within(transaction)
    if !value.isBlank, let found = try await register.find(entity.name, where: find.field, equals: value) {
      return found.id
    }
    throw Refusal(
      .unprocessable, "document-subject", "\(entity.label)里没有找到对应的记录。请登记后从\(entity.label)页面打印\(template.label)。")
  }

  /// What a case resulted in, for its page.
  func documents(of id: Int64, _ records: Records) async throws -> [Record] {
    try await records.list(
      ListQuery(
        IssuedDocument.entity, filters: [ListFilter(ServiceCase.reference, .equals(.integer(id)))],
        columns: ["number", "label", "state", "issued_at", "valid_until", "prints", "void_reason"], limit: 20)
    ).records
  }
}

extension ProcessInstance {
  /// Whether what was applied for has been granted.
  var isGranted: Bool {
    let outcome = variables["outcome"]?.text
    return outcome == "completed" || (outcome == nil && state == .finished)
  }
}
