import Access
import Entities
import Identity
import Shell
import Synchronization

/// The menu of a principal: what everybody has, then the menu in force as far as they may open it (``MenuTree``).
final class MenuBuilder: Sendable {
  /// The tree in force with what it was made of.
  private struct Made {
    let revision: Int
    let entries: [MenuEntry]
    let tree: MenuTree
  }

  private let catalogs: LiveCatalog
  private let identity: IdentityService
  private let made = Mutex<Made?>(nil)

  init(catalogs: LiveCatalog, identity: IdentityService) {
    self.catalogs = catalogs
    self.identity = identity
  }

  func items(for principal: Principal) async throws -> [MenuItem] {
    guard principal.kind == .user else { return [] }
    var items = [MenuItem("工作台", icon: .home, path: "/"), MenuItem("一号查询", icon: .scan, path: "/lookup")]
    if principal.unit == nil {
      items += [
        MenuItem("我要办事", icon: .document, path: "/services"), MenuItem("我的办件", icon: .inbox, path: "/inbox"),
        MenuItem("我的预约", icon: .calendar, path: "/appointments"),
        MenuItem("咨询答疑", icon: .help, path: "/questions"),
      ]
    } else {
      items.insert(MenuItem("我的待办", icon: .inbox, path: "/inbox"), at: 1)
    }
    if principal.may(Permission("address", "view")) { items.append(MenuItem("地图", icon: .map, path: "/map")) }
    let shown = try await tree.shown(to: principal)
    guard principal.unit == nil else { return items + shown.map { MenuItem($0, level: 1) } }
    // Who belongs to no unit has a few registers, which need no groups.
    items += registers(in: shown).map { MenuItem($0.label, icon: .list, path: $0.path) }
    return items + shown.compactMap(withoutRegisters).map { MenuItem($0, level: 1) }
  }

  /// Every page shows the menu, and it seldom changes.
  private var tree: MenuTree {
    get async throws {
      let entries = try await identity.menuEntries()
      let (catalog, revision) = catalogs.revised
      if let made = made.withLock({ $0 }), made.revision == revision, made.entries == entries { return made.tree }
      let tree = MenuTree(catalog, entries)
      made.withLock { $0 = Made(revision: revision, entries: entries, tree: tree) }
      return tree
    }
  }

  private func registers(in shown: [MenuTree.Shown]) -> [MenuTree.Node] {
    shown.flatMap { ($0.node.isRegister ? [$0.node] : []) + registers(in: $0.children) }
  }

  /// The rest of an entry, without registers and their prepared queries; `nil` when nothing is left.
  private func withoutRegisters(_ shown: MenuTree.Shown) -> MenuTree.Shown? {
    guard shown.node.kind == .group else {
      return shown.node.shipped != nil && shown.node.key.hasPrefix("/r/") ? nil : shown
    }
    let children = shown.children.compactMap(withoutRegisters)
    return children.isEmpty ? nil : MenuTree.Shown(node: shown.node, children: children)
  }
}

extension MenuItem {
  /// An entry of the menu in force; on the highest level it has a picture.
  fileprivate init(_ shown: MenuTree.Shown, level: Int) {
    let usual: Icon = shown.node.kind == .external ? .external : .folder
    let icon =
      shown.node.icon.flatMap { Icon(rawValue: $0) } ?? (level == 1 || shown.node.kind == .external ? usual : nil)
    self.init(
      shown.node.label, icon: icon, path: shown.node.path,
      children: shown.children.map { MenuItem($0, level: level + 1) })
  }
}
