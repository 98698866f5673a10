import Access
import Cases
import Core
import Entities
import Messaging
import SQL
import Testing

/// 全城通办: a case that another station accepts than the one where the household is registered.
@Suite struct CityWideTests {
  private func titles(_ city: CaseFixture, of account: String) async throws -> [String] {
    try await city.messages.box(MessageCenter.BoxQuery(), of: try city.person(account).id).messages.map(\.title)
  }

  private func rows(_ city: CaseFixture, of account: String) async throws -> [Record] {
    try await city.store.records(as: try city.person(account)).list(ListQuery("city_wide_case")).records
  }

  /// A birth of the eastern station's district, accepted at the western window.
  private func accept(_ city: CaseFixture, _ item: String = "hukou_001", golden: Int = 2) async throws -> Int64 {
    let application = try city.application(item, golden: golden, channel: .window, delivery: "window")
    return try await city.cases.start(application, by: try city.person("west")).id
  }

  @Test func theHomeStationIsToldAndNotesWhatItDid() async throws {
    let city = try await CaseFixture()
    let id = try await accept(city)
    let state = try await city.state(id)
    #expect(state["unit_id"] == .integer(5))
    #expect(state["home_unit_id"] == .integer(3))
    #expect(state["state"] == .text("completed"))
    for account in ["officer", "chief"] {
      #expect(try await titles(city, of: account).first?.hasPrefix("通办已办结：") == true)
    }
    for account in ["aux", "beat", "county", "west"] { #expect(try await titles(city, of: account).isEmpty) }
    let row = try #require(try await rows(city, of: "officer").first)
    #expect(row["follow_up"] == .text("waiting"))
    #expect(row["accepting_unit_id"] == .integer(5))
    #expect(try await rows(city, of: "west").map(\.id) == [row.id])
    // The way of the case can be followed from home.
    #expect(try await city.cases.view(id, as: try city.person("officer")).access == .scope)
    let west = city.store.records(as: try city.person("west"))
    let foreign = try await city.refusal {
      try await west.perform("settle", on: "city_wide_case", row.id, version: nil, asked: ["follow_note": .text("好")])
    }
    #expect(foreign == "out-of-scope")
    let officer = city.store.records(as: try city.person("officer"))
    try await officer.perform(
      "settle", on: "city_wide_case", row.id, version: nil, asked: ["follow_note": .text("已核对户信息")])
    #expect(try await rows(city, of: "officer").first?["follow_up"] == .text("done"))
  }

  @Test func whatWasLeftOverIsEnteredAtHomeWhereTheHouseholdIsAndSeenByWhoAccepted() async throws {
    let city = try await CaseFixture()
    _ = try await accept(city)
    let seen = try await city.store.records(as: try city.person("west")).list(ListQuery("unfinished_entry")).records
    let officer = city.store.records(as: try city.person("officer"))
    let left = try #require(try await officer.list(ListQuery("unfinished_entry")).records.first)
    #expect(left["label"].text == "户信息" && seen.map(\.id) == [left.id])
    try await officer.perform(
      "settle", on: "unfinished_entry", left.id, version: nil, asked: ["note": .text("已立集体户并登入")])
    #expect(try await officer.get("unfinished_entry", left.id)["state"].text == "done")
  }

  @Test func aCompletedCaseIsNotedForSubscribersWithoutAnybodysName() async throws {
    let city = try await CaseFixture()
    let id = try await accept(city)
    let number = try #require(try await city.state(id)["number"].text)
    let found = try await city.store.records(as: .system).list(ListQuery("city_wide_result")).records
    let row = try #require(found.first)
    #expect(found.count == 1 && row["number"].text == number && row["accepting_unit_id"] == .integer(5))
    #expect(row["unit_id"] == .integer(3))
    let stored: String = try await city.database.value(
      "select row_to_json(r)::text from city_wide_result r")
    for name in ["张小满", "刘芳", "511702199603071223"] { #expect(!stored.contains(name)) }
    let entity = try city.store.entity("city_wide_result")
    #expect(entity.notesChanges && !entity.personal)
    // What is not completed, and what the own station did, is told to nobody.
    _ = try await city.start(by: "officer", channel: .window, golden: 2, delivery: "window")
    let item = try #require(city.cases.services.item("hukou_109"))
    let golden = try #require(item.goldenCases.firstIndex { $0.channel == .window && $0.acceptedBy == "officer" })
    _ = try await accept(city, "hukou_109", golden: golden)
    #expect(try await city.store.records(as: .system).count(ListQuery("city_wide_result")).value == 1)
  }

  @Test func aCaseOfTheOwnStationIsNoCityWideOne() async throws {
    let city = try await CaseFixture()
    _ = try await city.start(by: "officer", channel: .window, golden: 2, delivery: "window")
    #expect(try await rows(city, of: "officer").isEmpty)
    #expect(try await titles(city, of: "officer").isEmpty)
  }

  @Test func investigationAndReviewGoToTheStationOfRegistration() async throws {
    let city = try await CaseFixture()
    let item = try #require(city.cases.services.item("hukou_109"))
    let golden = try #require(item.goldenCases.firstIndex { $0.channel == .window && $0.acceptedBy == "officer" })
    let id = try await accept(city, "hukou_109", golden: golden)
    #expect(try await titles(city, of: "officer").first?.hasPrefix("通办受理：") == true)
    #expect(try await rows(city, of: "officer").first?["state"] == .text("active"))
    #expect(try await city.todo("beat").map(\.caseID) == [id])
    try await city.answer(id, by: "beat", ["review": "passed"], opinion: "情况属实")
    #expect(try await city.todo("chief").map(\.caseID) == [id])
    try await city.answer(id, by: "chief", ["review": "refused"], opinion: "证据不足")
    let row = try #require(try await rows(city, of: "officer").first)
    #expect(row["state"] == .text("refused"))
    #expect(row["follow_up"] == .text("none"))
    #expect(try await titles(city, of: "officer").first?.hasPrefix("通办不予办理：") == true)
  }

  @Test func stationsAreCountedByWhoAcceptedForWhom() async throws {
    let city = try await CaseFixture()
    _ = try await accept(city)
    _ = try await city.start(by: "officer", channel: .window, golden: 2, delivery: "window")
    let today = city.time.clock.now().chinaTime.date
    let all = try await CityWideSummary(city.store.records(as: .system)).rows(from: today, to: today)
    let counts = Dictionary(uniqueKeysWithValues: all.map { ($0.unit, [$0.own, $0.forOthers, $0.byOthers]) })
    #expect(counts == [3: [1, 0, 1], 5: [0, 1, 0]])
    #expect(all.first { $0.unit == 5 }?.share == "100%")
    let tomorrow = today.adding(days: 1)
    #expect(try await CityWideSummary(city.store.records(as: .system)).rows(from: tomorrow, to: tomorrow).isEmpty)
    // The home station sees what others did for it.
    let home = try await CityWideSummary(city.store.records(as: try city.person("officer"))).rows(
      from: today, to: today)
    #expect(home.first { $0.unit == 3 }?.byOthers == 1)
  }
}
