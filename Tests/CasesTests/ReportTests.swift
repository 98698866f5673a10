import Access
import Cases
import Core
import Documents
import Entities
import Files
import Households
import Messaging
import Reports
import SQL
import Testing

/// Period and fixed-form reports (C-452, C-453, C-456, C-497, C-498, C-616).
@Suite struct ReportTests {
  private let households = HouseholdTests()

  private func office(_ city: CaseFixture) -> ReportOffice { ReportOffice(store: city.store, files: city.files) }

  private func entry(_ city: CaseFixture, _ name: String) async throws -> Record {
    try #require(
      try await households.registers(city).find("business_report", where: "name", equals: .text(name)))
  }

  private func span(_ since: String, _ until: String) throws -> ReportSpan {
    try ReportSpan(since: try #require(CivilDate(since)), until: try #require(CivilDate(until)))
  }

  /// A household of whom one dies.
  private func oneDies(_ city: CaseFixture, _ sequence: Int = 11) async throws {
    let (he, she) = (
      try households.id("1936-03-07", sequence), try households.id("1938-05-01", sequence + 1)
    )
    let number = try await households.household(city, head: "张老汉", he)
    try await households.person(city, "李大娘", she, in: number, .spouse, married: true)
    try await households.complete(
      city, "hukou_083", ["is_head": .boolean(true), "others_remain": .boolean(true), "new_head_name": .text("李大娘")],
      subject: ("张老汉", he))
  }

  @Test func theShippedReportsAreProved() throws {
    let definitions = ReportDefinitions(try CaseFixture.catalog.get())
    #expect(definitions.findings.isEmpty)
    #expect(Set(definitions.all.map(\.0.name)).isSuperset(of: ["hukou_region", "hukou_station", "hukou_county"]))
  }

  @Test func aReportCountsWhatItsListsShowWithinTheScopeOfWhoAsks() async throws {
    let city = try await CaseFixture()
    let office = office(city)
    try await office.publish(ReportDefinitions(city.catalogs.current))
    try await oneDies(city)
    let report = try office.definition(of: try await entry(city, "hukou_station"))
    let month = try span("2026-11-01", "2026-11-30")
    let seen = try await office.count(report, month, as: try city.person("county"))
    let row = try #require(seen.rows.first { row in row.cells.contains { $0.value.integer ?? 0 > 0 } })
    let numbers = Dictionary(uniqueKeysWithValues: zip(seen.columns, row.cells.map(\.value)))
    #expect(numbers["死亡"] == .integer(1))
    #expect(numbers["出生"] == .integer(0))
    #expect(numbers["期末户数"] == .integer(1))
    #expect(numbers["期末人数"] == .integer(1))
    let list = try #require(row.cells[1].list)
    let entity = try city.store.entity(list.register)
    let listed = try await city.store.records(as: try city.person("county")).count(
      try ListQuery(entity, items: list.items))
    #expect(listed.value == 1)
    // Nothing happened the month before, and another county sees nothing of it.
    let before = try await office.count(report, try span("2026-10-01", "2026-10-31"), as: try city.person("county"))
    #expect(before.rows.allSatisfy { $0.cells[1].value == .integer(0) })
  }

  @Test func whatWasIssuedStaysAndIsPrintedAgain() async throws {
    let city = try await CaseFixture()
    let office = office(city)
    try await office.publish(ReportDefinitions(city.catalogs.current))
    try await oneDies(city)
    let county = try city.person("county")
    let month = try span("2026-11-01", "2026-11-30")
    let definition = try await entry(city, "hukou_four_monthly")
    let issued = try await office.issue(definition, month, by: county)
    #expect(issued["number"].text == "BB2026000001")
    #expect(issued["span_text"] == .text("2026年11月"))
    for (field, kind) in [("file", FileKind.pdf), ("workbook", .xlsx), ("document", .docx)] {
      let file = try await city.files.find(try #require(issued[field].text))
      #expect(file.contentType == kind.mediaType)
    }
    try await oneDies(city, 21)
    let now = try await office.count(try office.definition(of: definition), month, as: county)
    #expect(now.totals[1] == .integer(2))
    for times in 1...2 {
      let file = try await office.print(issued.id, by: county)
      var bytes: [UInt8] = []
      try await city.files.read(file) { bytes += $0 }
      #expect(bytes.starts(with: Array("%PDF".utf8)))
      let kept = try await households.registers(city).get("issued_report", issued.id)
      #expect(kept["digest"] == issued["digest"])
      #expect(kept["prints"] == .integer(Int64(times)))
    }
    // Its lines are nobody's to change, and a void one is not printed any more.
    await #expect(throws: Refusal.self) {
      try await city.store.records(as: county).update(
        "issued_report", issued.id, version: nil, ["span_text": .text("2026年12月")])
    }
    try await city.store.records(as: county).perform(
      "void", on: "issued_report", issued.id, version: nil, asked: ["void_reason": .text("重新出具")])
    let refused = await #expect(throws: Refusal.self) { try await office.print(issued.id, by: county) }
    #expect(refused?.code == "report-void")
  }

  @Test func aDefinitionIsProvedBeforeItIsKeptAndWhatWasAdaptedStays() async throws {
    let city = try await CaseFixture()
    let office = office(city)
    let shipped = ReportDefinitions(city.catalogs.current)
    try await office.publish(shipped)
    let manager = city.store.records(as: try city.person("manager"))
    let entry = try await entry(city, "hukou_station")
    let text = try #require(entry["definition"].text)
    for wrong in [
      text.replacing("household_change", with: "household_chance"), text.replacing("kind=birth", with: "kind=born"),
      text.replacing("report: hukou_station", with: "report: other"), "不是报表",
    ] {
      let refused = await #expect(throws: Refusal.self) {
        try await manager.update("business_report", entry.id, version: nil, ["definition": .text(wrong)])
      }
      #expect(["report-wrong", "report-name"].contains(refused?.code))
    }
    try await manager.update(
      "business_report", entry.id, version: nil, ["definition": .text(text.replacing("label: 出生", with: "label: 新生儿"))])
    try await office.publish(shipped)
    let kept = try await self.entry(city, "hukou_station")
    #expect(try office.definition(of: kept).columns[0].label == "新生儿")
    #expect(kept["content"].text?.hasPrefix("新生儿、") == true)
    // A report of the administrators' own, and one that is switched off.
    let own = try await manager.insert(
      "business_report",
      [
        "definition": .text(
          """
          report: births
          label: 出生日报
          form: fixed
          period: day
          by: unit_id
          heading: 派出所
          columns:
            - {label: 出生, register: household_change, where: kind=birth}
          """)
      ])
    #expect(own["label"] == .text("出生日报"))
    #expect(own["form"] == .text("fixed"))
    let off = try await manager.perform("disable", on: "business_report", own.id, version: nil)
    #expect(throws: Refusal.self) { try office.definition(of: off) }
  }

  @Test func aPlanMakesThePeriodThatIsOverOnceAndTellsItsRecipients() async throws {
    let city = try await CaseFixture()
    let office = office(city)
    try await office.publish(ReportDefinitions(city.catalogs.current))
    let county = try city.person("county")
    let records = city.store.records(as: county)
    let plan = try await records.insert(
      "report_plan",
      [
        "name": .text("每月四变"), "report_id": .integer(try await entry(city, "hukou_four_monthly").id),
        "period": .text("month"),
      ])
    let chief = try city.person("chief")
    try await records.insert(
      "report_recipient", ["report_plan_id": .integer(plan.id), "user_id": .integer(chief.id)])
    let people = city.people
    let plans = ReportPlans(office: office, messages: city.messages) { id in
      try #require(people.values.first { $0.id == id })
    }
    #expect(try await plans.run(log: .silent) == 1)
    #expect(try await plans.run(log: .silent) == 0)
    let issued = try await households.registers(city).list(ListQuery("issued_report")).records
    #expect(issued.count == 1)
    #expect(issued.first?["span_text"] == .text("2026年10月"))
    #expect(try await city.messages.unread(of: chief.id) == 1)
    // The next month brings the next.
    city.time.advance(seconds: 14 * 86400)
    #expect(try await plans.run(log: .silent) == 1)
  }

  @Test func runsAtTheSameTimeIssueAndTellOnce() async throws {
    let city = try await CaseFixture()
    let office = office(city)
    try await office.publish(ReportDefinitions(city.catalogs.current))
    let records = city.store.records(as: try city.person("county"))
    let chief = try city.person("chief")
    for name in ["hukou_four_monthly", "hukou_county"] {
      let plan = try await records.insert(
        "report_plan",
        [
          "name": .text(name), "report_id": .integer(try await entry(city, name).id), "period": .text("month"),
        ])
      try await records.insert(
        "report_recipient", ["report_plan_id": .integer(plan.id), "user_id": .integer(chief.id)])
    }
    let people = city.people
    let plans = ReportPlans(office: office, messages: city.messages) { id in
      try #require(people.values.first { $0.id == id })
    }
    let made = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<3 { group.addTask { try await plans.run(log: .silent) } }
      return try await group.reduce(0, +)
    }
    #expect(made == 2)
    #expect(try await households.registers(city).count(ListQuery("issued_report")).value == 2)
    #expect(try await city.messages.unread(of: chief.id) == 2)
    // Whoever forgets how far a plan has come finds that the period was issued.
    try await city.database.execute("update report_plan set last_until = null")
    #expect(try await plans.run(log: .silent) == 0)
    #expect(try await households.registers(city).count(ListQuery("issued_report")).value == 2)
    #expect(try await city.messages.unread(of: chief.id) == 2)
  }

  @Test func nobodyMakesThemselvesARecipientOfAnotherUnitsPlan() async throws {
    let city = try await CaseFixture()
    let office = office(city)
    try await office.publish(ReportDefinitions(city.catalogs.current))
    let definition = try await entry(city, "hukou_four_monthly").id
    func plan(of account: String) async throws -> Record {
      try await city.store.records(as: try city.person(account)).insert(
        "report_plan",
        ["name": .text(account), "report_id": .integer(definition), "period": .text("month")])
    }
    let (foreign, own) = (try await plan(of: "county"), try await plan(of: "chief"))
    let chief = try city.person("chief")
    let records = city.store.records(as: chief)
    let entered = await #expect(throws: Refusal.self) {
      try await records.insert(
        "report_recipient", ["report_plan_id": .integer(foreign.id), "user_id": .integer(chief.id)])
    }
    #expect(entered?.code == "report-plan-foreign")
    let recipient = try await records.insert(
      "report_recipient", ["report_plan_id": .integer(own.id), "user_id": .integer(chief.id)])
    let moved = await #expect(throws: Refusal.self) {
      try await records.update(
        "report_recipient", recipient.id, version: nil, ["report_plan_id": .integer(foreign.id)])
    }
    #expect(moved?.code == "report-plan-foreign")
    // The recipients are the plan's unit's, whoever enters them.
    let system = households.registers(city)
    let made = try await system.insert(
      "report_recipient", ["report_plan_id": .integer(foreign.id), "user_id": .integer(chief.id)], input: .code)
    #expect(try await system.get("report_recipient", made.id)["unit_id"] == foreign["unit_id"])
  }

  @Test func aDefinitionCutsDivisionsNoFinerThanTheListsDo() throws {
    let catalog = try CaseFixture.catalog.get()
    let text = try #require(ReportDefinitions(catalog).all.first { $0.0.name == "hukou_county" }?.text)
    #expect(ReportReader.read(text.replacing("digits: 9", with: "digits: 12"), in: catalog).report != nil)
    #expect(ReportReader.read(text.replacing("digits: 9", with: "digits: 13"), in: catalog).report == nil)
  }

  @Test func periodsAreWholeDaysWeeksMonthsQuartersAndYears() throws {
    let day = try #require(CivilDate("2026-11-18"))
    let spans: [(StatisticsRole.Period, String, String)] = [
      (.day, "2026-11-17", "2026-11-17"), (.week, "2026-11-09", "2026-11-15"), (.month, "2026-10-01", "2026-10-31"),
      (.quarter, "2026-07-01", "2026-09-30"), (.year, "2025-01-01", "2025-12-31"),
    ]
    for (period, since, until) in spans {
      #expect(ReportSpan.latest(period, before: day) == (try span(since, until)))
    }
    #expect(try span("2026-10-01", "2026-12-31").text == "2026年第4季度")
    #expect(try span("2026-10-02", "2026-12-31").text == "2026年10月2日至2026年12月31日")
    #expect(throws: Refusal.self) { try self.span("2026-12-31", "2026-10-02") }
  }
}
