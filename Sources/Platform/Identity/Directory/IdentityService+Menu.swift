package import Access
import SQL
import Synchronization

/// An entry that administrators added to the menu (权限菜单, B1-227 to B1-231).
package struct MenuEntry: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable {
    case group, page
    /// 外部系统.
    case external
  }

  package let id: Int64
  package let parent: Int64?
  package let name: String
  package let kind: Kind
  /// Where it leads; `nil` for a group.
  package let path: String?
  package let icon: String?
  /// What one must hold to see it; `nil`: whoever is signed in.
  package let permission: Permission?
}

extension IdentityService {
  /// The added entries that `principal` may see, in order; groups without an entry to show are left out. From memory.
  package func menuEntries(for principal: Principal) async throws -> [MenuEntry] {
    let all = try await allMenuEntries()
    let pages = all.filter { entry in entry.kind != .group && (entry.permission.map(principal.may) ?? true) }
    let parents = Dictionary(all.map { ($0.id, $0.parent) }, uniquingKeysWith: { first, _ in first })
    var shown = Set(pages.map(\.id))
    for page in pages {
      var above = page.parent
      while let id = above, shown.insert(id).inserted { above = parents[id] ?? nil }
    }
    return all.filter { entry in
      shown.contains(entry.id) && (entry.kind == .group || (entry.permission.map(principal.may) ?? true))
    }
  }

  private func allMenuEntries() async throws -> [MenuEntry] {
    if let held = menu.withLock({ $0 }) { return held }
    let rows = try await database.query(
      """
      select id, parent_id, name, kind, path, icon, permission from menu_entry where active
      order by position nulls last, id
      """)
    let entries = try rows.compactMap { row -> MenuEntry? in
      guard let kind = MenuEntry.Kind(rawValue: try row.get("kind")) else { return nil }
      let text: String? = try row.get("permission")
      let permission = text.flatMap { $0.isEmpty ? nil : $0 }.map { Permission($0) }
      // A permission that cannot be read hides the entry.
      if case .some(.none) = permission { return nil }
      return MenuEntry(
        id: try row.get("id"), parent: try row.get("parent_id"), name: try row.get("name"), kind: kind,
        path: try row.get("path"), icon: try row.get("icon"), permission: permission ?? nil)
    }
    menu.withLock { $0 = entries }
    return entries
  }
}
