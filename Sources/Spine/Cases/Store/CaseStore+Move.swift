package import Access
package import Audit
import Core
import Entities
import Identity
import Processes
package import SQL

extension CaseStore {
  /// Makes a move in a case.
  ///
  /// - Parameters:
  ///   - opinion: what whoever moves says to it; some moves and answers need one.
  ///   - content: what else of the case is changed with it: the form and materials, as far as the step may.
  ///   - given: a transaction that is under way.
  /// - Throws: ``Refusal``; nothing is changed then.
  package func move(
    _ id: Int64, _ move: CaseMove, opinion: String? = nil, content: CaseContent = CaseContent(),
    by principal: Principal, origin: Origin = .inside, in given: Transaction? = nil
  ) async throws {
    let opinion = opinion.map(TextForms.trimmed).flatMap { $0.isEmpty ? nil : String($0.prefix(1000)) }
    try await inTransaction(given) { transaction in
      var state = try await hold(id, in: transaction)
      guard !isOutside || state.isApplicant(principal) else {
        throw Refusal(.conflict, "ferry-outside", "这件事在公安网办理，互联网侧不能办理，没有改动。请在公安网的待办里操作。")
      }
      try await require(move, in: state, by: principal, in: transaction)
      let records = store.records(as: acting(for: principal, form: state.form), origin: origin).within(transaction)
        .plain
      let directory =
        isOutside
        ? CaseDirectory(relayFor: state.starter)
        : move.opensSteps
          ? try await CaseDirectory(
            for: state.process, unit: state.unit, home: state.home, division: state.division, starter: state.starter,
            applicant: state.record["applicant_user_id"]?.integer, using: responsibility, in: transaction)
          : CaseDirectory(starter: state.starter)
      let engine = engine(state.process, directory)
      let before = state.instance
      var action = try await describe(move, opinion, in: state, transaction)
      if case .complete(let task, _) = move {
        try await change(state, task: task, content, records)
        // Whoever answers a pool's task takes it first, so that the history and a return know who it was.
        state.instance = try claimed(task, of: state, by: principal, engine)
      }
      var pool: Participant?
      if case .release(let task) = move { pool = try await self.pool(of: task, in: id, transaction) }
      let step = try processMove(move, state, pool: pool, by: principal)
      let (instance, events) = try engine.apply(step, to: state.instance)
      state.instance = instance
      said(of: events, in: state, &action)
      if action.step == nil, let task = action.task { action.step = before.task(task)?.visit.node }
      try await commit(state, before: before, action, by: principal, records, in: transaction)
      try await directory.dispatch?.save(at: store.clock.now(), in: transaction)
      try await tellLimit(move, state, before: before, action, in: transaction)
      if isOutside { try await sendMove(move, state, opinion: opinion, content: content, in: transaction) }
    }
    // Within a transaction of the caller's the case is locked until that ends: verification is then left to the officer.
    if given == nil, !content.isEmpty { try await verifyWhatIsNew(id, form: !content.form.isEmpty, origin: origin) }
  }

  /// Reads and locks a case for a move.
  func hold(_ id: Int64, in transaction: Transaction) async throws -> CaseState {
    let rows = try await transaction.pipeline([
      CaseStore.openScopeAndPlans,
      """
      select p.process_version_id, p.item_version_id, p.starter_id, p.instance, p.paused_at, p.shelved_at, c.state,
        c.step, c.due_at, c.finished_at, c.courier_number, c.applicant_user_id, c.division_code, c.unit_id, c.home_unit_id,
        c.accepted_by, c.submitted_at, c.was_incomplete, c.refusal_reason, c.stage
      from case_process p join service_case c on c.id = p.case_id where p.case_id = \(id) for update of p
      """,
    ])[1]
    guard let row = rows.first else { throw CaseStore.missing }
    func text(_ name: String) throws -> Value { try row.get(name, as: String?.self).map { .text($0) } ?? .null }
    func integer(_ name: String) throws -> Value { try row.get(name, as: Int64?.self).map { .integer($0) } ?? .null }
    func instant(_ name: String) throws -> Value { try row.get(name, as: Instant?.self).map { .instant($0) } ?? .null }
    return CaseState(
      id: id,
      record: [
        "state": try text("state"), "step": try text("step"), "stage": try text("stage"),
        "due_at": try instant("due_at"),
        "refusal_reason": try text("refusal_reason"),
        "finished_at": try instant("finished_at"), "courier_number": try text("courier_number"),
        "applicant_user_id": try integer("applicant_user_id"), "division_code": try text("division_code"),
        "unit_id": try integer("unit_id"), "home_unit_id": try integer("home_unit_id"),
        "accepted_by": try integer("accepted_by"),
        "submitted_at": try instant("submitted_at"),
        "was_incomplete": .boolean(try row.get("was_incomplete", as: Bool?.self) ?? false),
      ],
      process: try await versions.process(try row.get("process_version_id"), in: transaction),
      item: try await versions.item(try row.get("item_version_id"), in: transaction),
      starter: try row.get("starter_id"), instance: try ProcessInstance(json: try row.get("instance")),
      pausedAt: try row.get("paused_at"), shelvedAt: try row.get("shelved_at"))
  }

