import Core

/// What an import does with a table file (批量导入).
package struct ImportSpec: Sendable, Hashable {
  package enum Mode: String, Sendable, Hashable, CaseIterable {
    /// New rows are made, known ones changed.
    case upsert
    /// Known rows are refused.
    case insert
    /// Unknown rows are refused.
    case update
  }

  package var entity: String
  /// The field each column of the file goes into, by position; `nil` leaves a column out.
  package var columns: [String?]
  /// The fields by which a row is recognised as a record that exists: one unique field, or those of a unique index.
  /// Empty: every row is new.
  package var key: [String]
  package var mode: Mode
  /// Whether an empty cell empties the field of a known record; otherwise it leaves it as it is.
  package var blankClears: Bool
  /// Rows in one transaction.
  package var batch: Int
  /// What the import is called, usually the file's name.
  package var label: String

  package init(
    entity: String, columns: [String?], key: [String] = [], mode: Mode = .upsert, blankClears: Bool = false,
    batch: Int = 2000, label: String
  ) {
    self.entity = entity
    self.columns = columns
    self.key = key
    self.mode = mode
    self.blankClears = blankClears
    self.batch = min(max(batch, 1), 20_000)
    self.label = label
  }

  /// The mapping that a header suggests: fields by label or name; a star, a unit in brackets and spaces do not count.
  package static func columns(for header: [String], of entity: EntityDeclaration) -> [String?] {
    var taken: Set<String> = []
    return header.map { cell in
      let wanted = plain(cell)
      let field = entity.fields.first { field in
        field.isStored && !field.hidden && !taken.contains(field.name)
          && (plain(field.label) == wanted || field.name == wanted)
      }
      if let field { taken.insert(field.name) }
      return field?.name
    }
  }

  /// The keys a file with these columns can be recognised by, the most specific first.
  package static func keys(for columns: [String?], of entity: EntityDeclaration) -> [[String]] {
    let present = Set(columns.compactMap { $0 })
    let single = entity.storedFields.filter { $0.unique && present.contains($0.name) }.map { [$0.name] }
    let several = entity.indexes.filter { $0.unique && $0.fields.allSatisfy(present.contains) }.map(\.fields)
    return single + several
  }

  /// The fields that a person may fill from a table: what a form asks for, and fields set by the system by which known
  /// records are recognised. Files cannot stand in a table.
  package static func fields(of entity: EntityDeclaration) -> [FieldDeclaration] {
    let keys = Set(entity.storedFields.filter(\.unique).map(\.name))
      .union(entity.indexes.filter(\.unique).flatMap(\.fields))
    return entity.storedFields.filter { field in
      guard !field.hidden, field.editable || keys.contains(field.name) else { return false }
      return field.type != .file && field.type != .image
    }
  }

  private static func plain(_ label: String) -> String {
    let bare = label.prefix { !"（(".contains($0) }
    return String(bare.filter { !$0.isWhitespace && $0 != "*" && $0 != "＊" }).lowercased()
  }

  var json: JSON {
    [
      "entity": .string(entity), "columns": .array(columns.map { $0.map { .string($0) } ?? .null }),
      "key": .array(key.map { .string($0) }), "mode": .string(mode.rawValue), "blank_clears": .bool(blankClears),
      "batch": .int(Int64(batch)), "label": .string(label),
    ]
  }

  /// - Throws: ``Fault`` `import-spec`.
  init(json: JSON) throws(Fault) {
    guard let entity = json["entity"]?.string, let columns = json["columns"]?.array,
      let mode = json["mode"]?.string.flatMap(Mode.init(rawValue:)), let label = json["label"]?.string
    else { throw Fault("import-spec", json.text) }
    self.init(
      entity: entity, columns: columns.map(\.string), key: json["key"]?.array?.compactMap(\.string) ?? [], mode: mode,
      blankClears: json["blank_clears"]?.bool ?? false, batch: Int(json["batch"]?.int ?? 2000), label: label)
  }
}

/// One row of a file: its number as people count, and its cells.
package struct ImportRow: Sendable, Hashable {
  package let number: Int
  package let cells: [String]
  /// The positions of which the row says nothing, other than of blank cells: what is there stays.
  package let omitted: Set<Int>

  package init(number: Int, cells: [String], omitted: Set<Int> = []) {
    self.number = number
    self.cells = cells
    self.omitted = omitted
  }
}

/// What became of one row.
package struct ImportOutcome: Sendable, Hashable {
  package enum Result: String, Sendable, Hashable, CaseIterable {
    case created, updated, unchanged, rejected

    package var label: String {
      switch self {
      case .created: "新增"
      case .updated: "更新"
      case .unchanged: "无变化"
      case .rejected: "未导入"
      }
    }
  }

  package let row: Int
  package let result: Result
  package let record: Int64?
  /// The field at fault.
  package let field: String?
  /// Why the row was rejected: every reason, in Chinese.
  package let reason: String?
  /// The row as it was read, kept for rejected ones so that it can be corrected and sent again.
  package let cells: [String]?
}

/// How many rows became what.
package struct ImportTally: Sendable, Hashable {
  package var created = 0
  package var updated = 0
  package var unchanged = 0
  package var rejected = 0

  package init() {}

  package var total: Int { created + updated + unchanged + rejected }

  package mutating func count(_ outcomes: [ImportOutcome]) {
    for outcome in outcomes {
      switch outcome.result {
      case .created: created += 1
      case .updated: updated += 1
      case .unchanged: unchanged += 1
      case .rejected: rejected += 1
      }
    }
  }

  var json: JSON {
    [
      "created": .int(Int64(created)), "updated": .int(Int64(updated)), "unchanged": .int(Int64(unchanged)),
      "rejected": .int(Int64(rejected)),
    ]
  }
}
