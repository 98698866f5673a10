import Access
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// The list of dictionaries and the codes of one (数据字典).
extension SettingsRoutes {
  private static let crumb = Crumb("数据字典", "/settings/dictionaries")

  static func path(_ dictionary: String) -> String { "/settings/dictionaries/\(dictionary)" }

  static func path(_ dictionary: String, _ code: String) -> String {
    "\(path(dictionary))/codes/\(PercentEncoding.encode(code))"
  }

  func requireDictionary(_ visit: Visit) throws -> DictionaryDeclaration {
    try visit.principal.require(Permission("dictionary", "view"), toDo: "查看数据字典")
    let name = try visit.request.parameter("name")
    guard let dictionary = catalog.dictionary(name) else {
      throw Refusal(.notFound, "dictionary-unknown", "没有名为“\(name.prefix(60))”的字典。请从字典列表重新进入。")
    }
    return dictionary
  }

  /// The fields and parameters that offer the codes of each dictionary.
  private func users(of catalog: Catalog) -> [String: Int] {
    var users: [String: Int] = [:]
    for field in catalog.entities.flatMap(\.fields) + catalog.parameters.map(\.field) {
      if let name = field.dictionary { users[name, default: 0] += 1 }
    }
    return users
  }

  // MARK: List

  func dictionaries(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("dictionary", "view"), toDo: "查看数据字典")
    let catalog = catalog
    let query = visit.request.query.first("q") ?? ""
    let users = users(of: catalog)
    let found = catalog.dictionaries.filter { dictionary in
      SettingsRoutes.matches(
        query, [dictionary.name, dictionary.label] + dictionary.codes.flatMap { [$0.code, $0.label] })
    }
    let rows = found.map { dictionary in
      let retired = dictionary.codes.count(where: \.retired)
      return TableRow(
        id: dictionary.name, name: dictionary.label, path: SettingsRoutes.path(dictionary.name),
        cells: [
          .text(dictionary.label), .text(dictionary.name), .text(grouped(dictionary.codes.count)),
          .text(grouped(retired)), .text(grouped(users[dictionary.name] ?? 0)),
          SettingsRoutes.label(of: dictionary.origin).html,
        ])
    }
    let columns = [
      Column("字典"), Column("代号", .code, isOnPhone: false), Column("编码数", .number), Column("已停用", .number),
      Column("使用它的字段", .number, isOnPhone: false), Column("来源", .state),
    ]
    let chips = query.isEmpty ? [] : [ActiveFilters.Chip("搜索", query, removePath: "/settings/dictionaries")]
    let empty: StateView =
      query.isEmpty
      ? .empty("还没有字典", "字典随产品和城市目录交付。")
      : .nothingFound("没有符合“\(query)”的字典", "按字典或其中编码的名称、代号搜索，换一个词试试。", clear: "/settings/dictionaries")
    return try await visit.page(
      "数据字典", layout: .wide, subtitle: "共 \(catalog.dictionaries.count) 个字典；编码用于下拉选项、筛选和统计。"
    ) {
      FilterBar(path: "/settings/dictionaries", search: .init(value: query, hint: "字典、编码"), basic: [])
      ActiveFilters(chips, clearPath: "/settings/dictionaries")
      Card(isFlush: true) {
        DataTable(caption: "数据字典", columns: columns, rows: rows, opensPanel: false, empty: empty)
      }
    }
  }

  // MARK: One dictionary

  func dictionary(_ visit: Visit) async throws -> Response {
    let dictionary = try requireDictionary(visit)
    let changes = try await settings.codeChanges(in: dictionary.name)
    let mayChange = visit.principal.may(Permission("dictionary", "update"))
    var rows: [TableRow] = []
    for (depth, code) in SettingsRoutes.outline(dictionary) {
      let change = try await text(of: changes[code.code])
      let siblings = dictionary.codes.filter { $0.parent == code.parent }
      let isFirst = siblings.first?.code == code.code
      let isLast = siblings.last?.code == code.code
      rows.append(
        TableRow(
          id: "code-\(rows.count)", name: code.label,
          path: mayChange ? SettingsRoutes.path(dictionary.name, code.code) : nil,
          cells: [
            .text(String(repeating: "　", count: depth) + code.label), .text(code.code),
            Badge(code.retired ? "已停用" : "启用", code.retired ? .warning : .success).html,
            source(of: code, in: dictionary), .text(code.help ?? ""), .text(change),
            mayChange ? moves(code, in: dictionary, isFirst: isFirst, isLast: isLast) : .empty,
          ]))
    }
    let columns = [
      Column("名称"), Column("编码", .code), Column("状态", .state), Column("来源", .state, isOnPhone: false),
      Column("说明", .wide, isOnPhone: false), Column("最近修改", .text, isOnPhone: false),
      Column(mayChange ? "顺序" : "", .actions),
    ]
    let users = catalog.entities.flatMap { entity in
      entity.fields.filter { $0.dictionary == dictionary.name }.map { (entity, $0) }
    }
    var actions: [Action] = []
    if visit.principal.may(Permission("dictionary", "create")) {
      actions.append(
        Action("新增编码", .link("\(SettingsRoutes.path(dictionary.name))/new"), style: .primary, icon: .plus))
    }
    return try await visit.page(
      dictionary.label, layout: .wide, crumbs: [SettingsRoutes.crumb],
      badge: SettingsRoutes.label(of: dictionary.origin), subtitle: dictionary.name, actions: actions
    ) {
      Card("编码", count: .exact(dictionary.codes.count), isFlush: true) {
        DataTable(
          caption: "\(dictionary.label)的编码", columns: columns, rows: rows, opensPanel: false,
          empty: .empty("还没有编码", "新增一个编码后，表单里就能选到它。"))
      }
      Card("使用它的字段", count: .exact(users.count)) { usersList(users) }
    }
  }

  private func usersList(_ users: [(EntityDeclaration, FieldDeclaration)]) -> HTML {
    if users.isEmpty { return p { "没有登记表的字段使用这个字典。" } }
    return ul {
      for (entity, field) in users {
        li {
          a(.href("/settings/registers/\(entity.name)")) { entity.label }
          " · \(field.label)"
        }
      }
    }
  }

  private func source(of code: DictionaryDeclaration.Code, in dictionary: DictionaryDeclaration) -> HTML {
    let isFixed = settings.catalogs.fixedCode(code.code, in: dictionary.name) != nil
    return (isFixed ? Badge("意思固定", .neutral) : Badge("本地新增", .info)).html
  }

  private func moves(
    _ code: DictionaryDeclaration.Code, in dictionary: DictionaryDeclaration, isFirst: Bool, isLast: Bool
  ) -> HTML {
    let path = "\(SettingsRoutes.path(dictionary.name, code.code))/move"
    func button(_ label: String, _ direction: String, _ icon: Icon, _ isEnd: Bool) -> Action {
      Action(
        label, .post(path, [HiddenField("direction", direction)]), style: .quiet, icon: icon,
        disabledReason: isEnd ? "“\(code.label)”已在这一端" : nil)
    }
    return ActionBar([button("上移", "up", .up, isFirst), button("下移", "down", .down, isLast)]).html
  }

  /// The codes of a dictionary with their children behind them, each with how deep it lies.
  static func outline(_ dictionary: DictionaryDeclaration) -> [(depth: Int, code: DictionaryDeclaration.Code)] {
    var rows: [(depth: Int, code: DictionaryDeclaration.Code)] = []
    func add(_ parent: String?, _ depth: Int) {
      // A tree of codes is shallow; deeper than this is a circle.
      guard depth < 20 else { return }
      for code in dictionary.children(of: parent) {
        rows.append((depth, code))
        add(code.code, depth + 1)
      }
    }
    add(nil, 0)
    return rows
  }
}
