import Access
import Cases
import Core
import Entities
import Messaging
import Processes
import SQL
import Testing

/// Reminders, overdue limits, dispatch and rights on fields, in cases with a clock that the test moves.
@Suite struct StepLimitTests {
  /// The shipped flow with options at the first look at an application.
  private func city(
    reminder: ProcessDuration? = nil, overdue: OverdueRule? = nil, dispatch: Dispatch = .pool,
    edits: Set<StepContent> = [], fields: [String: FieldAccess] = [:]
  ) async throws -> CaseFixture {
    let definition = try #require(try CaseFixture.services().processes["hukou_on_site"]).definition
    let step = try #require(definition.stepsInOrder.first { $0.node.id == "pre_review" })
    let changed = try definition.updatingStep(
      "pre_review", name: step.node.name,
      rule: StepRule(
        handler: step.rule.handler, fallback: step.rule.fallback, inputs: step.rule.inputs, limit: step.rule.limit,
        edits: edits, reminder: reminder, overdue: overdue, dispatch: dispatch, fields: fields))
    let services = ServiceCatalog(
      try CaseFixture.catalog.get(), folders: [CaseFixture.resources], designed: ["hukou_on_site": changed.bpmn])
    #expect(services.findings.filter { $0.severity == .error }.isEmpty)
    return try await CaseFixture(services: services)
  }

  private func titles(_ city: CaseFixture, of account: String) async throws -> [String] {
    try await city.messages.box(MessageCenter.BoxQuery(), of: try city.person(account).id).messages.map(\.title)
  }

  private func events(_ city: CaseFixture, _ id: Int64) async throws -> [CaseEvent] {
    try await city.cases.view(id, as: try city.person("aux")).events
  }

  /// The application of Wednesday 10:00 is to be looked at until Thursday 17:30.
  @Test func everybodyOfThePoolIsRemindedOnce() async throws {
    let city = try await city(reminder: ProcessDuration(hours: 2))
    let id = try await city.start()
    try city.wait(until: "2026-11-19 15:29")
    #expect(try await city.cases.fireTimers(log: .silent) == 0)
    try city.wait(until: "2026-11-19 15:30")
    #expect(try await city.cases.fireTimers(log: .silent) == 1)
    #expect(try await city.cases.fireTimers(log: .silent) == 0)
    for account in ["aux", "two"] {
      #expect(try await titles(city, of: account).first?.hasPrefix("即将超时：网上预审") == true)
    }
    #expect(try await titles(city, of: "officer").isEmpty)
    #expect(try await events(city, id).map(\.action) == ["submit", "remind"])
    #expect(try await city.todo("aux").count == 1)
  }

  @Test func whoeverAnswersInTimeIsNotReminded() async throws {
    let city = try await city(reminder: ProcessDuration(hours: 2), overdue: .pass)
    let id = try await city.start()
    try await city.answer(id, by: "aux", ["review": "passed"])
    try city.wait(until: "2026-11-23 10:00")
    #expect(try await city.cases.fireTimers(log: .silent) == 0)
    #expect(try await city.database.value("select count(*) from case_timer", as: Int.self) == 0)
  }

  @Test func whatIsNotLookedAtInTimePassesAndTheHistorySaysSo() async throws {
    let city = try await city(overdue: .pass)
    let id = try await city.start()
    try city.wait(until: "2026-11-19 17:30")
    #expect(try await city.cases.fireTimers(log: .silent) == 1)
    #expect(try await city.state(id)["step"] == .text("收件核验原件"))
    let view = try await city.cases.view(id, as: try city.person("resident"))
    #expect(view.publicEvents.map(\.action) == ["submit", "overdue"])
    #expect(view.publicEvents.last?.result == "自动通过")
    #expect(view.publicEvents.last?.actor == Principal.system.name)
    #expect(try await titles(city, of: "two").first?.hasPrefix("已超时：网上预审") == true)
  }

  @Test func escalationHandsTheTaskToWhoeverStandsAbove() async throws {
    let city = try await city(overdue: .escalate(.role("station_hukou_chief")))
    let id = try await city.start()
    try city.wait(until: "2026-11-20 09:00")
    try await city.cases.fireTimers(log: .silent)
    #expect(try await city.todo("aux").isEmpty)
    #expect(try await city.todo("chief").map(\.step) == ["网上预审"])
    let last = try #require(try await events(city, id).last)
    #expect(last.result == "改由他人办理" && last.target?.isEmpty == false)
    #expect(try await titles(city, of: "chief").first?.hasPrefix("已超时") == true)
    try await city.answer(id, by: "chief", ["review": "passed"])
    #expect(try await city.state(id)["step"] == .text("收件核验原件"))
  }

