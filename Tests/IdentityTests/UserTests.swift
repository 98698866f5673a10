import Access
import Audit
import Core
import Crypto
import Identity
import SQL
import Testing

@Suite struct UserTests {
  @Test func aNewUserSignsInWithTheGivenPasswordAndMustChangeIt() async throws {
    let fixture = try await IdentityFixture()
    let unit = try await fixture.unit("市局")
    let role = try await fixture.role("clerk", grants: ["address.view/all"])
    var new = NewUser(account: " Li.Si ", name: "李四", unit: unit, roles: [role])
    new.phone = "13800138000"
    let administrator = fixture.officer("app_user.create", "user_role.create")
    let (id, password) = try await fixture.service.createUser(new, by: administrator, origin: fixture.origin)
    let opened = try await fixture.signIn("li.si", password)
    #expect(opened.session.user.id == id && opened.session.demand == .newPassword(.initial))
    let next = try await fixture.service.changePassword(
      opened.session, from: password, to: "Better-horse8", origin: fixture.origin)
    #expect(next.session.principal.may(Permission("address", "view")))
    let sealed: [UInt8] = try await fixture.database.value("select phone from app_user where id = \(id)")
    #expect(try fixture.ring.open(sealed, associated: "app_user.phone") == Array("13800138000".utf8))
    #expect(
      try await fixture.refusal {
        try await fixture.service.createUser(
          NewUser(account: "LI.SI", name: "别人"), by: administrator, origin: fixture.origin)
      } == "account-taken")
  }

  @Test(arguments: ["", "a", "has space", "semi;colon", String(repeating: "a", count: 65), "a\u{0}b"])
  func unfitAccountsAreRefused(account: String) {
    #expect(throws: Refusal.self) { try IdentityService.validated(account: account) }
  }

  @Test func makingUsersNeedsItsPermissions() async throws {
    let fixture = try await IdentityFixture()
    let role = try await fixture.role("clerk")
    let only = fixture.officer("app_user.create")
    #expect(
      try await fixture.refusal {
        try await fixture.service.createUser(
          NewUser(account: "li", name: "李四", roles: [role]), by: only, origin: fixture.origin)
      } == "permission-missing")
    #expect(try await fixture.database.value("select count(*) from app_user", as: Int64.self) == 0)
  }

  @Test func aClearedUserLosesEverythingAndDoesNotComeBack() async throws {
    let fixture = try await IdentityFixture()
    let user = try await fixture.user()
    try await fixture.give(try await fixture.role("clerk"), to: user)
    let opened = try await fixture.signIn()
    let administrator = fixture.officer("app_user.clear", "app_user.enable")
    try await fixture.service.clearUser(user, by: administrator, origin: fixture.origin)
    #expect(
      try await fixture.refusal { try await fixture.service.authenticate(opened.token, origin: fixture.origin) }
        == "session-account")
    #expect(try await fixture.refusal { try await fixture.signIn() } == "sign-in-refused")
    for table in ["user_role", "credential"] {
      #expect(try await fixture.database.value("select count(*) from \(identifier: table)", as: Int64.self) == 0)
    }
    #expect(
      try await fixture.refusal {
        try await fixture.service.setStatus(.active, of: user, by: administrator, origin: fixture.origin)
      } == "account-cleared")
    #expect(
      try await fixture.refusal {
        try await fixture.service.resetPassword(
          of: user, by: fixture.officer("credential.reset"), origin: fixture.origin)
      } == "account-cleared")
    #expect(try await fixture.auditActions().contains("app_user.clear done"))
  }

  @Test func deletingAUserTakesSecretsAlong() async throws {
    let fixture = try await IdentityFixture()
    let user = try await fixture.user()
    let opened = try await fixture.signIn()
    _ = try await fixture.service.beginEnrolment(opened.session)
    try await fixture.database.execute("delete from app_user where id = \(user)")
    for table in ["credential", "second_factor", "password_history"] {
      #expect(try await fixture.database.value("select count(*) from \(identifier: table)", as: Int64.self) == 0)
    }
  }

  @Test func unitsKeepTheirPathsWhenTheTreeMoves() async throws {
    let fixture = try await IdentityFixture()
    let root = try await fixture.unit("市局")
    let branch = try await fixture.unit("分局", parent: root)
    let station = try await fixture.unit("派出所", parent: branch)
    let other = try await fixture.unit("县局", parent: root)
    func path(_ unit: Int64) async throws -> String {
      try await fixture.database.value("select path from unit where id = \(unit)")
    }
    #expect(try await path(station) == "\(root).\(branch).\(station).")
    try await fixture.database.execute("update unit set parent_id = \(other) where id = \(branch)")
    #expect(try await path(branch) == "\(root).\(other).\(branch).")
    #expect(try await path(station) == "\(root).\(other).\(branch).\(station).")
    try await fixture.database.execute("update unit set parent_id = null where id = \(branch)")
    #expect(try await path(station) == "\(branch).\(station).")
    do {
      try await fixture.database.execute("update unit set parent_id = \(station) where id = \(branch)")
      Issue.record("a unit went below itself")
    } catch let failure as SQLFailure {
      #expect(failure.constraint == "unit_tree")
    }
  }

  @Test func aLookAtPersonalDataIsKeptWithItsPurpose() async throws {
    let fixture = try await IdentityFixture()
    let access = PersonalAccess(audit: Audit(clock: fixture.time.clock))
    let clerk = Principal(
      kind: .user, id: 5, name: "王警官", unit: UnitMembership(id: 1, name: "东城派出所", path: "1.", division: ""),
      grants: Grants([]), clearance: .secret)
    try await access.record(
      clerk, persons: [7, 8], fields: ["id_number", "phone"], purpose: " 核对户籍 ", origin: fixture.origin,
      in: fixture.database)
    fixture.time.advance(seconds: 5)
    try await access.record(
      clerk, persons: [7], fields: ["phone"], purpose: "电话回访", origin: fixture.origin, in: fixture.database)
    for purpose in ["", " ", "x", String(repeating: "长", count: 201)] {
      #expect(
        try await fixture.refusal {
          try await access.record(
            clerk, persons: [7], fields: ["phone"], purpose: purpose, origin: fixture.origin, in: fixture.database)
        } == "purpose-missing")
    }
    let looks = try await access.looks(at: 7, in: fixture.database)
    #expect(looks.map(\.purpose) == ["电话回访", "核对户籍"])
    #expect(looks.last?.fields == ["id_number", "phone"] && looks.last?.unitName == "东城派出所")
    #expect(try await access.looks(at: 9, in: fixture.database).isEmpty)
  }

  /// The tables of the tests are those of the declarations: every column is a declared field.
  @Test func theTestTablesFollowTheDeclarations() async throws {
    let fixture = try await IdentityFixture()
    let standard: Set = ["id", "version", "created_at", "created_by", "updated_at", "updated_by"]
    for table in ["unit", "post", "app_user", "role", "role_grant", "user_role", "menu_entry", "api_key", "login_log"] {
      let declared = Declarations.fields(of: table)
      try #require(!declared.isEmpty, "no declaration of \(table)")
      let columns: [String] = try await fixture.database.query(
        "select column_name::text from information_schema.columns where table_name = \(table)"
      ).values()
      for column in columns where !standard.contains(column) {
        let field = column.hasSuffix("_index") ? String(column.dropLast(6)) : column
        #expect(declared.contains(field), "\(table).\(column)")
      }
    }
  }
}
