import Access
import Audit
import Core
import SQL
import Testing

/// What a period of the audit comes to (C-616).
@Suite struct AuditSurveyTests {
  private static let night = (from: Int64(22), until: Int64(6))

  private func person(_ id: Int64, _ name: String, _ unit: String? = "通川区公安分局") -> Principal {
    Principal(
      kind: .user, id: id, name: name,
      unit: unit.map { UnitMembership(id: 4, name: $0, path: "1.4.", division: "511702") }, grants: Grants([]),
      clearance: .inner)
  }

  private func note(
    _ fixture: AuditFixture, _ who: Principal, _ action: String, _ entity: String, purpose: String? = nil,
    outcome: AuditEntry.Outcome = .done, count: Int64? = nil, from address: String = "10.1.2.3"
  ) async throws {
    try await fixture.audit.append(
      AuditEntry(
        who, action, entity: entity, purpose: purpose, outcome: outcome, origin: Origin(remoteAddress: address),
        details: count.map { ["count": .int($0)] } ?? .object([])), in: fixture.database)
  }

  private func survey(_ fixture: AuditFixture, _ since: CivilDate, _ until: CivilDate) async throws -> AuditSurvey {
    try await AuditSurvey.read(
      from: since, to: until, personal: ["person"], night: AuditSurveyTests.night, in: fixture.database)
  }

  /// Moves the clock to an hour of China's next day.
  private func next(_ fixture: AuditFixture, hour: Int64) -> CivilDate {
    let day = fixture.time.clock.today().adding(days: 1)
    fixture.time.advance(seconds: Int64(day.start - fixture.time.clock.now()) + hour * 3600)
    return day
  }

  @Test func aPeriodSaysWhoLookedWhyAndWhatWasTakenOut() async throws {
    let fixture = try await AuditFixture()
    let (wang, li) = (person(9, "王主任"), person(10, "李警官", nil))
    let day = next(fixture, hour: 10)
    try await note(fixture, wang, "person.list", "person", purpose: "入户核查", count: 50)
    try await note(fixture, wang, "person.reveal", "person", purpose: "入户核查")
    try await note(fixture, li, "person.view", "person")
    try await note(fixture, li, "address.view", "address")
    try await note(fixture, li, "person.export", "person", purpose: "上报", count: 300)
    try await note(fixture, wang, "user_role.create", "user_role")
    try await note(fixture, wang, "user_role.create", "user_role", outcome: .refused)
    try await note(fixture, wang, "credential.change", "app_user")
    let found = try await survey(fixture, day, day)
    let totals = found.totals
    #expect([totals.entries, totals.people, totals.looks, totals.reveals] == [8, 2, 4, 1])
    #expect([totals.exports, totals.changes, totals.refusals, totals.failures] == [1, 1, 1, 0])
    #expect(totals.signIns == 0 && totals.refusedSignIns == 0)
    #expect(found.byPurpose.map(\.of) == ["入户核查", nil, "上报"] || found.byPurpose.map(\.of) == ["入户核查", "上报", nil])
    #expect(found.byPurpose.first?.rows == 51 && found.byPurpose.first?.reveals == 1)
    #expect(Set(found.byUnit.map(\.of)) == ["通川区公安分局", nil])
    #expect(found.byRegister.map(\.of) == ["person"] && found.byRegister.map(\.people) == [2])
    #expect(found.exports.map { "\($0.person) \($0.entity) \($0.times) \($0.rows)" } == ["李警官 person 1 300"])
    // One's own password is nobody's right.
    #expect(found.changes.map { "\($0.person) \($0.action) \($0.times)" } == ["王主任 user_role.create 1"])
    #expect(found.refusals.map { "\($0.person) \($0.action) \($0.outcome.label)" } == ["王主任 user_role.create 被拒绝"])
    // Neither the day before nor the day after knows of it.
    #expect(try await survey(fixture, day.adding(days: -1), day.adding(days: -1)).totals.entries == 0)
    #expect(try await survey(fixture, day.adding(days: 1), day.adding(days: 2)).totals.entries == 0)
  }

  @Test func failedSignInsAreToldByAccountAndAddress() async throws {
    let fixture = try await AuditFixture()
    let day = next(fixture, hour: 9)
    let stranger = Principal(
      kind: .stranger, id: 0, name: "zh…", unit: nil, grants: Grants([]), clearance: .open)
    for address in ["10.0.0.1", "10.0.0.2", "10.0.0.2"] {
      try await note(
        fixture, person(9, "王主任", nil), "session.sign-in", "app_user", outcome: .refused, from: address)
    }
    try await note(fixture, person(9, "王主任", nil), "session.sign-in", "app_user")
    try await note(fixture, stranger, "session.sign-in", "app_user", outcome: .refused)
    try await note(fixture, person(10, "李警官", nil), "session.sign-in", "app_user")
    let found = try await survey(fixture, day, day)
    #expect(found.totals.signIns == 2 && found.totals.refusedSignIns == 4 && found.totals.refusals == 0)
    #expect(
      found.signIns.map { "\($0.name) \($0.refused) \($0.succeeded) \($0.addresses)" } == ["王主任 3 1 2", "zh… 1 0 1"])
    let limits = AuditLimits(failures: 3, refusals: 20, looks: 100, times: 5)
    let remarks = found.remarks(limits, night: AuditSurveyTests.night)
    #expect(remarks.count == 1 && remarks.first?.hasPrefix("王主任登录失败 3 次，来自 2 个地址") == true)
  }

  @Test func whatStandsOutIsMeasuredByTheOthersAndTheHour() async throws {
    let fixture = try await AuditFixture()
    let day = next(fixture, hour: 14)
    for id in Int64(1)...3 { try await note(fixture, person(id, "警官\(id)"), "person.view", "person") }
    for _ in 0..<12 { try await note(fixture, person(9, "王主任"), "person.view", "person") }
    for _ in 0..<2 { try await note(fixture, person(2, "警官2"), "role.update", "role", outcome: .refused) }
    fixture.time.advance(seconds: 9 * 3600)
    try await note(fixture, person(3, "警官3"), "person.export", "person")
    let found = try await survey(fixture, day, day)
    func remarks(_ looks: Int64, _ refusals: Int64) -> [String] {
      found.remarks(
        AuditLimits(failures: 10, refusals: refusals, looks: looks, times: 5), night: AuditSurveyTests.night)
    }
    #expect(
      remarks(10, 2) == [
        "王主任（通川区公安分局）查看个人信息 12 次，同期查看的人居中的是 1 次。",
        "警官3（通川区公安分局）在 22 时至 6 时查看个人信息 1 次。", "警官3（通川区公安分局）在 22 时至 6 时导出 1 次。",
        "警官2（通川区公安分局）因没有权限被拒绝 2 次。",
      ])
    // Few looks are not worth comparing.
    #expect(remarks(13, 3).count == 2)
  }
}
