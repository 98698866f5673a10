import Access
import Audit
import Core
import Crypto
import Identity
import SQL
import Testing

@Suite struct SignInTests {
  @Test func theRightPasswordOpensASessionWithTheRolesInForce() async throws {
    let fixture = try await IdentityFixture()
    let unit = try await fixture.unit("通川分局", division: "511702")
    let user = try await fixture.user(unit: unit, clearance: "sensitive")
    let role = try await fixture.role(
      "clerk", clearance: "secret", grants: ["address.view/unit_and_below", "address.export/division/5117,5118"])
    try await fixture.give(role, to: user)
    let opened = try await fixture.signIn("  WANG ")
    let principal = opened.session.principal
    #expect(principal.id == user && principal.kind == .user && principal.name == "王主任")
    #expect(principal.unit == UnitMembership(id: unit, name: "通川分局", path: "\(unit).", division: "511702"))
    #expect(principal.grants.scope(for: Permission("address", "view")) == .unitAndBelow)
    #expect(principal.grants.scope(for: Permission("address", "export")) == .division(["5117", "5118"]))
    #expect(!principal.may(Permission("address", "delete")))
    #expect(principal.clearance == .sensitive, "the lower of the account's and the roles'")
    #expect(opened.session.roleNames == ["clerk"])
    #expect(opened.session.demand == nil)
    #expect(try await fixture.auditActions() == ["session.sign-in done"])
  }

