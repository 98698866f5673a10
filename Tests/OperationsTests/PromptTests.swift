import Access
import Core
import Entities
import Operations
import Testing

/// Rules of analysis and their prompts, over orders, which stand for any register.
@Suite struct PromptTests {
  private func rule(_ city: OperationsFixture, _ changes: [String: Value] = [:]) async throws -> Record {
    try await city.system.insert(
      PromptRule.register,
      [
        "name": .text("重大工单"), "register": .text("incident_order"),
        "condition": .text("level == 'major' and state == 'open'"),
        "level": .text("serious"), "within_days": .integer(3),
      ].merging(changes) { $1 })
  }

  private func order(_ city: OperationsFixture, _ level: String) async throws -> Record {
    try await city.records().insert(
      "incident_order", ["name": .text("机房断电"), "description": .text("全部停机"), "level": .text(level)])
  }

  private func prompts(_ city: OperationsFixture) async throws -> [Record] {
    try await city.all(PromptSweep.register).sorted { $0.id < $1.id }
  }

  private func set(_ city: OperationsFixture, _ order: Record, _ values: [String: Value]) async throws {
    try await city.system.update("incident_order", order.id, version: nil, values, input: .code)
  }

  private func sweep(_ city: OperationsFixture) async throws -> Int {
    try await PromptSweep(store: city.store).run(log: .silent)
  }

  @Test func whatOneRecordDecidesIsPromptedAsItIsWritten() async throws {
    let city = try await OperationsFixture()
    _ = try await rule(city, ["officer_field": .text("handler_id")])
    _ = try await order(city, "general")
    #expect(try await prompts(city).isEmpty)
    let bad = try await order(city, "major")
    let first = try #require(try await prompts(city).first)
    #expect(first["subject"].text == "机房断电" && first["subject_id"].integer == bad.id)
    #expect(first["due_on"].date == CivilDate("2026-11-21") && first["state"].text == "open")
    // It stands once, whoever looks; it ends by itself; what comes back is another.
    #expect(try await sweep(city) == 0)
    try await set(city, bad, ["level": .text("general")])
    #expect(try await prompts(city).map { $0["state"].text } == ["ended"])
    try await set(city, bad, ["level": .text("major")])
    #expect(try await prompts(city).map { $0["state"].text } == ["ended", "open"])
  }

  @Test func whatIsAnsweredStaysAnsweredWhileItGoesOn() async throws {
    let city = try await OperationsFixture()
    _ = try await rule(city)
    let bad = try await order(city, "major")
    let first = try #require(try await prompts(city).first)
    try await city.system.perform(
      "answer", on: PromptSweep.register, first.id, version: nil,
      asked: ["answer": .text("known"), "note": .text("计划停电")])
    #expect(try await sweep(city) == 0)
    #expect(try await prompts(city).map { $0["state"].text } == ["handled"])
    try await set(city, bad, ["level": .text("general")])
    #expect(try await prompts(city).map { $0["state"].text } == ["handled"])
    try await set(city, bad, ["level": .text("major")])
    #expect(try await prompts(city).map { $0["state"].text } == ["handled", "open"])
  }

