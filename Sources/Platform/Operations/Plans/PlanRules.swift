import Access
package import Core
package import Entities

/// What the register of plans does by itself: a plan is proved by the rules of the register that it makes records of before
/// it is kept, and knows its next day; who takes turns is chosen by those who may change the plan. Somebody answers for each
/// plan, so a key makes none and changes none.
package struct PlanRules: RecordRules {
  let isWorkday: @Sendable (CivilDate) -> Bool

  /// - Parameter isWorkday: by the working calendar in force.
  package init(isWorkday: @escaping @Sendable (CivilDate) -> Bool) { self.isWorkday = isWorkday }

  private static let proved = [
    "register", "content", "unit_id",
    "rhythm", "weekdays", "month", "month_day", "every_days", "at_time", "hours", "ahead", "starts_on", "ends_on",
  ]

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(WorkPlans.register) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        let draft = drafts[index]
        do {
          try requirePerson(records.principal, toDo: "新建")
          let schedule = try PlanSchedule { draft[$0] }
          try await prove(draft.values, schedule, records)
          let last = begin(nil, draft["starts_on"].date, records)
          drafts[index]["last_on"] = last.map { .date($0) } ?? .null
          drafts[index]["next_on"] = schedule.next(after: last, isWorkday: isWorkday).map { .date($0) } ?? .null
        } catch let refusal as Refusal { drafts[index].refuse(refusal) }
      }
    }
    hooks.beforeUpdate(WorkPlans.register) { changes, records in
      for index in changes.indices where changes[index].refusal == nil {
        let change = changes[index]
        // A plan can be stopped whatever has become of it.
        let resumes = change.alters("active") && change["active"].boolean == true
        guard resumes || PlanRules.proved.contains(where: { change.alters($0) }) else { continue }
        do {
          try requirePerson(records.principal, toDo: "修改")
          let schedule = try PlanSchedule { change[$0] }
          try await prove(change.after, schedule, records)
          // Who changed it last answers for it: nobody gets more by a plan of somebody else's.
          if records.principal.kind == .user { changes[index]["owner_id"] = .integer(records.principal.id) }
          var last = change["last_on"].date
          // One that was never carried out begins no earlier than a new one would.
          if resumes || last == nil { last = begin(last, change["starts_on"].date, records) }
          changes[index]["last_on"] = last.map { .date($0) } ?? .null
          changes[index]["next_on"] = schedule.next(after: last, isWorkday: isWorkday).map { .date($0) } ?? .null
          changes[index]["failure"] = .null
        } catch let refusal as Refusal { changes[index].refuse(refusal) }
      }
    }
    hooks.beforeInsert(WorkPlans.member) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        do { drafts[index]["unit_id"] = try await unit(of: drafts[index]["work_plan_id"], records) } catch let refusal
          as Refusal
        { drafts[index].refuse(refusal) }
      }
    }
    hooks.beforeUpdate(WorkPlans.member) { changes, records in
      for index in changes.indices where changes[index].refusal == nil {
        do {
          _ = try await unit(of: changes[index].before["work_plan_id"] ?? .null, records)
          changes[index]["unit_id"] = try await unit(of: changes[index]["work_plan_id"], records)
        } catch let refusal as Refusal { changes[index].refuse(refusal) }
      }
    }
  }

  /// A plan works with the rights that whoever answers for it has on the day. A key has no such rights of its own to lend,
  /// and what it writes must not be done with somebody else's.
  private func requirePerson(_ principal: Principal, toDo what: String) throws(Refusal) {
    guard principal.kind == .key else { return }
    throw Refusal(
      .forbidden, "plan-key", "周期计划按制定人的权限生成，接口密钥不能\(what)，没有保存。请由有权限的人员登录办理；暂停计划仍可用密钥。")
  }

  /// Nothing is made of the time before a plan began, or of a pause.
  private func begin(_ last: CivilDate?, _ startsOn: CivilDate?, _ records: Records) -> CivilDate? {
    let yesterday = records.store.clock.today().adding(days: -1)
    if let last { return max(last, yesterday) }
    return startsOn.map { $0 <= yesterday } == true ? yesterday : nil
  }

  private func unit(of plan: Value, _ records: Records) async throws -> Value {
    guard let id = plan.integer else { return .null }
    return try await records.unit(
      governing: WorkPlans.register, id,
      otherwise: Refusal(
        .forbidden, "plan-foreign", "这个周期计划不归您管理，不能设置它的人员。请联系计划的制定单位添加。", field: "work_plan_id"))
  }

  /// - Throws: ``Refusal`` that says what the register would refuse.
  private func prove(_ plan: [String: Value], _ schedule: PlanSchedule, _ records: Records) async throws {
    guard let day = schedule.next(after: nil, isWorkday: isWorkday) else {
      throw Refusal(.unprocessable, "plan-empty", "按这样的周期，到结束日期为止一期也没有。请改正周期或日期。", field: "rhythm")
    }
    let owner = records.principal.kind == .user ? records.principal.id : plan["owner_id"]?.integer
    let draft = try await PlanDraft(plan, schedule, on: day, assignee: owner, records)
    try draft.requireRights(of: records.principal)
    if let first = draft.refusals(records).first {
      throw Refusal(
        .unprocessable, "plan-values", "按这个计划生成的\(draft.entity.label)不能保存：\(first.message)", field: "content")
    }
  }
}
