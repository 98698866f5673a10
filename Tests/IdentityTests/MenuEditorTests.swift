import Access
import Core
import Entities
import Identity
import IdentitySupport
import SQL
import Testing

/// Arranging the menu in the browser (B1-241), on the menus and registers that ship.
@Suite struct MenuEditorTests {
  private struct Desk {
    let world: DeclaredIdentity
    let editor: MenuEditor
    let administrator: Principal

    init() async throws {
      world = try await RegisterTests.world()
      editor = MenuEditor(identity: world.service, store: world.store)
      administrator = Principal(
        kind: .user, id: 9000, name: "系统管理员", unit: nil,
        grants: Grants(
          ["view", "create", "update", "delete", "history"].map { .init(Permission("menu_entry", $0), .all) }),
        clearance: .inner)
    }

    func tree() async throws -> MenuTree { try await editor.tree(for: administrator) }

    func save(_ key: String, _ change: (inout MenuEditor.Draft) -> Void) async throws {
      var draft = MenuEditor.Draft(try #require(try await tree().node(key)))
      change(&draft)
      try await editor.save(key, draft, by: administrator)
    }

    func add(_ kind: MenuEntry.Kind, _ name: String, group: String? = nil, path: String = "", permission: String = "")
      async throws -> String
    {
      var draft = MenuEditor.Draft()
      (draft.kind, draft.name, draft.group, draft.path, draft.permission) = (kind, name, group, path, permission)
      return try await editor.add(draft, by: administrator)
    }

    /// The labels below a group, as everybody with every right meets them.
    func labels(below key: String) async throws -> [String] {
      try await tree().children(of: key).filter { !$0.isHidden }.map(\.label)
    }
  }

  /// What somebody with these permissions sees, groups included.
  private static func seen(_ tree: MenuTree, _ permissions: String...) -> [String] {
    func names(_ shown: [MenuTree.Shown]) -> [String] { shown.flatMap { [$0.node.label] + names($0.children) } }
    let grants = Grants(permissions.compactMap { Permission($0) }.map { .init($0, .all) })
    return names(
      tree.shown(
        to: Principal(kind: .user, id: 1, name: "某人", unit: nil, grants: grants, clearance: .inner)))
  }

  @Test func aShippedEntryIsRenamedMovedHiddenAndPutBack() async throws {
    let desk = try await Desk()
    let delivered = try await desk.tree()
    let home = try #require(delivered.node("/r/post")?.parent)
    #expect(Self.seen(delivered, "post.view").contains("岗位"))
    try await desk.save("/r/post") { $0.name = "职务" }
    #expect(Self.seen(try await desk.tree(), "post.view") == ["组织管理", "职务"])
    try await desk.save("/r/post") { $0.group = "menu.settings" }
    #expect(try await desk.tree().node("/r/post")?.changes == ["已改名", "已移动"])
    #expect(Self.seen(try await desk.tree(), "post.view") == ["系统管理", "职务"])
    try await desk.save("/r/post") { $0.isShown = false }
    #expect(Self.seen(try await desk.tree(), "post.view").isEmpty)
    try await desk.editor.restore("/r/post", by: desk.administrator)
    let node = try #require(try await desk.tree().node("/r/post"))
    #expect(node.changes.isEmpty && node.parent == home && node.label == "岗位" && node.entry == nil)
  }

  @Test func neighboursChangePlacesHoweverTheyAreNumbered() async throws {
    let desk = try await Desk()
    var labels = try await desk.labels(below: "menu.settings")
    let keys = try await desk.tree().children(of: "menu.settings").map(\.key)
    try #require(labels.count > 3)
    for (key, up, from, to) in [(keys[2], true, 2, 1), (keys[2], true, 1, 0), (keys[0], false, 1, 2)] {
      try await desk.editor.move(key, up: up, by: desk.administrator)
      labels.swapAt(from, to)
      #expect(try await desk.labels(below: "menu.settings") == labels)
    }
    // At the end nothing happens.
    try await desk.editor.move(keys[2], up: true, by: desk.administrator)
    #expect(try await desk.labels(below: "menu.settings") == labels)
    // Entries between whose numbers nothing fits.
    let group = try await desk.add(.group, "常用")
    var own: [String] = []
    for name in ["甲", "乙", "丙"] {
      own.append(try await desk.add(.page, name, group: group, path: "/r/post"))
    }
    try await desk.world.database.execute("update menu_entry set position = 7 where parent_id is not null")
    try await desk.editor.move(own[2], up: true, by: desk.administrator)
    #expect(try await desk.labels(below: group) == ["甲", "丙", "乙"])
    try await desk.editor.restoreAll(by: desk.administrator)
    #expect(try await desk.tree().children(of: "menu.settings").map(\.key) == keys)
    #expect(try await desk.labels(below: group) == ["甲", "丙", "乙"], "own entries stay")
  }