  @Test func anotherOccasionIsAnotherPromptAndLateOnesAreMarked() async throws {
    let city = try await OperationsFixture()
    _ = try await rule(city, ["condition": .text("due_at != null"), "occasion_field": .text("due_at")])
    let one = try await order(city, "general")
    try await set(city, one, ["due_at": .instant(try #require(Instant("2026-11-20 10:00")))])
    try await set(city, one, ["due_at": .instant(try #require(Instant("2026-11-22 10:00")))])
    #expect(try await prompts(city).map { $0["state"].text } == ["ended", "open"])
    city.time.advance(seconds: 4 * 86_400)
    _ = try await sweep(city)
    #expect(try await prompts(city).map { $0["is_late"].boolean } == [false, true])
  }

  @Test func recordsAreGatheredByWhatTheyReferTo() async throws {
    let city = try await OperationsFixture()
    let known = try await rule(
      city, ["condition": .text("level == 'major'"), "group_field": .text("unit_id"), "at_least": .integer(2)])
    let first = try await order(city, "major")
    #expect(try await sweep(city) == 0)
    _ = try await order(city, "major")
    #expect(try await sweep(city) == 1)
    _ = try await order(city, "major")
    #expect(try await sweep(city) == 0)
    let prompt = try #require(try await prompts(city).first)
    #expect(prompt["subject"].text == "市公安局" && prompt["amount"].integer == 3 && prompt["register"].text == "unit")
    try await city.system.update(
      PromptRule.register, known.id, version: nil, ["distinct_field": .text("level")], input: .code)
    #expect(try await sweep(city) == 0)
    #expect(try await prompts(city).map { $0["state"].text } == ["ended"], "all three are of one level")
    _ = first
  }

  @Test func recordsArePromptedBesideThoseOfAnotherRegister() async throws {
    let city = try await OperationsFixture()
    let bare = try await order(city, "major")
    func alarm(_ order: Record) async throws {
      try await city.system.insert(
        "alarm",
        [
          "name": .text("断电"), "origin": .text("metric"), "key": .text("k \(order.id)"), "level": .text("serious"),
          "detail": .text("断电"), "raised_at": .instant(city.time.clock.now()), "order_id": .integer(order.id),
        ], input: .code)
    }
    let known = try await rule(
      city,
      [
        "beside_register": .text("alarm"), "beside_field": .text("order_id"),
        "beside_condition": .text("state == 'raised'"),
        "beside_missing": .boolean(true),
      ])
    #expect(try await sweep(city) == 1)
    try await alarm(bare)
    #expect(try await sweep(city) == 0)
    #expect(try await prompts(city).map { $0["state"].text } == ["ended"])
    try await city.system.update(
      PromptRule.register, known.id, version: nil, ["beside_missing": .boolean(false)], input: .code)
    #expect(try await sweep(city) == 1)
  }

  @Test func aRuleThatCannotBeWorkedOutIsRefusedWithTheFieldAtFault() async throws {
    let city = try await OperationsFixture()
    let wrong: [([String: Value], String)] = [
      (["condition": .text("level = ")], "condition"), (["condition": .text("due_at")], "condition"),
      (["condition": .text("nothing == 1")], "condition"), (["officer_field": .text("unit_id")], "officer_field"),
      (["occasion_field": .text("overdue")], "occasion_field"),
      (["group_field": .text("level"), "at_least": .integer(2)], "group_field"),
      (["beside_register": .text("incident_order"), "beside_field": .text("unit_id")], "beside_field"),
      (["register": .text("person"), "condition": .text("phone == '13800000000'")], "condition"),
      (["register": .text("person"), "condition": .text("marital_status == 'married'")], "condition"),
    ]
    for (changes, field) in wrong {
      do {
        _ = try await rule(city, changes)
        Issue.record("\(changes) was kept")
      } catch let refusal as Refusal {
        #expect(refusal.code == "prompt-rule-wrong" || refusal.field == field, "\(refusal)")
        #expect(refusal.field == field, "\(refusal.message)")
      }
    }
    // What is sensitive may be asked for where only those see it who have to.
    _ = try await rule(
      city,
      [
        "register": .text("person"), "condition": .text("marital_status == 'married'"), "restricted": .boolean(true),
      ])
  }

  @Test func aRuleSomebodyStopsEndsWhatItPrompted() async throws {
    let city = try await OperationsFixture()
    let known = try await rule(city)
    _ = try await order(city, "major")
    let admin = try city.person("admin")
    let trusted = city.store.records(as: admin.entrusted(with: [PromptRule.register]))
    try await trusted.perform("disable", on: PromptRule.register, known.id, version: nil)
    #expect(try await prompts(city).map { $0["state"].text } == ["ended"])
    try await trusted.perform("enable", on: PromptRule.register, known.id, version: nil)
    #expect(try await prompts(city).map { $0["state"].text } == ["ended", "open"])
    let again = try await city.system.get(PromptRule.register, known.id)
    #expect(again["found"].integer == 1 && again["swept_at"].instant == city.time.clock.now())
  }
}
