import Access
import Entities
import Identity
import Shell

/// The menu of a principal: declared groups with the registers and pages placed in them, then what administrators added.
struct MenuBuilder: Sendable {
  let catalogs: LiveCatalog
  let identity: IdentityService

  func items(for principal: Principal) async throws -> [MenuItem] {
    guard principal.kind == .user else { return [] }
    let catalog = catalogs.current
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
    var groups: [String: [(order: Int, item: MenuItem)]] = [:]
    for entity in catalog.entities {
      guard let menu = entity.menu, principal.may(Permission(entity.name, "view")) else { continue }
      if principal.unit == nil {
        items.append(MenuItem(menu.label ?? entity.label, icon: .list, path: "/r/\(entity.name)"))
        continue
      }
      groups[menu.group, default: []].append(
        (menu.order, MenuItem(menu.label ?? entity.label, path: "/r/\(entity.name)")))
      for query in entity.list.queries {
        groups[menu.group, default: []].append(
          (query.order ?? menu.order, MenuItem(query.label, path: "/r/\(entity.name)?view=\(query.name)")))
      }
    }
    for menu in catalog.menus {
      for page in menu.items where page.permission.map(principal.may) ?? true {
        groups[menu.label, default: []].append((page.order, MenuItem(page.label, path: page.path)))
      }
    }
    let declared = Dictionary(catalog.menus.map { ($0.label, $0) }, uniquingKeysWith: { first, _ in first })
    let order = groups.keys.sorted { (declared[$0]?.order ?? 500, $0) < (declared[$1]?.order ?? 500, $1) }
    for group in order {
      let children = (groups[group] ?? []).sorted { $0.order < $1.order }.map(\.item)
      let icon = declared[group]?.icon.flatMap { Icon(rawValue: $0) } ?? .folder
      items.append(MenuItem(group, icon: icon, children: children))
    }
    return items + Self.tree(try await identity.menuEntries(for: principal), below: nil)
  }

  private static func tree(_ entries: [MenuEntry], below parent: Int64?) -> [MenuItem] {
    entries.filter { $0.parent == parent }.map { entry in
      MenuItem(
        entry.name, icon: entry.icon.flatMap { Icon(rawValue: $0) } ?? (entry.kind == .external ? .external : .folder),
        path: entry.path, children: tree(entries, below: entry.id))
    }
  }
}
