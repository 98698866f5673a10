import Access
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// The list page of a register: filters, chips, table, pager, the panel beside it.
struct ListPage {
  let register: Register
  let address: ListAddress
  let page: Entities.Page
  let visit: Visit
  let panel: HTML?

  private var entity: EntityDeclaration { register.entity }
  private var display: FieldDisplay { FieldDisplay(catalog: register.catalog) }

  func response() async throws -> Response {
    try await visit.page(
      address.label, layout: .list, subtitle: address.prepared.map(\.help) ?? entity.help, actions: actions,
      moreActions: more
    ) { list }
  }

  private func may(_ action: String) -> Bool { visit.principal.may(Permission(entity.name, action)) }

  private var importPath: String? { may("import") ? entity.importPath : nil }

  private var actions: [Action] {
    var actions: [Action] = []
    if may("create") {
      actions.append(Action("新建\(entity.label)", .link("\(address.bare)/new"), style: .primary, icon: .plus))
    }
    if let path = importPath { actions.append(Action("导入", .link(path), icon: .upload)) }
    if may("export") {
      let path = address.path(setting: "page", to: nil)
      let query = path.split(separator: "?", maxSplits: 1).dropFirst().first.map { "?\($0)" } ?? ""
      actions.append(Action("导出", .link("\(address.bare)/export\(query)"), icon: .download))
    }
    return actions
  }

  private var more: [Action] {
    var actions: [Action] = []
    if entity.statistics != nil { actions.append(Action("统计", .link("\(address.bare)/statistics"), icon: .chart)) }
    if entity.map != nil, visit.principal.may(Permission("address", "view")) {
      actions.append(Action("在地图上看", .link("/map?layer=\(entity.name)"), icon: .map))
    }
    actions.append(Action("打印本页", .print, icon: .print))
    return actions
  }

  private var list: HTML {
    Shell.ListView(
      filters: filterBar, chips: ActiveFilters(filters.chips, clearPath: address.cleared),
      columns: address.prepared == nil ? chooser : nil,
      table: table,
      pager: Pager(
        total: page.count.isEstimate ? .about(page.count.value) : .exact(page.count.value), page: address.page,
        size: address.size, shown: page.records.count,
        path: { number, size in
          let sized = address.path(setting: "size", to: size == entity.list.page ? nil : String(size))
          guard number > 1 else { return sized }
          return sized + (sized.contains("?") ? "&" : "?") + "page=\(number)"
        }),
      panel: panel
    ).html
  }

  // MARK: Filters

  private var filterBar: FilterBar {
    let fields = address.filterNames.compactMap { entity.field($0) }.filter { $0.isOpen(to: visit.principal) }
    let basic = fields.prefix(3).map(filters.field)
    let rest = fields.dropFirst(3).map(filters.field)
    let moreInForce = fields.dropFirst(3).filter { address.filtered.contains($0.name) }.count
    let hints = entity.list.search.compactMap { entity.field($0)?.label }
    return FilterBar(
      path: address.bare,
      search: hints.isEmpty ? nil : .init(value: address.search ?? "", hint: hints.prefix(3).joined(separator: "、")),
      basic: Array(basic), more: Array(rest), moreInForce: moreInForce, kept: kept)
  }

  private var filters: FilterFields { FilterFields(register: register, address: address) }

  private var kept: [HiddenField] {
    (["sort", "size", "columns", "at"] + (address.prepared == nil ? [] : ["view"])).compactMap { name in
      address.items.first(name).map { HiddenField(name, $0) }
    }
  }

  // MARK: Table

  private var table: DataTable {
    let sorted = page.sort.first
    let columns = shown.map { field in
      var column = Column(field.label, display.column(field), help: field.help)
      if register.sortable.contains(field.name) {
        let isSorted = sorted?.field == field.name
        let descends = isSorted && sorted?.descending == false
        column.sortPath = address.path(setting: "sort", to: descends ? "-\(field.name)" : field.name)
        if isSorted { column.sorted = sorted?.descending == true ? .descending : .ascending }
      }
      return column
    }
    return DataTable(
      caption: "\(address.label)列表", columns: columns, rows: page.records.map(row), batch: batch, empty: empty)
  }

  private func row(_ record: Record) -> TableRow {
    let path = "\(address.bare)/\(record.id)"
    return TableRow(
      id: String(record.id), name: register.title(of: record), path: path,
      cells: shown.enumerated().map { display.cell($1, of: record, isLinked: $0 == 0) }, level: level(of: record))
  }

  /// The columns that are shown; the levels of a tree show as indents.
  private var shown: [FieldDeclaration] { page.columns.filter { $0.name != entity.list.tree } }

  /// How far below the highest row of the page a record stands, while the list is in the order of its tree.
  private func level(of record: Record) -> Int? {
    guard let tree = entity.list.tree, page.sort.first?.field == tree, page.sort.first?.descending == false else {
      return nil
    }
    func depth(_ record: Record) -> Int { record[tree].text?.utf8.count { $0 == UInt8(ascii: ".") } ?? 0 }
    return depth(record) - (page.records.map(depth).min() ?? 0)
  }

  private var batch: DataTable.Batch? {
    var actions = entity.actions.filter { may($0.name) && entity.allowsBatch($0) }.map {
      Action($0.label, .submit(name: "action", value: $0.name))
    }
    if may("export") { actions.append(Action("导出所选", .submit(name: "action", value: "export"), icon: .download)) }
    if may("delete") { actions.append(Action("删除", .submit(name: "action", value: "delete"), style: .danger)) }
    guard !actions.isEmpty else { return nil }
    return DataTable.Batch(
      path: "\(address.bare)/batch", actions: actions,
      total: page.count.isEstimate ? .about(page.count.value) : .exact(page.count.value),
      filters: address.items.items.filter { $0.name != "page" }.map { HiddenField($0.name, $0.value) })
  }

  private var chooser: ColumnChooser {
    let shown = Set(shown.map(\.name))
    let choices = entity.fields.filter {
      $0.listed && !$0.hidden && !$0.type.isGeometry && $0.isOpen(to: visit.principal)
    }.map {
      ColumnChooser.Choice(name: $0.name, label: $0.label, isShown: shown.contains($0.name))
    }
    return ColumnChooser(path: "\(address.bare)/columns", columns: choices)
  }

  private var empty: StateView {
    if !filters.chips.isEmpty {
      return .nothingFound(
        "没有符合条件的\(entity.label)", "试着去掉一个筛选条件，或换一个说法搜索。您能看到的范围由角色的数据权限决定。", clear: address.cleared)
    }
    var first: [Action] = []
    if may("create") { first.append(Action("新建\(entity.label)", .link("\(address.bare)/new"), style: .primary)) }
    if let path = importPath { first.append(Action("从表格导入", .link(path))) }
    if address.prepared != nil {
      return .empty("还没有\(address.label)的记录", "办理以后会列在这里。您能看到的范围由角色的数据权限决定。", actions: [])
    }
    let hint = importPath == nil ? "有了记录会列在这里。" : "新建一条，或从 Excel、CSV 表格批量导入。"
    return .empty("还没有\(entity.label)", hint, actions: first)
  }
}