  // MARK: Who may

  private func require(_ move: CaseMove, in state: CaseState, by principal: Principal, in transaction: Transaction)
    async throws
  {
    if let key = move.timerKey {
      let due = try await transaction.query(
        """
        select 1 from case_timer where case_id = \(state.id) and key = \(key) and due_at <= \(store.clock.now())
        """)
      guard principal.kind == .system, !due.isEmpty, state.shelvedAt == nil else {
        throw Refusal(.conflict, "timer-over", "这个时限已经不再起作用。")
      }
      return
    }
    let applicant = state.record["applicant_user_id"]?.integer
    if !move.people.isEmpty {
      let staff = try await responsibility.staff(of: move.people, near: state.unit, in: transaction)
      guard move.people.allSatisfy({ staff.contains($0) && $0 != applicant }) else {
        throw Refusal(.invalid, "task-people", "只能交给本系统在职的工作人员，不能交给申请人。请从列表中重新选择。", field: "people")
      }
    }
    if state.isApplicant(principal) {
      switch move {
      case .complete, .void: break
      default: throw Refusal(.forbidden, "applicant-move", "这个操作由受理单位办理。您可以提交补正、催办或撤销申请。")
      }
    }
    if let number = move.task {
      guard let (visit, task) = state.instance.task(number) else { throw CaseStore.missing }
      if case .remove = move {
        // Whoever asked somebody may take that back; a signer of several only by whoever runs the office.
        if let parent = task.parent, let asker = visit.tasks.first(where: { $0.id == parent }),
          try await holds(asker.holder, principal, in: transaction)
        {
          return
        }
        return try await control(state.id, "reassign", "减签", by: principal, in: transaction)
      }
      if try await holds(task.holder, principal, in: transaction) { return }
      if case .transfer = move, try await mayControl(state.id, "reassign", by: principal, in: transaction) { return }
      if case .user(let other) = CaseParticipant(task.holder) {
        let name = try await store.actorName(other, transaction) ?? "别人"
        throw Refusal(.conflict, "task-taken", "这项任务由\(name)办理，您的操作没有保存。请刷新待办后查看。")
      }
      throw Refusal(.forbidden, "task-foreign", "这项任务不在您的待办里，没有改动。请从待办重新进入。")
    }
    switch move {
    case .withdraw(let visit):
      guard let visit = state.instance.visit(visit) else { throw CaseStore.missing }
      for task in visit.tasks where task.kind == .own && task.state == .done {
        if try await holds(task.holder, principal, in: transaction) { return }
      }
      throw Refusal(.forbidden, "withdraw-foreign", "只有办理这一环节的人可以撤回，没有改动。")
    case .void:
      if state.isApplicant(principal) { return }
      try await control(state.id, "void", "作废办件", by: principal, in: transaction)
    case .shelve, .resume: try await control(state.id, "shelve", "挂账或恢复办件", by: principal, in: transaction)
    case .reopen: try await control(state.id, "reopen", "重开办件", by: principal, in: transaction)
    default: throw Refusal(.forbidden, "move-system", "这一步由系统自动进行，不能手工操作。")
    }
  }

