import Access
import Audit
import Cases
import Core
import Definitions
import Entities
import Messaging
import Processes
import SQL
import Testing
import YAML

/// Drafts, trials, versions and rolling back of what administrators design.
@Suite struct DefinitionTests {
  private struct Desk {
    let city: CaseFixture
    let store: DefinitionStore
    let drafter: Principal
    let publisher: Principal

    init() async throws {
      city = try await CaseFixture()
      store = Desk.store(of: city)
      drafter = try Desk.principal(city, "beat", ["view", "draft"])
      publisher = try Desk.principal(city, "county", ["view", "publish"])
    }

    static func store(of city: CaseFixture) -> DefinitionStore {
      DefinitionStore(
        database: city.database, cases: city.cases, delivered: city.cases.services,
        folders: [CaseFixture.resources], catalogs: city.catalogs, audit: city.store.audit, clock: city.time.clock)
    }

    static func principal(_ city: CaseFixture, _ account: String, _ rights: [String]) throws -> Principal {
      let person = try city.person(account)
      return Principal(
        kind: .user, id: person.id, name: person.name, unit: person.unit,
        grants: Grants(rights.map { Grants.Grant(Permission("definition", $0), .all) }), clearance: .inner)
    }

    /// Drafts, tries and publishes a text.
    @discardableResult
    func publish(_ text: String, _ key: DefinitionKey) async throws -> Int {
      try await store.save(text, as: key, seen: nil, by: drafter)
      try await store.tryOut(key, by: drafter)
      return try await store.publish(key, note: "业务要求", by: publisher)
    }

    func definition(_ key: DefinitionKey) throws -> ProcessDefinition {
      let text = try #require(store.text(of: key))
      return try ProcessDefinition(bpmn: Array(text.utf8), file: key.file)
    }

    /// The on-site flow with the chief behind the first look.
    func withChief() throws -> String {
      let rule = StepRule(
        handler: .role("station_hukou_chief"), fallback: .role("hukou_officer"),
        inputs: [StepInput(variable: "review", isRequired: true)], limit: ProcessDuration(days: 2))
      return try definition(DefinitionTests.onSite).insertingStep(rule, named: "所长复核", behind: "pre_review")
        .definition.bpmn
    }

    func item(_ changes: (inout YAMLEdit) -> Void) throws -> String {
      var edit = YAMLEdit(try #require(store.text(of: DefinitionTests.birth)))
      changes(&edit)
      return edit.text
    }
  }

  /// A text with parts of it replaced; a part that is not there fails the test.
  struct YAMLEdit {
    var text: String

    init(_ text: String) { self.text = text }

    mutating func replace(_ old: String, _ new: String) {
      #expect(text.contains(old), "no “\(old)” in\n\(text)")
      text = text.split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
    }
  }

  static let onSite = DefinitionKey(.process, "hukou_on_site")
  static let birth = DefinitionKey(.item, "hukou_001")

  // MARK: From draft to force

  @Test func aPublishedProcessIsForNewCasesAndThoseThatRunStayOnTheirs() async throws {
    let desk = try await Desk()
    let running = try await desk.city.start()
    #expect(try await desk.publish(try desk.withChief(), DefinitionTests.onSite) == 1)
    let later = try await desk.city.start()
    for id in [running, later] { try await desk.city.answer(id, by: "aux", ["review": "passed"]) }
    #expect(try await desk.city.state(running)["step"] == .text("收件核验原件"))
    #expect(try await desk.city.state(later)["step"] == .text("所长复核"))
    // A process that was started anew reads the same.
    let fresh = Desk.store(of: desk.city)
    try await fresh.refresh()
    #expect(fresh.version(of: DefinitionTests.onSite) == 1)
  }

  /// What no longer goes with the declarations is left out, and takes nothing else out of force.
  @Test func aMessageOfAFieldThatIsGoneIsLeftOutAlone() async throws {
    let desk = try await Desk()
    try await desk.publish(try desk.withChief(), DefinitionTests.onSite)
    let key = DefinitionKey(.message, "report_answered")
    let field = """
      extend_entity: problem_report
      fields:
        - {name: urgency, label: 紧急程度, type: text, max: 20}
      """
    try await desk.city.database.execute(
      "insert into runtime_declaration (origin, yaml) values ('problem_report.urgency', \(field))")
    try await desk.city.catalogs.refresh(from: desk.city.database)
    let text = """
      message: report_answered
      label: 上报已答复
      channels: [site]
      title: 上报已答复：{urgency}
      text: 上报已答复：{urgency}
      trigger: {register: problem_report, when: "state == 'answered'", to: {user: reporter_user_id}}
      variables: [{name: urgency, label: 紧急程度, value: urgency, example: 急}]
      """
    try await desk.publish(text, key)
    #expect(desk.store.version(of: key) == 1)
    try await desk.city.database.execute("delete from runtime_declaration")
    try await desk.city.catalogs.refresh(from: desk.city.database)
    let fresh = Desk.store(of: desk.city)
    let broken = try await fresh.refresh()
    #expect(!broken.isEmpty && broken.allSatisfy { $0.position.file == key.file })
    #expect(fresh.version(of: DefinitionTests.onSite) == 1 && fresh.version(of: key) == nil)
    #expect(desk.city.cases.messages.templates.template("report_answered") == nil)
  }

