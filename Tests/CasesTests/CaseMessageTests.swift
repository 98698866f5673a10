import Access
import Cases
import Core
import Entities
import Messaging
import Testing

/// What people are told of their cases, in the transaction of the move.
@Suite struct CaseMessageTests {
  @Test func theApplicantIsAskedForTheOriginalsOnce() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    try await city.answer(id, by: "aux", ["review": "passed"])
    let box = MessageCenter.BoxQuery()
    let resident = try city.person("resident").id
    let asked = try await city.messages.box(box, of: resident).messages.filter { $0.title.hasPrefix("请交材料原件：") }
    #expect(asked.count == 1)
    #expect(asked.first?.text.contains("《出生医学证明》") == true && asked.first?.text.contains("东城派出所") == true)
    try await city.answer(id, by: "two", ["receipt": "matched"])
    #expect(
      try await city.messages.box(box, of: resident).messages.count { $0.title.hasPrefix("请交材料原件：") } == 1)
  }

  private func titles(_ city: CaseFixture, of account: String) async throws -> [String] {
    try await city.messages.box(MessageCenter.BoxQuery(), of: try city.person(account).id).messages.map(\.title)
  }

  @Test func theApplicantHearsOfEveryTurnAndTheCourier() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let label = city.cases.services.item("hukou_001")?.label ?? ""
    #expect(try await titles(city, of: "resident") == ["已收到您的申请：\(label)"])
    try await city.answer(id, by: "aux", ["review": "supplement"], opinion: "请补母亲户口簿")
    #expect(try await titles(city, of: "resident").first == "请补充材料：\(label)")
    try await city.answer(id, by: "resident")
    try await city.answer(id, by: "aux", ["review": "passed"])
    try await city.answer(id, by: "aux", ["receipt": "matched"])
    #expect(try await titles(city, of: "resident").count == 3)
    try await city.answer(id, by: "officer", ["review": "passed"])
    try await city.answer(id, by: "aux", ["courier_company": "ems", "courier_number": "EA123456789CN"])
    #expect(try await titles(city, of: "resident").first == "已寄出：居民户口簿")
    let text = try await city.messages.box(MessageCenter.BoxQuery(), of: try city.person("resident").id).messages.first
    #expect(text?.text.contains("EA123456789CN") == true)
    #expect(text?.text.contains("中国邮政速递") == true)
  }

  @Test func aRefusedMoveTellsNobodyAnything() async throws {
    let city = try await CaseFixture()
    var application = try city.application()
    application.content.materials = []
    _ = try await city.refusal { try await city.cases.start(application, by: try city.person("resident")) }
    #expect(try await titles(city, of: "resident").isEmpty)
  }

  @Test func whoeverIsAskedInPersonAndWhoeverIsUrgedHearsOfIt() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let task = try #require(try await city.tasks(id, of: "aux").first).number
    let two = try city.person("two")
    try await city.cases.move(id, .transfer(task: task, to: two.id), by: try city.person("aux"))
    #expect(try await titles(city, of: "two").count == 1)
    #expect(try await titles(city, of: "aux").isEmpty)
    try await city.cases.urge(id, note: "孩子要上学", by: try city.person("resident"))
    #expect(try await titles(city, of: "two").first?.hasPrefix("催办") == true)
  }
}
