import Access
import Core
import Entities
import Messaging
import Operations
import SQL
import Synchronization
import TestSupport
import Testing

/// Records that are made by the calendar (C-610, C-611, C-615).
@Suite struct PlanTests {
  private func day(_ text: String) throws -> CivilDate { try #require(CivilDate(text)) }

  private func schedule(_ values: [String: Value]) throws -> PlanSchedule {
    let standard: [String: Value] = ["at_time": .text("08:30"), "starts_on": .date(try day("2026-01-01"))]
    let all = standard.merging(values) { $1 }
    return try PlanSchedule { all[$0] ?? .null }
  }

  @Test func aRhythmFallsOnItsDays() throws {
    let cases: [([String: Value], String, String)] = [
      (["rhythm": .text("day")], "2026-02-27", "2026-02-28"),
      (["rhythm": .text("workday")], "2026-11-20", "2026-11-23"),
      (["rhythm": .text("week"), "weekdays": .list(["d1", "d4"])], "2026-11-18", "2026-11-19"),
      (["rhythm": .text("week"), "weekdays": .list(["d1", "d4"])], "2026-11-19", "2026-11-23"),
      (["rhythm": .text("month"), "month_day": .integer(31)], "2026-01-31", "2026-02-28"),
      (["rhythm": .text("quarter"), "month": .integer(3), "month_day": .integer(5)], "2026-03-05", "2026-06-05"),
      (
        ["rhythm": .text("year"), "month": .integer(2), "month_day": .integer(29)], "2026-02-28", "2027-02-28"
      ),
      (["rhythm": .text("days"), "every_days": .integer(10)], "2026-01-01", "2026-01-11"),
    ]
    for (values, after, next) in cases {
      let found = try schedule(values).next(after: try day(after)) { OperationsFixture.isWorkday($0) }
      #expect(found == (try day(next)), "\(values)")
    }
    let ended = try schedule(["rhythm": .text("day"), "ends_on": .date(try day("2026-01-02"))])
    #expect(ended.next(after: try day("2026-01-02")) { _ in true } == nil)
  }

  @Test func whatIsDueIsMadeLateUnlessALaterOneTookItsPlace() throws {
    func due(_ values: [String: Value], after: String, at: String) throws -> [String] {
      let now = try #require(Instant(at))
      return try schedule(values).due(after: try day(after), at: now) { _ in true }.map {
        "\($0.day)\($0.isMissed ? " missed" : "")"
      }
    }
    let daily: [String: Value] = ["rhythm": .text("day")]
    #expect(try due(daily, after: "2026-11-17", at: "2026-11-18 08:29") == [])
    #expect(try due(daily, after: "2026-11-17", at: "2026-11-18 08:30") == ["2026-11-18"])
    #expect(
      try due(daily, after: "2026-11-15", at: "2026-11-18 09:00") == [
        "2026-11-16 missed", "2026-11-17 missed", "2026-11-18",
      ])
    // Early in the morning yesterday's is the latest.
    #expect(
      try due(daily, after: "2026-11-15", at: "2026-11-18 08:00") == ["2026-11-16 missed", "2026-11-17"])
    let monthly: [String: Value] = ["rhythm": .text("month"), "month_day": .integer(1)]
    #expect(try due(monthly, after: "2026-10-01", at: "2026-11-18 09:00") == ["2026-11-01"])
    #expect(
      try due(daily.merging(["ahead": .integer(2)]) { $1 }, after: "2026-11-18", at: "2026-11-18 09:00") == [
        "2026-11-19", "2026-11-20",
      ])
  }

  @Test func aRosterIsMadeFromItsArrangementInTurnAndToldOnce() async throws {
    let city = try await OperationsFixture()
    let plan = try await city.plan(["ahead": .integer(30), "turn_every": .integer(2)])
    try await city.turn(plan, ["one", "two", "three"])
    #expect(try await city.plans.run(log: .silent) == 31)
    #expect(try await city.plans.run(log: .silent) == 0)
    let shifts = try await city.all(DutyRoster.register)
    #expect(shifts.count == 31)
    let ids = try ["one", "two", "three"].map { try city.person($0).id }
    #expect(shifts.prefix(7).map { $0["user_id"].integer } == [ids[0], ids[0], ids[1], ids[1], ids[2], ids[2], ids[0]])
    let first = try #require(shifts.first)
    #expect(first["on_date"].date == (try day("2026-11-18")))
    #expect(first["starts_at"].instant == Instant("2026-11-18 08:30"))
    #expect(first["ends_at"].instant == Instant("2026-11-18 17:30"))
    #expect(first["cautions"].text == "九点前巡看机房。\n温度高于 28 度要上报。")
    #expect(first.createdBy == (try city.person("admin").id))
    for id in ids { #expect(try await city.messages.unread(of: id) == 1) }
    let lines = try await city.all(WorkPlans.line)
    #expect(lines.count == 31)
    #expect(lines.allSatisfy { $0["outcome"].text == "made" && $0["record_id"].integer != nil })
    // The calendar shows them, and whoever is on duty is told so.
    let month = try await DutyRoster(store: city.store).month(try day("2026-11-01"), [], try city.records())
    #expect(month.values.flatMap(\.self).count == 13)
    #expect(try await DutyRoster(store: city.store).own(of: ids[0]).map(\.cautions) == [first["cautions"].text])
    #expect(try await DutyRoster(store: city.store).own(of: ids[1]).isEmpty)
    // The next day has one more, whose turn it is.
    city.time.advance(seconds: 86_400)
    #expect(try await city.plans.run(log: .silent) == 1)
    #expect(try await city.all(DutyRoster.register).last?["user_id"].integer == ids[0])
  }

  @Test func runsAtTheSameTimeMakeEachPeriodOnce() async throws {
    let city = try await OperationsFixture()
    try await city.plan(["ahead": .integer(5)])
    let made = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<3 { group.addTask { try await city.plans.run(log: .silent) } }
      return try await group.reduce(0, +)
    }
    #expect(made == 6)
    #expect(try await city.all(DutyRoster.register).count == 6)
  }

  @Test func whatWasMissedIsNotedAndAPauseIsNotMadeUp() async throws {
    let city = try await OperationsFixture()
    let plan = try await city.plan()
    #expect(try await city.plans.run(log: .silent) == 1)
    city.time.advance(seconds: 3 * 86_400)
    #expect(try await city.plans.run(log: .silent) == 1)
    #expect(try await city.all(WorkPlans.line).map { $0["outcome"].text } == ["made", "missed", "missed", "made"])
    try await city.records().perform("pause", on: WorkPlans.register, plan.id, version: nil)
    city.time.advance(seconds: 4 * 86_400)
    #expect(try await city.plans.run(log: .silent) == 0)
    try await city.records().perform("resume", on: WorkPlans.register, plan.id, version: nil)
    #expect(try await city.plans.run(log: .silent) == 1)
    #expect(try await city.all(WorkPlans.line).count == 5)
  }

  @Test func whatWasEnteredByHandIsNotDoubled() async throws {
    let city = try await OperationsFixture()
    try await city.onDuty("two")
    try await city.plan(["ahead": .integer(1)])
    #expect(try await city.plans.run(log: .silent) == 1)
    #expect(try await city.all(WorkPlans.line).map { $0["outcome"].text } == ["present", "made"])
    #expect(try await city.all(DutyRoster.register).count == 2)
  }

  @Test func anOrderOfAPlanIsDispatchedAndAnInspectionIsDue() async throws {
    let city = try await OperationsFixture()
    let known = try await city.records().insert(
      "security_knowledge", ["name": .text("证书更换"), "library": .text("document"), "content": .text("每年一次")])
    let order = try await city.plan([
      "name": .text("证书检查"), "register": .text("incident_order"),
      "content": .text("事件：检查证书到期日\n现象和影响：证书到期会中断服务\n参考知识：证书更换"), "rhythm": .text("month"), "month_day": .integer(18),
      "hours": .decimal(FixedDecimal(millionths: 48_000_000)),
    ])
    try await city.turn(order, ["two"])
    try await city.turn(order, ["three"], part: "told")
    let inspection = try await city.plan([
      "name": .text("机房巡检"), "register": .text("safety_inspection"),
      "content": .text("巡检任务：机房巡检\n周期：每周\n检查内容和步骤：看温度\n看告警灯"), "rhythm": .text("week"), "weekdays": .list(["d3"]),
    ])
    try await city.turn(inspection, ["one"])
    #expect(try await city.plans.run(log: .silent) == 2)
    let made = try #require(try await city.all("incident_order").first)
    #expect(made["state"].text == "handling")
    #expect(made["origin"].text == "plan")
    #expect(made["handler_id"].integer == (try city.person("two").id))
    #expect(made["known_solution"].integer == known.id)
    #expect(made["due_at"].instant == Instant("2026-11-20 08:30"))
    #expect(made["number"].text?.hasPrefix("GD202611") == true)
    #expect(try await city.messages.unread(of: try city.person("three").id) == 1)
    let task = try #require(try await city.all("safety_inspection").first)
    #expect(task["due_on"].date == (try day("2026-11-18")))
    #expect(task["steps"].text == "看温度\n看告警灯")
  }

  @Test(arguments: [
    (["content": Value.text("班次：白班")], "plan-values"), (["content": .text("班次：白班\n值班类别：夜间")], "plan-content"),
    (["content": .text("班次：白班\n值班类别：运维值班\n值班人：甲")], "plan-content"), (["content": .text("白班")], "plan-content"),
    (["content": .text("班次：白班\n班次：夜班\n值班类别：运维值班")], "plan-content"), (["at_time": .text("25:00")], "plan-time"),
    (["at_time": .text("8点半")], "plan-time"),
    (["rhythm": .text("quarter"), "month": .integer(4), "month_day": .integer(1)], "plan-rhythm"),
    (
      [
        "rhythm": .text("year"), "month": .integer(1), "month_day": .integer(1),
        "ends_on": .date(CivilDate("2026-12-01") ?? CivilDate(daysSinceEpoch: 0)),
      ], "plan-empty"
    ),
  ])
  func whatTheRegisterWouldRefuseIsRefusedWithThePlan(_ changes: [String: Value], _ code: String) async throws {
    let city = try await OperationsFixture()
    let refused = await #expect(throws: Refusal.self) { try await city.plan(changes) }
    #expect(refused?.code == code, "\(refused?.message ?? "")")
  }

  @Test func nobodyGetsByAPlanWhatTheyMayNotEnterThemselves() async throws {
    let city = try await OperationsFixture()
    let values: [String: Value] = [
      "name": .text("越权"), "register": .text("duty_shift"), "content": .text("班次：白班\n值班类别：运维值班"),
      "rhythm": .text("day"),
    ]
    let refused = await #expect(throws: Refusal.self) {
      try await city.records("one").insert(WorkPlans.register, values)
    }
    #expect(refused?.kind == .forbidden)
    // Nor by changing what somebody else's plan says.
    let plan = try await city.plan()
    let changed = await #expect(throws: Refusal.self) {
      try await city.records("one").update(
        WorkPlans.register, plan.id, version: nil, ["content": .text("班次：夜班\n值班类别：运维值班")])
    }
    #expect(changed?.kind == .forbidden)
    let member = await #expect(throws: Refusal.self) {
      try await city.records("two").insert(
        WorkPlans.member, ["work_plan_id": .integer(plan.id), "user_id": .integer(2)])
    }
    #expect(member?.kind == .forbidden)
  }

  @Test func whoeverPlansOrdersNeedsTheRightToDispatchThemToo() async throws {
    let city = try await OperationsFixture()
    let home = try #require(try city.person("one").unit)
    let away = UnitMembership(id: 99, name: "别的单位", path: "9.", division: "5118")
    let planning = ["view", "create", "update"].map { Permission(WorkPlans.register, $0) }
    func planner(_ actions: [String], dispatching scope: DataScope = .all, in unit: UnitMembership) throws -> Principal
    {
      let own = actions.map { Grants.Grant(Permission("incident_order", $0), $0 == "dispatch" ? scope : .all) }
      return Principal(
        kind: .user, id: try city.person("one").id, name: "甲", unit: unit,
        grants: Grants(planning.map { .init($0, .all) } + own), clearance: .inner)
    }
    let all = ["view", "create", "dispatch"]
    let values: [String: Value] = [
      "name": .text("证书检查"), "register": .text("incident_order"), "content": .text("事件：检查证书\n现象和影响：到期会中断"),
      "rhythm": .text("day"), "hours": .decimal(FixedDecimal(millionths: 9_000_000)),
    ]
    let refused = await #expect(throws: Refusal.self) {
      try await city.store.records(as: try planner(["view", "create"], in: home)).insert(WorkPlans.register, values)
    }
    #expect(refused?.kind == .forbidden && refused?.message.contains("派单") == true)
    let plan = try await city.store.records(as: try planner(all, in: home)).insert(WorkPlans.register, values)
    func run(as owner: Principal) async throws -> Int {
      try await WorkPlans(
        store: city.store, messages: city.messages, isWorkday: OperationsFixture.isWorkday, principal: { _ in owner }
      ).run(log: .silent)
    }
    // Who lost the right meanwhile, or may dispatch the orders of another unit only, gets nothing by the plan.
    for owner in [
      try planner(["view", "create"], in: home), try planner(all, dispatching: .unit, in: away),
    ] {
      #expect(try await run(as: owner) == 0)
      #expect(try await city.all("incident_order").isEmpty)
      #expect(try await city.system.get(WorkPlans.register, plan.id)["failure"].text?.contains("派单") == true)
    }
    #expect(try await run(as: try planner(all, dispatching: .unit, in: home)) == 1)
  }

  @Test func whoeverChangedThePlanLastAnswersForItEvenWhileItIsCarriedOut() async throws {
    let city = try await OperationsFixture()
    let plan = try await city.plan()
    let asked = Mutex<[Int64]>([])
    let people = city.people
    let plans = WorkPlans(
      store: city.store, messages: city.messages, isWorkday: OperationsFixture.isWorkday,
      principal: { id in
        asked.withLock { $0.append(id) }
        guard let person = people.values.first(where: { $0.id == id }) else { throw Fault("no-such-person") }
        return person
      })
    let run = try await city.database.transaction { transaction in
      let own = try await transaction.value("select pg_backend_pid()", as: Int.self)
      try await transaction.execute(
        "update work_plan set owner_id = \(try city.person("one").id) where id = \(plan.id)")
      let run = Task { try await plans.run(log: .silent) }
      // It waits for the change before it asks who answers for the plan.
      let isWaiting = try await eventually {
        try await city.database.value(
          "select count(*) from pg_stat_activity where \(own) = any(pg_blocking_pids(pid))", as: Int64.self) > 0
      }
      #expect(isWaiting)
      return run
    }
    #expect(try await run.value == 0)
    #expect(asked.withLock { $0 } == [try city.person("one").id])
    #expect(try await city.all(DutyRoster.register).isEmpty)
  }

  @Test func aKeyStopsPlansButNeitherMakesNorChangesThem() async throws {
    let city = try await OperationsFixture()
    let plan = try await city.plan()
    let key = Principal(
      kind: .key, id: 7, name: "运维平台", unit: try city.person("admin").unit, grants: try city.person("admin").grants,
      clearance: .inner)
    let records = city.store.records(as: key)
    func code(_ body: () async throws -> Void) async throws -> String {
      do {
        try await body()
        return "none"
      } catch let refusal as Refusal { return refusal.code }
    }
    let night: [String: Value] = ["content": .text("班次：夜班\n值班类别：运维值班")]
    func change() async throws -> String {
      try await code { try await records.update(WorkPlans.register, plan.id, version: nil, night) }
    }
    #expect(try await change() == "plan-key")
    #expect(
      try await code {
        try await records.insert(
          WorkPlans.register,
          night.merging([
            "name": .text("夜班"), "register": .text("duty_shift"), "rhythm": .text("day"),
            "owner_id": .integer(try city.person("admin").id),
          ]) { $1 }, input: .code)
      } == "plan-key")
    // What only stops it, or says what it is called, needs nobody's rights.
    #expect(
      try await code {
        try await records.update(WorkPlans.register, plan.id, version: nil, ["name": .text("白班值班")])
        try await records.perform("pause", on: WorkPlans.register, plan.id, version: nil)
      } == "none")
    #expect(
      try await code { try await records.perform("resume", on: WorkPlans.register, plan.id, version: nil) }
        == "plan-key")
    let kept = try await city.system.get(WorkPlans.register, plan.id)
    #expect(kept["content"] == plan["content"] && kept["owner_id"] == plan["owner_id"])
    #expect(kept["active"] == .boolean(false) && kept["name"] == .text("白班值班"))
  }

  @Test func aPlanThatCannotBeCarriedOutSaysWhyAndHoldsNoOtherUp() async throws {
    let city = try await OperationsFixture()
    let broken = try await city.plan(["name": .text("甲计划")])
    try await city.plan(["name": .text("乙计划"), "content": .text("班次：夜班\n值班类别：安全值班")])
    // Whoever answers for it has lost the right meanwhile.
    try await city.database.execute(
      "update work_plan set owner_id = \(try city.person("one").id) where id = \(broken.id)")
    #expect(try await city.plans.run(log: .silent) == 1)
    let plan = try await city.system.get(WorkPlans.register, broken.id)
    #expect(plan["failure"].text?.isEmpty == false)
    #expect(plan["last_on"].isNull)
  }
}
