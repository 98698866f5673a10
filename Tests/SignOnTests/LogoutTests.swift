import Access
import Audit
import Core
import Crypto
import Identity
import SQL
@testable import SignOn
import Testing

@Suite struct LogoutTests {
  @Test func whateverEndsASessionEndsThoseBegunFromIt() async throws {
    let fixture = try await SignOnFixture()
    let application = try await fixture.application()
    let silent = try await fixture.application("silent", logout: nil)
    let user = try await fixture.user()
    let ends: [(String, (OpenedSession) async throws -> Void)] = [
      ("sign-out", { try await fixture.identity.signOut($0.session, origin: .inside) }),
      ("kicked", { try await fixture.identity.kick($0.session.id, by: fixture.officer, origin: .inside) }),
      (
        "password",
        { _ in
          _ = try await fixture.identity.resetPassword(of: user, by: fixture.officer, origin: .inside)
          try await fixture.database.execute("delete from credential where user_id = \(user)")
          try await fixture.identity.setInitialPassword(SignOnFixture.password, of: user, mustChange: false)
        }
      ),
      (
        "account",
        { _ in try await fixture.identity.setStatus(.disabled, of: user, by: fixture.officer, origin: .inside) }
      ),
    ]
    for (reason, end) in ends {
      let opened = try await fixture.signIn()
      let sid = try await fixture.enter(opened, application)
      _ = try await fixture.enter(opened, silent)
      #expect(try await fixture.enter(opened, application) == sid, "entering again goes on with the session")
      try await end(opened)
      #expect(try await fixture.notices().last == "\(sid) \(reason)")
      let open: Int64 = try await fixture.database.value("select count(*) from client_session where ended_at is null")
      #expect(open == 0)
    }
    #expect(try await fixture.notices().count == ends.count, "who gave no address is not told")
  }

