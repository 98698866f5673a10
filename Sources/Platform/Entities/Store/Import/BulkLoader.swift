import Access
package import Core
package import Geo
package import SQL

/// Loads many records of one register by COPY: stored forms, encryption, blind indexes and search words as for any
/// record, without validation, hooks and an audit entry a row.
///
/// For what Lifang makes itself and knows to be right, such as the demo city; the caller states in the audit what was
/// loaded. A register with row-level security sets it aside for its owner while it loads, which locks its table for
/// everybody else until the transaction ends.
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

  /// What stays the same for all rows; in one place, so that no row copies it.
  private final class Layout: Sendable {
    let entity: EntityDeclaration
    let fields: [FieldDeclaration]
    let places: [String: Int]
    let codec: FieldCodec
    let rules: WriteRules
    let now: Instant

    init(_ entity: EntityDeclaration, _ fields: [FieldDeclaration], _ records: Records, _ now: Instant) {
      self.entity = entity
      self.fields = fields
      places = Dictionary(
        fields.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
      codec = records.codec(entity)
      rules = WriteRules(entity, records)
      self.now = now
    }
  }

  private let layout: Layout
  private let columns: [String]

  /// - Throws: ``Refusal`` `entity-unknown`; a ``Fault`` when a field does not exist or is not stored.
  package init(_ store: RecordStore, _ name: String, fields names: [String]) throws {
    let entity = try store.entity(name)
    let fields = try names.map { name in
      guard let field = entity.field(name), field.isStored else { throw Fault("bulk-field", "\(entity.name).\(name)") }
      return field
    }
    layout = Layout(entity, fields, store.records(as: .system), store.clock.now())
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
    let entity = layout.entity
    // COPY takes no row-level security: the owner sets aside what binds even the owner, for this one COPY.
    if entity.personal {
      try await transaction.execute("alter table \(identifier: entity.name) no force row level security")
    }
    _ = try await transaction.copyIn(entity.name, columns: columns) { writer in
      try await writer.rows(of: rows) { [layout] row, encoder in
        try BulkLoader.write(row, layout, &encoder)
      }
    }
    if entity.personal {
      try await transaction.execute("alter table \(identifier: entity.name) force row level security")
    }
  }

  private static func write(_ row: Row, _ layout: Layout, _ encoder: inout CopyEncoder) throws {
    guard row.cells.count == layout.fields.count else { throw Fault("bulk-cells", layout.entity.name) }
    try encoder.append(row.id)
    try encoder.append(Int64(1))
    for _ in 0..<2 {
      try encoder.append(layout.now)
      try encoder.append(Int64(0))
    }
    for index in row.cells.indices {
      switch row.cells[index] {
      case .geometry(let geometry):
        try encoder.append(geometry.map { SQLValue.bytes($0.asStored.ewkb(srid: .cgcs2000)) } ?? .null)
      case .value(let value):
        for column in try layout.codec.columns(of: layout.fields[index], value) { try encoder.append(column.value) }
      }
    }
    guard layout.entity.isSearchable else { return }
    try encoder.append(
      layout.rules.searchVector { name in
        guard let index = layout.places[name], case .value(let value) = row.cells[index] else { return .null }
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
