import Access
import Core
import Entities
import HTML
import HTTP
import Shell
import Site
import YAML

/// The list of registers and what one of them is made of (登记表).
extension SettingsRoutes {
  private static let base = "/settings/registers"

  func requireEntity(_ visit: Visit) throws -> EntityDeclaration {
    try visit.principal.require(Permission("entity", "view"), toDo: "查看登记表的定义")
    return try store.entity(try visit.request.parameter("name"))
  }

  func mayDeclare(_ visit: Visit) -> Bool { visit.principal.may(Permission("entity", "update")) }

  // MARK: List

  func registers(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("entity", "view"), toDo: "查看登记表的定义")
    let query = visit.request.query.first("q") ?? ""
    let origin = visit.request.query.first("origin") ?? ""
    let all = catalog.entities
    let found = all.filter { entity in
      SettingsRoutes.matches(query, [entity.name, entity.label, entity.area] + entity.fields.map(\.label))
        && (origin.isEmpty || SettingsRoutes.word(entity.origin) == origin)
    }
    let rows = found.map { entity in
      TableRow(
        id: entity.name, name: entity.label, path: "\(SettingsRoutes.base)/\(entity.name)",
        cells: [
          .text(entity.label), .text(entity.name), .text(entity.area), .text(grouped(entity.fields.count)),
          .text(entity.menu?.group ?? "—"), entity.personal ? Badge("个人信息", .warning).html : .text("—"),
          SettingsRoutes.label(of: entity.origin).html,
        ])
    }
    let columns = [
      Column("登记表"), Column("代号", .code, isOnPhone: false), Column("所属", .code, isOnPhone: false),
      Column("字段数", .number), Column("菜单"), Column("保护", .state), Column("最近来源", .state),
    ]
    var chips: [ActiveFilters.Chip] = []
    if !query.isEmpty { chips.append(.init("搜索", query, removePath: path(origin: origin))) }
    if let choice = SettingsRoutes.origins.first(where: { $0.value == origin }) {
      chips.append(.init("来源", choice.label, removePath: path(query: query)))
    }
    let actions =
      mayDeclare(visit)
      ? [Action("新建登记表", .link("\(SettingsRoutes.base)/new"), style: .primary, icon: .plus)] : []
    return try await visit.page(
      "登记表", layout: .wide, subtitle: "共 \(all.count) 个登记表；表单、列表、接口、权限和审计都由它们的定义得来。", actions: actions
    ) {
      FilterBar(
        path: SettingsRoutes.base, search: .init(value: query, hint: "登记表、字段"),
        basic: [Shell.Field("origin", "来源", .select(origin, SettingsRoutes.origins, blank: "全部"))])
      ActiveFilters(chips, clearPath: SettingsRoutes.base)
      Card(isFlush: true) {
        DataTable(
          caption: "登记表", columns: columns, rows: rows, opensPanel: false,
          empty: .nothingFound("没有符合条件的登记表", "按登记表或字段的名称搜索，换一个词试试。", clear: SettingsRoutes.base))
      }
    }
  }

  private static let origins = [Choice("shipped", "随产品交付"), Choice("city", "城市定制"), Choice("runtime", "运行期新增")]

  private static func word(_ origin: DeclarationOrigin) -> String {
    switch origin {
    case .shipped: "shipped"
    case .city: "city"
    case .runtime: "runtime"
    }
  }

  private func path(query: String = "", origin: String = "") -> String {
    let items = [("q", query), ("origin", origin)].filter { !$0.1.isEmpty }
    if items.isEmpty { return SettingsRoutes.base }
    return SettingsRoutes.base + "?" + items.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
  }

  // MARK: One register

  func registerDetail(_ visit: Visit) async throws -> Response {
    let entity = try requireEntity(visit)
    let additions = try await settings.declarations().filter {
      SettingsRoutes.subject(of: $0.yaml) == entity.name && !RuntimeSettings.isLabels($0.name)
    }
    let mayDeclare = mayDeclare(visit)
    var actions: [Action] = []
    if visit.principal.may(Permission(entity.name, "view")) {
      actions.append(Action("打开登记表", .link("/r/\(entity.name)"), icon: .list))
    }
    if mayDeclare {
      actions.append(
        Action("添加字段", .link("\(SettingsRoutes.base)/\(entity.name)/fields/new"), style: .primary, icon: .plus))
    }
    let columns = [
      Column("字段"), Column("字段名", .code), Column("类型"), Column("要求"), Column("数据级别", .state),
      Column("显示", .text, isOnPhone: false), Column("说明", .wide, isOnPhone: false),
    ]
    return try await visit.page(
      entity.label, layout: .wide, crumbs: [Crumb("登记表", SettingsRoutes.base)],
      badge: SettingsRoutes.label(of: entity.origin), subtitle: entity.name, actions: actions
    ) {
      if !visit.principal.may(Permission(entity.name, "view")), case .runtime = entity.origin {
        Notice(.info, "您还没有这个登记表的权限。请安全保密管理员在“角色授权”中把 \(entity.name).view 等权限授予相应角色。")
      }
      Card("概况") { DetailList(items(entity)) }
      Card("字段", count: .exact(entity.fields.count), isFlush: true) {
        DataTable(
          caption: "\(entity.label)的字段", columns: columns, rows: entity.fields.map { row($0, of: entity) },
          opensPanel: false, empty: .empty("没有字段", ""))
      }
      for addition in additions {
        Card(
          "运行期声明 \(addition.name)",
          actions: mayDeclare
            ? [Action("撤回", .dialog("/settings/declarations/\(addition.name)/withdraw"), style: .danger)] : []
        ) { DeclarationText(addition.yaml) }
      }
    }
  }

  private func items(_ entity: EntityDeclaration) -> [DetailItem] {
    let title = entity.field(entity.title)?.label ?? entity.title
    let scope =
      [
        entity.scope.division.map { "区划（\($0)）" }, entity.scope.unit.map { "机构（\($0)）" },
        entity.scope.owner.map { "本人（\($0)）" }, entity.scope.point.map { "地图范围（\($0)）" },
      ].compactMap { $0 } + entity.scope.rules.keys.sorted().map { "规则 \($0)" }
    return [
      DetailItem("说明", text: entity.help, isWide: true), DetailItem("称呼记录用", text: title),
      DetailItem("所属", text: entity.area, isCode: true),
      DetailItem("菜单", text: entity.menu?.group), DetailItem("个人信息", text: entity.personal ? "是" : "否"),
      DetailItem("数据范围依据", text: scope.joined(separator: "、")),
      DetailItem("页面", a(.href("/r/\(entity.name)")) { "/r/\(entity.name)" }),
      DetailItem("接口", text: "/api/r/\(entity.name)", isCode: true),
    ]
  }

  private func row(_ field: FieldDeclaration, of entity: EntityDeclaration) -> TableRow {
    var type = field.type.label
    if let name = field.dictionary { type += "：\(catalog.dictionary(name)?.label ?? name)" }
    if let name = field.target { type += "：\(catalog.entity(name)?.label ?? name)" }
    var demands: [String] = []
    if field.required { demands.append("必填") }
    if field.requiredWhen != nil { demands.append("有条件必填") }
    if field.unique { demands.append("不得重复") }
    if field.multiple { demands.append("多值") }
    if let low = field.minimum { demands.append("≥ \(low)") }
    if let high = field.maximum { demands.append("≤ \(high)") }
    if let length = field.maximumLength { demands.append("最多 \(length) 字") }
    if field.computed != nil { demands.append("自动计算") } else if !field.editable { demands.append("系统填写") }
    var views: [String] = []
    if entity.list.columns.contains(field.name) { views.append("列表") }
    if entity.list.filters.contains(field.name) { views.append("筛选") }
    if entity.list.search.contains(field.name) { views.append("搜索") }
    if field.hidden { views.append("已隐藏") }
    let isGuarded = field.classification >= .sensitive
    let level = field.classification.label + (field.encrypted ? " · 加密" : "") + (field.mask != nil ? " · 脱敏" : "")
    return TableRow(
      id: "field-\(field.name)", name: field.label, path: nil,
      cells: [
        .text(field.label), .text(field.name), .text(type), .text(demands.joined(separator: "、")),
        Badge(level, isGuarded ? .warning : .neutral).html, .text(views.joined(separator: "、")),
        .text([field.unit.map { "单位 \($0)" }, field.help].compactMap { $0 }.joined(separator: "；")),
      ])
  }

  /// The register that a declaration makes or extends.
  static func subject(of yaml: String) -> String? {
    guard let root = try? YAMLNode(parsing: yaml, file: "") else { return nil }
    return (root["entity"] ?? root["extend_entity"])?.text
  }
}
