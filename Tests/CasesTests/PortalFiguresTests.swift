import Access
import Audit
import Core
import Entities
import Portal
import SQL
import Testing

/// How much the portal is used, as sums.
@Suite struct PortalFiguresTests {
  /// Binds an account to a provider of identities, once for each subject with its level; gives the bindings.
  private func bind(
    _ account: String, _ subjects: [(subject: String, level: String)], in city: CaseFixture
  ) async throws -> [Int64] {
    let records = city.store.records(as: .system, purpose: "试验")
    let provider = try await records.insert(
      "identity_provider",
      [
        "code": .text("city"), "name": .text("政务服务网"), "issuer": .text("https://id.example"),
        "client_id": .text("lifang"),
      ], input: .code)
    let user = try city.person(account).id
    var bound: [Int64] = []
    for (subject, level) in subjects {
      let binding = try await records.insert(
        "identity_binding",
        [
          "user_id": .integer(user), "provider_id": .integer(provider.id), "subject": .text(subject),
          "name": .text("刘芳"), "level": .text(level), "bound_at": .instant(city.time.clock.now()),
        ], input: .code)
      bound.append(binding.id)
    }
    return bound
  }

  @Test func residentsWhoBindAndUnbindAreCountedByDayAndPlatform() async throws {
    let city = try await CaseFixture()
    let bound = try await bind("resident", [("one", "real_name"), ("two", "real_name")], in: city)
    try city.wait(until: "2026-11-19 09:00")
    try await city.store.records(as: .system, purpose: "试验").delete("identity_binding", bound[0], version: nil)
    // What was tried and refused is neither.
    try await city.database.transaction { transaction in
      for action in ["create", "delete"] {
        try await city.store.audit.append(
          AuditEntry(
            try city.person("resident"), "identity_binding.\(action)", entity: "identity_binding", record: bound[1],
            outcome: .refused), in: transaction)
      }
    }
    let first = try #require(CivilDate("2026-11-18"))
    let figures = try await PortalFigures.read(city.store, from: first, to: first.adding(days: 1))
    #expect(figures.days.map(\.bound) == [2, 0])
    #expect(figures.days.map(\.unbound) == [0, 1])
    #expect(figures.days.map(\.net) == [2, -1])
    #expect(figures.platforms.map(\.label) == ["政务服务网"])
    #expect(figures.platforms.map(\.all) == [1])
    let later = try await PortalFigures.read(city.store, from: first.adding(days: 1), to: first.adding(days: 1))
    #expect(later.platforms.map(\.new) == [0])
  }

  @Test func onePlatformHasItsOwnUsersByDay() async throws {
    let city = try await CaseFixture()
    let bound = try await bind("resident", [("one", "real_name")], in: city)
    let records = city.store.records(as: .system, purpose: "试验")
    let first = try #require(
      try await records.list(ListQuery("identity_provider", columns: ["name"], limit: 10)).records.first)
    let other = try await records.insert(
      "identity_provider",
      [
        "code": .text("province"), "name": .text("省统一认证"), "issuer": .text("https://province.example"),
        "client_id": .text("lifang"),
      ], input: .code)
    let day = try #require(CivilDate("2026-11-18"))
    try await city.database.execute(
      "update app_user set created_at = '2026-11-17T16:00:00Z' where account = 'resident'")
    try city.wait(until: "2026-11-19 09:00")
    try await records.delete("identity_binding", bound[0], version: nil)
    func days(_ provider: Int64) async throws -> PortalFigures {
      try await PortalFigures.read(city.store, from: day, to: day.adding(days: 1), provider: provider)
    }
    let (its, others) = (try await days(first.id), try await days(other.id))
    #expect(its.days.map(\.bound) == [1, 0] && its.days.map(\.unbound) == [0, 1])
    // Who came by a platform came by it though they left it since.
    #expect(its.days.map(\.registered) == [1, 0] && its.users == 0)
    #expect(others.days.map(\.bound) == [0, 0] && others.days.map(\.unbound) == [0, 0] && others.users == 0)
    #expect(others.days.map(\.registered) == [0, 0])
  }

  @Test func accountsOfResidentsAreCountedByTheDayTheyWereOpened() async throws {
    let city = try await CaseFixture()
    let day = try #require(CivilDate("2026-11-18"))
    try await city.database.execute("update app_user set created_at = '2026-11-17T15:59:00Z'")
    try await city.database.execute(
      "update app_user set created_at = '2026-11-17T16:00:00Z' where account in ('resident', 'officer')")
    let figures = try await PortalFigures.read(city.store, from: day.adding(days: -1), to: day)
    // 刘芳 and 周邻居 belong to no unit.
    #expect(figures.days.map(\.registered) == [1, 1] && figures.users == 2)
  }

  @Test(arguments: [("phone", false), ("real_name", true), ("face", true)])
  func aTelephoneIsNoRealName(_ level: String, _ isRealName: Bool) async throws {
    let city = try await CaseFixture()
    _ = try await bind("resident", [("one", "phone"), ("two", level)], in: city)
    let user = try city.person("resident").id
    let known = try await KnownPerson.of(user: user, in: city.store, purpose: "试验")
    #expect(known.isRealName == isRealName && known.name == "刘芳")
    #expect(try await !KnownPerson.of(user: city.person("neighbour").id, in: city.store, purpose: "试验").isRealName)
  }

  @Test func visitsAreAddedByPageAndKindOfReader() async throws {
    let city = try await CaseFixture()
    let visits = PageVisits.make(city.database, clock: city.time.clock)
    for _ in 0..<2 {
      visits.count(.init(page: "/policies", isResident: false))
      visits.count(.init(page: "/policies", isResident: true))
      try await visits.flush()
    }
    let today = city.time.clock.today()
    let figures = try await PortalFigures.read(city.store, from: today, to: today)
    #expect(figures.pages.map { "\($0.page) \($0.strangers) \($0.residents)" } == ["/policies 2 2"])
    #expect(figures.sum(\.visits) == 4)
    #expect(try await PortalFigures.visits(city.store, days: 30) == ["/policies": 4])
  }
}
