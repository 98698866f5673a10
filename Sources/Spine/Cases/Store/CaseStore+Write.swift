import Access
import Core
import Entities
import Identity
import Processes
import SQL

/// What somebody did, for the history.
struct CaseAction: Sendable {
  let name: String
  var task: Int?
  var step: String?
  var result: String?
  var opinion: String?
  var target: String?
}

/// What a case that begins is written with: the versions it stays on, and statements of its own.
struct CaseOpening: Sendable {
  let processVersion: Int64
  let itemVersion: Int64
  var statements: [SQL] = []
}

extension CaseStore {
  /// Writes what a move made of an instance: tasks, timers, the instance, the case's record, the history.
  ///
  /// - Parameters:
  ///   - before: `nil` for a case that begins.
  ///   - opening: what else is written with a case that begins.
  ///   - known: the case, for what is said of it.
  func commit(
    _ state: CaseState, before: ProcessInstance?, _ action: CaseAction, opening: CaseOpening? = nil,
    known: CaseContents? = nil, by principal: Principal, _ records: Records, in transaction: Transaction
  ) async throws {
    let now = store.clock.now()
    var statements = try taskStatements(state, before: before, by: principal, action, at: now)
    statements += try timerStatements(state, before: before, at: now)
    let (clock, due) = try await clock(of: state, opening, at: now, in: transaction)
    // Tasks and history belong to a case that is there.
    statements = clock + statements
    statements.append(eventStatement(state, action, by: principal, at: now))
    try await requireSignature(state, before: before, in: transaction)
    let isOver = state.instance.state == .finished || state.instance.state == .void
    if isOver {
      statements.append("update case_request set state = 'dropped' where case_id = \(state.id) and state = 'open'")
    }
    _ = try await transaction.pipeline(statements)
    let contents = CaseContents(
      of: state.id, form: state.form,
      store.records(as: records.principal, purpose: "办理办件", origin: records.origin).within(transaction).plain)
    let byApplicant = state.isApplicant(principal)
    var changes: [String: Value] = [
      "state": .text(state.instance.caseState(in: state.process, byApplicant: byApplicant)),
      "step": state.instance.stepText(in: state.process),
      "stage": .text(state.instance.stage(in: state.process)),
      "due_at": due.map { .instant($0) } ?? .null,
    ]
    if let number = state.instance.variables["courier_number"] { changes["courier_number"] = number }
    if isOver != (state.record["finished_at"]?.isBlank == false) {
      changes["finished_at"] = isOver ? .instant(now) : .null
    }
    if state.instance.state == .finished, before?.state != .finished, !isOutside {
      try await carryOut(state, contents, by: principal, records, in: transaction)
    }
    try await issueDocuments(state, before: before, action, contents, by: principal, records, in: transaction)
    let caseState = changes["state"]?.text ?? ""
    try await tell(
      state, before: before, action, was: before == nil ? nil : state.record["state"]?.text, now: caseState,
      known ?? contents, by: principal, in: transaction)
    let isRefused = caseState == "refused" && before?.state != .finished && !isOutside
    if isRefused {
      changes["refusal_reason"] = try await refusalReason(action, of: state.id, in: transaction)
    } else if state.instance.state == .running, before?.state == .finished {
      changes["refusal_reason"] = .null
    }
    changes.merge(facts(of: state, before: before, action, caseState, by: principal, at: now)) { _, new in new }
    try await follow(state, before: before, caseState: caseState, records, in: transaction)
    changes = changes.filter { $0.value != state.record[$0.key] ?? .null }
    if !changes.isEmpty {
      try await records.update(ServiceCase.entity, state.id, version: nil, changes, input: .code)
    }
    if isRefused { try await issueRefusal(state, by: principal, records, in: transaction) }
    try await report(state, action, by: principal, in: transaction)
    try await file(state, before: before, contents, by: principal, in: transaction)
  }

  // MARK: Tasks

