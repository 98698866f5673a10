import Access
import Cases
import Core
import Entities
import Testing

/// 督办 and 延期: what is asked beside the process.
@Suite struct RequestTests {
  @Test func aSupervisionReachesWhoeverHasTheTaskAndWantsAReply() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let chief = try city.person("chief")
    let silent = try await city.refusal { try await city.cases.supervise(id, note: " ", days: 1, by: chief) }
    #expect(silent == "opinion-missing")
    let right = try await city.refusal {
      try await city.cases.supervise(id, note: "请尽快", days: 1, by: try city.person("officer"))
    }
    #expect(right == "permission-missing")
    try await city.cases.supervise(id, note: "群众来电反映，请尽快办理", days: 1, by: chief)
    var query = Inbox.Query()
    query.box = .asked
    let asked = try await Inbox(city.cases).contents(query, of: try city.person("two"))
    #expect(asked.entries.map(\.step) == ["督办"])
    #expect(asked.counts.asked == 1)
    #expect(try await Inbox(city.cases).contents(query, of: try city.person("officer")).entries.isEmpty)
    let request = try #require(try await city.cases.view(id, as: try city.person("two")).requests.first)
    #expect(request.isMine)
    let foreign = try await city.refusal {
      try await city.cases.answer(request.id, of: id, approves: nil, answer: "好", by: try city.person("officer"))
    }
    #expect(foreign == "request-foreign")
    try await city.cases.answer(request.id, of: id, approves: nil, answer: "今天办完", by: try city.person("two"))
    let view = try await city.cases.view(id, as: chief)
    #expect(view.requests.map(\.state) == [.answered])
    #expect(view.events.suffix(2).map(\.action) == ["supervise", "reply"])
    let again = try await city.refusal {
      try await city.cases.answer(request.id, of: id, approves: nil, answer: "好", by: try city.person("aux"))
    }
    #expect(again == "request-over")
    // The applicant is told nothing of it.
    #expect(try await city.cases.view(id, as: try city.person("resident")).requests.isEmpty)
  }

  @Test func anApprovedExtensionMovesTheDeadlinesAndARefusedOneDoesNot() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let (aux, chief) = (try city.person("aux"), try city.person("chief"))
    let before = try #require(try await city.todo("aux").first?.dueAt)
    let wrong = try await city.refusal {
      try await city.cases.askExtension(id, days: 2, note: "要外调", of: try city.person("officer").id, by: aux)
    }
    #expect(wrong == "extension-approver")
    try await city.cases.askExtension(id, days: 2, note: "要外调", of: chief.id, by: aux)
    let twice = try await city.refusal {
      try await city.cases.askExtension(id, days: 2, note: "要外调", of: chief.id, by: aux)
    }
    #expect(twice == "extension-open")
    let first = try #require(try await city.cases.view(id, as: chief).requests.first)
    let silent = try await city.refusal {
      try await city.cases.answer(first.id, of: id, approves: false, answer: nil, by: chief)
    }
    #expect(silent == "opinion-missing")
    try await city.cases.answer(first.id, of: id, approves: false, answer: "先用电话核实", by: chief)
    #expect(try await city.todo("aux").first?.dueAt == before)
    try await city.cases.askExtension(id, days: 2, note: "电话无人接听", of: chief.id, by: aux)
    let second = try #require(try await city.cases.view(id, as: chief).requests.first)
    try await city.cases.answer(second.id, of: id, approves: true, answer: nil, by: chief)
    // Thursday's deadline becomes Monday's.
    #expect(before == Instant("2026-11-19 17:30"))
    #expect(try await city.todo("aux").first?.dueAt == Instant("2026-11-23 17:30"))
    #expect(try await city.state(id)["due_at"] == .instant(Instant("2026-11-23 17:30") ?? before))
  }

  @Test func theEndOfACaseEndsWhatWasAsked() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    try await city.cases.supervise(id, note: "请尽快", days: 2, by: try city.person("chief"))
    try await city.answer(id, by: "aux", ["review": "refused"], opinion: "不在辖区")
    #expect(try await city.cases.view(id, as: try city.person("chief")).requests.map(\.state) == [.dropped])
  }
}
