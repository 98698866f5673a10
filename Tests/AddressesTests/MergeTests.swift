import Access
import Addresses
import Core
import Entities
import SQL
import Testing

/// Two addresses for one place become one, and departments hear what came of what they reported.
@Suite struct MergeTests {
  @Test func theOneThatGoesKeepsItsCodeAndPointsAtTheOneThatStays() async throws {
    let city = try await QualityFixture()
    let kept = try await city.add("12号", at: 240)
    let going = try await city.add("12号", at: 242, ["community": .null, "division_code": .text("511702001")])
    let child = try await city.add("12号", at: 242, ["building_number": .text("1栋"), "parent_id": .integer(going)])
    _ = try await city.inspection.run()
    let defect = try await city.defect(of: .duplicate)
    let code: String = try #require(try await city.database.query("select code from address where id = \(going)").first)
      .get("code")
    try await city.store.records(as: .system).perform(
      "merge_first", on: AddressDefect.entity, defect, version: nil)
    let row = try #require(try await city.database.query("select * from address where id = \(going)").first)
    #expect(try row.get("status", as: String.self) == "cancelled")
    #expect(try row.get("merged_into_id", as: Int64.self) == kept)
    #expect(try row.get("code", as: String.self) == code)
    let parent = try #require(try await city.database.query("select parent_id from address where id = \(child)").first)
    #expect(try parent.get("parent_id", as: Int64.self) == kept)
    #expect(try await city.defects("fixed") == ["duplicate:1"])
    #expect(try await city.inspection.run().reopened == 0)
  }

  @Test func whoeverMayNotCancelAddressesMergesNone() async throws {
    let city = try await QualityFixture()
    try await city.add("12号", at: 240)
    try await city.add("12号", at: 242, ["community": .null, "division_code": .text("511702001")])
    _ = try await city.inspection.run()
    let clerk = Principal(
      kind: .key, id: 9, name: "统计平台", unit: nil,
      grants: Grants([.init(Permission(AddressDefect.entity, "*"), .all), .init(Permission("address", "update"), .all)]
      ),
      clearance: .inner)
    let defect = try await city.defect(of: .duplicate)
    let refusal = await #expect(throws: Refusal.self) {
      try await city.store.records(as: clerk).perform("merge_first", on: AddressDefect.entity, defect, version: nil)
    }
    #expect(refusal?.code == "permission-missing")
    #expect(try await city.defects() == ["duplicate:1"])
    let standing = try await city.database.query("select 1 from address where status = 'cancelled'")
    #expect(standing.isEmpty)
  }

  private func department(_ id: Int64) -> Principal {
    Principal(
      kind: .key, id: id, name: "市场监督管理局", unit: nil, grants: Grants([.init(AddressReports.permission, .own)]),
      clearance: .open)
  }

  @Test func aReportedAddressIsCorrectedAndItsSenderHearsOfIt() async throws {
    let city = try await QualityFixture()
    let id = try await city.add("6号", at: 100)
    let code: String = try #require(try await city.database.query("select code from address where id = \(id)").first)
      .get("code")
    let reports = AddressReports(
      store: city.store,
      directory: AddressDirectory(
        database: city.database, gazetteer: try Fixtures.gazetteer.get(), likeness: try QualityFixture.likeness(),
        clock: city.store.clock))
    let report = AddressReports.Report(
      code: code, text: nil, kind: "house_number", problem: "门上写的是 8 号", proposed: "8号", reference: "SJ-1")
    let first = try await reports.take(report, by: department(3))
    let second = try await reports.take(report, by: department(3))
    #expect(first.isNew && !second.isNew && first.id == second.id)
    #expect(try await reports.answer(first.id, to: department(3)).state == "open")
    let foreign = await #expect(throws: Refusal.self) { try await reports.answer(first.id, to: department(4)) }
    #expect(foreign?.code == "report-unknown")
    #expect(try await AddressDefect.barring(id, in: city.database) == ["house_number"])
    try await city.store.records(as: .system).update("address", id, version: nil, ["house_number": .text("8号")])
    let answer = try await reports.answer(first.id, to: department(3))
    #expect(answer.state == "fixed")
    #expect(answer.fullName?.hasSuffix("朝阳路8号") == true)
  }

  @Test func aReportInWordsIsMatchedAndOneThatMeansNothingKnownWaitsForSomebody() async throws {
    let city = try await QualityFixture()
    let id = try await city.add("6号", at: 100)
    let reports = AddressReports(
      store: city.store,
      directory: AddressDirectory(
        database: city.database, gazetteer: try Fixtures.gazetteer.get(), likeness: try QualityFixture.likeness(),
        clock: city.store.clock))
    func take(_ text: String) async throws -> Int64 {
      try await reports.take(
        AddressReports.Report(
          code: nil, text: text, kind: "other", problem: "不对", proposed: nil, reference: nil), by: department(3)
      ).id
    }
    let known = try await take("达州市通川区朝阳路六号")
    #expect(try await reports.answer(known, to: department(3)).fullName?.hasSuffix("朝阳路6号") == true)
    let unknown = try await take("天上人间")
    #expect(try await reports.answer(unknown, to: department(3)).fullName == nil)
    // What does nothing but take an answer is not done without one.
    for asked in [[:], ["address_id": Value.null]] {
      let blank = await #expect(throws: Refusal.self) {
        try await city.store.records(as: .system).perform(
          "identify", on: AddressDefect.entity, unknown, version: nil, asked: asked)
      }
      #expect(blank?.code == "required" && blank?.field == "address_id")
    }
    try await city.store.records(as: .system).perform(
      "identify", on: AddressDefect.entity, unknown, version: nil, asked: ["address_id": .integer(id)])
    #expect(try await reports.answer(unknown, to: department(3)).fullName?.hasSuffix("朝阳路6号") == true)
    let empty = await #expect(throws: Refusal.self) {
      try await reports.take(
        AddressReports.Report(code: nil, text: nil, kind: "other", problem: "不对", proposed: nil, reference: nil),
        by: department(3))
    }
    #expect(empty?.code == "report-address")
  }
}
