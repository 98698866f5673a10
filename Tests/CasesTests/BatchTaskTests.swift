import Access
import Cases
import Core
import Entities
import HouseholdRegistration
import SQL
import Testing

/// Entries of batch tasks go to the station of their person, and complete when the register says so.
@Suite struct BatchTaskTests {
  private static let number = "511702199603071223"

  private static func person(_ city: CaseFixture) async throws -> Int64 {
    try await city.store.records(as: .system).insert(
      "person",
      [
        "name": .text("刘芳"), "document_kind": .text("resident_id"), "resident_id": .text(number),
        "sex": .text("female"),
        "birth_date": .day("1996-03-07"), "nationality": .text("CHN"), "residency": .text("registered"),
        "division_code": .text("511702001001"), "registered_division": .text("511702001001"),
      ], input: .code
    ).id
  }

  private static func entry(_ city: CaseFixture, _ kind: String, unit: Int64? = nil) async throws -> Record {
    let system = city.store.records(as: .system)
    let task = try await system.insert(
      "batch_task",
      [
        "name": .text("核销"), "kind": .text(kind), "unit_id": .integer(1), "state": .text("issued"),
        "due_on": .day("2026-12-31"),
      ], input: .code)
    return try await system.insert(
      "batch_task_entry",
      [
        "batch_task_id": .integer(task.id), "kind": .text(kind), "person_name": .text("刘芳"),
        "resident_id": .text(number), "unit_id": unit.map { .integer($0) } ?? .null,
      ].filter { !$0.value.isNull }, input: .code)
  }

  @Test func aPersonGoesToTheStationOfTheirHousehold() async throws {
    let city = try await CaseFixture()
    #expect(try await city.refusal { try await Self.entry(city, "death") } == "batch-station")
    _ = try await Self.person(city)
    let entry = try await Self.entry(city, "death")
    // The police room of the community is nearer, but nobody there answers entries.
    #expect(entry["unit_id"] == .integer(3))
    #expect(entry["state"] == .text("pending"))
    #expect(try await Self.entry(city, "death", unit: 5)["unit_id"] == .integer(5))
  }

  @Test func theRegisterCompletesWhatWaitsForIt() async throws {
    let city = try await CaseFixture()
    let person = try await Self.person(city)
    let system = city.store.records(as: .system)
    let death = try await Self.entry(city, "death")
    let enlistment = try await Self.entry(city, "enlistment")
    let photo = try await Self.entry(city, "no_photo")
    try await system.update("person", person, version: nil, ["occupation": .text("教师")], input: .code)
    #expect(try await Self.states(city, [death, enlistment, photo]) == ["pending", "pending", "pending"])
    try await system.update(
      "person", person, version: nil, ["deceased_on": .day("2026-11-10")], input: .code)
    #expect(try await Self.states(city, [death, enlistment, photo]) == ["cancelled", "pending", "pending"])
    let done = try await city.store.records(as: .system, purpose: "核对").get("batch_task_entry", death.id)
    #expect(done["completion"] == .integer(100))
    #expect(done["done_on"] == .day("2026-11-18"))
    #expect(done["handled_by"] == .text("系统自动判断"))
    try await system.update("person", person, version: nil, ["locked": .boolean(true)], input: .code)
    #expect(try await Self.states(city, [death, enlistment, photo]) == ["cancelled", "locked", "pending"])
    // What is done when it is entered is entered as done.
    #expect(try await Self.entry(city, "death")["state"] == .text("cancelled"))
  }

  private static func states(_ city: CaseFixture, _ entries: [Record]) async throws -> [String] {
    var states: [String] = []
    for entry in entries {
      states.append(
        try await city.store.records(as: .system).get("batch_task_entry", entry.id)["state"].text ?? "")
    }
    return states
  }

