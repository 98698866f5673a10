import Access
import Core
import Identity
import SQL
import Testing

/// 三员分立: no account holds two of the three, in whatever way somebody tries.
@Suite struct SeparationTests {
  @Test func noAccountHoldsRolesOfTwoAdministrators() async throws {
    let fixture = try await IdentityFixture()
    let auditor = try await fixture.role("auditor", separation: "auditor")
    let officer = try await fixture.role("security_officer", separation: "security_officer")
    let ordinary = try await fixture.role("clerk")
    let user = try await fixture.user("shen", separation: "auditor")
    let by = fixture.officer("user_role.create")
    func assign(_ role: Int64, _ user: Int64) async throws -> String {
      try await fixture.refusal {
        try await fixture.service.assign(role: role, to: user, by: by, origin: fixture.origin)
      }
    }
    #expect(try await assign(auditor, user) == "none")
    #expect(try await assign(ordinary, user) == "none")
    #expect(try await assign(officer, user) == "separated-administrators")
    #expect(try await assign(ordinary, user) == "role-held")
    let clerk = try await fixture.user("clerk")
    #expect(try await assign(auditor, clerk) == "separated-administrators")
  }

  @Test(arguments: [
    "insert into user_role (version, created_at, created_by, updated_at, updated_by, user_id, role_id) select 1, now(), 0, now(), 0, u.id, r.id from app_user u, role r where u.account = 'shen' and r.code = 'officer'",
    "update user_role set role_id = (select id from role where code = 'officer') where role_id = (select id from role where code = 'auditor')",
    "update app_user set separation = 'security_officer' where account = 'shen'",
    "update app_user set separation = null where account = 'shen'",
    "update role set separation = 'security_officer' where code = 'auditor'",
  ])
  func theDatabaseRefusesItToo(statement: String) async throws {
    let fixture = try await IdentityFixture()
    let auditor = try await fixture.role("auditor", separation: "auditor")
    try await fixture.role("officer", separation: "security_officer")
    try await fixture.give(auditor, to: try await fixture.user("shen", separation: "auditor"))
    do {
      try await fixture.database.execute(SQL(unsafe: statement))
      Issue.record("the statement went through")
    } catch let failure as SQLFailure {
      #expect(failure.constraint == "separated_administrators")
    }
  }

  @Test(
    arguments: [
      ("audit.view/all", nil, false), ("audit.view/all", "auditor", true), ("audit.*/all", nil, false),
      ("audit.*/all", "system_admin", false), ("role.create/all", "system_admin", false),
      ("role.create/all", "security_officer", true), ("app_user.clear/all", "security_officer", false),
      ("unit.view/all", nil, true), ("unit.update/all", nil, false), ("unit.*/all", "system_admin", true),
      ("*.view/all", nil, false), ("*.*/all", "system_admin", false), ("address.*/all", nil, true),
    ] as [(String, String?, Bool)])
  func reservedPermissionsStandInTheirRolesOnly(grant: String, separation: String?, allowed: Bool) async throws {
    let fixture = try await IdentityFixture()
    let role = try await fixture.role("r", separation: separation)
    do {
      try await fixture.grant(grant, to: role)
      #expect(allowed)
    } catch let failure as SQLFailure {
      #expect(!allowed && failure.constraint == "reserved_permission")
    }
  }

  @Test func aRoleWithReservedPermissionsCannotChangeItsKind() async throws {
    let fixture = try await IdentityFixture()
    let role = try await fixture.role("r", separation: "auditor", grants: ["audit.view/all"])
    await #expect(throws: SQLFailure.self) {
      try await fixture.database.execute("update role set separation = null where id = \(role)")
    }
  }

  @Test func shippedRolesComeOnceAndKeepWhatAdministratorsChanged() async throws {
    let fixture = try await IdentityFixture()
    func shipped(_ actions: [String]) -> ShippedRole {
      ShippedRole(
        code: "auditor", name: "安全审计员", description: "", separation: .auditor,
        grants: actions.map { .init(Permission("audit", $0), .all) })
    }
    func actions() async throws -> [String] {
      try await fixture.database.query("select action from role_grant order by action").values()
    }
    try await fixture.service.install([shipped(["view", "export"])])
    try await fixture.service.install([shipped(["view", "export"])])
    #expect(try await actions() == ["export", "view"])
    try await fixture.database.execute("delete from role_grant where action = 'export'")
    try await fixture.database.execute("update role set name = '审计员'")
    try await fixture.service.install([shipped(["view", "export", "verify"])])
    #expect(try await actions() == ["verify", "view"], "what was taken away stays away, what is new comes")
    #expect(try await fixture.database.query("select name from role").values(as: String.self) == ["审计员"])
    try await fixture.service.install([
      ShippedRole(
        code: "mixed", name: "两种范围", description: "",
        grants: [.init(Permission("address", "view"), .anyOf([.unit, .division(["5117"])]))])
    ])
    #expect(
      try await fixture.database.query(
        "select scope || coalesce(' ' || scope_value, '') from role_grant where subject = 'address' order by 1"
      ).values(as: String.self) == ["division 5117", "unit"])
    #expect(
      try await fixture.refusal {
        try await fixture.service.install([
          ShippedRole(code: "bad", name: "坏", description: "", grants: [.init(Permission("audit", "view"), .all)])
        ])
      } == "reserved-permission")
  }
}
