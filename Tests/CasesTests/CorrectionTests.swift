import Access
import Cases
import Core
import Entities
import Portal
import Testing

/// Corrections count by the calendar that the cases count by, not by any working week.
@Suite struct CorrectionTests {
  @Test func theCalendarInForceDecidesWhetherACorrectionIsLate() async throws {
    let holidays = """
      calendar: china_2026
      label: 长假
      weekdays: ["08:30-12:00", "14:00-17:30"]
      holidays: ["2026-11-19..2026-11-29"]
      """
    let laid = try CaseFixture.catalog.get().laying([(file: "china_2026.yaml", yaml: holidays)])
    let city = try await CaseFixture(services: ServiceCatalog(laid.catalog, folders: [CaseFixture.resources]))
    let id = try await city.start("hukou_105", by: "officer", channel: .window, delivery: "window")
    let number = try await city.state(id)["number"]
    let rule = CorrectionRule()
    var hooks = CaseFixture.hooks
    rule.addHooks(to: &hooks)
    let store = city.store(hooks: hooks)
    func correct() async throws -> String {
      try await city.refusal {
        try await store.records(as: .system).insert(
          CorrectionRule.entity,
          [
            ServiceCase.reference: .integer(id), "old_number": number, "document": .text("household_register"),
            "wrong_item": .text("姓名"), "wrong_text": .text("甲"), "right_text": .text("乙"),
          ], input: .code)
      }
    }
    // Completed on a Wednesday: three days from Monday to Friday are over on the next Tuesday.
    try city.wait(until: "2026-11-24 10:00")
    #expect(try await correct() == "correction-late")
    // It is a long holiday here.
    rule.begin(city.cases)
    #expect(try await correct() == "none")
    try city.wait(until: "2026-12-10 10:00")
    #expect(try await correct() == "correction-late")
  }
}
