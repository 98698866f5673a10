import Access
package import Core
package import Geo
package import SQL

/// Loads many records of one register by COPY: stored forms, encryption, blind indexes and search words as for any
/// record, without validation, hooks and an audit entry a row.
///
/// For what Lifang makes itself and knows to be right, such as the demo city; the caller states in the audit what was
/// loaded.
package struct BulkLoader: Sendable {
  /// What one field of one row holds.
  package enum Cell: Sendable {
    case value(Value)
    case geometry(Geometry?)

    package static func text(_ text: String?) -> Cell { .value(text.map { .text($0) } ?? .null) }
    package static func integer(_ number: Int64?) -> Cell { .value(number.map { .integer($0) } ?? .null) }
    package static func date(_ date: CivilDate?) -> Cell { .value(date.map { .date($0) } ?? .null) }
  }

  package struct Row: Sendable {
    let id: Int64
    let cells: [Cell]

    package init(_ id: Int64, _ cells: [Cell]) {
      self.id = id
      self.cells = cells
    }
  }

  private let entity: EntityDeclaration
  private let fields: [FieldDeclaration]
  private let codec: FieldCodec
  private let rules: WriteRules
  private let columns: [String]
  private let now: Instant

  /// - Throws: ``Refusal`` `entity-unknown`; a ``Fault`` when a field does not exist or is not stored.
  package init(_ store: RecordStore, _ name: String, fields names: [String]) throws {
    let entity = try store.entity(name)
    self.entity = entity
    fields = try names.map { name in
      guard let field = entity.field(name), field.isStored else { throw Fault("bulk-field", "\(entity.name).\(name)") }
      return field
    }
    let records = store.records(as: .system)
    codec = records.codec(entity)
    rules = WriteRules(entity, records)
    now = store.clock.now()
    columns =
      ["id", "version", "created_at", "created_by", "updated_at", "updated_by"]
      + fields.flatMap { field in [field.name] + [field.indexColumn].compactMap(\.self) }
      + (entity.isSearchable ? [SchemaName.searchColumn] : [])
  }

  /// Adds the rows and returns when the server has taken them; all or none.
  ///
  /// - Parameter transaction: of the tables' owner.
  package func load(_ rows: [Row], in transaction: Transaction) async throws {
    guard !rows.isEmpty else { return }
    // COPY takes no row-level security: the owner sets aside what binds even the owner, for this one COPY.
    if entity.personal {
      try await transaction.execute("alter table \(identifier: entity.name) no force row level security")
    }
    _ = try await transaction.copyIn(entity.name, columns: columns) { writer in
      try await writer.rows(of: rows) { row, encoder in try write(row, &encoder) }
    }
    if entity.personal {
      try await transaction.execute("alter table \(identifier: entity.name) force row level security")
    }
  }

  private func write(_ row: Row, _ encoder: inout CopyEncoder) throws {
    guard row.cells.count == fields.count else { throw Fault("bulk-cells", entity.name) }
    try encoder.append(row.id)
    try encoder.append(Int64(1))
    for _ in 0..<2 {
      try encoder.append(now)
      try encoder.append(Int64(0))
    }
    for (field, cell) in zip(fields, row.cells) {
      switch cell {
      case .geometry(let geometry):
        try encoder.append(geometry.map { SQLValue.bytes($0.asStored.ewkb(srid: .cgcs2000)) } ?? .null)
      case .value(let value):
        for column in try codec.columns(of: field, value) { try encoder.append(column.value) }
      }
    }
    guard entity.isSearchable else { return }
    try encoder.append(
      rules.searchVector { name in
        guard let index = fields.firstIndex(where: { $0.name == name }), case .value(let value) = row.cells[index]
        else {
          return .null
        }
        return value
      })
  }
}

extension Geometry {
  /// Lines and areas as multi-parts, as columns hold them.
  fileprivate var asStored: Geometry {
    switch self {
    case .line(let line): .lines([line])
    case .polygon(let polygon): .polygons([polygon])
    default: self
    }
  }
}
