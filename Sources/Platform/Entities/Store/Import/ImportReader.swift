import Core
import Crypto
import SQL

/// Reads the rows of a batch as values: cells by the parser, references by the names of what they refer to.
struct ImportReader {
  /// A row on its way: its values, or why it has none.
  struct Item {
    let row: ImportRow
    var values: [String: Value] = [:]
    var refusal: Refusal?
    /// The record it changes, when that is known otherwise than by a key.
    var held: HeldRecord?

    mutating func refuse(_ other: Refusal) { refusal = refusal.flatMap { Refusal(all: [$0, other]) } ?? other }
  }

  let spec: ImportSpec
  let entity: EntityDeclaration
  let records: Records
  /// The mapped columns, in order.
  private let columns: [(position: Int, field: FieldDeclaration)]
  private let parser: ValueParser

  /// - Throws: ``Refusal`` `import-columns` when a column is mapped to nothing that can be imported, or a key column is
  ///   missing; `import-key` when known records are to be changed and nothing says which.
  init(_ spec: ImportSpec, _ entity: EntityDeclaration, _ records: Records) throws(Refusal) {
    self.spec = spec
    self.entity = entity
    self.records = records
    let allowed = ImportSpec.fields(of: entity)
    var columns: [(position: Int, field: FieldDeclaration)] = []
    for (position, name) in spec.columns.enumerated() {
      guard let name else { continue }
      guard let field = entity.field(name), field.isStored, !FieldDeclaration.systemNames.contains(name) else {
        throw Refusal(.invalid, "import-columns", "\(entity.label)没有可以导入的字段“\(name)”。请重新对应列。", field: name)
      }
      guard allowed.contains(where: { $0.name == name }) else {
        throw Refusal(.invalid, "import-columns", "“\(field.label)”不能从表格导入。请重新对应这一列。", field: name)
      }
      guard field.editable || spec.key.contains(name) else {
        throw Refusal(
          .invalid, "import-columns", "“\(field.label)”由系统填写，只能用来识别已有记录。请选它为识别方式，或不导入这一列。", field: name)
      }
      guard !columns.contains(where: { $0.field.name == name }) else {
        throw Refusal(.invalid, "import-columns", "有两列都对应到\(field.label)。请只保留一列。", field: name)
      }
      columns.append((position, field))
    }
    guard !columns.isEmpty else {
      throw Refusal(.invalid, "import-columns", "没有一列对应到\(entity.label)的字段。请检查表头，或手工对应列。")
    }
    for name in spec.key where !columns.contains(where: { $0.field.name == name }) {
      throw Refusal(
        .invalid, "import-columns", "用来识别已有记录的“\(entity.field(name)?.label ?? name)”不在文件的列中。请对应这一列，或改用其他识别方式。",
        field: name)
    }
    guard
      spec.key.isEmpty || ImportSpec.keys(for: spec.columns, of: entity).contains(where: { Set($0) == Set(spec.key) })
    else {
      throw Refusal(.invalid, "import-columns", "所选的识别方式不能唯一确定一条\(entity.label)。请选用编码等不重复的字段。")
    }
    if spec.mode == .update, spec.key.isEmpty {
      throw Refusal(.invalid, "import-key", "只更新已有记录时，要说明按哪一列识别它们。请对应一个不重复的列，例如编码。")
    }
    self.columns = columns
    let catalog = records.store.catalog
    parser = ValueParser { catalog.dictionary($0) }
  }

  func read(_ rows: [ImportRow], in transaction: Transaction) async throws -> [Item] {
    let divisions = try await divisionCodes(in: rows)
    var references: [Int: Set<String>] = [:]
    var items = rows.map { row -> Item in
      var item = Item(row: row)
      item.values.reserveCapacity(columns.count)
      for (position, field) in columns where !row.omitted.contains(position) {
        let cell = position < row.cells.count ? row.cells[position] : ""
        if field.target != nil, Int64(cell) == nil {
          let text = TextForms.trimmed(cell)
          item.values[field.name] = text.isEmpty ? .null : .text(text)
          if !text.isEmpty { references[position, default: []].insert(text) }
          continue
        }
        let code = field.type == .division ? divisions[cell] : nil
        do throws(Refusal) {
          item.values[field.name] = try parser.parse(code ?? cell, for: field)
        } catch {
          item.refuse(error)
        }
      }
      return item
    }
    for (position, texts) in references.sorted(by: { $0.key < $1.key }) {
      guard let field = columns.first(where: { $0.position == position })?.field else { continue }
      let found = try await resolve(texts, of: field, in: transaction)
      for index in items.indices {
        guard case .text(let text) = items[index].values[field.name] else { continue }
        switch found[text]?.count ?? 0 {
        case 1: items[index].values[field.name] = found[text].map { .integer($0[0]) }
        case 0:
          items[index].refuse(
            Refusal(
              .unprocessable, "reference-missing", "“\(field.label)”中的“\(text)”找不到对应的记录，请先登记它或改正。", field: field.name))
        default:
          items[index].refuse(
            Refusal(
              .unprocessable, "reference-ambiguous", "“\(field.label)”中的“\(text)”对应多条记录，请改用编码。", field: field.name))
        }
      }
    }
    return items
  }

  /// The codes of divisions that are given by their names, as an export writes them.
  private func divisionCodes(in rows: [ImportRow]) async throws -> [String: String] {
    let positions = columns.filter { $0.field.type == .division }.map(\.position)
    var texts: Set<String> = []
    for position in positions {
      for row in rows where position < row.cells.count && ValueParser.division(row.cells[position]) == nil {
        texts.insert(row.cells[position])
      }
    }
    texts.remove("")
    guard !texts.isEmpty else { return [:] }
    let names = try await records.divisionNames()
    return Dictionary(texts.compactMap { text in names.code(meant: text).map { (text, $0) } }) { first, _ in first }
  }

  /// The ids of the records that a reference's texts stand for: by their unique fields, else by their titles.
  private func resolve(
    _ texts: Set<String>, of field: FieldDeclaration, in transaction: Transaction
  ) async throws -> [String: [Int64]] {
    guard let target = field.target.flatMap({ records.store.catalog.entity($0) }) else { return [:] }
    let names = target.storedFields.filter { ($0.unique || $0.name == target.title) && $0.valueKind == .text }
      .sorted { $0.unique && !$1.unique }
    let compiler = records.compiler(target, asOf: nil)
    var found: [String: [Int64]] = [:]
    for name in names {
      let open = texts.filter { found[$0] == nil }.sorted()
      if open.isEmpty { break }
      let condition: SQL
      if let column = name.indexColumn {
        let prints = try open.map { Hex.encode(try compiler.codec.fingerprint($0, of: name) ?? []) }
        condition = """
          join unnest(\(open), \(prints)) w (text, print) on t.\(identifier: column) = decode(w.print, 'hex')
          """
      } else {
        condition = "join unnest(\(open)) w (text) on t.\(identifier: name.name) = w.text"
      }
      let rows = try await records.scoped(
        transaction, [(target, "view")],
        """
        select w.text, t.id from \(identifier: target.name) t \(condition)
        where \(ScopePredicate.any(of: compiler.scope)) order by t.id
        """)
      for row in rows { found[try row.get(0), default: []].append(try row.get(1)) }
    }
    return found
  }
}