  @Test func nothingTellsWhetherAnAccountExists() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    try await fixture.database.execute(
      """
      insert into app_user (version, created_at, created_by, updated_at, updated_by, account, name, clearance, status)
      values (1, now(), 0, now(), 0, 'nopass', 'x', 'inner', 'active')
      """)
    var answers: Set<Refusal> = []
    for account in ["wang", "nobody", "nopass", ""] {
      do {
        _ = try await fixture.signIn(account, "Wrong-horse7")
      } catch let refusal as Refusal {
        answers.insert(refusal)
      }
    }
    #expect(answers.count == 1, "\(answers)")
    #expect(answers.first?.code == "sign-in-refused" && answers.first?.kind == .unauthenticated)
  }

  @Test func whatIsTypedAsAnUnknownAccountIsNotKept() async throws {
    let fixture = try await IdentityFixture()
    _ = try? await fixture.signIn("My-secret-password", "x")
    let kept: String = try await fixture.database.value(
      "select string_agg(l::text, ' ') || (select string_agg(a::text, ' ') from audit_entry a) from login_log l")
    #expect(!kept.lowercased().contains("my-secret"))
    #expect(kept.contains("unknown_account"))
  }

  @Test(arguments: ["wang", "nobody"]) func anAccountLocksAfterTooManyFailuresAndOpensAgain(account: String)
    async throws
  {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    for _ in 1...4 {
      #expect(try await fixture.refusal { try await fixture.signIn(account, "Wrong-horse7") } == "sign-in-refused")
    }
    #expect(try await fixture.refusal { try await fixture.signIn(account, "Wrong-horse7") } == "account-locked")
    #expect(try await fixture.refusal { try await fixture.signIn(account) } == "account-locked")
    fixture.time.advance(seconds: 15 * 60 + 1)
    let expected = account == "wang" ? "none" : "sign-in-refused"
    #expect(try await fixture.refusal { try await fixture.signIn(account) } == expected)
  }

  @Test func failuresAreForgottenAfterASuccessOrAWhile() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    for _ in 1...3 {
      for _ in 1...4 { _ = try? await fixture.signIn("wang", "Wrong-horse7") }
      _ = try await fixture.signIn()
      fixture.time.advance(seconds: 60)
    }
    for _ in 1...3 {
      for _ in 1...4 { _ = try? await fixture.signIn("wang", "Wrong-horse7") }
      fixture.time.advance(seconds: 31 * 60)
    }
    #expect(try await fixture.refusal { try await fixture.signIn() } == "none")
  }

  @Test func guessesAtOnceDoNotPassTheLimit() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    let codes = await withTaskGroup(of: String.self) { group in
      for _ in 0..<20 {
        group.addTask { (try? await fixture.refusal { try await fixture.signIn("wang", "Wrong-horse7") }) ?? "fault" }
      }
      return await group.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
    }
    #expect(codes == ["sign-in-refused": 4, "account-locked": 16])
    let checked: Int64 = try await fixture.database.value(
      "select count(*) from login_log where reason = 'wrong_password'")
    #expect(checked == 5)
  }

  @Test func manyRightSignInsAtOnceLockNobody() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    let opened = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<12 { group.addTask { (try? await fixture.signIn()) != nil } }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(opened == 12)
  }

  @Test func tooManyAttemptsFromOneAddressAreRefusedForAMinute() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    fixture.service.policy.attemptsPerMinutePerAddress = 3
    for number in 0..<3 { _ = try? await fixture.signIn("user\(number)", "x", from: "10.9.9.9") }
    #expect(try await fixture.refusal { try await fixture.signIn(from: "10.9.9.9") } == "sign-in-too-often")
    #expect(try await fixture.refusal { try await fixture.signIn(from: "10.9.9.8") } == "none")
    fixture.time.advance(seconds: 60)
    #expect(try await fixture.refusal { try await fixture.signIn(from: "10.9.9.9") } == "none")
  }

  @Test(arguments: ["disabled", "nonsense"])
  func aClosedAccountIsToldToWhoKnowsThePasswordOnly(status: String) async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    try await fixture.database.execute("update app_user set status = \(status)")
    #expect(try await fixture.refusal { try await fixture.signIn() } == "account-disabled")
    #expect(try await fixture.refusal { try await fixture.signIn("wang", "Wrong-horse7") } == "sign-in-refused")
  }

  @Test func expiryAddressAndHourAreKept() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user("li", addresses: "10.0.0.0/8", hours: "1-5 08:00-18:00")
    #expect(try await fixture.refusal { try await fixture.signIn("li") } == "none")
    #expect(try await fixture.refusal { try await fixture.signIn("li", from: "192.168.1.1") } == "address-not-allowed")
    fixture.time.advance(seconds: 9 * 3600)
    #expect(try await fixture.refusal { try await fixture.signIn("li") } == "hour-not-allowed")
    try await fixture.database.execute(
      "update app_user set allowed_hours = null, expires_on = '2026-11-17' where account = 'li'")
    #expect(try await fixture.refusal { try await fixture.signIn("li") } == "account-expired")
  }

  @Test func aSessionAlwaysGetsANewTokenAndTheOldOneEnds() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    let first = try await fixture.signIn()
    let second = try await fixture.signIn(replacing: first.token)
    #expect(first.token != second.token)
    #expect(
      try await fixture.refusal { try await fixture.service.authenticate(first.token, origin: fixture.origin) }
        == "session-replaced")
    let planted = "attacker-chosen-token"
    let third = try await fixture.signIn(replacing: planted)
    #expect(third.token != planted)
    #expect(
      try await fixture.refusal { try await fixture.service.authenticate(planted, origin: fixture.origin) }
        == "sign-in-required")
    let stored: [[UInt8]] = try await fixture.database.query("select token_hash from session").map { try $0.get(0) }
    #expect(!stored.contains(Array(second.token.utf8)) && stored.contains(Digest.sm3(Array(second.token.utf8))))
  }

  @Test func theOldestOfTooManySessionsEnds() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    fixture.service.policy.sessionsPerUser = 2
    var tokens: [String] = []
    for _ in 0..<3 {
      tokens.append(try await fixture.signIn().token)
      fixture.time.advance(seconds: 1)
    }
    var codes: [String] = []
    for token in tokens {
      codes.append(
        try await fixture.refusal { try await fixture.service.authenticate(token, origin: fixture.origin) })
    }
    #expect(codes == ["session-too-many", "none", "none"])
  }

  @Test func anOutdatedHashIsReplacedAtSignIn() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    let before: String = try await fixture.database.value("select password_hash from credential")
    try fixture.ring.rotate(.pepper, at: fixture.time.clock.now())
    _ = try await fixture.signIn()
    let after: String = try await fixture.database.value("select password_hash from credential")
    #expect(before != after)
    #expect(try await fixture.refusal { try await fixture.signIn() } == "none")
  }

  @Test func anOfficerUnlocksAndNobodyElse() async throws {
    let fixture = try await IdentityFixture()
    let user = try await fixture.user()
    for _ in 1...5 { _ = try? await fixture.signIn("wang", "Wrong-horse7") }
    #expect(
      try await fixture.refusal {
        try await fixture.service.unlock(user, by: fixture.officer("address.view"), origin: fixture.origin)
      } == "permission-missing")
    try await fixture.service.unlock(user, by: fixture.officer("credential.unlock"), origin: fixture.origin)
    #expect(try await fixture.refusal { try await fixture.signIn() } == "none")
  }

  @Test func signInsAreCountedByDay() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    _ = try? await fixture.signIn("wang", "Wrong-horse7")
    _ = try await fixture.signIn()
    fixture.time.advance(seconds: 86400)
    _ = try await fixture.signIn()
    let today = fixture.time.clock.today()
    let days = try await fixture.service.signInDays(from: today.adding(days: -1), to: today)
    #expect(days.map(\.succeeded) == [1, 1] && days.map(\.refused) == [1, 0] && days.map(\.users) == [1, 1])
  }
}
