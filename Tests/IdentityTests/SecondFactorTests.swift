import Access
import Core
import Crypto
@testable import Identity
import SQL
import Testing

@Suite struct SecondFactorTests {
  /// A user with an authenticator app, its recovery codes, and what the app shows.
  private func enrolled(_ fixture: IdentityFixture) async throws -> (app: TOTP, recovery: [String], session: Session) {
    try await fixture.user()
    let session = try await fixture.signIn().session
    let enrolment = try await fixture.service.beginEnrolment(session)
    let secret = try #require(Base32.decode(enrolment.secretText))
    #expect(enrolment.uri.hasPrefix("otpauth://totp/") && enrolment.uri.contains(enrolment.secretText))
    let app = TOTP(secret: SecretBytes(secret))
    #expect(
      try await fixture.refusal {
        try await fixture.service.confirmEnrolment(session, code: "000000", origin: fixture.origin)
      } == "second-factor-wrong")
    #expect(try await fixture.refusal { try await fixture.signIn() } == "none", "not asked for before it is confirmed")
    let recovery = try await fixture.service.confirmEnrolment(
      session, code: code(app, fixture), origin: fixture.origin)
    fixture.time.advance(seconds: 60)
    return (app, recovery, session)
  }

  private func code(_ app: TOTP, _ fixture: IdentityFixture) -> String {
    app.code(step: TOTP.step(fixture.time.clock.now()))
  }

  private func challenge(_ fixture: IdentityFixture) async throws -> String {
    let attempt = SignInAttempt(account: "wang", password: IdentityFixture.password, origin: fixture.origin)
    guard case .secondFactorNeeded(let challenge) = try await fixture.service.signIn(attempt) else {
      throw Fault("no-challenge")
    }
    return challenge
  }

  @Test func theCodeIsAskedForAndWorksOnce() async throws {
    let fixture = try await IdentityFixture()
    let (app, _, _) = try await enrolled(fixture)
    let first = try await challenge(fixture)
    let second = try await challenge(fixture)
    let shown = code(app, fixture)
    let opened = try await fixture.service.completeSignIn(challenge: first, code: shown, origin: fixture.origin)
    #expect(opened.session.secondFactor)
    #expect(
      try await fixture.refusal {
        try await fixture.service.completeSignIn(challenge: second, code: shown, origin: fixture.origin)
      } == "second-factor-wrong", "a code seen over a shoulder is of no use")
    #expect(
      try await fixture.refusal {
        try await fixture.service.completeSignIn(challenge: first, code: shown, origin: fixture.origin)
      } == "challenge-over")
  }

  @Test func aRecoveryCodeWorksOnceInsteadOfThePhone() async throws {
    let fixture = try await IdentityFixture()
    let (_, recovery, _) = try await enrolled(fixture)
    #expect(Set(recovery).count == 10)
    let typed = recovery[3].lowercased()
    let first = try await challenge(fixture)
    _ = try await fixture.service.completeSignIn(challenge: first, code: typed, origin: fixture.origin)
    let second = try await challenge(fixture)
    #expect(
      try await fixture.refusal {
        try await fixture.service.completeSignIn(challenge: second, code: typed, origin: fixture.origin)
      } == "second-factor-wrong")
  }

  @Test func guessingCodesLocksTheAccountThoughThePasswordIsRight() async throws {
    let fixture = try await IdentityFixture()
    let (app, _, _) = try await enrolled(fixture)
    for number in 0..<5 {
      let pending = try await challenge(fixture)
      let expected = number == 4 ? "account-locked" : "second-factor-wrong"
      #expect(
        try await fixture.refusal {
          try await fixture.service.completeSignIn(challenge: pending, code: "12345x", origin: fixture.origin)
        } == expected)
    }
    #expect(try await fixture.refusal { try await challenge(fixture) } == "account-locked")
    fixture.time.advance(seconds: 16 * 60)
    let pending = try await challenge(fixture)
    _ = try await fixture.service.completeSignIn(challenge: pending, code: code(app, fixture), origin: fixture.origin)
  }

  @Test func aChallengeEndsAfterFiveMinutes() async throws {
    let fixture = try await IdentityFixture()
    let (app, _, _) = try await enrolled(fixture)
    let pending = try await challenge(fixture)
    fixture.time.advance(seconds: 301)
    #expect(
      try await fixture.refusal {
        try await fixture.service.completeSignIn(challenge: pending, code: code(app, fixture), origin: fixture.origin)
      } == "challenge-over")
  }

  @Test func administratorsMustEnrolWhenThePolicySaysSo() async throws {
    var policy = IdentityPolicy()
    policy.secondFactor = .administrators
    let fixture = try await IdentityFixture(policy: policy)
    try await fixture.user("clerk")
    try await fixture.user("admin1", separation: "auditor")
    #expect(try await fixture.signIn("clerk").session.demand == nil)
    let session = try await fixture.signIn("admin1").session
    #expect(session.demand == .secondFactor && session.principal.grants.all.isEmpty)
  }

  @Test func peopleFromOutsideAloneMustEnrolWhenThePolicySaysSo() async throws {
    var policy = IdentityPolicy()
    policy.secondFactor = .external
    let fixture = try await IdentityFixture(policy: policy)
    let supplier = try await fixture.role("supplier", external: true, grants: ["address.view/all"])
    let clerk = try await fixture.role("clerk", grants: ["address.view/all"])
    try await fixture.give(supplier, to: fixture.user("maker"))
    try await fixture.give(clerk, to: fixture.user("li"))
    let both = try await fixture.user("both")
    try await fixture.give(clerk, to: both)
    try await fixture.give(supplier, to: both)
    try await fixture.user("admin1", separation: "auditor")
    #expect(try await fixture.signIn("li").session.demand == nil)
    #expect(try await fixture.signIn("admin1").session.demand == nil)
    #expect(try await fixture.signIn("both").session.demand == .secondFactor)
    let opened = try await fixture.signIn("maker")
    #expect(opened.session.demand == .secondFactor && opened.session.principal.grants.all.isEmpty)
    let enrolment = try await fixture.service.beginEnrolment(opened.session)
    let app = TOTP(secret: SecretBytes(try #require(Base32.decode(enrolment.secretText))))
    _ = try await fixture.service.confirmEnrolment(opened.session, code: code(app, fixture), origin: fixture.origin)
    let ready = try await fixture.service.authenticate(opened.token, origin: fixture.origin)
    #expect(ready.demand == nil && ready.principal.may(Permission("address", "view")))
    // A role that ends, or is no longer from outside, asks for nothing.
    try await fixture.database.execute("update role set external = false where id = \(supplier)")
    fixture.service.forget("role")
    #expect(try await fixture.signIn("both").session.demand == nil)
  }

  @Test func aSessionInMemoryHearsOfAStricterPolicy() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.give(fixture.role("visitor", external: true), to: fixture.user("guest"))
    let opened = try await fixture.signIn("guest")
    #expect(try await fixture.service.authenticate(opened.token, origin: fixture.origin).demand == nil)
    fixture.service.policy.secondFactor = .administratorsAndExternal
    #expect(try await fixture.service.authenticate(opened.token, origin: fixture.origin).demand == .secondFactor)
    fixture.service.policy.secondFactor = .administrators
    #expect(try await fixture.service.authenticate(opened.token, origin: fixture.origin).demand == nil)
  }

  @Test func takingItAwayNeedsThePasswordOrAnOfficer() async throws {
    let fixture = try await IdentityFixture()
    let (_, _, session) = try await enrolled(fixture)
    let user = session.user.id
    #expect(
      try await fixture.refusal {
        try await fixture.service.removeSecondFactor(of: user, password: "x", by: session, origin: fixture.origin)
      } == "password-wrong")
    #expect(try await fixture.refusal { try await fixture.service.beginEnrolment(session) } == "second-factor-there")
    try await fixture.service.removeSecondFactor(
      of: user, password: IdentityFixture.password, by: session, origin: fixture.origin)
    #expect(try await fixture.refusal { try await fixture.signIn() } == "none")
  }

  @Test func theSecretIsSealed() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    let session = try await fixture.signIn().session
    let enrolment = try await fixture.service.beginEnrolment(session)
    let stored: [UInt8] = try await fixture.database.value("select secret from second_factor")
    let secret = try #require(Base32.decode(enrolment.secretText))
    #expect(!stored.indices.contains { Array(stored[$0...].prefix(secret.count)) == secret })
    #expect(try fixture.ring.open(stored, associated: "second_factor.secret") == secret)
  }
}
