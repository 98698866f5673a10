import Access
import Audit
import Cases
import Connectors
import Core
import Entities
import Identity
import SQL
import Testing

/// Applications that a platform hands in for somebody, and what is cleared after a while.
@Suite struct CaseRelayTests {
  private func key(_ id: Int64) -> Principal {
    Principal(kind: .key, id: id, name: "某某通", unit: nil, grants: Grants([]), clearance: .open)
  }

  private func relay(_ request: String, _ content: JSON = ["a": 1], key id: Int64 = 7) -> CaseRelay {
    CaseRelay(request, content: content, by: key(id), origin: .inside)
  }

  @Test func oneRequestIsOneCase() async throws {
    let city = try await CaseFixture()
    let resident = try city.person("resident")
    #expect(try await city.cases.relayed(relay("request-1")) == nil)
    let started = try await city.cases.start(try city.application(), by: resident, relay: relay("request-1"))
    let known = try #require(try await city.cases.relayed(relay("request-1")))
    #expect(known == RelayedCase(id: started.id, number: started.number, user: resident.id, level: .password))
    #expect(
      try await city.refusal { try await city.cases.relayed(relay("request-1", ["a": 2])) } == "request-reused")
    #expect(try await city.cases.relayed(relay("request-1", key: 8)) == nil, "numbers are the platform's own")
    // The same at the same moment: the second finds the first's entry and leaves nothing behind.
    #expect(
      try await city.refusal {
        try await city.cases.start(try city.application(), by: resident, relay: relay("request-1"))
      } == "request-running")
    #expect(try await city.database.value("select count(*) from case_relay", as: Int.self) == 1)
    #expect(try await city.todo("aux").count == 1)
  }

  @Test func aPlatformKnowsOnlyWhatItHandedIn() async throws {
    let city = try await CaseFixture()
    let started = try await city.cases.start(
      try city.application(), by: try city.person("resident"), relay: relay("request-1"))
    #expect(try await city.cases.relayed(number: started.number, by: key(7)).id == started.id)
    for (number, id) in [(started.number, Int64(8)), ("0", 7)] {
      #expect(
        try await city.refusal { try await city.cases.relayed(number: number, by: key(id)) } == "case-missing")
    }
    let own = try await city.start(by: "neighbour")
    let number = try await city.state(own)["number"].text ?? ""
    #expect(
      try await city.refusal { try await city.cases.relayed(number: number, by: key(7)) } == "case-missing")
  }

  @Test func oldCallsAndDraftsAreCleared() async throws {
    let city = try await CaseFixture()
    try await ConnectorSettings.publish(city.cases.services.connectors, in: city.store)
    let connector: Int64 = try #require(
      try await city.database.value("select min(id) from connector", as: Int64?.self))
    let records = city.store.records(as: .system, purpose: "登记对接调用")
    for (number, day) in [("old", "2025-11-01 10:00"), ("new", "2026-11-01 10:00")] {
      try await records.insert(
        ConnectorLog.entity,
        [
          "connector_id": .integer(connector), "operation_name": .text("核验"), "number": .text(number),
          "called_at": .instant(try #require(Instant(day))), "actor_name": .text("某人"), "purpose": .text("核验"),
          "outcome": .text("yes"), "succeeded": .boolean(true),
        ], input: .code)
    }
    try await city.database.execute("update connector_call set reason = 'x'")
    let limit = try #require(Instant("2026-01-01 00:00"))
    #expect(try await ConnectorLog.purge(before: limit, on: city.database) == 1)
    for table in ["connector_call", "connector_call_history"] {
      let left = try await city.database.query("select number from \(identifier: table)").map {
        try $0.get("number", as: String.self)
      }
      #expect(Set(left) == ["new"], "\(table)")
    }
    try await city.cases.keepDraft(["child_name": ["甲"]], of: "hukou_001", by: try city.person("resident"))
    #expect(try await CaseStore.clearDrafts(before: CaseFixture.start, on: city.database) == 0)
    #expect(try await CaseStore.clearDrafts(before: CaseFixture.start + 1, on: city.database) == 1)
    #expect(try await city.cases.drafts(by: try city.person("resident")).isEmpty)
  }
}
