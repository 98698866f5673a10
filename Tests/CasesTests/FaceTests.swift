import Access
import Cases
import Core
import Entities
import Peers
import SQL
import Testing

/// Whoever stands at the window is compared with the photograph on record, and nothing stops when nobody answers.
@Suite struct FaceTests {
  /// What a comparison looks at: a picture by its first bytes.
  private static let photo: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0] + Array(repeating: 7, count: 2000)

  private func desk(_ body: (CaseFixture, PeerCity) async throws -> Void) async throws {
    let fixture = try await CaseFixture()
    let peers = PeerCity(secret: "geheim", clock: fixture.time.clock)
    let city = try await fixture.connected(to: peers, secret: "geheim")
    do { try await body(city, peers) } catch {
      await peers.stop()
      throw error
    }
    await peers.stop()
  }

  private func start(_ city: CaseFixture, document: String) async throws -> Int64 {
    var application = try city.application(channel: .window, delivery: "window")
    application.content.values["applicant_document"] = .text(document)
    return try await city.cases.start(application, by: try city.person("aux")).id
  }

  private func alerts(_ city: CaseFixture, _ id: Int64) async throws -> [String?] {
    try await city.store.records(as: .system).attached("case_alert", to: id).map { $0["label"].text }
  }

  @Test(arguments: [
    ("511702199603071223", MaterialVerification.Result.match, "相似度 93"),
    ("511702199001010079", .mismatch, "不是同一人"), ("511702199001010060", .unknown, "没有这个人的照片"),
  ])
  func theFindingStandsInTheCaseAndSomebodyElseIsAnAlert(
    _ document: String, _ result: MaterialVerification.Result, _ told: String
  ) async throws {
    try await desk { city, _ in
      let id = try await start(city, document: document)
      let found = try await city.cases.compareFace(
        of: .applicant, photo: FaceTests.photo, in: id, by: try city.person("aux"))
      #expect(found.result == result && found.note.contains(told))
      #expect(try await alerts(city, id) == (result == .mismatch ? ["人证不一致"] : []))
      let view = try await city.cases.view(id, as: try city.person("aux"))
      let event = try #require(view.events.last { $0.action == "compare" })
      #expect(event.target == "申请人：\(result.label)" && event.opinion?.contains(told) == true)
      #expect(!view.publicEvents.contains { $0.action == "compare" })
      // The photograph is kept nowhere, and the log names nobody.
      let logged = try await city.database.query("select request from connector_call where request like '%现场照片%'")
      let text: String = try #require(logged.last).get("request")
      #expect(text.contains("字节") && !text.contains(document))
      #expect(try await city.database.query("select 1 from file_reference").isEmpty)
    }
  }

  @Test func withoutAnAnswerSomebodyLooksAndTheCaseGoesOn() async throws {
    try await desk { city, peers in
      let id = try await start(city, document: "511702199603071223")
      peers.mode = .status(503)
      let found = try await city.cases.compareFace(
        of: .applicant, photo: FaceTests.photo, in: id, by: try city.person("aux"))
      #expect(found.result == .unknown && found.note.contains("当面核对"))
      #expect(try await alerts(city, id).isEmpty)
    }
  }

  @Test func onlyWhoHandlesTheCaseComparesAndOnlyPictures() async throws {
    try await desk { city, peers in
      let id = try await start(city, document: "511702199603071223")
      func refused(_ account: String, _ photo: [UInt8], _ person: ComparedPerson = .applicant) async throws -> String {
        try await city.refusal {
          try await city.cases.compareFace(of: person, photo: photo, in: id, by: try city.person(account))
        }
      }
      #expect(try await refused("neighbour", FaceTests.photo) == "case-missing")
      // The applicant sees the case, and compares nobody.
      let own = try await city.start()
      let resident = try city.person("resident")
      let told = try await city.refusal {
        try await city.cases.compareFace(of: .applicant, photo: FaceTests.photo, in: own, by: resident)
      }
      #expect(told == "face-foreign")
      let asked = peers.seen.count
      #expect(try await refused("aux", Array("%PDF-1.7".utf8)) == "face-photo")
      #expect(try await refused("aux", FaceTests.photo + Array(repeating: 0, count: 4 << 20)) == "face-photo")
      #expect(try await refused("aux", FaceTests.photo, .subject) == "face-nobody", "the newborn has no card")
      #expect(peers.seen.count == asked)
    }
  }
}