  @Test func anIdleSessionEndsNoneButAnAccountOutOfUseStillDoes() async throws {
    let fixture = try await SignOnFixture()
    let application = try await fixture.application()
    let user = try await fixture.user()
    let opened = try await fixture.signIn()
    let sid = try await fixture.enter(opened, application)
    fixture.time.advance(seconds: 3600)
    try await fixture.identity.maintain()
    #expect(
      try await fixture.refusal { try await fixture.identity.authenticate(opened.token, origin: .inside) }
        == "session-idle")
    #expect(try await fixture.notices().isEmpty)
    try await fixture.identity.setStatus(.disabled, of: user, by: fixture.officer, origin: .inside)
    #expect(try await fixture.notices() == ["\(sid) account"])
  }

  @Test func aSessionThatTheBrowserGoesOnWithHandsItsSystemsOn() async throws {
    let fixture = try await SignOnFixture()
    let application = try await fixture.application()
    _ = try await fixture.user()
    let first = try await fixture.signIn()
    let sid = try await fixture.enter(first, application)
    let second = try await fixture.signIn(replacing: first.token)
    #expect(try await fixture.notices().isEmpty)
    #expect(try await fixture.enter(second, application) == sid)
    try await fixture.identity.signOut(second.session, origin: .inside)
    #expect(try await fixture.notices() == ["\(sid) sign-out"])
  }

  @Test func afterIdlenessTheSameBrowserGoesOnAndSigningOutTellsTheOthers() async throws {
    let fixture = try await SignOnFixture()
    let application = try await fixture.application()
    _ = try await fixture.user()
    let first = try await fixture.signIn()
    let sid = try await fixture.enter(first, application)
    fixture.time.advance(seconds: 3600)
    try await fixture.identity.maintain()
    let second = try await fixture.signIn(replacing: first.token)
    #expect(try await fixture.notices().isEmpty)
    try await fixture.identity.signOut(second.session, origin: .inside)
    #expect(try await fixture.notices() == ["\(sid) sign-out"])
  }

  @Test func onlyATokenOfThisVerySessionSignsOutUnasked() async throws {
    let fixture = try await SignOnFixture()
    let application = try await fixture.application()
    _ = try await fixture.user()
    _ = try await fixture.user("li")
    let opened = try await fixture.signIn()
    let other = try await fixture.signIn("li")
    let answer = try await fixture.redeem(try await fixture.code(opened), by: application)
    let hint = try #require(answer?["id_token"]?.string)
    let own = try await fixture.signOn.departure(
      hint: hint, client: nil, back: "https://housing.example/bye", state: "x y")
    #expect(own.location == "https://housing.example/bye?state=x%20y")
    #expect(try await fixture.signOn.isOwn(own, opened.session))
    #expect(try await !fixture.signOn.isOwn(own, other.session))
    fixture.time.advance(seconds: 1000)
    let late = try await fixture.signOn.departure(hint: hint, client: "housing", back: nil, state: nil)
    #expect(try await fixture.signOn.isOwn(late, opened.session), "a token that has run out still tells whose it was")
    let parts = hint.split(separator: ".")
    let forged = "\(parts[0]).\(parts[1]).\(Base64URL.encode([UInt8](repeating: 7, count: 64)))"
    for text in [forged, "x", hint + "x", "\(parts[0]).\(parts[1])."] {
      let departure = try await fixture.signOn.departure(hint: text, client: nil, back: nil, state: nil)
      #expect(try await !fixture.signOn.isOwn(departure, opened.session))
    }
    for (client, back) in [("housing", "https://evil.example/"), (nil, "https://housing.example/bye")]
      as [(String?, String)]
    {
      #expect(
        try await fixture.refusal {
          try await fixture.signOn.departure(hint: nil, client: client, back: back, state: nil)
        } == "application-return")
    }
  }

  @Test func aNoticeThatNobodyTakesIsTriedAgainAndGivenUp() async throws {
    let fixture = try await SignOnFixture()
    // Nothing listens on the discard port.
    let application = try await fixture.application(logout: "http://127.0.0.1:9/logout")
    _ = try await fixture.user()
    let opened = try await fixture.signIn()
    _ = try await fixture.enter(opened, application)
    let runner = LogoutRunner(fixture.signOn, worker: "test") { 1 }
    #expect(try await !runner.runNext())
    try await fixture.identity.signOut(opened.session, origin: .inside)
    fixture.time.advance(seconds: 60)
    #expect(try await runner.runNext())
    #expect(try await !runner.runNext(), "it waits")
    fixture.time.advance(seconds: 60)
    #expect(try await runner.runNext())
    let retried = try #require(try await runner.latest(of: application.id).first)
    #expect(retried.attempts == 2 && retried.outcome == nil && retried.problem?.isEmpty == false)
    fixture.time.advance(seconds: 4000)
    #expect(try await runner.runNext())
    #expect(try await runner.latest(of: application.id).first?.outcome == "failed")
    fixture.time.advance(seconds: 4000)
    #expect(try await !runner.runNext())
    #expect(try await runner.figures(of: application.id).failed == 1)
  }

  // MARK: Keys

  @Test func aNewKeyIsPublishedADayBeforeItSignsAndTheOldOneADayAfter() async throws {
    let fixture = try await SignOnFixture()
    let keys = fixture.signOn.keys
    func states() async throws -> [TokenKeys.Standing.State] {
      try await fixture.signOn.maintain()
      keys.forget()
      return try await keys.standings().map(\.state)
    }
    let first = try await keys.signing().id
    #expect(try await states() == [.current])
    fixture.time.advance(seconds: 88 * TokenKeys.day)
    #expect(try await states() == [.current])
    fixture.time.advance(seconds: TokenKeys.day)
    #expect(try await states() == [.current, .next])
    #expect(try await keys.signing().id == first)
    fixture.time.advance(seconds: TokenKeys.day)
    #expect(try await states() == [.past, .current])
    #expect(try await keys.signing().id != first)
    fixture.time.advance(seconds: TokenKeys.day)
    #expect(try await states() == [.current])
  }

  @Test func aKeyThatMayHaveLeakedIsGoneAtOnce() async throws {
    let fixture = try await SignOnFixture()
    let old = try await fixture.signOn.keys.signing()
    let clerk = Principal(
      kind: .user, id: 5, name: "经办", unit: nil, grants: Grants([]), clearance: .inner)
    #expect(
      try await fixture.refusal { try await fixture.signOn.replaceKeys(by: clerk, origin: .inside) }
        == "permission-missing")
    try await fixture.signOn.replaceKeys(by: fixture.officer, origin: .inside)
    #expect(try await fixture.signOn.keys.signing().id != old.id)
    #expect(try await fixture.signOn.keys.published()["keys"]?.array?.count == 1)
    #expect(try await fixture.signOn.keys.claims(of: try old.token(["sub": "x"])) == nil)
  }
}
