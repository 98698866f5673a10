/// One column of an entity's table.
struct StoredColumn: Sendable, Hashable {
  let name: String
  /// As PostgreSQL's `format_type` writes it, so that it can be compared with the catalog.
  let type: String
  /// Text is collated by code point: prefix conditions use its indexes, and comparing it leaks nothing under
  /// row-level security.
  let collated: Bool
  let required: Bool
  let comment: String

  var definition: String { collated ? "\(type) collate \"C\"" : type }

  init(_ name: String, _ type: String, required: Bool = false, comment: String = "") {
    self.name = name
    self.type = StoredColumn.formal[type] ?? type
    self.collated = type == "text" || type == "text[]"
    self.required = required
    self.comment = comment
  }

  private static let formal = [
    "timestamptz": "timestamp with time zone", "int8": "bigint", "int4": "integer", "bool": "boolean",
  ]

  /// The columns every entity table has, before its own.
  static let standard = [
    StoredColumn("id", "bigint", required: true, comment: "编号"),
    StoredColumn("version", "bigint", required: true, comment: "版本"),
    StoredColumn("created_at", "timestamptz", required: true, comment: "创建时间"),
    StoredColumn("created_by", "bigint", required: true, comment: "创建人"),
    StoredColumn("updated_at", "timestamptz", required: true, comment: "更新时间"),
    StoredColumn("updated_by", "bigint", required: true, comment: "更新人"),
  ]

  /// What a history table has besides the columns of its entity.
  static let version = [
    StoredColumn("valid_from", "timestamptz", required: true, comment: "有效起"),
    StoredColumn("valid_to", "timestamptz", required: true, comment: "有效止"),
    StoredColumn("operation", "text", required: true, comment: "变更方式"),
    StoredColumn("changed_by", "bigint", required: true, comment: "变更人"),
  ]
}

extension FieldDeclaration {
  /// PostGIS number of the coordinate system that geometry is kept in: CGCS2000 in degrees.
  package static let storedSRID = 4490

  /// The column of the field and, of an encrypted one, the column of its blind index.
  var storedColumns: [StoredColumn] {
    guard isStored else { return [] }
    if let indexColumn {
      return [
        StoredColumn(name, "bytea", required: required && requiredWhen == nil && visible == nil, comment: label),
        StoredColumn(indexColumn, "bytea", comment: label + "检索"),
      ]
    }
    return [
      StoredColumn(name, storedType, required: required && requiredWhen == nil && visible == nil, comment: label)
    ]
  }

  private var storedType: String {
    switch type {
    case .point: "geometry(Point,\(FieldDeclaration.storedSRID))"
    case .line: "geometry(MultiLineString,\(FieldDeclaration.storedSRID))"
    case .polygon: "geometry(MultiPolygon,\(FieldDeclaration.storedSRID))"
    default: columnType
    }
  }
}

extension EntityDeclaration {
  /// The fields that have a column, in declared order.
  package var storedFields: [FieldDeclaration] { fields.filter(\.isStored) }

  /// Whether the table has a text-search column.
  var isSearchable: Bool { list.search.contains { field($0).map { $0.isStored && !$0.encrypted } ?? false } }

  /// Every column of the table, in the order they are made.
  var columns: [StoredColumn] {
    StoredColumn.standard + storedFields.flatMap(\.storedColumns)
      + (isSearchable ? [StoredColumn(SchemaName.searchColumn, "tsvector", comment: "检索词")] : [])
  }
}
