import Access
import Cases
import Core
import Entities
import Processes
import SQL
import Testing

/// Moves in the database: who may, what two people at once do, time.
@Suite struct MoveTests {
  @Test func ofTwoPeopleWhoAnswerOneTaskOneIsTold() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let task = try #require(try await city.tasks(id, of: "aux").first)
    let (aux, two) = (try city.person("aux"), try city.person("two"))
    let values: [String: Value] = ["review": .text("passed")]
    async let first = city.refusal {
      try await city.cases.move(id, .complete(task: task.number, values: values), by: aux)
    }
    async let second = city.refusal {
      try await city.cases.move(id, .complete(task: task.number, values: values), by: two)
    }
    let codes = try await [first, second]
    #expect(codes.filter { $0 == "none" }.count == 1)
    #expect(codes.filter { ["task-taken", "task-not-open"].contains($0) }.count == 1)
    #expect(
      try await city.database.value(
        "select count(*) from case_event where case_id = \(id) and action = 'complete'", as: Int.self) == 1)
  }

  @Test func aTaskTakenLeavesThePoolAndCanBeGivenBack() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let task = try #require(try await city.tasks(id, of: "aux").first).number
    try await city.cases.move(id, .claim(task: task), by: try city.person("aux"))
    #expect(try await city.todo("two").isEmpty)
    #expect(try await city.todo("aux").first?.isPooled == false)
    let taken = try await city.refusal {
      try await city.cases.move(id, .claim(task: task), by: try city.person("two"))
    }
    #expect(taken == "task-taken")
    try await city.cases.move(id, .release(task: task), by: try city.person("aux"))
    #expect(try await city.todo("two").first?.isPooled == true)
  }

  @Test func nobodyElseMayAnswerOrSeeACase() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let task = try #require(try await city.tasks(id, of: "aux").first).number
    for account in ["west", "neighbour"] {
      let person = try city.person(account)
      #expect(try await city.refusal { try await city.cases.view(id, as: person) } == "case-missing")
      let code = try await city.refusal {
        try await city.cases.move(id, .complete(task: task, values: ["review": .text("passed")]), by: person)
      }
      #expect(code == "task-foreign")
      #expect(try await city.refusal { try await city.cases.move(id, .void, opinion: "不要了", by: person) } != "none")
    }
    // The chief sees it by role, the county bureau from above.
    for account in ["officer", "chief", "county"] {
      #expect(try await city.cases.view(id, as: try city.person(account)).access == .scope)
    }
  }

  @Test func returnsTransfersAndWithdrawalsKeepTheHistory() async throws {
    let city = try await CaseFixture()
    let id = try await city.start(golden: 0)
    try await city.answer(id, by: "aux", ["review": "passed"])
    let receive = try #require(try await city.tasks(id, of: "two").first).number
    let silent = try await city.refusal {
      try await city.cases.move(id, .back(task: receive, to: "pre_review"), by: try city.person("two"))
    }
    #expect(silent == "opinion-missing")
    try await city.cases.move(
      id, .back(task: receive, to: "pre_review"), opinion: "材料照片不清楚", by: try city.person("two"))
    // It goes back to whoever reviewed it, not to the pool.
    #expect(try await city.todo("two").isEmpty)
    let again = try #require(try await city.tasks(id, of: "aux").first)
    #expect(again.step == "pre_review")
    let two = try city.person("two")
    try await city.cases.move(id, .transfer(task: again.number, to: two.id), by: try city.person("aux"))
    #expect(try await city.tasks(id, of: "aux").isEmpty)
    try await city.answer(id, by: "two", ["review": "passed"])
    let view = try await city.cases.view(id, as: two)
    let visit = try #require(view.withdrawable.first)
    try await city.cases.move(id, .withdraw(visit: visit.id), by: two)
    #expect(try await city.tasks(id, of: "two").map(\.step) == ["pre_review"])
    let events = try await city.cases.view(id, as: two).events
    #expect(events.map(\.action) == ["submit", "complete", "back", "transfer", "complete", "withdraw"])
    #expect(events[3].target == "郑辅警")
  }

  @Test func othersAreAskedBeforeAndAfter() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let task = try #require(try await city.tasks(id, of: "aux").first).number
    let (aux, chief) = (try city.person("aux"), try city.person("chief"))
    try await city.cases.move(id, .claim(task: task), by: aux)
    try await city.cases.move(id, .addBefore(task: task, [chief.id]), opinion: "请把关", by: aux)
    #expect(try await city.todo("aux").isEmpty)
    try await city.answer(id, by: "chief", opinion: "可以")
    #expect(try await city.todo("aux").map(\.task) == [task])
    try await city.answer(id, by: "aux", ["review": "passed"])
    #expect(try await city.state(id)["step"] == .text("收件核验原件"))
  }

  @Test func workIsHandedToStaffOnlyAndTheApplicantMovesNothingInside() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let task = try #require(try await city.tasks(id, of: "aux").first).number
    let aux = try city.person("aux")
    for other in [try city.person("resident").id, try city.person("neighbour").id, 999_999] {
      for move in [CaseMove.transfer(task: task, to: other), .addBefore(task: task, [other])] {
        #expect(try await city.refusal { try await city.cases.move(id, move, by: aux) } == "task-people")
      }
      #expect(
        try await city.refusal { try await city.cases.copy(id, to: [other], note: nil, by: aux) } == "copy-people")
    }
    try await city.answer(id, by: "aux", ["review": "supplement"], opinion: "缺户口簿")
    let mine = try #require(try await city.tasks(id, of: "resident").first).number
    let resident = try city.person("resident")
    for move in [CaseMove.transfer(task: mine, to: aux.id), .back(task: mine, to: "pre_review"), .shelve] {
      let code = try await city.refusal { try await city.cases.move(id, move, opinion: "试", by: resident) }
      #expect(code == "applicant-move")
    }
  }

  @Test func theApplicantReadsReasonsMeantForThemAndNothingFromInside() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let aux = try city.person("aux")
    try await city.cases.copy(id, to: [try city.person("chief").id], note: "此人有疑点", by: aux)
    let task = try #require(try await city.tasks(id, of: "aux").first).number
    try await city.cases.move(id, .addBefore(task: task, [try city.person("chief").id]), opinion: "请把关", by: aux)
    try await city.answer(id, by: "chief", opinion: "材料存疑")
    try await city.answer(id, by: "aux", ["review": "supplement"], opinion: "请补母亲户口簿本人页")
    let view = try await city.cases.view(id, as: try city.person("resident"))
    #expect(view.shownEvents.map(\.action) == ["submit", "complete"])
    #expect(view.shownEvents.compactMap(\.opinion) == ["请补母亲户口簿本人页"])
    #expect(try await city.cases.view(id, as: aux).shownEvents.count == 5)
  }

  @Test func anApplicantMayWithdrawAndTheOfficeMayVoid() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    try await city.cases.move(id, .void, opinion: "改到窗口办", by: try city.person("resident"))
    #expect(try await city.state(id)["state"] == .text("withdrawn"))
    #expect(try await city.todo("aux").isEmpty)
    let other = try await city.start()
    let code = try await city.refusal {
      try await city.cases.move(other, .void, opinion: "重复", by: try city.person("aux"))
    }
    #expect(code == "permission-missing")
    try await city.cases.move(other, .void, opinion: "重复", by: try city.person("chief"))
    #expect(try await city.state(other)["state"] == .text("void"))
  }

  @Test func aShelvedCaseStandsStillAndGoesOnWithTheTimeItHad() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let entry = try #require(try await city.todo("aux").first)
    let (before, task) = (try #require(entry.dueAt), try #require(entry.task))
    try await city.cases.move(id, .shelve, opinion: "等法院结果", by: try city.person("officer"))
    #expect(try await city.state(id)["state"] == .text("shelved"))
    #expect(try await city.tasks(id, of: "aux").isEmpty)
    let code = try await city.refusal {
      try await city.cases.move(
        id, .complete(task: task, values: ["review": .text("passed")]), by: try city.person("aux"))
    }
    #expect(code == "process-shelved")
    try city.wait(until: "2026-11-25 10:00")
    try await city.cases.move(id, .resume, by: try city.person("officer"))
    // Five working days later, to the minute.
    let after = try #require(try await city.todo("aux").first?.dueAt)
    #expect(
      city.cases.calendar.workingMinutes(from: before, to: after) == 5
        * city.cases.calendar.workingMinutes(
          from: Instant("2026-11-18 00:00") ?? before, to: Instant("2026-11-19 00:00") ?? before))
  }

  @Test func aSupplementThatNeverComesEndsTheCaseByItself() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    try await city.answer(id, by: "aux", ["review": "supplement"], opinion: "缺母亲户口簿")
    #expect(try await city.cases.fireTimers(log: .silent) == 0)
    try city.wait(until: "2027-01-20 10:00")
    #expect(try await city.cases.fireTimers(log: .silent) == 1)
    #expect(try await city.cases.fireTimers(log: .silent) == 0)
    #expect(try await city.state(id)["state"] == .text("refused"))
    let events = try await city.cases.view(id, as: try city.person("chief")).events
    let end = try #require(events.last { $0.action != "issue" })
    #expect(end.label == "到时")
    #expect(end.result == "逾期未补正")
    #expect(events.last?.action == "issue", "the notice says which limit ran out")
    #expect(try await city.state(id)["refusal_reason"] == .text("逾期未补正"))
  }

  @Test func aRunningCaseStaysOnItsDefinitionWhenAnotherIsPublished() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let folder = "/tmp/lifang-cases-\(id)-\(city.database.configuration.database ?? "")"
    let changed = try Changed.services(in: folder, from: "网上预审", to: "网上初审")
    let versions = CaseVersions(changed, catalogs: city.catalogs)
    try await versions.publish(on: city.database, at: city.time.clock.now())
    let later = CaseStore(
      store: city.store, versions: versions, parameters: Parameters(city.catalogs), messages: city.messages,
      office: city.cases.office)
    let new = try await later.start(try city.application(), by: try city.person("neighbour"))
    #expect(try await city.state(new.id)["step"] == .text("网上初审"))
    #expect(try await later.view(id, as: try city.person("aux")).label(of: "pre_review") == "网上预审")
    // Taken back, the first version is in force again and no third one is made.
    let old = CaseVersions(try CaseFixture.services(), catalogs: city.catalogs)
    try await old.publish(on: city.database, at: city.time.clock.now())
    #expect(
      try await city.database.value(
        "select count(*) from process_version where process = 'hukou_on_site'", as: Int.self) == 2)
  }

  /// A node that published and all that heard of it enter the same versions at the same time.
  @Test func nodesThatPublishTheSameAtOnceMakeOneVersion() async throws {
    let city = try await CaseFixture()
    let folder = "/tmp/lifang-cases-race-\(city.database.configuration.database ?? "")"
    let changed = try Changed.services(in: folder, from: "网上预审", to: "网上终审")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          try await CaseVersions(changed, catalogs: city.catalogs).publish(
            on: city.database, at: city.time.clock.now())
        }
      }
      try await group.waitForAll()
    }
    #expect(
      try await city.database.value(
        "select count(*) from process_version where process = 'hukou_on_site'", as: Int.self) == 2)
  }

  @Test func aDraftIsSealedAndGoneOnceHandedIn() async throws {
    let city = try await CaseFixture()
    let resident = try city.person("resident")
    try await city.cases.keepDraft(["child_name": "张小满"], of: "hukou_001", by: resident)
    #expect(try await city.cases.draft(of: "hukou_001", by: resident)?["child_name"]?.string == "张小满")
    #expect(try await city.cases.draft(of: "hukou_001", by: try city.person("neighbour")) == nil)
    let stored: [UInt8] = try await city.database.value("select content from case_draft")
    #expect(!String(decoding: stored, as: UTF8.self).contains("张小满"))
    try await city.start()
    #expect(try await city.cases.drafts(by: resident).isEmpty)
  }
}