  @Test func rollingBackPutsTheEarlierVersionInForce() async throws {
    let desk = try await Desk()
    try await desk.publish(try desk.withChief(), DefinitionTests.onSite)
    let second = try await desk.city.start()
    try await desk.store.rollBack(DefinitionTests.onSite, to: 0, note: "复核太慢", by: desk.publisher)
    let third = try await desk.city.start()
    for id in [second, third] { try await desk.city.answer(id, by: "aux", ["review": "passed"]) }
    #expect(try await desk.city.state(second)["step"] == .text("所长复核"))
    #expect(try await desk.city.state(third)["step"] == .text("收件核验原件"))
    #expect(desk.store.version(of: DefinitionTests.onSite) == 0)
    try await desk.store.rollBack(DefinitionTests.onSite, to: 1, note: "还是要复核", by: desk.publisher)
    #expect(desk.store.version(of: DefinitionTests.onSite) == 1)
    #expect(try await desk.store.changes(of: DefinitionTests.onSite).map(\.version) == [1, 0, 1])
    let code = try await desk.city.refusal {
      try await desk.store.rollBack(DefinitionTests.onSite, to: 9, note: "没有", by: desk.publisher)
    }
    #expect(code == "definition-version")
  }

  @Test func anItemsConditionsMaterialsAndLimitChangeWithItsVersion() async throws {
    let desk = try await Desk()
    let text = try desk.item {
      $0.replace("limit: 1", "limit: 3")
      $0.replace("years(child_birth_date, today()) < 18", "years(child_birth_date, today()) < 1")
      $0.replace("2025-05-12", "2026-05-12")
    }
    try await desk.publish(text, DefinitionTests.birth)
    #expect(desk.city.cases.services.item("hukou_001")?.limit == 3)
    let id = try await desk.city.start()
    #expect(try await desk.city.state(id)["due_at"] == .instant(try #require(Instant("2026-11-23 17:30"))))
    var application = try desk.city.application()
    application.content.form["child_birth_date"] = .date(try #require(CivilDate("2024-01-01")))
    let refused = try await desk.city.refusal {
      try await desk.city.cases.start(application, by: try desk.city.person("resident"))
    }
    #expect(refused == "item-condition")
  }

  @Test func deadlinesCountByThePublishedCalendar() async throws {
    let desk = try await Desk()
    let key = DefinitionKey(.calendar, "china_2026")
    let calendar = try WorkCalendar(parsing: try #require(desk.store.text(of: key)), file: key.file)
    let closed = calendar.setting(try #require(CivilDate("2026-11-19")), works: false)
    try await desk.publish(closed.node.write(), key)
    let id = try await desk.city.start()
    #expect(try await desk.city.state(id)["due_at"] == .instant(try #require(Instant("2026-11-20 17:30"))))
  }

  @Test func aMessageIsSentInItsNewWords() async throws {
    let desk = try await Desk()
    let key = DefinitionKey(.message, "case_submitted")
    var edit = YAMLEdit(try #require(desk.store.text(of: key)))
    edit.replace("已收到您的申请", "您的申请收到啦")
    try await desk.publish(edit.text, key)
    try await desk.city.start()
    let box = try await desk.city.messages.box(
      MessageCenter.BoxQuery(), of: try desk.city.person("resident").id)
    #expect(box.messages.first?.title.hasPrefix("您的申请收到啦") == true)
  }

  // MARK: Trials

  @Test func aTrialGoesThroughRecordedCasesAndShowsWhoElseWouldBeAsked() async throws {
    let desk = try await Desk()
    let refused = try await desk.city.start()
    try await desk.city.answer(refused, by: "aux", ["review": "refused"], opinion: "不符合")
    try await desk.city.start()
    try await desk.store.save(try desk.withChief(), as: DefinitionTests.onSite, seen: nil, by: desk.drafter)
    let trial = try await desk.store.tryOut(DefinitionTests.onSite, by: desk.drafter)
    #expect(trial.cases == 2 && trial.goldenCases > 10 && trial.faults.isEmpty)
    let ways = trial.differences.filter { $0.subject.hasPrefix("办件") && $0.what == "审批环节" }
    #expect(ways.count == 2)
    #expect(ways.allSatisfy { !$0.before.contains("所长复核") && $0.after.contains("所长复核") })
    // What was answered in the case is answered again: the refused one ends at once.
    #expect(ways.filter { $0.before.contains("收件核验原件") }.count == 1)
    // Nothing of the person is in it.
    #expect(!trial.differences.contains { "\($0)".contains("刘芳") || "\($0)".contains("张小满") })
  }

  @Test func aTrialOfAnItemShowsOtherMaterialsAndLimits() async throws {
    let desk = try await Desk()
    try await desk.city.start()
    let text = try desk.item {
      $0.replace("limit: 1", "limit: 5")
      $0.replace("material: birth_certificate", "material: birth_certificate\n    need: optional")
      $0.replace(
        "materials: [mother_register, birth_certificate]\n      optional: []",
        "materials: [mother_register]\n      optional: [birth_certificate]")
    }
    try await desk.store.save(text, as: DefinitionTests.birth, seen: nil, by: desk.drafter)
    let trial = try await desk.store.tryOut(DefinitionTests.birth, by: desk.drafter)
    let what = Set(trial.differences.filter { $0.subject.hasPrefix("办件") }.map(\.what))
    #expect(what == ["必须材料", "可选材料", "承诺时限"])
  }

  // MARK: What is refused

  @Test func aDraftThatCannotRunIsNamedAndNeitherTriedNorPublished() async throws {
    let desk = try await Desk()
    let definition = try desk.definition(DefinitionTests.onSite)
    let rule = StepRule(handler: .role("nobody_has_it"), fallback: .role("hukou_officer"))
    let text = try definition.updatingStep("pre_review", name: "网上预审", rule: rule).bpmn
    try await desk.store.save(text, as: DefinitionTests.onSite, seen: nil, by: desk.drafter)
    let findings = desk.store.findings(of: DefinitionTests.onSite, text)
    #expect(findings.contains { $0.message.contains("nobody_has_it") })
    let tried = try await desk.city.refusal { try await desk.store.tryOut(DefinitionTests.onSite, by: desk.drafter) }
    #expect(tried == "definition-wrong")
    let published = try await desk.city.refusal {
      try await desk.store.publish(DefinitionTests.onSite, note: "试", by: desk.publisher)
    }
    #expect(published == "definition-untried")
    #expect(desk.store.version(of: DefinitionTests.onSite) == 0)
  }

  @Test func goldenCasesOfAnItemHaveToComeOut() async throws {
    let desk = try await Desk()
    let text = try desk.item { $0.replace("approvers: [hukou_officer]", "approvers: [station_hukou_chief]") }
    let findings = desk.store.findings(of: DefinitionTests.birth, text)
    #expect(findings.filter { $0.severity == .error }.count == 2)
    #expect(findings.allSatisfy { $0.message.contains("审批人应为 station_hukou_chief") })
  }

  @Test func theValuesOfAMessageAreNotTheAdministratorsToChange() async throws {
    let desk = try await Desk()
    let key = DefinitionKey(.message, "case_submitted")
    var edit = YAMLEdit(try #require(desk.store.text(of: key)))
    edit.replace("{name}", "{sender}")
    #expect(desk.store.findings(of: key, edit.text).hasErrors)
    edit.replace("name: name", "name: sender")
    #expect(desk.store.findings(of: key, edit.text).contains { $0.message.contains("变量由系统给出") })
  }

  @Test func whoDraftsDoesNotPublishAndWhoMayNotIsRefused() async throws {
    let desk = try await Desk()
    let both = try Desk.principal(desk.city, "chief", ["view", "draft", "publish"])
    let text = try desk.withChief()
    let none = try desk.city.person("aux")
    func code(_ body: () async throws -> some Any) async throws -> String { try await desk.city.refusal(body) }
    #expect(
      try await code { try await desk.store.save(text, as: DefinitionTests.onSite, seen: nil, by: none) } != "none")
    try await desk.store.save(text, as: DefinitionTests.onSite, seen: nil, by: both)
    try await desk.store.tryOut(DefinitionTests.onSite, by: both)
    #expect(
      try await code { try await desk.store.publish(DefinitionTests.onSite, note: "试", by: both) } == "definition-own")
    #expect(
      try await code { try await desk.store.publish(DefinitionTests.onSite, note: "试", by: desk.drafter) } != "none")
    #expect(
      try await code { try await desk.store.publish(DefinitionTests.onSite, note: " ", by: desk.publisher) }
        == "definition-note")
    #expect(try await desk.store.publish(DefinitionTests.onSite, note: "业务要求", by: desk.publisher) == 1)
    let actions = try await desk.city.database.query(
      "select action from audit_entry where action like 'definition.%' order by id"
    ).map { try $0.get("action", as: String.self) }
    #expect(actions == ["definition.draft", "definition.try", "definition.publish"])
  }

  @Test func aTrialCountsForItsVeryTextAndTheVersionItWasComparedWith() async throws {
    let desk = try await Desk()
    let text = try desk.withChief()
    try await desk.store.save(text, as: DefinitionTests.onSite, seen: nil, by: desk.drafter)
    try await desk.store.tryOut(DefinitionTests.onSite, by: desk.drafter)
    let seen = try await desk.store.draft(of: DefinitionTests.onSite)?.updatedAt.microseconds
    desk.city.time.advance(seconds: 60)
    try await desk.store.save(text + "\n", as: DefinitionTests.onSite, seen: seen, by: desk.drafter)
    let code = try await desk.city.refusal {
      try await desk.store.publish(DefinitionTests.onSite, note: "试", by: desk.publisher)
    }
    #expect(code == "definition-untried")
  }

  @Test func nobodyWritesOverADraftThatSomebodyElseHasChanged() async throws {
    let desk = try await Desk()
    let text = try desk.withChief()
    try await desk.store.save(text, as: DefinitionTests.onSite, seen: nil, by: desk.drafter)
    let code = try await desk.city.refusal {
      try await desk.store.save(text, as: DefinitionTests.onSite, seen: nil, by: desk.drafter)
    }
    #expect(code == "draft-changed")
  }

  @Test func aNewProcessIsUsedOnceAnItemTakesIt() async throws {
    let desk = try await Desk()
    let key = DefinitionKey(.process, "hukou_quick")
    let copy = try desk.definition(DefinitionTests.onSite).copied(as: "hukou_quick", named: "快办").bpmn
    #expect(try await desk.publish(copy, key) == 1)
    let text = try desk.item { $0.replace("process: hukou_on_site", "process: hukou_quick") }
    try await desk.publish(text, DefinitionTests.birth)
    let id = try await desk.city.start()
    #expect(try await desk.city.state(id)["process"] == .text("快办"))
    // The process cannot be taken away while the item takes it: it has no delivered version.
    let code = try await desk.city.refusal {
      try await desk.store.rollBack(key, to: 0, note: "不要了", by: desk.publisher)
    }
    #expect(code == "definition-version")
  }

  // MARK: Texts

  @Test func theDifferenceOfTwoTextsSaysWhatWentAndCame() {
    let before = (1...20).map { "line \($0)" }.joined(separator: "\n")
    var lines = (1...20).map { "line \($0)" }
    lines[9] = "changed"
    lines.insert("new", at: 15)
    let comparison = TextComparison(before, lines.joined(separator: "\n"))
    #expect(comparison.lines.contains(.removed("line 10")) && comparison.lines.contains(.added("changed")))
    #expect(comparison.lines.contains(.added("new")) && !comparison.lines.contains(.removed("line 15")))
    #expect(comparison.lines.first == .skipped(6))
    #expect(TextComparison(before, before).isEmpty)
  }

  @Test func aCalendarThatIsWrittenReadsAsItWas() throws {
    let calendar = try #require(try CaseFixture.services().calendars["china_2026"])
    let read = try WorkCalendar(parsing: calendar.node.write(), file: "c")
    #expect(read == calendar)
    let saturday = try #require(CivilDate("2026-11-21"))
    let changed = calendar.setting(saturday, works: true)
    #expect(changed.isWorkday(saturday) && !changed.setting(saturday, works: false).isWorkday(saturday))
    #expect(changed.setting(saturday, works: false) == calendar)
    #expect(WorkCalendar.spans("08:30-12:00，14:00-17:30")?.count == 2)
    #expect(WorkCalendar.spans("8点到12点") == nil && WorkCalendar.spans("12:00-08:00") == nil)
    #expect(WorkCalendar.spans("") == [])
  }
}