  func taskStatements(
    _ state: CaseState, before: ProcessInstance?, by principal: Principal, _ action: CaseAction, at now: Instant
  ) throws -> [SQL] {
    var statements: [SQL] = []
    for visit in state.instance.visits {
      guard let rule = state.process.rule(of: visit.node) else { continue }
      for task in visit.tasks {
        let old = before?.task(task.id)?.task
        if old == task { continue }
        let holder = columns(of: task.holder)
        if old == nil {
          let due = try rule.limit.map { try deadline($0, from: now) }
          statements.append(
            """
            insert into case_task (case_id, number, visit, step, step_label, item_code, item_label, kind, state, user_id,
              pool_kind, pool_code, pool_unit_id, asked_at, due_at)
            values (\(state.id), \(task.id), \(visit.id), \(visit.node),
              \(state.process.node(visit.node)?.label ?? visit.node), \(state.item.code), \(state.item.label),
              \(task.kind.rawValue), \(task.state.rawValue),
              \(holder.user), \(holder.pool?.kind.rawValue), \(holder.pool?.code), \(holder.pool?.unit), \(now),
              \(due))
            """)
          continue
        }
        let isDone = task.state == .done && old?.state != .done
        if isDone, principal.kind == .user, rule.handler != .starter {
          statements.append(handlingStatement(state, task.id, visit.node, action, by: principal, at: now))
        }
        let isAsked = task.state == .open && old?.state != .open
        let result = isDone && action.task == task.id ? action.result : nil
        // A pool stays known when somebody takes the task out of it, so that it can be given back.
        statements.append(
          """
          update case_task set state = \(task.state.rawValue), user_id = \(holder.user),
            pool_kind = coalesce(\(holder.pool?.kind.rawValue), pool_kind),
            pool_code = coalesce(\(holder.pool?.code), pool_code),
            pool_unit_id = coalesce(\(holder.pool?.unit), pool_unit_id),
            claimed_at = case when \(holder.user)::bigint is null then null
              else coalesce(claimed_at, \(now)) end,
            asked_at = case when \(isAsked) then \(now) else asked_at end,
            done_at = case when \(isDone) then \(now) else done_at end,
            done_by = case when \(isDone) then \(principal.actor) else done_by end,
            result = coalesce(\(result), result)
          where case_id = \(state.id) and number = \(task.id)
          """)
      }
    }
    return statements
  }

  func columns(of holder: Participant) -> (user: Int64?, pool: Responsibility.Pool?) {
    switch CaseParticipant(holder) {
    case .user(let id): (id, nil)
    case .pool(let pool): (nil, pool)
    case nil: (nil, nil)
    }
  }

  func deadline(_ duration: ProcessDuration, from start: Instant) throws(Refusal) -> Instant {
    do throws(WorkCalendarFailure) { return try calendar.deadline(duration, from: start) } catch { throw error.refusal }
  }

  // MARK: Timers

  private func timerStatements(_ state: CaseState, before: ProcessInstance?, at now: Instant) throws -> [SQL] {
    let old = before.map { timers(of: $0, in: state.process) } ?? [:]
    let new = timers(of: state.instance, in: state.process)
    var statements: [SQL] = []
    for key in old.keys.sorted() where new[key] == nil {
      statements.append("delete from case_timer where case_id = \(state.id) and key = \(key)")
    }
    for (key, rule) in new.sorted(by: { $0.key < $1.key }) where old[key] == nil {
      statements.append(
        """
        insert into case_timer (case_id, key, due_at)
        values (\(state.id), \(key), \(try due(rule, from: now)))
        """)
    }
    return statements
  }

