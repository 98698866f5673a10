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
      BatchTasks.completion(kind: kind, person: { values[$0] ?? .null }, city: "5117")
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
  }
}
