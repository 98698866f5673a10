import Access
import Core
import Entities
import HTML
import Shell

/// What another register holds about a record (关联列表): as a card of its page, or as a page of its own when there is more of it.
struct RelatedTable {
  let list: RelatedList
  let entity: EntityDeclaration
  let page: Entities.Page
  /// The register of the record.
  let register: Register
  let record: Int64

  /// Rows of a page that is found by a value, and so has no list of its own whose address could be told.
  static let size = 50

  /// Rows of the card on the record's page.
  static func cardSize(_ list: RelatedList) -> Int { list.by == nil ? 10 : size }

  static func path(of list: RelatedList, _ register: Register, _ record: Int64) -> String {
    "/r/\(register.entity.name)/\(record)/related/\(list.name)"
  }

  private var path: String { RelatedTable.path(of: list, register, record) }

  /// The way to show masked pictures of the page at `number`; `nil` where none is masked or the principal may not.
  func reveal(for principal: Principal, page number: Int = 1) -> Action? {
    guard principal.may(Permission(entity.name, "reveal")), page.columns.contains(where: isHidden) else { return nil }
    return Action("查看照片", .dialog("\(path)/reveal\(number > 1 ? "?page=\(number)" : "")"), style: .quiet)
  }

  func card(for principal: Principal) -> HTML {
    var actions = [reveal(for: principal)].compactMap(\.self)
    if page.count.value > page.records.count {
      let all = list.by == nil ? "/r/\(entity.name)?\(list.field)=\(record)" : path
      actions.append(Action("查看全部", .link(all), style: .quiet))
    }
    return Card(list.label, count: total, actions: actions, isFlush: true) { table }.html
  }

  private var total: PageTotal { page.count.isEstimate ? .about(page.count.value) : .exact(page.count.value) }

  /// The ways to the pages before and after the one at `number`.
  func pager(at number: Int) -> Pager {
    Pager(
      total: total, page: number, size: page.limit, shown: page.records.count, sizes: [],
      path: { [path] number, _ in number > 1 ? "\(path)?page=\(number)" : path })
  }

  var table: DataTable {
    let display = FieldDisplay(catalog: register.catalog)
    let shown = shown
    let other = Register(entity, catalog: register.catalog, context: register.context)
    return DataTable(
      caption: list.label, columns: shown.map { Column($0.label, display.column($0)) },
      rows: page.records.map { record in
        TableRow(
          id: "\(entity.name)-\(record.id)", name: other.title(of: record), path: "/r/\(entity.name)/\(record.id)",
          cells: shown.enumerated().map { display.cell($1, of: record, isLinked: $0 == 0) })
      }, opensPanel: false, empty: .empty("暂无\(entity.label)", ""))
  }

  /// Every row says the same of the field that leads here; a masked picture says nothing.
  private var shown: [FieldDeclaration] {
    page.columns.filter { $0.name != list.field && !isHidden($0) }
  }

  /// Whether these are pictures, and masked.
  private func isHidden(_ field: FieldDeclaration) -> Bool {
    field.type == .image && page.records.contains { $0.masked.contains(field.name) }
  }
}
