import Access
import Core
import Crypto
import Geo
import SQL
import Search

/// Turns a ``ListQuery`` into SQL for one principal: source, scope, conditions and order. The table is called `t`.
struct QueryCompiler {
  let entity: EntityDeclaration
  let principal: Principal
  let permission: Permission
  let codec: FieldCodec
  let asOf: Instant?
  /// Where gathered fields find their registers.
  let catalog: Catalog

  static let alias = "t"

  /// What the list reads from: the table, or everything that stood at a time in the past.
  var source: SQL {
    guard let asOf else { return "\(identifier: entity.name) as t" }
    let columns = SQL.join(entity.columns.map { SQL(identifier: $0.name) })
    return """
      (select \(columns) from \(identifier: entity.name) where updated_at <= \(asOf)
       union all
       select \(columns) from \(identifier: entity.historyTable) where valid_from <= \(asOf) and valid_to > \(asOf)
      ) as t
      """
  }

  /// The alternatives of the principal's scope.
  var scope: [SQL] {
    ScopePredicate.alternatives(ScopeTerms(principal, permission), entity, alias: QueryCompiler.alias).map(\.sql)
  }

  /// Filters and free text; the scope is not among them.
  func conditions(_ filters: [ListFilter], search: String?) throws -> [SQL] {
    var conditions = try filters.map(condition)
    if let search, !search.isEmpty { conditions.append(try self.search(search)) }
    return conditions
  }

  // MARK: Filters

  private func condition(_ filter: ListFilter) throws -> SQL {
    if let field = entity.field(filter.field), let gathering = field.gathering {
      return try gathered(filter.test, field, gathering)
    }
    let field = try self.field(filter.field)
    let column: SQL = "t.\(identifier: field.name)"
    if case .empty(let empty) = filter.test {
      let blank: SQL = field.multiple ? "(\(column) is null or \(column) = '{}')" : "\(column) is null"
      return empty ? blank : "not (\(blank))"
    }
    if field.type.isGeometry { return try geometry(filter.test, column, field) }
    if field.encrypted { return try encrypted(filter.test, field) }
    switch filter.test {
    case .equals(let value):
      try requireClearUnlessLong(field)
      if field.multiple { return "\(column) @> \(texts([value], field))" }
      return "\(column) = \(try bound(value, field))"
    case .oneOf(let values):
      try requireClearUnlessLong(field)
      if field.multiple { return "\(column) && \(texts(values, field))" }
      if field.valueKind == .text { return "\(column) = any(\(texts(values, field)))" }
      return "\(column) in (\(SQL.join(try values.map { try bound($0, field) })))"
    case .prefix(let text):
      try requireClear(field, "按开头查找")
      guard field.valueKind == .text else { throw unsupported(field, "按开头查找") }
      return field.type == .division
        ? TextRange.division(column, startsWith: text) : TextRange.starts(column, with: text)
    case .contains(let text):
      try requireClear(field, "按内容查找")
      guard entity.list.search.contains(field.name), field.valueKind == .text else {
        throw unsupported(field, "按内容查找")
      }
      return "(\(try search(text)) and strpos(lower(\(column)), lower(\(text))) > 0)"
    case .range(let from, let to):
      try requireClear(field, "按范围查找")
      guard QueryCompiler.ordered.contains(field.valueKind) else { throw unsupported(field, "按范围查找") }
      let lower: SQL? = try from.map { "\(column) >= \(try bound($0, field))" }
      let upper: SQL? = try to.map { "\(column) <= \(try bound($0, field))" }
      return SQL.join([lower, upper].compactMap { $0 }, separator: " and ")
    case .empty, .box, .within, .near: throw unsupported(field, "按位置查找")
    }
  }

  private static let ordered: Set<ValueKind> = [.integer, .decimal, .money, .date, .instant, .text]