  @Test func ownEntriesShowToThoseOnlyWhoMayOpenThem() async throws {
    let desk = try await Desk()
    let group = try await desk.add(.group, "常用")
    _ = try await desk.add(.page, "全部岗位", group: group, path: "/r/post?size=100")
    _ = try await desk.add(.page, "在线", group: group, path: "/online")
    _ = try await desk.add(
      .external, "市局门户", group: "menu.settings", path: "https://example.cn/", permission: "post.view")
    let tree = try await desk.tree()
    #expect(Self.seen(tree, "post.view").suffix(2) == ["常用", "全部岗位"])
    #expect(Self.seen(tree, "post.view").contains("市局门户"))
    #expect(Self.seen(tree, "session.view") == ["安全管理", "在线用户", "常用", "在线"])
    #expect(Self.seen(tree).isEmpty, "a group with nothing to open does not show")
    // A register that is gone.
    try await desk.world.database.execute("update menu_entry set path = '/r/gone' where name = '全部岗位'")
    #expect(!Self.seen(try await desk.tree(), "post.view", "gone.view").contains("全部岗位"))
  }

  @Test func theMemoryOfThisNodeFollowsAtOnce() async throws {
    let desk = try await Desk()
    #expect(try await desk.world.service.menuEntries().isEmpty)
    try await desk.save("/r/post") { $0.name = "职务" }
    #expect(try await desk.world.service.menuEntries().map(\.name) == ["职务"])
  }

  @Test func whatTheMenuCouldNotShowIsRefusedAtItsField() async throws {
    let desk = try await Desk()
    let outer = try await desk.add(.group, "外层")
    let inner = try await desk.add(.group, "内层", group: outer)
    func refusal(_ body: () async throws -> some Any) async -> String {
      do {
        _ = try await body()
        return "none"
      } catch let refusal as Refusal {
        return refusal.field ?? refusal.code
      } catch {
        return "\(error)"
      }
    }
    #expect(await refusal { try await desk.add(.page, "", path: "/r/post") } == "name")
    #expect(await refusal { try await desk.add(.group, "外层") } == "name")
    #expect(await refusal { try await desk.add(.page, "甲", path: "//evil.example") } == "path")
    #expect(await refusal { try await desk.add(.page, "甲", path: "/r/nothing") } == "path")
    #expect(await refusal { try await desk.add(.external, "甲", path: "javascript:alert(1)") } == "path")
    #expect(await refusal { try await desk.add(.page, "甲", path: "/online", permission: "post.fly") } == "permission")
    #expect(await refusal { try await desk.add(.group, "甲", group: inner) } == "group")
    #expect(await refusal { try await desk.add(.page, "甲", group: "menu.nothing", path: "/online") } == "group")
    #expect(await refusal { try await desk.save(outer) { $0.group = inner } } == "group")
    #expect(await refusal { try await desk.editor.remove(outer, by: desk.administrator) } == "menu-not-empty")
    #expect(await refusal { try await desk.editor.remove("/r/post", by: desk.administrator) } == "menu-shipped")
    // The register itself refuses the same of whoever writes it directly.
    let records = desk.world.store.records(as: desk.administrator)
    let values: [String: Value] = ["name": .text("甲"), "kind": .text("page"), "path": .text("https://evil.example")]
    #expect(await refusal { try await records.insert("menu_entry", values) } == "path")
  }

  @Test func everyChangeIsAuditedKeptAndForWhoeverMay() async throws {
    let desk = try await Desk()
    try await desk.save("/r/post") { $0.name = "职务" }
    try await desk.save("/r/post") { $0.name = "岗位职务" }
    let id = try #require(try await desk.tree().node("/r/post")?.entry)
    let versions = try await desk.world.store.records(as: desk.administrator).versions("menu_entry", id)
    #expect(versions.map { $0.record["name"].plainText } == ["岗位职务", "职务"])
    let actions: [String] = try await desk.world.database.query(
      "select action from audit_entry where entity = 'menu_entry' order by id"
    ).values()
    #expect(actions.prefix(2) == ["menu_entry.create", "menu_entry.update"])
    let reader = Principal(
      kind: .user, id: 7, name: "旁人", unit: nil, grants: Grants([.init(Permission("menu_entry", "view"), .all)]),
      clearance: .inner)
    await #expect(throws: Refusal.self) { try await desk.editor.restoreAll(by: reader) }
    await #expect(throws: Refusal.self) { try await desk.editor.move("/r/post", up: true, by: reader) }
    #expect(try await desk.tree().node("/r/post")?.label == "岗位职务")
  }
}
