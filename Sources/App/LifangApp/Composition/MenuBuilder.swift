import Access
import Entities
import Shell

/// The menu of a principal: declared groups with the registers placed in them, and the pages that are no register.
struct MenuBuilder: Sendable {
  let catalogs: LiveCatalog

  private static let icons: [String: Icon] = [
    "地名地址": .address, "房屋管理": .building, "人口管理": .people, "单位管理": .organization, "网格治理": .grid, "基础数据": .database,
    "组织管理": .organization, "权限管理": .lock, "系统管理": .settings, "安全审计": .shield, "公众服务": .community,
  ]

  /// Pages beside the registers: label, path, permission, group.
  private static let pages: [(label: String, path: String, permission: Permission, group: String, icon: Icon)] = [
    ("在线用户", "/online", Permission("session", "view"), "权限管理", .person),
    ("审计日志", "/logs", Permission("audit", "view"), "安全审计", .shield),
    ("导入地址", "/import/addresses", Permission("address", "import"), "地名地址", .upload),
  ]

  func items(for principal: Principal) -> [MenuItem] {
    guard principal.kind == .user else { return [] }
    let catalog = catalogs.current
    var items = [MenuItem("工作台", icon: .home, path: "/"), MenuItem("一号查询", icon: .scan, path: "/lookup")]
    if principal.may(Permission("address", "view")) { items.append(MenuItem("地图", icon: .map, path: "/map")) }
    var groups: [String: [(order: Int, item: MenuItem)]] = [:]
    for entity in catalog.entities {
      guard let menu = entity.menu, principal.may(Permission(entity.name, "view")) else { continue }
      groups[menu.group, default: []].append(
        (menu.order, MenuItem(menu.label ?? entity.label, path: "/r/\(entity.name)")))
    }
    for page in MenuBuilder.pages where principal.may(page.permission) {
      groups[page.group, default: []].append((1000, MenuItem(page.label, path: page.path)))
    }
    let order = Dictionary(catalog.menus.map { ($0.label, $0.order) }, uniquingKeysWith: { first, _ in first })
    for group in groups.keys.sorted(by: { (order[$0] ?? 500, $0) < (order[$1] ?? 500, $1) }) {
      let children = (groups[group] ?? []).sorted { $0.order < $1.order }.map(\.item)
      items.append(MenuItem(group, icon: MenuBuilder.icons[group] ?? .folder, children: children))
    }
    return items
  }
}
