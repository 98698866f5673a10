package import Access
package import Core
package import Entities
package import Messaging
import SQL

/// Records that are made by themselves by the calendar (周期计划): duties, inspections, orders, tasks (C-213, C-610, C-611, C-615).
///
/// A plan says which register, what the records hold, whose turn it is and when. All that is due of one plan is made in one
/// transaction under its lock, with a line in 计划执行记录 for each period: a period is made once, whoever runs this and
/// however often, and what was cut short is not there.
package struct WorkPlans: Sendable {
  /// The register of plans (周期计划).
  package static let register = "work_plan"
  /// The register of who takes turns or is told (计划人员).
  package static let member = "plan_member"
  /// The register of what became of each period (计划执行记录).
  package static let line = "plan_run"

  let store: RecordStore
  let messages: MessageCenter
  let isWorkday: @Sendable (CivilDate) -> Bool
  let principal: @Sendable (Int64) async throws -> Principal

  /// - Parameters:
  ///   - isWorkday: by the working calendar in force.
  ///   - principal: of a user, with the rights they have now.
  package init(
    store: RecordStore, messages: MessageCenter, isWorkday: @escaping @Sendable (CivilDate) -> Bool,
    principal: @escaping @Sendable (Int64) async throws -> Principal
  ) {
    self.store = store
    self.messages = messages
    self.isWorkday = isWorkday
    self.principal = principal
  }

  /// The longest time ahead that a plan may work.
  private static let farthest = 92

  /// Makes what is due; a plan that cannot be carried out says why and holds no other up.
  ///
  /// - Returns: how many records were made.
  @discardableResult
  package func run(log: Log) async throws -> Int {
    let system = store.records(as: .system, purpose: "按周期计划生成")
    let edge = store.clock.today().adding(days: WorkPlans.farthest)
    var made = 0
    let plans = try await system.all(
      ListQuery(
        WorkPlans.register,
        filters: [
          ListFilter("active", .equals(.boolean(true))), ListFilter("next_on", .range(from: nil, to: .date(edge))),
        ], columns: ["next_on", "ahead"]))
    for row in plans {
      let ahead = Int(row["ahead"].integer ?? 0)
      guard let next = row["next_on"].date, next.adding(days: -ahead) <= store.clock.today() else { continue }
      do { made += try await carryOut(row.id, system) } catch let refusal as Refusal {
        let plan = try await system.get(WorkPlans.register, row.id)
        if plan["failure"].text != refusal.message {
          try await system.update(
            WorkPlans.register, plan.id, version: nil, ["failure": .text(String(refusal.message.prefix(300)))],
            input: .code)
        }
      } catch { log.fault(error, "work-plan-failed", ["plan": .int(row.id)]) }
    }
    return made
  }

  /// As whoever answers for the plan, with what they may do now.
  private func carryOut(_ id: Int64, _ system: Records) async throws -> Int {
    try await store.database.transaction { transaction in
      guard try await !transaction.query("select 1 from work_plan where id = \(id) and active for update").isEmpty
      else {
        return 0
      }
      let system = system.within(transaction)
      // Under the lock, so that whoever changed the plan last answers for what is made of it.
      let plan = try await system.get(WorkPlans.register, id)
      let owner = try await principal(plan["owner_id"].integer ?? plan.createdBy)
      let schedule = try PlanSchedule { plan[$0] }
      let due = schedule.due(after: plan["last_on"].date, at: store.clock.now(), isWorkday: isWorkday)
      guard let last = due.last?.day else { return 0 }
      let people = try await members(of: id, system)
      let each = max(plan["turn_every"].integer ?? 1, 1)
      var turn = plan["turn"].integer ?? 0
      var told: [Int64: [CivilDate]] = [:]
      var made = 0
      for one in due {
        if one.isMissed {
          try await note(plan, one.day, "missed", "没有按时生成，已由后一期代替", system)
          continue
        }
        let assignee =
          people.turns.isEmpty ? owner.id : people.turns[Int((turn / each) % Int64(people.turns.count))]
        if try await make(plan, schedule, one.day, assignee, by: owner, system, in: transaction) {
          made += 1
          told[assignee, default: []].append(one.day)
          for person in people.told where person != assignee { told[person, default: []].append(one.day) }
        }
        turn += 1
      }
      let next = schedule.next(after: last, isWorkday: isWorkday)
      try await system.update(
        WorkPlans.register, id, version: nil,
        [
          "last_on": .date(last), "next_on": next.map { .date($0) } ?? .null, "turn": .integer(turn), "failure": .null,
        ], input: .exact)
      try await tell(told, plan, in: transaction)
      return made
    }
  }

  /// - Returns: false when such a record is there already, entered by hand.
  private func make(
    _ plan: Record, _ schedule: PlanSchedule, _ day: CivilDate, _ assignee: Int64, by owner: Principal,
    _ system: Records, in transaction: Transaction
  ) async throws -> Bool {
    let records = store.records(as: owner, purpose: "按周期计划生成").within(transaction)
    let draft = try await PlanDraft(plan.values, schedule, on: day, assignee: assignee, records)
    try draft.requireRights(of: owner)
    let (register, label, values, action) = (draft.entity.name, draft.entity.label, draft.values, draft.action)
    do {
      let record = try await transaction.savepoint { inner in
        let records = records.within(inner)
        let record = try await records.insert(register, values, input: .code)
        if let action, try await !records.reaches(register, record.id, action: action.name) {
          throw Refusal(
            .forbidden, "out-of-scope", "按计划生成的\(label)不在制定人可以“\(action.label)”的数据范围内，没有生成。请由所属单位制定计划。")
        }
        return record
      }
      let title = record[draft.entity.title].plainText
      try await note(
        plan, day, "made", title.isEmpty ? draft.entity.label : title, system, record: record.id, assignee: assignee)
      return true
    } catch let refusal as Refusal where refusal.code == "duplicate" {
      try await note(plan, day, "present", "已有相同的记录，没有再生成", system)
      return false
    }
  }

  private func note(
    _ plan: Record, _ day: CivilDate, _ outcome: String, _ title: String, _ system: Records, record: Int64? = nil,
    assignee: Int64? = nil
  ) async throws {
    try await system.insert(
      WorkPlans.line,
      [
        "title": .text(String(title.prefix(200))), "work_plan_id": .integer(plan.id), "due_on": .date(day),
        "outcome": .text(outcome), "register": plan["register"], "record_id": record.map { .integer($0) } ?? .null,
        "user_id": assignee.map { .integer($0) } ?? .null, "unit_id": plan["unit_id"],
        "made_at": .instant(store.clock.now()),
      ], input: .code)
  }

  private func members(of plan: Int64, _ system: Records) async throws -> (turns: [Int64], told: [Int64]) {
    let members = try await system.list(
      ListQuery(
        WorkPlans.member, filters: [ListFilter("work_plan_id", .equals(.integer(plan)))],
        sort: [.init(field: "position", descending: false)], columns: ["user_id", "part", "position"], limit: 500)
    ).records
    func users(_ part: String) -> [Int64] {
      members.filter { $0["part"].text == part }.compactMap { $0["user_id"].integer }
    }
    return (users("turn"), users("told"))
  }

  /// One message to everybody concerned, however many periods were made at once.
  private func tell(_ told: [Int64: [CivilDate]], _ plan: Record, in transaction: Transaction) async throws {
    guard plan["tells"].boolean == true, let register = plan["register"].text,
      let label = store.catalog.entity(register)?.label
    else { return }
    for (person, said) in told.sorted(by: { $0.key < $1.key }) {
      guard let first = said.first, let last = said.last else { continue }
      let days = said.prefix(5).map { "\($0.month)月\($0.day)日" }.joined(separator: "、")
      try await messages.send(
        "plan_made", to: [.user(person)],
        [
          "plan": plan["name"].text ?? "", "register": label,
          "days": said.count > 5 ? "\(days)等 \(said.count) 期" : days,
        ], link: register, key: "plan \(plan.id) \(first) \(last)", in: transaction)
    }
  }
}
