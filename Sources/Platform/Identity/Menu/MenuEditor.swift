package import Access
package import Audit
import Core
package import Entities
import SQL

/// Arranging the menu in the browser (菜单维护, B1-241): shipped entries are renamed, hidden, moved and ordered, own groups
/// and entries are made, and everything goes back to how it was delivered.
///
/// Each change is a record of 权限菜单 (``MenuEntry``), with its permission, history and audit; it is in force at once.
package struct MenuEditor: Sendable {
  private let identity: IdentityService
  private let store: RecordStore

  package init(identity: IdentityService, store: RecordStore) {
    self.identity = identity
    self.store = store
  }

  private static let register = "menu_entry"

  /// What an entry is to be.
  package struct Draft: Sendable {
    /// What it is called (菜单名称).
    package var name = ""
    /// The key of its group; `nil` for the highest level, or for a shipped entry where it was delivered.
    package var group: String?
    /// Whether anybody is shown it (显示).
    package var isShown = true
    /// The rest of own entries only.
    package var kind = MenuEntry.Kind.page
    /// Where it leads: a page of this site, or `https://…` of another (外部系统).
    package var path = ""
    /// `subject.action` that one must hold to see it; empty: whoever may open the page.
    package var permission = ""
    /// The name of its icon; empty for none.
    package var icon = ""

    package init() {}

    package init(_ node: MenuTree.Node) {
      name = node.label
      group = node.parent
      isShown = !node.isHidden
      kind = node.kind
      path = node.path ?? ""
      icon = node.icon ?? ""
    }
  }

  /// The menu as it stands, with everything that is hidden.
  package func tree(for principal: Principal) async throws -> MenuTree {
    try principal.require(Permission(MenuEditor.register, "view"), toDo: "查看菜单")
    return MenuTree(store.catalog, try await MenuEntry.all(store.database))
  }

  /// The permission that an own entry demands itself.
  package func permission(of node: MenuTree.Node) async throws -> String {
    guard let id = node.entry, node.shipped == nil else { return "" }
    return try await store.database.query("select permission from menu_entry where id = \(id)").first?
      .get(0, as: String?.self) ?? ""
  }

  /// What the holders of a role see of the menu (预览).
  ///
  /// - Parameter isResident: the role of those who belong to no unit.
  package func preview(role: Int64, by principal: Principal) async throws -> [MenuTree.Shown] {
    let tree = try await tree(for: principal)
    try principal.require(Permission("role", "view"), toDo: "按角色预览菜单")
    let grants = try await store.database.query("select subject, action from role_grant where role_id = \(role)").map {
      Grants.Grant(Permission(try $0.get("subject"), try $0.get("action")), .all)
    }
    return tree.shown(
      to: Principal(kind: .user, id: 0, name: "预览", unit: nil, grants: Grants(grants), clearance: .inner))
  }

  // MARK: Changing

  /// Makes an entry of the installation's own.
  ///
  /// - Returns: its key.
  /// - Throws: ``Refusal`` naming the field that is wrong.
  @discardableResult
  package func add(_ draft: Draft, by principal: Principal, origin: Origin = .inside) async throws -> String {
    try await change(by: principal, origin) { records, tree in
      try MenuEditor.check(draft, nil, tree, records.store.catalog)
      let last = tree.children(of: draft.group).map(\.order).max() ?? 0
      var values = MenuEditor.values(draft)
      values["parent_id"] = try await parent(draft.group, tree, records)
      values["position"] = .integer(Int64(min(last + 10, MenuEditor.highest)))
      let record = try await records.insert(MenuEditor.register, values, input: .code)
      return "own.\(record.id)"
    }
  }

  /// Changes an entry, shipped or own.
  package func save(_ key: String, _ draft: Draft, by principal: Principal, origin: Origin = .inside) async throws {
    try await change(by: principal, origin) { records, tree in
      let node = try MenuEditor.node(key, tree)
      var draft = draft
      draft.kind = node.kind
      if node.shipped != nil {
        // A shipped entry leads where it leads; it can stand in another group and not in none.
        draft.path = node.path ?? ""
        if node.kind != .group { draft.group = draft.group ?? node.shipped?.parent }
      }
      try MenuEditor.check(draft, node, tree, records.store.catalog)
      var values: [String: Value]
      if node.shipped == nil {
        values = MenuEditor.values(draft)
      } else {
        values = ["name": .text(TextForms.trimmed(draft.name)), "active": .boolean(draft.isShown)]
      }
      let isMoved = draft.group != node.parent
      if isMoved || node.entry == nil {
        let isHome = node.shipped != nil && draft.group == node.shipped?.parent
        values["parent_id"] = try await parent(isHome ? nil : draft.group, tree, records)
      }
      _ = try await write(node, values, records)
    }
  }

  /// Moves an entry one place up or down among its neighbours; does nothing at the end.
  package func move(_ key: String, up: Bool, by principal: Principal, origin: Origin = .inside) async throws {
    try await change(by: principal, origin) { records, tree in
      let node = try MenuEditor.node(key, tree)
      var neighbours = tree.children(of: node.parent)
      guard let index = neighbours.firstIndex(where: { $0.key == key }) else { return }
      let target = up ? index - 1 : index + 1
      guard neighbours.indices.contains(target) else { return }
      neighbours.swapAt(index, target)
      let before = target > 0 ? neighbours[target - 1].order : -1
      let after = target + 1 < neighbours.count ? neighbours[target + 1].order : before + 20
      if after - before > 1, before + (after - before) / 2 <= MenuEditor.highest {
        _ = try await write(node, ["position": .integer(Int64(before + (after - before) / 2))], records)
        return
      }
      // No room between the two: all neighbours are numbered anew.
      for (place, neighbour) in neighbours.enumerated() where neighbour.order != (place + 1) * 10 {
        _ = try await write(neighbour, ["position": .integer(Int64((place + 1) * 10))], records)
      }
    }
  }

  /// Puts a shipped entry back to how it was delivered.
  package func restore(_ key: String, by principal: Principal, origin: Origin = .inside) async throws {
    try await change(by: principal, origin) { records, tree in
      try await restore(try MenuEditor.node(key, tree), tree, records)
    }
  }

  /// Puts all shipped entries back; what the installation made itself stays.
  package func restoreAll(by principal: Principal, origin: Origin = .inside) async throws {
    try await change(by: principal, origin) { records, tree in
      // Groups last: nothing may stand in one that goes.
      let changed = tree.outline.map(\.node).filter { $0.shipped != nil && $0.entry != nil }
      for node in changed where node.kind != .group { try await restore(node, tree, records) }
      for node in changed.reversed() where node.kind == .group { try await restore(node, tree, records) }
    }
  }

  /// Takes away an own entry.
  package func remove(_ key: String, by principal: Principal, origin: Origin = .inside) async throws {
    try await change(by: principal, origin) { records, tree in
      let node = try MenuEditor.node(key, tree)
      guard node.shipped == nil, let id = node.entry else {
        throw Refusal(.conflict, "menu-shipped", "“\(node.label)”随产品交付，不能删除；不需要时可以隐藏。")
      }
      guard tree.children(of: key).isEmpty else {
        throw Refusal(.conflict, "menu-not-empty", "“\(node.label)”里还有菜单，请先移走或删除它们。")
      }
      try await records.delete(MenuEditor.register, id, version: nil)
    }
  }

  // MARK: What all of them need

  private static let highest = 100_000

  /// One change after the other, so that two people do not number the same neighbours; the memory of this node is emptied
  /// behind it, that of others by notification.
  private func change<T: Sendable>(
    by principal: Principal, _ origin: Origin, _ body: @Sendable (Records, MenuTree) async throws -> T
  ) async throws -> T {
    try principal.require(Permission(MenuEditor.register, "update"), toDo: "修改菜单")
    let result = try await store.database.transaction { transaction in
      try await transaction.execute("select pg_advisory_xact_lock(hashtext('lifang menu'))")
      let tree = MenuTree(store.catalog, try await MenuEntry.all(transaction))
      return try await body(store.records(as: principal, origin: origin).within(transaction), tree)
    }
    identity.forget(MenuEditor.register)
    return result
  }

  private static func node(_ key: String, _ tree: MenuTree) throws(Refusal) -> MenuTree.Node {
    guard let node = tree.node(key) else {
      throw Refusal(.notFound, "menu-unknown", "没有这个菜单，可能刚被删除。请返回菜单列表刷新后再试。")
    }
    return node
  }

  private static func check(
    _ draft: Draft, _ node: MenuTree.Node?, _ tree: MenuTree, _ catalog: Catalog
  ) throws(Refusal) {
    var refusals: [Refusal] = []
    func refuse(_ field: String, _ why: String) {
      refusals.append(Refusal(.invalid, "menu-\(field)", why, field: field))
    }
    let name = TextForms.trimmed(draft.name)
    if name.isEmpty { refuse("name", "请填写菜单名称。") }
    if name.unicodeScalars.count > 40 { refuse("name", "菜单名称最多 40 个字。") }
    if let group = draft.group { check(group, draft, node, tree, refuse) }
    if tree.children(of: draft.group).contains(where: { $0.label == name && $0.key != node?.key }) {
      refuse("name", "同一分组里已有“\(name)”，请换一个名称。")
    }
    if node?.shipped == nil { check(own: draft, catalog, refuse) }
    if let refusal = Refusal(all: refusals) { throw refusal }
  }

  private static func check(
    _ group: String, _ draft: Draft, _ node: MenuTree.Node?, _ tree: MenuTree, _ refuse: (String, String) -> Void
  ) {
    guard tree.node(group)?.kind == .group else { return refuse("group", "没有这个分组，请重新选择。") }
    guard draft.kind == .group else { return }
    var above: String? = group
    while let key = above {
      if key == node?.key { return refuse("group", "分组不能放进它自己里面，请另选一个。") }
      above = tree.node(key)?.parent
    }
    let height = node.map { tree.height(of: $0.key) } ?? 1
    if tree.level(of: group) + height > MenuTree.depth - 1 {
      refuse("group", "分组最多两层，请放到最上一级，或另选一个分组。")
    }
  }

  private static func check(own draft: Draft, _ catalog: Catalog, _ refuse: (String, String) -> Void) {
    let path = TextForms.trimmed(draft.path)
    switch draft.kind {
    case .group: break
    case .page:
      if !path.hasPrefix("/") || path.hasPrefix("//") || path.contains(where: \.isWhitespace) {
        refuse("path", "本系统的页面地址以一个 / 开头，如 /r/address。")
      } else if let register = register(in: path), catalog.entity(register) == nil {
        refuse("path", "没有名为“\(register)”的登记表，请检查地址。")
      }
    case .external:
      let isWeb = ["https://", "http://"].contains { path.lowercased().hasPrefix($0) && path.count > $0.count }
      if !isWeb || path.contains(where: \.isWhitespace) { refuse("path", "外部系统的地址以 https:// 或 http:// 开头。") }
    }
    if path.count > 200 { refuse("path", "地址最多 200 个字符。") }
    let text = TextForms.trimmed(draft.permission)
    if !text.isEmpty {
      if let permission = Permission(text), catalog.knows(permission) { return }
      refuse("permission", "没有权限“\(text.prefix(60))”，写作“对象.操作”，如 address.view。")
    }
  }

  private static func register(in path: String) -> String? {
    let parts = path.prefix { $0 != "?" && $0 != "#" }.split(separator: "/")
    return parts.first == "r" && parts.count > 1 ? String(parts[1]) : nil
  }

  private static func values(_ draft: Draft) -> [String: Value] {
    func text(_ value: String) -> Value {
      let trimmed = TextForms.trimmed(value)
      return trimmed.isEmpty ? .null : .text(trimmed)
    }
    return [
      "name": text(draft.name), "kind": .text(draft.kind.rawValue),
      "path": draft.kind == .group ? .null : text(draft.path), "permission": text(draft.permission),
      "icon": text(draft.icon), "active": .boolean(draft.isShown),
    ]
  }

  /// The record of a group, made when a shipped one has none yet.
  private func parent(_ key: String?, _ tree: MenuTree, _ records: Records) async throws -> Value {
    guard let key else { return .null }
    return .integer(try await write(try MenuEditor.node(key, tree), [:], records))
  }

  /// Changes the record of an entry, or makes that of a shipped one which stands as it was delivered.
  private func write(_ node: MenuTree.Node, _ changes: [String: Value], _ records: Records) async throws -> Int64 {
    if let id = node.entry {
      if !changes.isEmpty { try await records.update(MenuEditor.register, id, version: nil, changes, input: .code) }
      return id
    }
    // It may have been made a moment ago, as the group of another.
    if let made = try await records.transaction?.query("select id from menu_entry where shipped = \(node.key)").first {
      let id: Int64 = try made.get(0)
      if !changes.isEmpty { try await records.update(MenuEditor.register, id, version: nil, changes, input: .code) }
      return id
    }
    let values = MenuEditor.delivered(node).merging(changes) { $1 }
    return try await records.insert(MenuEditor.register, values, input: .code).id
  }

  private static func delivered(_ node: MenuTree.Node) -> [String: Value] {
    [
      "name": .text(node.shipped?.label ?? node.label), "kind": .text(node.kind.rawValue),
      "path": node.path.map { .text($0) } ?? .null, "icon": node.icon.map { .text($0) } ?? .null,
      "position": .integer(Int64(node.shipped?.order ?? node.order)), "active": .boolean(true),
      "shipped": .text(node.key), "parent_id": .null,
    ]
  }

  /// Takes the record away; a group in which own entries stand keeps it, as delivered.
  private func restore(_ node: MenuTree.Node, _ tree: MenuTree, _ records: Records) async throws {
    guard node.shipped != nil, let id = node.entry else { return }
    let isNeeded = try await records.transaction?.query("select 1 from menu_entry where parent_id = \(id) limit 1")
      .first
    guard isNeeded != nil else { return try await records.delete(MenuEditor.register, id, version: nil) }
    try await records.update(
      MenuEditor.register, id, version: nil, MenuEditor.delivered(node).filter { $0.key != "shipped" }, input: .code)
  }
}
