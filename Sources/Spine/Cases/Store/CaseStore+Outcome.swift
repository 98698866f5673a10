import Access
import Core
import Entities
import Processes
import SQL

extension CaseStore {
  /// Enters what a completed case changes in the registers, as whoever completed it.
  ///
  /// A change that the register refuses does not hold the case up: the history says what has to be done by hand.
  func carryOut(_ state: CaseState, by principal: Principal, _ records: Records, in transaction: Transaction)
    async throws
  {
    guard state.instance.variables["outcome"]?.text != "refused",
      let outcome = services.outcome(of: state.item.form)
    else { return }
    let reader = store.records(as: records.principal, purpose: "办件落实", origin: records.origin).within(transaction)
    guard let form = try await reader.attached(state.item.form, to: state.id, reveal: true).first else { return }
    let record = try await reader.get(ServiceCase.entity, state.id, reveal: true)
    let lookup: @Sendable (String) -> Value = { name in
      Outcome.caseFields.contains(name) ? record[name] : form[name]
    }
    let context = EvaluationContext(now: store.clock.now(), principal: principal)
    let writer = Principal(
      kind: principal.kind, id: principal.id, name: principal.name, unit: principal.unit,
      grants: Grants(outcome.changes.map { Grants.Grant(Permission($0.register, "*"), .all) }), clearance: .secret)
    let registers = store.records(as: writer, purpose: "办件落实", origin: records.origin).within(transaction)
    for change in outcome.changes {
      if let when = change.when, try !when.holds(in: context, lookup) { continue }
      guard let entity = store.catalog.entity(change.register) else { continue }
      var action = CaseAction(name: "register")
      do {
        action.result = try await transaction.savepoint { _ in
          try await self.make(change, entity, registers, context, lookup)
        }
      } catch let refusal as Refusal {
        action.result = "未能更新\(entity.label)"
        action.opinion = "\(refusal.message)请在\(entity.label)登记中手工办理。"
      }
      _ = try await transaction.query(eventStatement(state, action, by: principal, at: store.clock.now()))
    }
  }

  private func make(
    _ change: Outcome.Change, _ entity: EntityDeclaration, _ registers: Records, _ context: EvaluationContext,
    _ lookup: @escaping @Sendable (String) -> Value
  ) async throws -> String {
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
        try await registers.update(entity.name, known.id, version: nil, set, input: .code)
        return "已更新\(entity.label)"
      }
      guard change.create != nil else {
        throw Refusal(.unprocessable, "outcome-missing", "\(entity.label)里没有找到这个人或这一户。")
      }
    }
    let made = try values(change.create ?? []).merging(set) { created, _ in created }.filter { !$0.value.isNull }
    try await registers.insert(entity.name, made, input: .code)
    return "已登入\(entity.label)"
  }
}