  @Test func timeDoesNotRunWhileACaseIsShelved() async throws {
    let city = try await city(overdue: .pass)
    let id = try await city.start()
    let chief = try city.person("chief")
    try await city.cases.move(id, .shelve, opinion: "等鉴定结果", by: chief)
    try city.wait(until: "2026-11-25 10:00")
    #expect(try await city.cases.fireTimers(log: .silent) == 0)
    try await city.cases.move(id, .resume, by: chief)
    #expect(try await city.cases.fireTimers(log: .silent) == 0)
    try city.wait(until: "2026-11-26 17:30")
    #expect(try await city.cases.fireTimers(log: .silent) == 1)
  }

  // MARK: Dispatch

  @Test func tasksGoRoundThePeopleOfThePool() async throws {
    let city = try await city(dispatch: .roundRobin)
    var asked: [String] = []
    for _ in 0..<4 {
      let id = try await city.start()
      for account in ["aux", "two"] where try await !city.tasks(id, of: account).isEmpty { asked.append(account) }
    }
    #expect(asked == ["aux", "two", "aux", "two"])
    #expect(try await titles(city, of: "aux").count == 2)
  }

  @Test func twoApplicationsAtOnceAskTwoPeople() async throws {
    let city = try await city(dispatch: .roundRobin)
    try await city.start()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<6 { group.addTask { _ = try await city.start() } }
      try await group.waitForAll()
    }
    let counts = try await [city.todo("aux").count, city.todo("two").count]
    #expect(counts == [4, 3])
  }

  @Test func whoeverHasLeastToDoIsAskedNext() async throws {
    let city = try await city(dispatch: .least)
    let first = try await city.start()
    try await city.start()
    #expect(try await city.todo("aux").count == 1)
    #expect(try await city.todo("two").count == 1)
    try await city.answer(first, by: "aux", ["review": "supplement"], opinion: "请补照片")
    let third = try await city.start()
    #expect(try await city.tasks(third, of: "aux").count == 1)
  }

  // MARK: Fields

  @Test func aHiddenFieldIsReadByNobodyWhoComesByThatStep() async throws {
    let city = try await city(fields: ["mother_resident_id": .hide])
    let id = try await city.start()
    let handler = try await city.cases.view(id, as: try city.person("aux"))
    #expect(handler.form?["child_name"] == .text("张小满"))
    #expect(handler.form?["mother_resident_id"] == .null)
    let applicant = try await city.cases.view(id, as: try city.person("resident"))
    #expect(applicant.form?["mother_resident_id"].isBlank == false)
    // Nor afterwards, when the task is done.
    try await city.answer(id, by: "aux", ["review": "supplement"], opinion: "请补照片")
    let later = try await city.cases.view(id, as: try city.person("aux"))
    #expect(later.form != nil && later.form?.values["mother_resident_id"] == nil)
  }

  @Test func onlyFieldsThatAStepOpensAreSaved() async throws {
    let city = try await city(fields: ["birth_place": .edit])
    let id = try await city.start()
    var content = CaseContent()
    content.form = ["birth_place": .text("四川省达州市达川区"), "child_name": .text("别的名字")]
    let refused = try await city.refusal {
      try await city.answer(id, by: "aux", ["review": "passed"], content: content)
    }
    #expect(refused == "field-closed")
    content.form["child_name"] = nil
    try await city.answer(id, by: "aux", ["review": "passed"], content: content)
    let form = try await city.cases.view(id, as: try city.person("resident")).form
    #expect(form?["birth_place"] == .text("四川省达州市达川区"))
    #expect(form?["child_name"] == .text("张小满"))
  }

  @Test func aFieldCanBeKeptWhereTheFormIsOpen() async throws {
    let city = try await city(edits: [.form], fields: ["child_name": .read])
    let id = try await city.start()
    var content = CaseContent()
    content.form = ["child_name": .text("别的名字")]
    let refused = try await city.refusal {
      try await city.answer(id, by: "aux", ["review": "passed"], content: content)
    }
    #expect(refused == "field-closed")
  }

  @Test func aFieldThatNoFormHasIsFound() throws {
    let definition = try #require(try CaseFixture.services().processes["hukou_on_site"]).definition
    let step = try #require(definition.stepsInOrder.first)
    let rule = StepRule(handler: step.rule.handler, fallback: step.rule.fallback, fields: ["child_nmae": .hide])
    let changed = try definition.updatingStep(step.node.id, name: "预审", rule: rule)
    let services = ServiceCatalog(
      try CaseFixture.catalog.get(), folders: [CaseFixture.resources], designed: ["hukou_on_site": changed.bpmn])
    #expect(services.findings.contains { $0.message.contains("child_nmae") && $0.message.contains("child_name") })
  }
}
