import Access
import Addresses
import Core
import Entities
import SQL
import Testing

/// What an inspection of the base finds, and what it leaves alone.
@Suite struct InspectionTests {
  @Test func aBaseWithoutErrorsHasNone() async throws {
    let city = try await QualityFixture()
    try await city.addRow()
    let outcome = try await city.inspection.run()
    #expect(outcome.addresses == 20)
    #expect(try await city.defects() == [])
  }

  @Test func eachKindOfErrorIsFoundOnceHoweverOftenItIsLookedFor() async throws {
    let city = try await QualityFixture()
    try await city.addRow()
    try await city.add("12号", at: 240, aside: 12, ["community": .null, "division_code": .text("511702001")])
    try await city.add("22号", at: 40)
    try await city.add("24号", at: 480)
    try await city.add("26号", at: 520)
    try await city.add("21号", at: 440, aside: 10)
    try await city.add("88号", at: 640)
    try await city.add("4号", at: 400, ["sub_number": .text("附2号")])
    try await city.add("46号", at: 600, aside: 1500, ["road_id": .null, "road": .text("北街")])
    let building = try await city.add(
      at: 700, ["road": .null, "road_id": .null, "compound": .text("锦绣花园"), "building_number": .text("3栋")])
    let room = try await city.add(
      at: 1200,
      [
        "road": .null, "road_id": .null, "compound": .text("锦绣花园"), "building_number": .text("3栋"),
        "room": .text("502室"), "floor": .text("6层"), "parent_id": .integer(building),
      ])
    let records = city.store.records(as: .system)
    try await records.insert(
      "room",
      [
        "name": .text("3栋502"), "address_id": .integer(room), "floor": .integer(6), "room_number": .text("502室"),
        "usage": .text("residence"), "state": .text("occupied"), "division_code": .text(QualityFixture.division),
      ], input: .code)
    try await city.database.execute(
      "update address set division_code = '511702002001' where house_number = '2号' and sub_number is null")
    let found = try await city.inspection.run()
    #expect(
      try await city.defects() == [
        "division:1", "duplicate:1", "house_number:2", "location:1", "outside:1", "parity:1", "room_number:1",
        "sub_number:1",
      ])
    #expect(found.new == 9)
    let again = try await city.inspection.run()
    #expect((again.new, again.reopened, again.gone) == (0, 0, 0))
    #expect(again.found == found.found)
  }

  @Test func aHoleInADenseRowIsFound() async throws {
    let city = try await QualityFixture()
    for (index, number) in [2, 4, 6, 8, 40, 42, 44, 46].enumerated() {
      try await city.add("\(number)号", at: Double(index) * 20)
    }
    try await city.inspection.run()
    #expect(try await city.defects() == ["gap:1"])
    let row = try #require(try await city.database.query("select evidence, other_id from address_defect").first)
    #expect(try row.get("evidence", as: String.self).hasPrefix("8号到40号之间缺 15 个号"))
    #expect(try row.get("other_id", as: Int64?.self) != nil)
  }

  @Test func whatIsSettledStaysSettledAndWhatIsCorrectedGoes() async throws {
    let city = try await QualityFixture()
    try await city.addRow()
    let wrong = try await city.add("99号", at: 100)
    let zero = try await city.add("0号", at: 120)
    let sub = try await city.add("8号", at: 600, ["sub_number": .text("附1号")])
    try await city.inspection.run([.houseNumber, .subNumber])
    #expect(try await city.defects() == ["house_number:2", "sub_number:1"])
    let records = city.store.records(as: .system)
    let ids: [Int64] = try await city.database.query("select id from address_defect order by address_id").map {
      try $0.get("id")
    }
    // Looked at and right as it is: never asked again.
    try await records.perform("keep", on: AddressDefect.entity, ids[0], version: nil, asked: ["reason": .text("已实地核实")])
    // Corrected: settled at once.
    try await records.update("address", zero, version: nil, ["house_number": .text("21号")])
    // Called corrected, and still wrong: open again.
    try await records.perform("fix", on: AddressDefect.entity, ids[2], version: nil, asked: ["reason": .text("已改")])
    #expect(try await city.defects("fixed") == ["house_number:1", "sub_number:1"])
    let outcome = try await city.inspection.run()
    #expect((outcome.new, outcome.reopened) == (0, 1))
    #expect(try await city.defects("kept") == ["house_number:1"])
    #expect(try await city.defects("open") == ["sub_number:1"])
    // No longer there without anybody having said so.
    try await city.database.execute("update address set sub_number = null where id = \(sub)")
    try await city.database.execute("update address set status = 'cancelled' where id = \(sub)")
    #expect(try await city.inspection.run().gone == 1)
    #expect(try await AddressDefect.barring(wrong, in: city.database) == [])
  }

  @Test func anAddressWithAnOpenDefectBarsAPlateUntilItIsSettled() async throws {
    let city = try await QualityFixture()
    try await city.addRow()
    let wrong = try await city.add("0号", at: 120)
    try await city.inspection.run()
    #expect(try await AddressDefect.barring(wrong, in: city.database) == ["house_number"])
    try await city.store.records(as: .system).perform(
      "keep", on: AddressDefect.entity, try await city.defect(of: .houseNumber), version: nil,
      asked: ["reason": .text("历史编号")])
    #expect(try await AddressDefect.barring(wrong, in: city.database) == [])
  }

  @Test func whatAnOfficerMarksEntersTheListAndLeavesItWhenConfirmed() async throws {
    let city = try await QualityFixture()
    let id = try await city.add("6号", at: 100)
    let records = city.store.records(as: .system)
    try await records.perform(
      "doubt", on: "address", id, version: nil, asked: ["error_kind": .text("not_found"), "note": .text("现场没有这个门")])
    let row = try #require(try await city.database.query("select kind, source, evidence from address_defect").first)
    #expect(try row.get("source", as: String.self) == "officer")
    #expect(try row.get("evidence", as: String.self) == "民警标记：现场没有这个门")
    #expect(try await AddressDefect.barring(id, in: city.database) == ["not_found"])
    try await city.inspection.run()
    #expect(try await city.defects("open") == ["not_found:1"], "an inspection leaves alone what it did not find itself")
    try await records.perform("confirm", on: "address", id, version: nil)
    #expect(try await city.defects("kept") == ["not_found:1"])
  }
}
