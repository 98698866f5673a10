import Access
import Audit
import Core
import Crypto
import Entities
import Foundation
import Identity
import IdentitySupport
import SQL
import TestSupport
import Testing

/// Identity on the tables that are really made from its declarations, written through the record store.
@Suite struct RegisterTests {
  static func world() async throws -> DeclaredIdentity {
    try await DeclaredIdentity("declared identity", from: IdentityFixture.start)
  }

  private func everything() -> Principal {
    Principal(
      kind: .user, id: 9000, name: "管理员", unit: nil, grants: Grants([.init(.anything, .all)]), clearance: .secret)
  }

  @Test func aUserGoesThroughItsLifeOnDeclaredTables() async throws {
    let world = try await RegisterTests.world()
    let administrator = everything()
    let records = world.store.records(as: administrator)
    let unit = try await records.insert("unit", ["code": .text("A1"), "name": .text("市公安局")])
    let role = try await records.insert("role", ["code": .text("clerk"), "name": .text("经办人")])
    _ = try await records.insert(
      "role_grant",
      ["role_id": .integer(role.id), "subject": .text("unit"), "action": .text("view"), "scope": .text("unit")])
    var new = NewUser(account: "Li.Si", name: "李四", unit: unit.id, roles: [role.id])
    new.phone = "13800138000"
    let (id, password) = try await world.service.createUser(new, by: administrator, origin: .inside)
    let attempt = SignInAttempt(account: "li.si", password: password, origin: .inside)
    guard case .signedIn(let opened) = try await world.service.signIn(attempt) else {
      Issue.record("no session")
      return
    }
    #expect(opened.session.demand == .newPassword(.initial) && opened.session.principal.unit?.path == "\(unit.id).")
    let following = Task { await world.service.run(Rounds(log: .silent)) }
    defer { following.cancel() }
    let user = try await records.perform("clear", on: "app_user", id, version: nil)
    #expect(user["status"].text == "cleared")
    let ended = try await eventually {
      // The listener may have come too late for the first notification.
      try await world.database.execute("update app_user set remark = 'x' where id = \(id)")
      return try await world.refusal { try await world.service.authenticate(opened.token, origin: .inside) }
        == "session-account"
    }
    #expect(ended)
    for table in ["user_role", "credential"] {
      #expect(try await world.database.value("select count(*) from \(identifier: table)", as: Int64.self) == 0)
    }
    #expect(try await world.refusal { try await world.service.signIn(attempt) } == "sign-in-refused")
    #expect(
      try await world.database.value(
        "select count(*) from app_user_history where id = \(id) and status = 'active' and changed_by = 9000",
        as: Int64.self) == 1)
  }

  @Test func formsAreToldWhatTheRulesOfIdentityForbid() async throws {
    let world = try await RegisterTests.world()
    let records = world.store.records(as: everything())
    let auditor = try await records.insert(
      "role", ["code": .text("x"), "name": .text("审计"), "separation": .text("auditor")])
    let user = try await records.insert("app_user", ["account": .text("ＷＡＮＧ"), "name": .text("王")])
    #expect(user["account"].text == "wang")
    let root = try await records.insert("unit", ["code": .text("1"), "name": .text("根")])
    let leaf = try await records.insert(
      "unit", ["code": .text("2"), "name": .text("叶"), "parent_id": .integer(root.id)])
    let cases: [(String, () async throws -> Record)] = [
      ("account-invalid", { try await records.insert("app_user", ["account": .text("a b"), "name": .text("甲")]) }),
      (
        "address-rule-unreadable",
        { try await records.update("app_user", user.id, version: nil, ["allowed_addresses": .text("10.0.0.0/99")]) }
      ),
      (
        "hour-rule-unreadable",
        { try await records.update("app_user", user.id, version: nil, ["allowed_hours": .text("早上")]) }
      ),
      (
        "separated-administrators",
        { try await records.insert("user_role", ["user_id": .integer(user.id), "role_id": .integer(auditor.id)]) }
      ),
      (
        "reserved-permission",
        {
          try await records.insert(
            "role_grant",
            [
              "role_id": .integer(auditor.id), "subject": .text("role"), "action": .text("create"),
              "scope": .text("all"),
            ])
        }
      ),
      (
        "unit-tree",
        { try await records.update("unit", root.id, version: nil, ["parent_id": .integer(leaf.id)]) }
      ),
    ]
    for (code, body) in cases { #expect(try await world.refusal(body) == code) }
  }

  @Test func importsGoThroughTheStore() async throws {
    let world = try await RegisterTests.world()
    let rows = [
      DirectoryRow(line: 1, values: ["机构编码": "B", "机构名称": "通川分局", "上级机构编码": "A", "机构类别": "公安机关"]),
      DirectoryRow(line: 2, values: ["机构编码": "A", "机构名称": "市公安局", "行政区划代码": "511700"]),
    ]
    let units = try await DirectoryImport(world.service).units(
      rows, source: "组织库", dryRun: false, by: everything(), origin: .inside)
    #expect(units.count("新增") == 2, "\(units.rows)")
    let people = [
      DirectoryRow(
        line: 1, values: ["工号": "1", "账号": "zhao", "姓名": "赵一", "所属机构编码": "B", "手机号码": "138 0013 8000"]),
      DirectoryRow(line: 2, values: ["工号": "2", "账号": "qian", "姓名": "钱二", "手机号码": "1380013"]),
    ]
    for expected in [["新增", "拒绝"], ["未变", "拒绝"]] {
      let users = try await DirectoryImport(world.service).users(
        people, source: "组织库", dryRun: false, by: everything(), origin: .inside)
      #expect(users.rows.map(\.outcome.label) == expected, "\(users.rows)")
    }
    let found = try await world.database.value(
      "select count(*) from unit where search_vector is not null and path like '%.%.'", as: Int64.self)
    #expect(found == 1)
  }

  @Test func theDeclaredRolesInstall() async throws {
    let world = try await RegisterTests.world()
    let roles = world.store.catalog.roles.map { role in
      ShippedRole(
        code: role.name, name: role.label, description: role.help ?? "", separation: Separation(rawValue: role.name),
        clearance: role.clearance, grants: role.access)
    }
    #expect(Set(roles.compactMap(\.separation)) == Set(Separation.allCases))
    try await world.service.install(roles)
    try await world.service.install(roles)
    let grants = try await world.database.value("select count(*) from role_grant", as: Int64.self)
    #expect(grants == Int64(roles.map(\.grants.count).reduce(0, +)))
  }

  @Test func theDeclaredParametersAreThePolicysOwn() throws {
    let catalog = try DeclaredIdentity.catalog()
    let declared = catalog.parameters.filter { $0.name.hasPrefix("identity.") }
    #expect(!declared.isEmpty)
    let values = Dictionary(
      uniqueKeysWithValues: declared.map { parameter -> (String, JSON) in
        let value: JSON =
          switch parameter.defaultValue {
          case .integer(let number): .int(number)
          default: .string(parameter.defaultValue.plainText)
          }
        return (String(parameter.name.dropFirst("identity.".count)), value)
      })
    #expect(IdentityPolicy { values[$0] } == IdentityPolicy(), "the declared defaults are those of the code")
    var asked: Set<String> = []
    _ = IdentityPolicy { name in
      asked.insert(name)
      return nil
    }
    #expect(asked == Set(values.keys))
  }
}
