package import Access
import SQL
import Synchronization

/// A record of the register 权限菜单 (B1-227 to B1-231, B1-241): an entry of the installation's own, or what it made of one
/// that ships.
package struct MenuEntry: Sendable, Hashable {
  /// What it is (菜单类型).
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    case group, page
    /// 外部系统.
    case external
  }

  /// Of the record.
  package let id: Int64
  /// The record of its group; `nil` on the highest level.
  package let parent: Int64?
  /// What it is called (菜单名称).
  package let name: String
  /// What it is (菜单类型).
  package let kind: Kind
  /// Where it leads; `nil` for a group.
  package let path: String?
  /// The name of its icon.
  package let icon: String?
  /// What one must hold to see it; `nil`: whoever may open the page.
  package let permission: Permission?
  /// The permission cannot be read, so nobody sees it.
  package let isBroken: Bool
  /// Its place among its neighbours, smallest first; `nil`: as delivered.
  package let position: Int?
  /// Whether anybody is shown it (显示).
  package let isActive: Bool
  /// The key of the shipped entry (预置入口) that it stands for; `nil` for one of the installation's own.
  package let shipped: String?

  init?(_ row: Row) throws {
    guard let kind = Kind(rawValue: try row.get("kind")) else { return nil }
    self.kind = kind
    id = try row.get("id")
    parent = try row.get("parent_id")
    name = try row.get("name")
    path = try row.get("path")
    icon = try row.get("icon")
    let text: String = try row.get("permission", as: String?.self) ?? ""
    permission = Permission(text)
    isBroken = !text.isEmpty && permission == nil
    position = try row.get("position")
    isActive = try row.get("active", as: Bool?.self) ?? false
    shipped = try row.get("shipped")
  }

  /// All records, in order.
  static func all(_ session: any SQLSession) async throws -> [MenuEntry] {
    try await session.query(
      """
      select id, parent_id, name, kind, path, icon, permission, position, active, shipped from menu_entry
      order by position nulls last, id
      """
    ).compactMap { try MenuEntry($0) }
  }
}

extension IdentityService {
  /// What the installation made of its menu. From memory.
  package func menuEntries() async throws -> [MenuEntry] {
    if let held = menu.withLock({ $0 }) { return held }
    let entries = try await MenuEntry.all(database)
    menu.withLock { $0 = entries }
    return entries
  }
}
