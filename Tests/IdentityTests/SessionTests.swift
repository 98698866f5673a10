import Access
import Audit
import Core
@testable import Identity
import SQL
import TestSupport
import Testing

@Suite struct SessionTests {
  @Test func aRequestCostsNoQuery() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    let opened = try await fixture.signIn()
    let before: Int64 = try await fixture.database.value("select count(*) from session where last_seen_at is not null")
    #expect(before == 1)
    await fixture.database.close()
    for _ in 0..<100 {
      fixture.time.advance(seconds: 1)
      #expect(try await fixture.service.authenticate(opened.token, origin: fixture.origin).id == opened.session.id)
    }
  }

  @Test func sessionsToBeReadAgainOutliveTheSweep() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    let opened = try await fixture.signIn()
    fixture.service.cache.forgetAll()
    try await fixture.service.maintain()
    #expect(
      try await fixture.service.authenticate(opened.token, origin: fixture.origin).id == opened.session.id)
  }

  @Test func anIdleSessionEndsAndABusyOneStays() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    let busy = try await fixture.signIn()
    let idle = try await fixture.signIn()
    for _ in 0..<4 {
      fixture.time.advance(seconds: 10 * 60)
      _ = try await fixture.service.authenticate(busy.token, origin: fixture.origin)
      try await fixture.service.maintain()
    }
    #expect(
      try await fixture.refusal { try await fixture.service.authenticate(idle.token, origin: fixture.origin) }
        == "session-idle")
    #expect(try await fixture.service.sessions(of: busy.session.user.id).map(\.id) == [busy.session.id])
  }

  @Test func everySessionEndsAfterItsLongestTime() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    let opened = try await fixture.signIn()
    for _ in 0..<(12 * 3 - 1) {
      fixture.time.advance(seconds: 20 * 60)
      _ = try await fixture.service.authenticate(opened.token, origin: fixture.origin)
    }
    fixture.time.advance(seconds: 20 * 60)
    #expect(
      try await fixture.refusal { try await fixture.service.authenticate(opened.token, origin: fixture.origin) }
        == "session-expired")
  }

  @Test func anotherNodeSeesActivityWithinAMinute() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    let opened = try await fixture.signIn()
    let other = try fixture.secondNode()
    for _ in 0..<5 {
      fixture.time.advance(seconds: 20 * 60)
      _ = try await fixture.service.authenticate(opened.token, origin: fixture.origin)
      try await fixture.service.maintain()
    }
    #expect(try await other.authenticate(opened.token, origin: fixture.origin).id == opened.session.id)
  }

  @Test func anUnknownTokenIsRefused() async throws {
    let fixture = try await IdentityFixture()
    for token in ["", "x", "' or 1=1 --", String(repeating: "a", count: 100_000)] {
      #expect(
        try await fixture.refusal { try await fixture.service.authenticate(token, origin: fixture.origin) }
          == "sign-in-required")
    }
  }

  @Test func kickingEndsASessionOnEveryNode() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    let opened = try await fixture.signIn()
    let other = try fixture.secondNode()
    _ = try await other.authenticate(opened.token, origin: fixture.origin)
    let following = Task { await other.run(Rounds(log: .silent)) }
    defer { following.cancel() }
    let officer = fixture.officer("session.kick", "session.view")
    #expect(try await fixture.service.online(by: officer).map(\.account) == ["wang"])
    #expect(
      try await fixture.refusal {
        try await fixture.service.kick(opened.session.id, by: fixture.officer(), origin: fixture.origin)
      } == "permission-missing")
    try await fixture.service.kick(opened.session.id, by: officer, origin: fixture.origin)
    #expect(
      try await fixture.refusal { try await fixture.service.authenticate(opened.token, origin: fixture.origin) }
        == "session-kicked")
    let happened = try await eventually {
      try await fixture.refusal { try await other.authenticate(opened.token, origin: fixture.origin) }
        == "session-kicked"
    }
    #expect(happened)
    #expect(try await fixture.service.online(by: officer).isEmpty)
    #expect(
      try await fixture.refusal {
        try await fixture.service.kick(opened.session.id, by: officer, origin: fixture.origin)
      } == "session-over")
  }

  @Test func oneEndsOnesOwnDevicesButNobodyElses() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    try await fixture.user("li")
    let phone = try await fixture.signIn()
    let desk = try await fixture.signIn()
    let stranger = try await fixture.signIn("li")
    try await fixture.service.kick(phone.session.id, by: desk.session.principal, origin: fixture.origin)
    #expect(
      try await fixture.refusal {
        try await fixture.service.kick(desk.session.id, by: stranger.session.principal, origin: fixture.origin)
      } == "permission-missing")
    try await fixture.service.signOut(desk.session, origin: fixture.origin)
    #expect(
      try await fixture.refusal { try await fixture.service.authenticate(desk.token, origin: fixture.origin) }
        == "session-sign-out")
  }

  @Test(arguments: [
    "update role set active = false", "delete from user_role", "delete from role_grant",
    "update role set effective_from = '2026-11-18 10:00:01+08'", "update role set expires_on = '2026-11-17'",
    "update user_role set expires_on = '2026-11-17'", "update user_role set effective_on = '2026-11-19'",
  ])
  func aRightTakenAwayIsGoneAtTheNextRequest(statement: String) async throws {
    let fixture = try await IdentityFixture()
    let user = try await fixture.user()
    try await fixture.give(try await fixture.role("clerk", grants: ["address.view/all"]), to: user)
    let opened = try await fixture.signIn()
    #expect(opened.session.principal.may(Permission("address", "view")))
    let following = Task { await fixture.service.run(Rounds(log: .silent)) }
    defer { following.cancel() }
    let happened = try await eventually {
      // Again and again, since the listener may not be there for the first.
      try await fixture.database.execute(SQL(unsafe: statement))
      return try await !fixture.service.authenticate(opened.token, origin: fixture.origin).principal
        .may(Permission("address", "view"))
    }
    #expect(happened)
  }

  @Test func stoppingAnAccountEndsItsSessions() async throws {
    let fixture = try await IdentityFixture()
    let user = try await fixture.user()
    let opened = try await fixture.signIn()
    let administrator = fixture.officer("app_user.enable", "app_user.disable")
    try await fixture.service.setStatus(.disabled, of: user, by: administrator, origin: fixture.origin)
    #expect(
      try await fixture.refusal { try await fixture.service.authenticate(opened.token, origin: fixture.origin) }
        == "session-account")
    try await fixture.service.setStatus(.active, of: user, by: administrator, origin: fixture.origin)
    #expect(try await fixture.refusal { try await fixture.signIn() } == "none")
  }

  @Test func addressAndHourAreKeptDuringTheSession() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user("li", addresses: "10.0.0.0/8", hours: "1-5 08:00-18:00")
    let opened = try await fixture.signIn("li")
    let elsewhere = Origin(remoteAddress: "192.168.0.1")
    #expect(
      try await fixture.refusal { try await fixture.service.authenticate(opened.token, origin: elsewhere) }
        == "address-not-allowed")
    #expect(
      try await fixture.refusal { try await fixture.service.authenticate(opened.token, origin: fixture.origin) }
        == "none")
  }

  @Test func aUserActsForOneUnitAtATime() async throws {
    let fixture = try await IdentityFixture()
    let home = try await fixture.unit("市局")
    let branch = try await fixture.unit("达川分局", parent: home, division: "511703")
    let foreign = try await fixture.unit("宣汉县局", parent: home)
    let user = try await fixture.user(unit: home)
    try await fixture.give(try await fixture.role("everywhere", grants: ["address.view/unit"]), to: user)
    try await fixture.give(try await fixture.role("approver", grants: ["address.approve/unit"]), to: user, unit: branch)
    let opened = try await fixture.signIn()
    #expect(try await fixture.service.units(of: user).map(\.name) == ["市局", "达川分局"])
    #expect(opened.session.principal.unit?.id == home)
    #expect(!opened.session.principal.may(Permission("address", "approve")))
    try await fixture.service.switchUnit(opened.session, to: branch, origin: fixture.origin)
    let switched = try await fixture.service.authenticate(opened.token, origin: fixture.origin)
    #expect(switched.principal.unit?.path == "\(home).\(branch).")
    #expect(switched.principal.may(Permission("address", "approve")))
    #expect(switched.principal.may(Permission("address", "view")))
    #expect(
      try await fixture.refusal {
        try await fixture.service.switchUnit(opened.session, to: foreign, origin: fixture.origin)
      } == "unit-not-yours")
  }

  @Test func formTokensBelongToTheirSession() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    let one = try await fixture.signIn().session
    let two = try await fixture.signIn().session
    #expect(fixture.service.isValid(formToken: one.formToken, of: one))
    #expect(!fixture.service.isValid(formToken: two.formToken, of: one))
    #expect(!fixture.service.isValid(formToken: "", of: one))
  }

  @Test func nothingPrintsAToken() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    let opened = try await fixture.signIn()
    var dumped = ""
    dump(opened, to: &dumped)
    dump(SignInAttempt(account: "a", password: IdentityFixture.password, origin: fixture.origin), to: &dumped)
    #expect(!"\(opened) \(dumped)".contains(opened.token) && !dumped.contains(IdentityFixture.password))
  }
}
