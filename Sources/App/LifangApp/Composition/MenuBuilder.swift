import Access
import Entities
import Identity
import Shell

/// The menu of a principal: what everybody has, then the menu in force as far as they may open it (``MenuTree``).
struct MenuBuilder: Sendable {
  let catalogs: LiveCatalog
  let identity: IdentityService

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
    let shown = MenuTree(catalogs.current, try await identity.menuEntries()).shown(to: principal)
    guard principal.unit == nil else { return items + shown.map { MenuItem($0, level: 1) } }
    // Who belongs to no unit has a few registers, which need no groups.
    items += registers(in: shown).map { MenuItem($0.label, icon: .list, path: $0.path) }
    return items + shown.compactMap(withoutRegisters).map { MenuItem($0, level: 1) }
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
