import Access
import Core
import Entities
import Identity
import Messaging
import Processes
import SQL

/// 到期提醒 and 超时处理: when they come, what the history says of them, and who is told.
extension CaseStore {
  /// What a timer of a case waits for.
  enum TimerRule: Sendable, Hashable {
    case after(ProcessDuration)
    /// Before the limit of a step is over.
    case reminder(ProcessDuration, limit: ProcessDuration)
  }

  /// When a timer that begins now goes off.
  func due(_ rule: TimerRule, from now: Instant) throws(Refusal) -> Instant {
    switch rule {
    case .after(let duration): return try deadline(duration, from: now)
    case .reminder(let duration, let limit):
      return calendar.reminder(duration, before: try deadline(limit, from: now), notBefore: now)
    }
  }

  /// The timers that the limit of a visit brings about, by key.
  func limitTimers(of visit: StepVisit, _ rule: StepRule) -> [String: TimerRule] {
    guard let limit = rule.limit else { return [:] }
    var timers: [String: TimerRule] = [:]
    if rule.overdue != nil, visit.awaitsOverdue { timers["v\(visit.id):overdue"] = .after(limit) }
    if let reminder = rule.reminder, visit.awaitsReminder {
      timers["v\(visit.id):remind"] = .reminder(reminder, limit: limit)
    }
    return timers
  }

  /// Moves what the limits of open steps bring about, as an extension moves the limits themselves.
  func extendLimitTimers(of id: Int64, by duration: ProcessDuration, in transaction: Transaction) async throws {
    for row in try await transaction.query(
      "select key, due_at from case_timer where case_id = \(id) and (key like 'v%:overdue' or key like 'v%:remind')")
    {
      let due = try deadline(duration, from: try row.get("due_at"))
      try await transaction.execute(
        "update case_timer set due_at = \(due) where case_id = \(id) and key = \(try row.get("key", as: String.self))")
    }
  }

  /// What the history says of an overdue step: what was done, and to which step or role it went.
  func said(of events: [ProcessEvent], in state: CaseState, _ action: inout CaseAction) {
    for case .overdue(let id, let outcome) in events {
      action.result = outcome.label
      guard let visit = state.instance.visit(id), let rule = state.process.rule(of: visit.node) else { continue }
      switch (outcome, rule.overdue) {
      case (.returned, _):
        let opened = events.compactMap { event -> Int? in if case .opened(let id) = event { id } else { nil } }
        action.target = opened.last.flatMap { state.instance.visit($0) }.map {
          state.process.node($0.node)?.label ?? $0.node
        }
      case (.handedOn, .escalate(let handler)?): action.target = name(of: handler)
      case (.handedOn, .transfer?): action.target = name(of: rule.fallback)
      default: break
      }
    }
  }

  private func name(of handler: StepHandler) -> String {
    switch handler {
    case .role(let name): store.catalog.role(name)?.label ?? name
    case .post(let name), .unit(let name): name
    case .starter: "申请人"
    default: handler.description
    }
  }

  /// Tells whoever is asked that a limit comes near, or whoever was and is asked what became of it.
  func tellLimit(
    _ move: CaseMove, _ state: CaseState, before: ProcessInstance, _ action: CaseAction, in transaction: Transaction
  ) async throws {
    let number: Int
    let template: String
    switch move {
    case .remind(let visit): (number, template) = (visit, "task_due")
    case .overdue(let visit): (number, template) = (visit, "task_overdue")
    default: return
    }
    guard let visit = before.visit(number) else { return }
    var users: Set<Int64> = []
    let holders = visit.tasks.filter { $0.state == .open }.map(\.holder)
    let now = (state.instance.visit(number)?.tasks ?? []).filter { $0.state == .open }.map(\.holder)
    for holder in Set(holders + now) { users.formUnion(try await people(of: holder, in: transaction)) }
    // The applicant hears of a limit when the task is the applicant's own.
    let records = store.records(as: .system, purpose: "通知办理人").within(transaction)
    let record = try await records.get(ServiceCase.entity, state.id, columns: ["number"])
    var values = [
      "item": state.item.label, "number": record["number"].text ?? "",
      "step": state.process.node(visit.node)?.label ?? visit.node,
    ]
    switch move {
    case .remind:
      let row = try await transaction.query(
        "select max(due_at) as due_at from case_task where case_id = \(state.id) and visit = \(number)"
      ).first
      values["due"] = try row?.get("due_at", as: Instant?.self)?.display ?? "近日"
    default:
      let result = action.result ?? OverdueOutcome.unchanged.label
      values["outcome"] = action.target.map { "\(result)（\($0)）" } ?? result
    }
    try await messages.send(
      template, to: users.sorted().map { .user($0) }, values, link: String(state.id),
      key: "case \(state.id) visit \(number)", in: transaction)
  }

  private func people(of holder: Participant, in transaction: Transaction) async throws -> [Int64] {
    switch CaseParticipant(holder) {
    case .user(let user): [user]
    case .pool(let pool): try await responsibility.members(of: pool, in: transaction)
    case nil: []
    }
  }
}
