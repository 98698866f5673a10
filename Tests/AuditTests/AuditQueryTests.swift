import Audit
import Core
import SQL
import Testing

@Suite struct AuditQueryTests {
  @Test func filtersNarrowAndPagesFollowOneAnother() async throws {
    let fixture = try await AuditFixture()
    try await fixture.fill(7)
    try await fixture.audit.append(fixture.entry("session.sign-in", outcome: .refused), in: fixture.database)
    let query = AuditQuery(fixture.database)
    let first = try await query.list(AuditFilter(), limit: 5)
    let second = try await query.list(AuditFilter(), before: first.last?.id, limit: 5)
    #expect(first.map(\.action) == ["session.sign-in"] + [String](repeating: "address.update", count: 4))
    #expect(second.map(\.record) == [3, 2, 1])
    var filter = AuditFilter()
    filter.action = "session."
    #expect(try await query.list(filter).map(\.outcome) == [.refused])
    filter.action = "update"
    #expect(try await query.list(filter).count == 7)
    filter.action = "date"
    #expect(try await query.list(filter).isEmpty)
    filter = AuditFilter()
    (filter.entity, filter.record) = ("address", 2)
    let found = try #require(try await query.list(filter).first)
    #expect(found.purpose == "群众\n来访" && found.principalName == "王\t主任\\" && found.unitName == "通川区公安分局")
    #expect(found.details == ["fields": ["name", "road"]])
    #expect(try await query.entry(found.id)?.time == found.time)
    filter = AuditFilter()
    filter.from = found.time
    filter.to = found.time + 2
    #expect(try await query.list(filter).map(\.record) == [3, 2])
  }

  @Test func daysAreCountedInChinaTime() async throws {
    let fixture = try await AuditFixture()
    let midnight = fixture.time.clock.today().adding(days: 1).start
    fixture.time.advance(seconds: Int64(midnight - fixture.time.clock.now()) - 2)
    try await fixture.fill(4)
    let days = try await AuditQuery(fixture.database).daily(AuditFilter())
    #expect(days.map(\.count) == [1, 3])
    #expect(days.first?.day.adding(days: 1) == days.last?.day)
  }

  @Test func hostileTextIsStoredAsItIs() async throws {
    let fixture = try await AuditFixture()
    var entry = fixture.entry("address.update", record: 1)
    entry.purpose = "a\u{0}b'; drop table audit_entry; --\\N"
    try await fixture.audit.append(entry, in: fixture.database)
    try await fixture.sealer().seal()
    #expect(
      try await AuditQuery(fixture.database).list(AuditFilter()).first?.purpose == "ab'; drop table audit_entry; --\\N")
    #expect(try await fixture.verifier().verify().isIntact)
  }

  @Test func visitsAndCallsAddUpOverSeveralFlushes() async throws {
    let fixture = try await AuditFixture()
    let usage = UsageLog(clock: fixture.time.clock)
    for round in 1...3 {
      for _ in 0..<round { usage.visit(area: "addresses", visitor: "user") }
      usage.visit(area: "scan", visitor: "stranger")
      usage.call(
        APICall(
          time: fixture.time.clock.now(), key: 5, method: "GET", route: "/api/address/{id}",
          status: round == 1 ? 404 : 200, milliseconds: Double(round), remoteAddress: "10.0.0.1", requestID: "r"))
      try await usage.flush(to: fixture.database)
    }
    let today = fixture.time.clock.today()
    let visits = try await UsageLog.visits(from: today, to: today, in: fixture.database)
    #expect(visits.map(\.visits) == [6, 3])
    let now = fixture.time.clock.now()
    let calls = try await UsageLog.calls(from: now, to: now + 1, key: 5, in: fixture.database)
    #expect(calls.map(\.calls) == [3] && calls.map(\.errors) == [1] && calls.map(\.milliseconds) == [2])
  }
}