  /// The timers that an instance waits for, by key.
  private func timers(of instance: ProcessInstance, in process: RunnableProcess) -> [String: TimerRule] {
    guard instance.state == .running || instance.state == .shelved else { return [:] }
    var timers: [String: TimerRule] = [:]
    for visit in instance.openVisits {
      if let rule = process.rule(of: visit.node) { timers.merge(limitTimers(of: visit, rule)) { first, _ in first } }
      for timer in process.boundaries(of: visit.node) where !visit.fired.contains(timer.id) {
        if case .boundary(_, let after, _) = timer.kind { timers["v\(visit.id).\(timer.id)"] = .after(after) }
      }
    }
    for call in instance.openCalls {
      for timer in process.boundaries(of: call.node) where !call.fired.contains(timer.id) {
        if case .boundary(_, let after, _) = timer.kind { timers["v\(call.id).\(timer.id)"] = .after(after) }
      }
    }
    for token in instance.tokens {
      if case .timer(let duration) = process.node(token.node)?.kind { timers["t\(token.id)"] = .after(duration) }
    }
    return timers
  }

  // MARK: The clock

  /// Keeps the instance and moves deadlines by the time that stood still.
  private func clock(
    of state: CaseState, _ opening: CaseOpening?, at now: Instant, in transaction: Transaction
  ) async throws -> ([SQL], Instant?) {
    let stands = state.instance.standsStill(in: state.process)
    var due = state.due
    var pausedAt = state.pausedAt
    var shelvedAt = state.shelvedAt
    var statements: [SQL] = []
    if let since = pausedAt, !stands {
      due = try due.map { try shifted($0, from: since, to: now) }
      pausedAt = nil
    } else if pausedAt == nil, stands {
      pausedAt = now
    }
    if let since = shelvedAt, state.instance.state == .running {
      shelvedAt = nil
      statements += try await late(state.id, from: since, to: now, in: transaction)
    } else if state.instance.state == .shelved, shelvedAt == nil {
      shelvedAt = now
    }
    if let opening {
      statements.append(
        """
        insert into case_process (case_id, process_version_id, item_version_id, instance, starter_id, paused_at, shelved_at,
          changed_at)
        values (\(state.id), \(opening.processVersion), \(opening.itemVersion), \(state.instance.json.text)::jsonb,
          \(state.starter), \(pausedAt), \(shelvedAt), \(now))
        """)
      return (statements + opening.statements, due)
    }
    statements.append(
      """
      update case_process set instance = \(state.instance.json.text)::jsonb, paused_at = \(pausedAt),
        shelved_at = \(shelvedAt), changed_at = \(now)
      where case_id = \(state.id)
      """)
    return (statements, due)
  }

  /// The steps and timers of a shelved case stood still as well.
  private func late(_ id: Int64, from start: Instant, to end: Instant, in transaction: Transaction) async throws
    -> [SQL]
  {
    var statements: [SQL] = []
    for row in try await transaction.query(
      """
      select number, due_at from case_task
      where case_id = \(id) and due_at is not null and state in ('open', 'waiting')
      """)
    {
      let due = try shifted(try row.get("due_at"), from: start, to: end)
      statements.append(
        "update case_task set due_at = \(due) where case_id = \(id) and number = \(try row.get("number", as: Int.self))"
      )
    }
    for row in try await transaction.query("select key, due_at from case_timer where case_id = \(id)") {
      let due = try shifted(try row.get("due_at"), from: start, to: end)
      statements.append(
        "update case_timer set due_at = \(due) where case_id = \(id) and key = \(try row.get("key", as: String.self))")
    }
    return statements
  }

  private func shifted(_ due: Instant, from start: Instant, to end: Instant) throws(Refusal) -> Instant {
    do throws(WorkCalendarFailure) {
      return try calendar.shifted(due, byPauseFrom: start, to: end)
    } catch { throw error.refusal }
  }

  // MARK: History

  func eventStatement(_ state: CaseState, _ action: CaseAction, by principal: Principal, at now: Instant) -> SQL {
    let step = action.step ?? action.task.flatMap { state.instance.task($0)?.visit.node }
    let label = step.flatMap { state.process.node($0)?.label }
    return """
      insert into case_event (case_id, at, actor, actor_name, unit_name, action, step, step_label, task, result, opinion,
        target)
      values (\(state.id), \(now), \(principal.actor), \(principal.name), \(principal.unit?.name), \(action.name),
        \(step), \(label), \(action.task), \(action.result), \(action.opinion), \(action.target))
      """
  }
}
