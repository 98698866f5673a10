import Access
import Core
import Crypto
import Identity
import SQL
import Testing

@Suite struct PasswordTests {
  private static let common = CommonPasswords(["password", "admin", "woaini", "123456"])

  @Test(arguments: [
    ("Right-horse7", []), ("里坊Right-horse7", []), ("Sh0rt-x", ["password-too-short"]),
    ("alllowercase", ["password-too-simple"]), ("NoSpecial77", ["password-too-simple"]),
    ("Wang-horse77", ["password-personal"]), ("gnaW-horse77", ["password-personal"]),
    ("P@ssw0rd123!", ["password-common"]), ("Admin@2026", ["password-common"]), ("Woaini!1314", ["password-common"]),
    ("Abcd1234!", ["password-pattern"]), ("Qwertyuiop1!", ["password-pattern"]), ("Aaaaaaa1!", ["password-pattern"]),
    ("9876543210Zz!", ["password-pattern"]),
    ("123456", ["password-too-short", "password-too-simple", "password-common", "password-pattern"]),
  ])
  func thePolicyNamesEveryFault(password: String, faults: [String]) {
    let found = PasswordPolicy().faults(of: password, personal: ["wang", "王"], common: PasswordTests.common)
    #expect(found.map(\.code) == faults)
    #expect(found.allSatisfy { $0.field == "password" && !$0.message.isEmpty })
  }

  @Test func parametersChangeThePolicyAndNonsenseDoesNot() {
    let values: [String: JSON] = [
      "password_length": 12, "password_classes": 3, "lock_after": 0, "idle_minutes": 15, "second_factor": "everyone",
      "password_days": "x",
    ]
    let policy = IdentityPolicy { values[$0] }
    #expect(policy.password.minimumLength == 12 && policy.password.classes == 3 && policy.idleMinutes == 15)
    #expect(policy.lockAfter == 5 && policy.password.maximumAgeDays == 90 && policy.secondFactor == .everyone)
    #expect(policy.password.hint.contains("12 位") && policy.password.hint.contains("3 类"))
  }

  @Test func changingThePasswordEndsAllOtherSessions() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    let other = try await fixture.signIn()
    let here = try await fixture.signIn()
    let next = try await fixture.service.changePassword(
      here.session, from: IdentityFixture.password, to: "Better-horse8", origin: fixture.origin)
    #expect(next.token != here.token)
    for token in [other.token, here.token] {
      #expect(
        try await fixture.refusal { try await fixture.service.authenticate(token, origin: fixture.origin) }
          == "session-password")
    }
    #expect(try await fixture.refusal { try await fixture.signIn() } == "sign-in-refused")
    #expect(try await fixture.refusal { try await fixture.signIn("wang", "Better-horse8") } == "none")
  }

  @Test func theOldPasswordIsAskedForAndWrongOnesLock() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    let session = try await fixture.signIn().session
    var codes: [String] = []
    for _ in 0..<5 {
      codes.append(
        try await fixture.refusal {
          try await fixture.service.changePassword(
            session, from: "Wrong-horse7", to: "Better-horse8", origin: fixture.origin)
        })
    }
    #expect(codes == [String](repeating: "password-wrong", count: 4) + ["account-locked"])
  }

  @Test func formerPasswordsDoNotComeBack() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    fixture.service.policy.password.history = 3
    var current = IdentityFixture.password
    var opened = try await fixture.signIn()
    func change(to new: String) async throws -> String {
      try await fixture.refusal {
        opened = try await fixture.service.changePassword(
          opened.session, from: current, to: new, origin: fixture.origin)
        current = new
        return ()
      }
    }
    #expect(try await change(to: current) == "password-used-before")
    for number in 1...2 {
      fixture.time.advance(seconds: 60)
      #expect(try await change(to: "Better-horse\(number)1") == "none")
    }
    #expect(try await change(to: IdentityFixture.password) == "password-used-before")
    fixture.time.advance(seconds: 60)
    #expect(try await change(to: "Better-horse31") == "none")
    #expect(try await change(to: IdentityFixture.password) == "none", "the fourth last may")
  }

  @Test func anAgedPasswordGivesNoRightsUntilItIsChanged() async throws {
    let fixture = try await IdentityFixture()
    let user = try await fixture.user()
    try await fixture.give(try await fixture.role("clerk", grants: ["address.view/all"]), to: user)
    fixture.time.advance(seconds: 90 * 86400)
    let opened = try await fixture.signIn()
    #expect(opened.session.demand == .newPassword(.aged))
    #expect(opened.session.principal.grants.all.isEmpty)
    let next = try await fixture.service.changePassword(
      opened.session, from: IdentityFixture.password, to: "Better-horse8", origin: fixture.origin)
    #expect(next.session.demand == nil)
    #expect(next.session.principal.may(Permission("address", "view")))
  }

  @Test func aFreshPasswordStaysForItsHours() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    fixture.service.policy.password.minimumAgeHours = 24
    let session = try await fixture.signIn().session
    #expect(
      try await fixture.refusal {
        try await fixture.service.changePassword(
          session, from: IdentityFixture.password, to: "Better-horse8", origin: fixture.origin)
      } == "password-too-new")
  }

  @Test func aResetPasswordIsGoodAndMustBeChanged() async throws {
    let fixture = try await IdentityFixture()
    let user = try await fixture.user()
    let open = try await fixture.signIn()
    #expect(
      try await fixture.refusal {
        try await fixture.service.resetPassword(
          of: user, by: fixture.officer("app_user.update"), origin: fixture.origin)
      } == "permission-missing")
    let password = try await fixture.service.resetPassword(
      of: user, by: fixture.officer("credential.reset"), origin: fixture.origin)
    #expect(PasswordPolicy().faults(of: password, common: PasswordTests.common).isEmpty)
    #expect(
      try await fixture.refusal { try await fixture.service.authenticate(open.token, origin: fixture.origin) }
        == "session-password")
    #expect(try await fixture.refusal { try await fixture.signIn() } == "sign-in-refused")
    #expect(try await fixture.signIn("wang", password).session.demand == .newPassword(.reset))
    let kept: String = try await fixture.database.value(
      "select string_agg(a::text, ' ') || (select string_agg(c::text, ' ') from credential c) from audit_entry a")
    #expect(!kept.contains(password))
  }

  @Test func anOrderedChangeReachesEverybodyAtOnce() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.user()
    try await fixture.user("li")
    let opened = try await fixture.signIn()
    let count = try await fixture.service.orderPasswordChange(
      of: nil, by: fixture.officer("credential.reset"), origin: fixture.origin)
    #expect(count == 2)
    let session = try await fixture.service.authenticate(opened.token, origin: fixture.origin)
    #expect(session.demand == .newPassword(.ordered))
  }
}