  private func geometry(_ test: ListFilter.Test, _ column: SQL, _ field: FieldDeclaration) throws -> SQL {
    try requireClear(field, "按位置查找")
    switch test {
    case .box(let box):
      let envelope = QueryCompiler.envelope(box)
      return field.type == .point
        ? "\(column) && \(envelope)" : "(\(column) && \(envelope) and st_intersects(\(column), \(envelope)))"
    case .within(let area):
      let shape: SQL = "\(area.ewkbHex(srid: .cgcs2000))::geometry"
      return "(\(column) && \(shape) and st_intersects(\(column), \(shape)))"
    case .near(let place, let metres):
      guard (0...ListFilter.maximumRadius).contains(metres) else {
        throw Refusal(
          .invalid, "near-invalid", "查找半径应在 0 到 \(Int(ListFilter.maximumRadius)) 米之间。", field: field.name)
      }
      let point: SQL = "\(Geometry.point(place).ewkbHex(srid: .cgcs2000))::geometry::geography"
      let box = BoundingBox(around: [place])?.expanded(metres: metres)
      let near: SQL = "st_dwithin(\(column)::geography, \(point), \(metres))"
      return box.map { "(\(column) && \(QueryCompiler.envelope($0)) and \(near))" } ?? near
    default: throw unsupported(field, "这样查找")
    }
  }

  private static func envelope(_ box: BoundingBox) -> SQL {
    "st_makeenvelope(\(box.west), \(box.south), \(box.east), \(box.north), \(unsafe: String(FieldDeclaration.storedSRID)))"
  }

  private func encrypted(_ test: ListFilter.Test, _ field: FieldDeclaration) throws -> SQL {
    let values: [Value]
    switch test {
    case .equals(let value): values = [value]
    case .oneOf(let several): values = several
    default:
      throw Refusal(
        .invalid, "filter-encrypted", "\(field.label)加密存储，只能按完整内容查找。请输入全部内容后再查。", field: field.name)
    }
    let prints = try values.compactMap { try codec.fingerprint($0.plainText, of: field) }
    guard !prints.isEmpty, let column = field.indexColumn else { return "false" }
    return ScopePredicate.any(of: prints.map { "t.\(identifier: column) = \($0)" })
  }

  // MARK: Free text

  private func search(_ text: String) throws -> SQL {
    var alternatives: [SQL] = []
    if entity.isSearchable, let query = SearchQuery(text) {
      alternatives.append("t.\(identifier: SchemaName.searchColumn) @@ \(query.tsquery)::tsquery")
    }
    // A whole telephone or identity number finds its record, since that is all an encrypted field can be asked for.
    for name in entity.list.filters {
      guard let field = entity.field(name), let column = field.indexColumn,
        let print = try codec.fingerprint(text, of: field)
      else { continue }
      alternatives.append("t.\(identifier: column) = \(print)")
    }
    return ScopePredicate.any(of: alternatives)
  }

  // MARK: Fields and values

  private func field(_ name: String) throws(Refusal) -> FieldDeclaration {
    guard let field = entity.field(name), !field.hidden else {
      throw Refusal(.invalid, "filter-unknown", "\(entity.label)没有名为“\(name)”的字段，无法按它筛选。请从列表页重新筛选。", field: name)
    }
    guard field.isStored else {
      throw Refusal(.invalid, "filter-computed", "\(field.label)是计算得出的，不能用来筛选。", field: name)
    }
    return field
  }

  /// Conditions that reveal a masked value bit by bit are refused; the whole value may be looked for.
  private func requireClear(_ field: FieldDeclaration, _ what: String) throws(Refusal) {
    guard !Masking.mayRead(field, principal) else { return }
    throw Refusal(
      .forbidden, "filter-masked", "\(field.label)属于\(field.classification.label)信息，您不能\(what)，只能按完整内容查找。",
      field: field.name)
  }

  /// A masked date, code or number has so few values that all of them can be tried; a text cannot be guessed whole.
  func requireClearUnlessLong(_ field: FieldDeclaration) throws(Refusal) {
    if case .code = field.type {} else if field.valueKind == .text { return }
    guard !Masking.mayRead(field, principal) else { return }
    throw Refusal(
      .forbidden, "filter-masked", "\(field.label)属于\(field.classification.label)信息，您不能按它查找。", field: field.name)
  }

  func unsupported(_ field: FieldDeclaration, _ what: String) -> Refusal {
    Refusal(.invalid, "filter-unsupported", "\(field.label)不支持\(what)。", field: field.name)
  }

  private func bound(_ value: Value, _ field: FieldDeclaration) throws -> SQL {
    FieldCodec.expression(try codec.plain(value, of: field), of: field)
  }

  private func texts(_ values: [Value], _ field: FieldDeclaration) -> SQL {
    let texts = values.flatMap { $0.list ?? [$0.plainText] }
    return "\(texts)"
  }
}
