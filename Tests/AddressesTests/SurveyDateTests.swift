import Access
import Addresses
import Core
import Entities
import SQL
import Testing

/// What GB/T 30428.3 asks of every place name: when it was first surveyed, when its name changed, its bounds (D3-018 to D3-022).
@Suite struct SurveyDateTests {
  private static let compound: [String: Value] = [
    "name": .text("锦绣花园"), "kind": .text("residential"), "division_code": .text(QualityFixture.division),
    "bounds": .text("东至滨河路，南至朝阳路，西至人民公园，北至铁路"),
  ]

  @Test(arguments: ["division", "compound", "road", "address", "public_facility"])
  func everyRegisterAsksForTheDate(_ register: String) async throws {
    let field = try #require(try await QualityFixture().store.entity(register).field("surveyed_on"))
    #expect(field.defaultValue != nil)
  }

  @Test func aRecordWithoutADateHasThatOfItsEntry() async throws {
    let city = try await QualityFixture()
    let records = city.store.records(as: .system)
    let own = try await records.insert("compound", SurveyDateTests.compound)
    #expect(own["surveyed_on"] == .date(city.store.clock.today()))
    let given = CivilDate("2019-05-20")
    let surveyed = try await records.insert(
      "compound",
      SurveyDateTests.compound.merging(["name": .text("翠竹苑"), "surveyed_on": given.map { .date($0) } ?? .null]) { $1 })
    #expect(surveyed["surveyed_on"].date == given)
    // Who clears it keeps it; a form that leaves it empty has that of the entry.
    let cleared = try await records.update(
      "compound", surveyed.id, version: nil, ["surveyed_on": .null, "alias": .text("翠竹")])
    #expect(cleared["surveyed_on"].date == given)
    let blank = try await records.insert(
      "compound", SurveyDateTests.compound.merging(["name": .text("听涛苑"), "surveyed_on": .null]) { $1 })
    #expect(blank["surveyed_on"] == .date(city.store.clock.today()))
  }

  @Test func whatWasEnteredBeforeKeepsValidAndIsDatedWithItsNextChange() async throws {
    let city = try await QualityFixture()
    let id = try await city.add("6号", at: 100)
    try await city.database.execute(
      "update address set surveyed_on = null, created_at = '2024-03-05 20:00+00' where id = \(id)")
    let records = city.store.records(as: .system)
    try await records.perform(
      "confirm", on: "address", city.add("8号", at: 120, ["status": .text("pending")]), version: nil)
    let changed = try await records.update("address", id, version: nil, ["note": .text("侧门")])
    // In China it was the next day already.
    #expect(changed["surveyed_on"].date == CivilDate("2024-03-06"))
  }

  @Test func aNewNameHasADateOfChange() async throws {
    let city = try await QualityFixture()
    let records = city.store.records(as: .system)
    let compound = try await records.insert("compound", SurveyDateTests.compound)
    #expect(compound["changed_on"].isNull, "nothing has changed at the first survey")
    let other = try await records.update("compound", compound.id, version: nil, ["alias": .text("锦绣")])
    #expect(other["changed_on"].isNull)
    let renamed = try await records.update("compound", compound.id, version: nil, ["name": .text("锦绣新城")])
    #expect(renamed["changed_on"] == .date(city.store.clock.today()))
    let day = CivilDate("2026-10-01")
    let again = try await records.update(
      "compound", compound.id, version: nil,
      ["name": .text("锦绣名城"), "changed_on": day.map { .date($0) } ?? .null])
    #expect(again["changed_on"].date == day)
  }

  @Test func aCompoundSaysItsBounds() async throws {
    let city = try await QualityFixture()
    let clerk = Principal(
      kind: .user, id: 7, name: "王芳", unit: nil, grants: Grants([.init(Permission("compound", "*"), .all)]),
      clearance: .inner)
    let refusal = await #expect(throws: Refusal.self) {
      try await city.store.records(as: clerk).insert(
        "compound", SurveyDateTests.compound.filter { $0.key != "bounds" })
    }
    #expect(refusal?.field == "bounds")
    _ = try await city.store.records(as: clerk).insert("compound", SurveyDateTests.compound)
  }

  @Test func anIdentificationCodeIsShortAndUnique() async throws {
    let city = try await QualityFixture()
    try await city.add("2号", at: 100, ["add_id": .text("511702001001001")])
    for code in ["511702001001001", "5117020010010012"] {
      let refusal = await #expect(throws: Refusal.self) {
        try await city.add("4号", at: 140, ["add_id": .text(code)])
      }
      #expect(refusal?.field == "add_id")
    }
  }
}