  /// Whether a participant is this principal, or a pool the principal is in.
  func holds(_ participant: Participant, _ principal: Principal, in session: some SQLSession) async throws -> Bool {
    guard principal.kind == .user else { return false }
    switch CaseParticipant(participant) {
    case .user(let id): return id == principal.id
    case .pool(let pool): return try await responsibility.pools(of: principal.id, in: session).contains(pool)
    case nil: return false
    }
  }

  /// Moves that are nobody's task need a right of their own, and the case within the data scope.
  private func control(
    _ id: Int64, _ right: String, _ what: String, by principal: Principal, in transaction: Transaction
  ) async throws {
    try principal.require(Permission("case_work", right), toDo: what)
    guard try await store.records(as: principal).within(transaction).reaches(ServiceCase.entity, id) else {
      throw CaseStore.missing
    }
  }

  func mayControl(_ id: Int64, _ right: String, by principal: Principal, in transaction: Transaction) async throws
    -> Bool
  {
    guard principal.may(Permission("case_work", right)) else { return false }
    return try await store.records(as: principal).within(transaction).reaches(ServiceCase.entity, id)
  }

  // MARK: What the engine is told

  private func claimed(_ number: Int, of state: CaseState, by principal: Principal, _ engine: ProcessEngine)
    throws(Refusal) -> ProcessInstance
  {
    guard let (_, task) = state.instance.task(number), task.state == .open,
      case .pool = CaseParticipant(task.holder), principal.kind == .user
    else { return state.instance }
    return try engine.apply(
      .transfer(task: number, to: CaseParticipant.user(principal.id).participant), to: state.instance
    ).0
  }

  /// The pool that a task was taken out of; `nil` when it was asked of a person.
  private func pool(of task: Int, in id: Int64, _ transaction: Transaction) async throws -> Participant? {
    let row = try await transaction.query(
      "select pool_kind, pool_code, pool_unit_id from case_task where case_id = \(id) and number = \(task)"
    ).first
    guard let row, let kind = try row.get("pool_kind", as: String?.self).flatMap(Responsibility.Pool.Kind.init),
      let unit = try row.get("pool_unit_id", as: Int64?.self)
    else { return nil }
    let code = try row.get("pool_code", as: String?.self) ?? ""
    return CaseParticipant.pool(.init(kind, code, unit: unit)).participant
  }

  private func processMove(
    _ move: CaseMove, _ state: CaseState, pool: Participant?, by principal: Principal
  ) throws(Refusal) -> ProcessMove {
    func user(_ id: Int64) -> Participant { CaseParticipant.user(id).participant }
    switch move {
    case .claim(let task):
      guard let held = state.instance.task(task), case .pool = CaseParticipant(held.task.holder) else {
        throw Refusal(.conflict, "task-taken", "这项任务已被签收。请刷新待办后查看。")
      }
      return .transfer(task: task, to: user(principal.id))
    case .release(let task):
      if let held = state.instance.task(task), case .pool = CaseParticipant(held.task.holder) {
        throw Refusal(.conflict, "task-pooled", "这项任务已经在待签收里，没有改动。请刷新待办后查看。")
      }
      guard let pool else {
        throw Refusal(.conflict, "task-not-pooled", "这项任务是直接交给您的，不能放回。需要换人请转办。")
      }
      return .transfer(task: task, to: pool)
    case .complete(let task, let values): return .complete(task: task, values: values)
    case .transfer(let task, let other): return .transfer(task: task, to: user(other))
    case .delegate(let task, let other): return .delegate(task: task, to: user(other))
    case .addBefore(let task, let others): return .addBefore(task: task, others.map(user))
    case .addAfter(let task, let others): return .addAfter(task: task, others.map(user))
    case .remove(let task): return .remove(task: task)
    case .back(let task, let step): return .back(task: task, to: step)
    case .withdraw(let visit): return .withdraw(visit: visit)
    case .shelve: return .shelve
    case .resume: return .resume
    case .void: return .void
    case .reopen(let step): return .reopen(at: step)
    case .elapse(let token): return .elapse(token: token)
    case .fire(let visit, let timer): return .fire(visit: visit, timer: timer)
    case .remind(let visit): return .remind(visit: visit)
    case .overdue(let visit): return .overdue(visit: visit)
    }
  }
}
