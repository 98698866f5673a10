import Access
import Core
import Entities
import Processes
import SQL

/// What statistics count: who accepted and completed, whether something was missing, how long it took (C-214, C-318…C-323).
extension CaseStore {
  /// What a move adds to the record of a case for statistics.
  func facts(
    of state: CaseState, before: ProcessInstance?, _ action: CaseAction, _ caseState: String, by principal: Principal,
    at now: Instant
  ) -> [String: Value] {
    guard before != nil else { return [:] }
    var facts: [String: Value] = [:]
    if caseState == "supplement" { facts["was_incomplete"] = .boolean(true) }
    let isStaff = principal.kind == .user && principal.id != state.record["applicant_user_id"]?.integer
    var accepted = state.record["accepted_by"] ?? .null
    if accepted.isNull, isStaff, action.name == "complete" {
      accepted = .integer(principal.id)
      facts["accepted_by"] = accepted
    }
    if state.instance.state == .finished, before?.state != .finished {
      facts.merge(
        finishing(state.record.merging(["accepted_by": accepted]) { _, new in new }, by: principal, at: now)
      ) { _, new in new }
    }
    return facts
  }

  /// What is known once a case is over.
  func finishing(_ record: [String: Value], by principal: Principal, at now: Instant) -> [String: Value] {
    var facts: [String: Value] = [:]
    if principal.kind == .user {
      facts["handled_by"] = .integer(principal.id)
      if let accepted = record["accepted_by"]?.integer {
        facts["handling"] = .text(accepted == principal.id ? "together" : "separate")
      }
    }
    if let due = record["due_at"]?.instant { facts["was_overdue"] = .boolean(now > due) }
    if let start = record["submitted_at"]?.instant {
      let minutes = calendar.workingMinutes(from: start, to: now)
      facts["work_hours"] =
        FixedDecimal("\(minutes / 60).\(twoDigits(minutes % 60 * 100 / 60))").map { .decimal($0) } ?? .null
    }
    return facts
  }

  /// One answered task as work that somebody has done (办理量). Written beside the task in the same statement batch: a
  /// move has no time for a record's full way, and nobody else writes these.
  func handlingStatement(
    _ state: CaseState, _ task: Int, _ step: String, _ action: CaseAction, by principal: Principal, at now: Instant
  ) -> SQL {
    let label = state.process.node(step)?.label ?? step
    let isReturn = action.name == "back"
    return """
      insert into case_handling (version, created_at, created_by, updated_at, updated_by, service_case_id, item_label,
        category, user_id, post, unit_id, division_code, step, result, asked_at, done_at, minutes, was_overdue, was_returned)
      select 1, \(now), \(principal.actor), \(now), \(principal.actor), \(state.id), \(state.item.label),
        \(category(of: state.item)), \(principal.id),
        (select string_agg(r.name, '、' order by r.name) from user_role u join role r on r.id = u.role_id
          where u.user_id = \(principal.id)),
        \(principal.unit?.id), \(principal.unit?.division), \(label), \(action.result), t.asked_at, \(now),
        greatest(0, extract(epoch from \(now) - t.asked_at)::bigint / 60), coalesce(t.due_at < \(now), false), \(isReturn)
      from case_task t where t.case_id = \(state.id) and t.number = \(task)
      """
  }
}
