import Access
import Core
import HTML
package import HTTP
package import Identity
package import SQL
import Shell
package import Site

/// Arranging the menu (菜单维护, B1-241): the tree with what was changed of it, one entry, and what a role sees.
///
/// Everything is a link, a form or a button, so it works by keyboard and without scripts; the editor asks for permission,
/// audits, and refuses what the menu could not show.
package struct MenuRoutes: Sendable {
  let site: Site
  let editor: MenuEditor
  let database: Database

  package init(site: Site, editor: MenuEditor, database: Database) {
    self.site = site
    self.editor = editor
    self.database = database
  }

  static let base = "/settings/menu"
  static let crumb = Crumb("菜单维护", base)

  package func register(in router: inout Router) {
    let base = MenuRoutes.base
    router.on(.get, base, at: site) { visit in try await list(visit) }
    router.on(.get, "\(base)/new", at: site) { visit in try await blank(visit) }
    router.on(.post, "\(base)/new", at: site) { visit in try await add(visit) }
    router.on(.get, "\(base)/edit", at: site) { visit in try await edit(visit) }
    router.on(.post, "\(base)/edit", at: site) { visit in try await save(visit) }
    router.on(.post, "\(base)/move", at: site) { visit in try await move(visit) }
    router.on(.get, "\(base)/restore", at: site) { visit in try await askRestore(visit) }
    router.on(.post, "\(base)/restore", at: site) { visit in try await restore(visit) }
    router.on(.get, "\(base)/remove", at: site) { visit in try await askRemove(visit) }
    router.on(.post, "\(base)/remove", at: site) { visit in try await remove(visit) }
    router.on(.get, "\(base)/preview", at: site) { visit in try await preview(visit) }
  }

  static func path(_ page: String, _ key: String) -> String { "\(base)/\(page)?key=\(PercentEncoding.encode(key))" }

  // MARK: The tree

  private func list(_ visit: Visit) async throws -> Response {
    let tree = try await editor.tree(for: visit.principal)
    let mayChange = visit.principal.may(Permission("menu_entry", "update"))
    let rows = tree.outline.enumerated().map { place, entry in row(entry.node, entry.depth, place, tree, mayChange) }
    let changed = tree.outline.filter { !$0.node.changes.isEmpty }.count
    var actions: [Action] = []
    if visit.principal.may(Permission("menu_entry", "create")) {
      actions = [
        Action("新增入口", .link("\(MenuRoutes.base)/new?kind=page"), style: .primary, icon: .plus),
        Action("新增外部系统", .link("\(MenuRoutes.base)/new?kind=external"), icon: .external),
        Action("新增分组", .link("\(MenuRoutes.base)/new?kind=group"), icon: .folder),
      ]
    }
    var more = [Action("按角色预览", .link("\(MenuRoutes.base)/preview"), icon: .eye)]
    if mayChange, changed > 0 {
      more.append(Action("恢复全部预置菜单", .dialog("\(MenuRoutes.base)/restore"), style: .danger, icon: .history))
    }
    let columns = [
      Column("菜单", .wide), Column("状态", .state), Column("地址", .text, isOnPhone: false),
      Column(mayChange ? "顺序" : "", .actions, isOnPhone: true),
    ]
    let subtitle =
      changed == 0 ? "现在是产品交付时的样子。改动对所有人即刻生效，没有权限的人看不到入口。" : "预置菜单改了 \(changed) 处，随时可以恢复。改动对所有人即刻生效。"
    return try await visit.page("菜单维护", layout: .wide, subtitle: subtitle, actions: actions, moreActions: more) {
      Card(isFlush: true) {
        DataTable(
          caption: "菜单", columns: columns, rows: rows, opensPanel: false,
          empty: .empty("还没有菜单", "新增一个分组或入口。"))
      }
    }
  }

  private func row(
    _ node: MenuTree.Node, _ depth: Int, _ place: Int, _ tree: MenuTree, _ mayChange: Bool
  ) -> TableRow {
    let siblings = tree.children(of: node.parent)
    var name: [HTML] = [.text(node.label)]
    if let shipped = node.shipped, shipped.label != node.label {
      name.append(span(.class("field-help")) { "　原名“\(shipped.label)”" })
    }
    return TableRow(
      id: "menu-\(place)", name: node.label, path: mayChange ? MenuRoutes.path("edit", node.key) : nil,
      cells: [
        .joined(name), MenuRoutes.state(node), .text(node.path ?? ""),
        mayChange
          ? moves(node, isFirst: siblings.first?.key == node.key, isLast: siblings.last?.key == node.key) : .empty,
      ], level: depth)
  }

  private static func state(_ node: MenuTree.Node) -> HTML {
    if node.isBroken { return Badge("地址或权限失效", .danger).html }
    if node.shipped == nil { return Badge(node.isHidden ? "自建，已隐藏" : "自建", node.isHidden ? .warning : .success).html }
    let changes = node.changes
    if changes.isEmpty { return Badge("预置", .neutral).html }
    return Badge(changes.joined(separator: "、"), node.isHidden ? .warning : .info).html
  }

  private func moves(_ node: MenuTree.Node, isFirst: Bool, isLast: Bool) -> HTML {
    func button(_ label: String, _ direction: String, _ icon: Icon, _ isEnd: Bool) -> Action {
      Action(
        label,
        .post("\(MenuRoutes.base)/move", [HiddenField("key", node.key), HiddenField("direction", direction)]),
        style: .quiet, icon: icon, disabledReason: isEnd ? "“\(node.label)”已在这一端" : nil)
    }
    return ActionBar([button("上移", "up", .up, isFirst), button("下移", "down", .down, isLast)]).html
  }

  private func move(_ visit: Visit) async throws -> Response {
    let form = try await visit.request.body.form()
    guard let direction = form.first("direction"), ["up", "down"].contains(direction) else {
      throw Refusal(.invalid, "direction", "没有说明上移还是下移，顺序没有改动。请返回菜单重试。", field: "direction")
    }
    try await editor.move(
      form.first("key") ?? "", up: direction == "up", by: visit.principal, origin: visit.request.origin)
    return try visit.redirect(to: MenuRoutes.base)
  }

  // MARK: One entry

  private func blank(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("menu_entry", "create"), toDo: "新增菜单")
    var draft = MenuEditor.Draft()
    draft.kind = visit.request.query.first("kind").flatMap(MenuEntry.Kind.init(rawValue:)) ?? .page
    return try await form(visit, draft, nil, try await editor.tree(for: visit.principal), [])
  }

  private func add(_ visit: Visit) async throws -> Response {
    let form = try await visit.request.body.form()
    var draft = MenuRoutes.draft(form)
    draft.kind = form.first("kind").flatMap(MenuEntry.Kind.init(rawValue:)) ?? .page
    do {
      try await editor.add(draft, by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where refusal.kind == .invalid {
      return try await self.form(
        visit, draft, nil, try await editor.tree(for: visit.principal), [FieldError](refusal), refusal.kind.status)
    }
    return try visit.redirect(to: MenuRoutes.base, saying: "已新增“\(draft.name)”，有权限的人即刻看到。")
  }

  private func node(_ key: String?, _ tree: MenuTree) throws -> MenuTree.Node {
    guard let node = tree.node(key ?? "") else {
      throw Refusal(.notFound, "menu-unknown", "没有这个菜单，可能刚被删除。请返回菜单列表刷新后再试。")
    }
    return node
  }

  private func edit(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("menu_entry", "update"), toDo: "修改菜单")
    let tree = try await editor.tree(for: visit.principal)
    let node = try node(visit.request.query.first("key"), tree)
    var draft = MenuEditor.Draft(node)
    draft.permission = try await editor.permission(of: node)
    return try await form(visit, draft, node, tree, [])
  }

  private func save(_ visit: Visit) async throws -> Response {
    let form = try await visit.request.body.form()
    let tree = try await editor.tree(for: visit.principal)
    let node = try node(form.first("key"), tree)
    var draft = MenuRoutes.draft(form)
    draft.kind = node.kind
    do {
      try await editor.save(node.key, draft, by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where refusal.kind == .invalid {
      if node.shipped != nil { draft.path = node.path ?? "" }
      return try await self.form(visit, draft, node, tree, [FieldError](refusal), refusal.kind.status)
    }
    return try visit.redirect(to: MenuRoutes.base, saying: "已保存“\(draft.name)”，对所有人即刻生效。")
  }

  private static func draft(_ form: FormData) -> MenuEditor.Draft {
    var draft = MenuEditor.Draft()
    draft.name = form.first("name") ?? ""
    draft.group = form.first("group").flatMap { $0.isEmpty ? nil : $0 }
    draft.isShown = form.first("shown") != nil
    draft.path = form.first("path") ?? ""
    draft.permission = form.first("permission") ?? ""
    draft.icon = form.first("icon") ?? ""
    return draft
  }

  private static let kinds: [MenuEntry.Kind: String] = [.group: "分组", .page: "入口", .external: "外部系统"]

  private func form(
    _ visit: Visit, _ draft: MenuEditor.Draft, _ node: MenuTree.Node?, _ tree: MenuTree, _ errors: [FieldError],
    _ status: Int = 200
  ) async throws -> Response {
    let kind = MenuRoutes.kinds[draft.kind] ?? "菜单"
    var more: [Action] = []
    if let node, node.shipped != nil, !node.changes.isEmpty {
      more.append(Action("恢复交付时的样子", .dialog(MenuRoutes.path("restore", node.key)), icon: .history))
    }
    if let node, node.shipped == nil, visit.principal.may(Permission("menu_entry", "delete")) {
      more.append(
        Action("删除\(kind)", .dialog(MenuRoutes.path("remove", node.key)), style: .danger, icon: .trash))
    }
    if let id = node?.entry, visit.principal.may(Permission("menu_entry", "history")) {
      more.append(Action("历史版本", .link("/r/menu_entry/\(id)/history"), icon: .clock))
    }
    return try await visit.page(
      node.map { "修改\(kind)：\($0.label)" } ?? "新增\(kind)", status: status, crumbs: [MenuRoutes.crumb],
      moreActions: more
    ) {
      FormView(
        path: node == nil ? "\(MenuRoutes.base)/new" : "\(MenuRoutes.base)/edit",
        sections: [Shell.FormSection(id: "entry", kind, fields: fields(draft, node, tree, errors))], errors: errors,
        submit: Action(node == nil ? "新增\(kind)" : "保存\(kind)", .submit(name: nil, value: nil), style: .primary),
        cancelPath: MenuRoutes.base,
        hidden: node.map { [HiddenField("key", $0.key)] } ?? [HiddenField("kind", draft.kind.rawValue)],
        note: "保存后对所有人即刻生效，并记入审计。")
    }
  }

  private func fields(
    _ draft: MenuEditor.Draft, _ node: MenuTree.Node?, _ tree: MenuTree, _ errors: [FieldError]
  ) -> [Shell.Field] {
    let groups = tree.outline.filter { $0.node.kind == .group && $0.node.key != node?.key }.map { depth, group in
      Choice(group.key, String(repeating: "　", count: depth) + group.label)
    }
    let mustStand = node?.shipped != nil && draft.kind != .group
    var fields = [
      Shell.Field(
        "name", "名称", .text(draft.name, .init(maximum: 40)), isRequired: true,
        help: node?.shipped.map { "交付时叫“\($0.label)”。" }, error: errors["name"]),
      Shell.Field(
        "group", "所在分组", .select(draft.group ?? "", groups, blank: mustStand ? nil : "最上一级"),
        isRequired: mustStand, error: errors["group"]),
      Shell.Field(
        "shown", "显示", .checkbox(draft.isShown, caption: "显示：有权限的人看得到"),
        help: draft.kind == .group ? "不显示的分组，里面的菜单也都看不到。" : "不显示只是不列在菜单里，权限不变。", error: errors["shown"]),
    ]
    guard node?.shipped == nil else {
      if let node, let path = node.path {
        let demands = node.demands.map { $0.map(\.description).joined(separator: " 或 ") }.joined(separator: "，")
        fields.append(Shell.Field("path", "地址", .fixed(path)))
        fields.append(Shell.Field("permission", "所需权限", .fixed(demands.isEmpty ? "登录即可见" : demands)))
      }
      return fields
    }
    if draft.kind != .group {
      fields.append(
        Shell.Field(
          "path", "地址", .text(draft.path, .init(maximum: 200, width: 40, isCode: true)), isRequired: true,
          help: draft.kind == .page
            ? "本系统的页面，如 /r/address?kind=residential，可带筛选条件。" : "外部系统的网址，以 https:// 开头。",
          error: errors["path"]))
      fields.append(
        Shell.Field(
          "permission", "所需权限", .text(draft.permission, .init(maximum: 130, width: 30, isCode: true)),
          help: draft.kind == .page ? "如 address.view；不填时，能打开这个页面的人都看得到。" : "如 address.view；不填时，登录的人都看得到。",
          error: errors["permission"]))
    }
    let icons = Icon.allCases.filter { MenuRoutes.icons[$0] != nil }.map {
      Choice($0.rawValue, MenuRoutes.icons[$0] ?? $0.rawValue)
    }
    fields.append(
      Shell.Field(
        "icon", "图标", .select(draft.icon, icons, blank: "默认"), help: "只在最上一级显示。", error: errors["icon"]))
    return fields
  }

  /// The pictures a menu may have, by what they show.
  private static let icons: [Icon: String] = [
    .home: "房子", .building: "楼房", .door: "门", .address: "地址", .map: "地图", .layers: "图层", .plate: "门牌", .person: "人",
    .people: "人群", .organization: "机构", .police: "警徽", .community: "社区", .hospital: "医院", .school: "学校", .bus: "公交",
    .tool: "工具", .leaf: "树叶", .shop: "商店", .wallet: "钱包", .shield: "盾牌", .document: "文件", .folder: "文件夹",
    .calendar: "日历", .clock: "时钟", .chart: "图表", .list: "列表", .inbox: "收件箱", .settings: "设置", .lock: "锁", .help: "帮助",
    .phone: "电话", .bell: "铃", .database: "数据", .camera: "相机", .external: "外部链接",
  ]

  // MARK: Back and away

  private func askRestore(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("menu_entry", "update"), toDo: "恢复菜单")
    let tree = try await editor.tree(for: visit.principal)
    guard let key = visit.request.query.first("key") else {
      return try await visit.confirmation(
        Confirmation(
          title: "恢复全部预置菜单？",
          consequences: ["预置菜单的名称、分组、顺序和显示都恢复到交付时的样子。", "自己增加的分组和入口保留。", "对所有人即刻生效，每一处改动都留有历史。"],
          path: "\(MenuRoutes.base)/restore", submit: "恢复预置菜单", isDangerous: true, cancelPath: MenuRoutes.base),
        crumbs: [MenuRoutes.crumb])
    }
    let node = try node(key, tree)
    return try await visit.confirmation(
      Confirmation(
        title: "恢复“\(node.label)”？", consequences: ["名称、分组、顺序和显示恢复到交付时的样子：“\(node.shipped?.label ?? node.label)”。"],
        path: "\(MenuRoutes.base)/restore", hidden: [HiddenField("key", key)], submit: "恢复这个菜单",
        cancelPath: MenuRoutes.path("edit", key)), crumbs: [MenuRoutes.crumb])
  }

  private func restore(_ visit: Visit) async throws -> Response {
    guard let key = try await visit.request.body.form().first("key") else {
      try await editor.restoreAll(by: visit.principal, origin: visit.request.origin)
      return try visit.redirect(to: MenuRoutes.base, saying: "预置菜单已恢复到交付时的样子。")
    }
    try await editor.restore(key, by: visit.principal, origin: visit.request.origin)
    return try visit.redirect(to: MenuRoutes.base, saying: "已恢复到交付时的样子。")
  }

  private func askRemove(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("menu_entry", "delete"), toDo: "删除菜单")
    let key = visit.request.query.first("key") ?? ""
    let node = try node(key, try await editor.tree(for: visit.principal))
    return try await visit.confirmation(
      Confirmation(
        title: "删除“\(node.label)”？", consequences: ["只删除菜单里的入口，它指向的页面和数据不受影响。", "里面还有菜单的分组要先清空。"],
        path: "\(MenuRoutes.base)/remove", hidden: [HiddenField("key", key)], submit: "删除菜单", isDangerous: true,
        cancelPath: MenuRoutes.path("edit", key)), crumbs: [MenuRoutes.crumb])
  }

  private func remove(_ visit: Visit) async throws -> Response {
    let key = try await visit.request.body.form().first("key") ?? ""
    do {
      try await editor.remove(key, by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where refusal.kind == .conflict {
      return try visit.redirect(to: MenuRoutes.path("edit", key), saying: refusal.message, tone: .danger)
    }
    return try visit.redirect(to: MenuRoutes.base, saying: "已删除这个菜单。")
  }

  // MARK: Preview

  private func preview(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("role", "view"), toDo: "按角色预览菜单")
    let roles = try await database.query("select id, name from role where active order by code").map {
      (id: try $0.get("id", as: Int64.self), name: try $0.get("name", as: String.self))
    }
    let chosen = visit.request.query.first("role").flatMap { Int64($0) } ?? roles.first?.id
    let shown: [MenuTree.Shown]
    if let chosen { shown = try await editor.preview(role: chosen, by: visit.principal) } else { shown = [] }
    let choices = roles.map { Choice(String($0.id), $0.name) }
    let name = roles.first { $0.id == chosen }?.name ?? "这个角色"
    return try await visit.page(
      "按角色预览菜单", crumbs: [MenuRoutes.crumb], subtitle: "只有这一个角色的人看到的菜单；工作台、待办等固定入口不在其中。"
    ) {
      FilterBar(
        path: "\(MenuRoutes.base)/preview", search: nil,
        basic: [Shell.Field("role", "角色", .select(chosen.map(String.init) ?? "", choices, blank: nil))])
      Card("\(name)看到的菜单") {
        if shown.isEmpty {
          p { "没有可见的菜单：这个角色没有任何页面的查看权限，或这些入口都已隐藏。" }
        } else {
          MenuRoutes.outline(shown)
        }
      }
    }
  }

  private static func outline(_ shown: [MenuTree.Shown]) -> HTML {
    ul(.class("consequences")) {
      for item in shown {
        li {
          if item.node.kind == .group {
            strong { item.node.label }
          } else {
            item.node.label
          }
          if !item.children.isEmpty { outline(item.children) }
        }
      }
    }
  }
}
