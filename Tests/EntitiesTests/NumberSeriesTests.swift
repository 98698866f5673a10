import Access
import Audit
import Core
import Entities
import Testing

/// 编号序列: what is next, and letting a series go on.
@Suite struct NumberSeriesTests {
  @Test func aNumberShowsWithItsZeros() {
    #expect(NumberSeries(entity: "household", text: "511702#", next: 42).sample(digits: 7) == "5117020000042")
  }

  @Test func aSeriesOnlyGoesUpAndTheNextRecordTakesItsNumber() async throws {
    let fixture = try await StoreFixture.make()
    let records = fixture.store.records(as: .system)
    func insert() async throws -> Value {
      try await records.insert("building", ["name": .text("楼"), "division_code": .text("511702001")])["code"]
    }
    func set(_ next: Int64, text: String = "B511702-#", by principal: Principal = .system) async throws -> String {
      do {
        try await fixture.store.setSeries(
          NumberSeries(entity: "building", text: text, next: next), by: principal, origin: .inside)
        return "none"
      } catch let refusal as Refusal { return refusal.code }
    }
    #expect(try await insert() == .text("B511702-0001"))
    #expect(try await set(40) == "none")
    #expect(try await insert() == .text("B511702-0040"))
    // Numbers that were handed out are never handed out again.
    #expect(try await set(12) == "series-lower")
    #expect(try await insert() == .text("B511702-0041"))
    #expect(try await set(10_000) == "series-digits")
    #expect(try await set(50, text: "B5117-#") == "series-text")
    #expect(try await set(60, by: .stranger) == "sign-in-required")
    #expect(try await fixture.store.numberSeries().contains { $0.entity == "building" && $0.next == 42 })
  }
}