  @Test func everyKindHasItsRule() {
    func state(_ kind: String, _ values: [String: Value]) -> String? {
      BatchTasks.completion(
        kind: kind, person: { values[$0] ?? .null }, city: "5117",
        today: CaseFixture.start.chinaTime.date)
    }
    let here: [String: Value] = ["registered_division": .text("511702001001")]
    for kind in ["death", "enlistment", "no_photo", "no_card", "no_hukou", "investigation"] {
      #expect(state(kind, here) == nil)
    }
    #expect(state("enlistment", [:]) == "cancelled")
    #expect(state("no_photo", here.merging(["photo": .text("k")]) { $1 }) == "handled")
    #expect(state("no_card", ["registered_division": .text("510100")]) == "handled")
    #expect(state("no_card", here.merging(["card_issued_on": .day("2026-01-01")]) { $1 }) == "handled")
    #expect(state("death", here.merging(["locked": .boolean(true)]) { $1 }) == "locked")
    #expect(state("investigation", [:]) == nil)
    #expect(state("card_due", here.merging(["card_expires_on": .day("2027-01-31")]) { $1 }) == nil)
    #expect(state("card_due", here.merging(["card_expires_on": .day("2046-01-31")]) { $1 }) == "handled")
    #expect(state("card_due", here) == "handled")
    #expect(state("card_first", here) == nil)
    #expect(state("card_first", here.merging(["card_kind": .text("second")]) { $1 }) == "handled")
  }
}

/// Lists of people that the register knows, issued by hand and by plans (C-213).
@Suite struct BatchRosterTests {
  private static func people(_ city: CaseFixture) async throws {
    let facts: [(name: String, id: String, birth: String, more: [String: Value])] = [
      (
        "刘芳", "511702199603071223", "1996-03-07", ["card_kind": .text("second"), "card_expires_on": .day("2026-12-10")]
      ),
      (
        "张强", "511702199001011231", "1990-01-01", ["card_kind": .text("second"), "card_expires_on": .day("2031-01-01")]
      ),
    ]
    for fact in facts {
      try await city.store.records(as: .system).insert(
        "person",
        [
          "name": .text(fact.name), "document_kind": .text("resident_id"), "resident_id": .text(fact.id),
          "sex": .text(fact.name == "刘芳" ? "female" : "male"), "birth_date": .day(fact.birth),
          "nationality": .text("CHN"), "residency": .text("registered"), "division_code": .text("511702001001"),
          "registered_division": .text("511702001001"),
        ].merging(fact.more) { $1 }, input: .code)
    }
  }

  private static func task(_ city: CaseFixture, _ changes: [String: Value] = [:]) async throws -> Record {
    try await city.store.records(as: .system).insert(
      "batch_task",
      [
        "name": .text("12月换证"), "kind": .text("card_due"), "roster": .text("register"), "unit_id": .integer(1),
        "state": .text("issued"), "due_on": .day("2026-12-31"),
      ].merging(changes) { $1 }, input: .code)
  }

  @Test func aTaskListsWhoseCardExpiresAndNobodyTwice() async throws {
    let city = try await CaseFixture()
    try await Self.people(city)
    let task = try await Self.task(city)
    let system = city.store.records(as: .system)
    let entries = try await system.all(
      ListQuery("batch_task_entry", columns: ["person_name", "unit_id", "state", "batch_task_id"]))
    #expect(entries.map { $0["person_name"].text } == ["刘芳"])
    #expect(entries.first?["unit_id"] == .integer(3))
    #expect(try await system.get("batch_task", task.id)["roster_note"] == .text("列入 1 人"))
    // A month later she is on the list still; renewed, she is done.
    _ = try await Self.task(city, ["name": .text("1月换证"), "due_on": .day("2027-01-31")])
    #expect(try await system.count(ListQuery("batch_task_entry")).value == 1)
    let person = try #require(
      try await system.find("person", where: "resident_id", equals: .text("511702199603071223")))
    try await system.update("person", person.id, version: nil, ["card_expires_on": .day("2046-12-01")], input: .code)
    #expect(
      try await system.all(ListQuery("batch_task_entry", columns: ["state"])).map { $0["state"].text } == ["handled"])
  }

  @Test func aTaskWhoseListTheRegisterDoesNotKnowIsRefused() async throws {
    let city = try await CaseFixture()
    let refused = try await city.refusal { try await Self.task(city, ["kind": .text("death")]) }
    #expect(refused == "rule")
    // A draft lists nobody before it is issued.
    try await Self.people(city)
    let draft = try await Self.task(city, ["state": .text("draft")])
    let system = city.store.records(as: .system)
    #expect(try await system.count(ListQuery("batch_task_entry")).value == 0)
    try await system.perform("issue", on: "batch_task", draft.id, version: nil)
    #expect(try await system.count(ListQuery("batch_task_entry")).value == 1)
  }
}
