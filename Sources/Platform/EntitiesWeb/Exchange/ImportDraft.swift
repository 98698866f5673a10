import Core
import Documents
import Entities
import HTTP

/// The beginning of a table that was sent.
struct TableHead: Sendable {
  /// The rows a preview looks at.
  static let previewed = 50
  /// Columns that can be matched on one page.
  static let columnLimit = 200

  let headings: [String]
  let rows: [ImportRow]
  /// The worksheet that was read and all there are; `nil` for delimited text.
  let sheet: String?
  let sheets: [String]

  /// - Throws: ``Refusal`` of ``TableReader``, and `too-many-columns`.
  init(path: String, sheet: String? = nil, rows count: Int = previewed) throws {
    let reader = try TableReader(.file(path), sheet: sheet)
    headings = reader.header.cells
    guard headings.count <= TableHead.columnLimit else {
      throw Refusal(
        .tooLarge, "too-many-columns", "表格有 \(headings.count) 列，最多 \(TableHead.columnLimit) 列，没有导入。请删除不用的列后重新上传。")
    }
    switch reader.format {
    case .xlsx(let name, let names): (self.sheet, sheets) = (name, names)
    case .csv: (self.sheet, sheets) = (nil, [])
    }
    var rows: [ImportRow] = []
    while rows.count < count, let row = try reader.next() {
      rows.append(ImportRow(number: row.number, cells: row.cells))
    }
    self.rows = rows
  }

  func heading(_ column: Int) -> String {
    let heading = column < headings.count ? headings[column] : ""
    return heading.isEmpty ? "第 \(column + 1) 列" : heading
  }
}

/// What somebody asks of an import: which column goes where, how known records are recognised, what happens to them.
///
/// It travels as query items `sheet`, `column.<n>`, `by`, `mode`, `blank`; before anything is asked it is guessed from the
/// headings.
struct ImportDraft {
  let entity: EntityDeclaration
  let head: TableHead
  private(set) var columns: [String?]
  /// The ways known records can be recognised with these columns.
  let keys: [[String]]
  private(set) var key: [String]
  let mode: ImportSpec.Mode
  let blankClears: Bool

  init(_ entity: EntityDeclaration, _ head: TableHead, _ items: QueryItems) {
    self.entity = entity
    self.head = head
    let allowed = Set(ImportSpec.fields(of: entity).map(\.name))
    // Another sheet has other columns: what was chosen for the former says nothing about them.
    let isAsked = items.items.contains { $0.name.hasPrefix("column.") } && items.first("of") ?? "" == head.sheet ?? ""
    columns =
      isAsked
      ? head.headings.indices.map { items.first("column.\($0)").flatMap { $0.isEmpty ? nil : $0 } }
      : ImportSpec.columns(for: head.headings, of: entity).map { $0.flatMap { allowed.contains($0) ? $0 : nil } }
    keys = ImportSpec.keys(for: columns, of: entity)
    let asked = items.first("by")
    key = keys.first { ImportDraft.text($0) == asked } ?? (isAsked && asked == "" ? [] : keys.first ?? [])
    mode = items.first("mode").flatMap(ImportSpec.Mode.init(rawValue:)) ?? .upsert
    blankClears = items.first("blank") == "true"
  }

  static func text(_ key: [String]) -> String { key.joined(separator: "+") }

  /// Required fields without a column, which new records will be refused for.
  var missing: [FieldDeclaration] {
    guard mode != .update else { return [] }
    return ImportSpec.fields(of: entity).filter { ImportTemplate.isNeeded($0) && !columns.contains($0.name) }
  }

  func spec(label: String) -> ImportSpec {
    ImportSpec(entity: entity.name, columns: columns, key: key, mode: mode, blankClears: blankClears, label: label)
  }

  /// The items that read back as this draft.
  var items: [(name: String, value: String)] {
    var items = columns.enumerated().map { (name: "column.\($0.offset)", value: $0.element ?? "") }
    items += [("by", ImportDraft.text(key)), ("mode", mode.rawValue), ("of", head.sheet ?? "")]
    if let sheet = head.sheet { items.append(("sheet", sheet)) }
    if blankClears { items.append(("blank", "true")) }
    return items
  }
}

extension ImportSpec.Mode {
  var label: String {
    switch self {
    case .upsert: "新增并更新"
    case .insert: "只新增"
    case .update: "只更新"
    }
  }

  var detail: String {
    switch self {
    case .upsert: "没有的新增，已有的按表格更新"
    case .insert: "已有的不动，列为未导入"
    case .update: "没有的不新增，列为未导入"
    }
  }
}
