import Access
import Core
import Entities
@testable import Identity
import SQL
import Testing

@Suite struct MenuTests {
  private func add(
    _ fixture: IdentityFixture, _ name: String, kind: String = "page", parent: Int64? = nil, permission: String? = nil,
    position: Int = 1, active: Bool = true
  ) async throws -> Int64 {
    try await fixture.database.value(
      """
      insert into menu_entry (version, created_at, created_by, updated_at, updated_by, name, kind, parent_id, path,
        permission, position, active)
      values (1, now(), 0, now(), 0, \(name), \(kind), \(parent), '/x', \(permission), \(position), \(active))
      returning id
      """)
  }

  private static func names(_ shown: [MenuTree.Shown]) -> [String] {
    shown.flatMap { [$0.node.label] + names($0.children) }
  }

  @Test func everybodySeesWhatTheyMay() async throws {
    let fixture = try await IdentityFixture()
    let group = try await add(fixture, "平台", kind: "group", position: 1)
    let inner = try await add(fixture, "数据", kind: "group", parent: group, position: 2)
    _ = try await add(fixture, "台账", parent: inner, permission: "address.export", position: 3)
    _ = try await add(fixture, "公告", position: 4)
    _ = try await add(fixture, "坏权限", permission: "nonsense", position: 5)
    _ = try await add(fixture, "停用的", position: 6, active: false)
    _ = try await add(fixture, "空组", kind: "group", position: 7)
    func names(_ principal: Principal) async throws -> [String] {
      Self.names(MenuTree(Catalog(), try await fixture.service.menuEntries()).shown(to: principal))
    }
    #expect(try await names(fixture.officer()) == ["公告"])
    #expect(try await names(fixture.officer("address.export")) == ["平台", "数据", "台账", "公告"])
    _ = try await add(fixture, "新的", position: 8)
    fixture.service.forget("menu_entry")
    #expect(try await names(fixture.officer()) == ["公告", "新的"])
    try await fixture.database.execute("update menu_entry set parent_id = \(inner) where id = \(group)")
    fixture.service.forget("menu_entry")
    #expect(try await names(fixture.officer("address.export")).contains("台账"), "a circle ends")
  }

  @Test func anOfficerSeesHowAnAccountStands() async throws {
    let fixture = try await IdentityFixture()
    let user = try await fixture.user()
    for _ in 1...5 { _ = try? await fixture.signIn("wang", "Wrong-horse7") }
    let state = try await fixture.service.credentialState(of: user, by: fixture.officer("credential.unlock"))
    #expect(state.lockedUntil == fixture.time.clock.now() + 900)
    #expect(state.passwordChangedAt == fixture.time.clock.now() && !state.hasSecondFactor && state.changeReason == nil)
    #expect(
      try await fixture.refusal {
        try await fixture.service.credentialState(of: user, by: fixture.officer("app_user.view"))
      } == "permission-missing")
  }
}
