import Access
import Audit
import Core
import Crypto
import Entities
import Identity
import SQL
import SignOn
import Testing

@Suite struct RightsTests {
  @Test func anAccountsRightsAreToldHereAndInApplicationsWithinTheScope() async throws {
    let fixture = try await SignOnFixture()
    let application = try await fixture.application(audience: "staff")
    _ = try await fixture.application("parking", audience: "listed")
    let unit = try await fixture.unit("A")
    let role = try await fixture.role("clerk")
    _ = try await fixture.insert(
      "role_grant",
      ["role_id": .integer(role), "subject": .text("unit"), "action": .text("view"), "scope": .text("unit")])
    let user = try await fixture.user(unit: unit, roles: [role])
    let permission = try await fixture.insert(
      ClientApplication.permission,
      ["application_id": .integer(application.id), "code": .text("contract.approve"), "name": .text("审批合同")])
    _ = try await fixture.insert(
      ClientApplication.grant, ["role_id": .integer(role), "permission_id": .integer(permission)])
    let rights = AccountRights(fixture.signOn)
    func key(_ scope: DataScope) -> Principal {
      Principal(
        kind: .key, id: 7, name: "住房系统", unit: nil,
        grants: Grants([.init(Permission("account_right", "view"), .all), .init(Permission("app_user", "view"), scope)]
        ),
        clearance: .inner)
    }
    let all = try await rights.of(account: "wang", application: nil, by: key(.all), origin: .inside)
    #expect(all["active"] == true && all["unit"]?["code"] == "A" && all["roles"]?.array?.count == 1)
    #expect(all["permissions"] == [["permission": "unit.view", "scope": "unit", "value": .null]])
    #expect(
      all["applications"] == [
        ["code": "housing", "name": "住房系统", "allowed": true, "permissions": ["contract.approve"]],
        ["code": "parking", "name": "住房系统", "allowed": false, "permissions": []],
      ])
    let one = try await rights.of(account: "wang", application: "housing", by: key(.all), origin: .inside)
    #expect(one["applications"]?.array?.count == 1)
    let noted: Int64 = try await fixture.database.value(
      "select count(*) from audit_entry where action = 'account_right.view' and record_id = \(user)")
    #expect(noted == 2)
    for (account, application, principal, code) in [
      ("nobody", nil, key(.all), "account-unknown"), ("wang", "no-such", key(.all), "application-unknown"),
      ("wang", nil, key(.unit), "account-unknown"),
      (
        "wang", nil, Principal(kind: .key, id: 8, name: "无权", unit: nil, grants: Grants([]), clearance: .inner),
        "permission-missing"
      ),
    ] as [(String, String?, Principal, String)] {
      #expect(
        try await fixture.refusal {
          try await rights.of(account: account, application: application, by: principal, origin: .inside)
        } == code)
    }
    try await fixture.identity.setStatus(.disabled, of: user, by: fixture.officer, origin: .inside)
    let gone = try await rights.of(account: "wang", application: nil, by: key(.all), origin: .inside)
    #expect(gone["active"] == false && gone["permissions"] == [] && gone["roles"] == [])
    #expect(gone["applications"]?.array?.allSatisfy { $0["allowed"] == false && $0["permissions"] == [] } == true)
  }

  @Test func aPermissionThatRolesHaveIsNotTurnedIntoAnother() async throws {
    let fixture = try await SignOnFixture()
    let application = try await fixture.application(audience: "staff")
    let other = try await fixture.application("parking")
    let role = try await fixture.role("clerk")
    let permission = try await fixture.insert(
      ClientApplication.permission,
      ["application_id": .integer(application.id), "code": .text("contract.view"), "name": .text("查看合同")])
    // Whoever keeps the list holds no role of it, and still turns nothing that others have into something else.
    let records = fixture.store.records(as: fixture.officer)
    func change(_ entity: String, _ id: Int64, _ values: [String: Value]) async throws -> String {
      try await fixture.refusal { try await records.update(entity, id, version: nil, values) }
    }
    #expect(try await change(ClientApplication.permission, permission, ["code": .text("contract.read")]) == "none")
    let grant = try await fixture.insert(
      ClientApplication.grant, ["role_id": .integer(role), "permission_id": .integer(permission)])
    for values: [String: Value] in [["code": .text("contract.approve")], ["application_id": .integer(other.id)]] {
      #expect(try await change(ClientApplication.permission, permission, values) == "permission-granted")
    }
    #expect(
      try await change(ClientApplication.entity, application.id, ["code": .text("finance")]) == "application-granted")
    #expect(try await change(ClientApplication.permission, permission, ["name": .text("看合同")]) == "none")
    #expect(
      try await fixture.refusal { try await records.delete(ClientApplication.permission, permission, version: nil) }
        == "referenced")
    try await records.delete(ClientApplication.grant, grant, version: nil)
    #expect(try await change(ClientApplication.permission, permission, ["code": .text("contract.approve")]) == "none")
  }

  @Test func manyApplicationsTakeNoMoreStatementsThanFew() async throws {
    let fixture = try await SignOnFixture()
    let unit = try await fixture.unit("A")
    let role = try await fixture.role("clerk")
    let user = try await fixture.user(unit: unit, roles: [role])
    let opened = try await fixture.signIn()
    func add(_ codes: [String]) async throws {
      for code in codes {
        for audience in ["listed", "staff", "everyone"] {
          let application = try await fixture.application("\(code)-\(audience)", audience: audience)
          guard audience == "listed" else { continue }
          _ = try await fixture.insert(
            ClientApplication.access, ["application_id": .integer(application.id), "role_id": .integer(role)])
        }
      }
    }
    func told() async throws -> [Int] {
      let rights = AccountRights(fixture.signOn)
      return [
        try await fixture.statements {
          _ = try await rights.of(account: "wang", application: nil, by: fixture.officer, origin: .inside)
        },
        try await fixture.statements {
          _ = try await fixture.signOn.applications(for: user, session: opened.session.id)
        },
      ]
    }
    try await add(["a"])
    _ = try await told()
    let few = try await told()
    try await add(["b", "c", "d", "e"])
    let many = try await told()
    #expect(many == few)
    let open = try await fixture.signOn.applications(for: user, session: opened.session.id)
    #expect(open.count == 15)
  }
}
