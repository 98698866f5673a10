import Access
import Core
import SQL

extension Records {
  /// Totals by declared dimensions, under the principal's scope.
  ///
  /// - Throws: ``Refusal`` `dimension-unknown`, `measure-unknown` for what ``StatisticsRole`` does not declare, and
  ///   `filter-masked` for what is above the clearance.
  package func aggregate(_ query: AggregateQuery) async throws -> [AggregateRow] {
    let entity = try store.entity(query.entity)
    try require(entity, asOf: query.asOf)
    let compiler = compiler(entity, asOf: query.asOf)
    let keys = try query.groups.map { try AggregateKey($0, entity, principal) }
    let measures = try query.measures.map { try AggregateMeasure($0, entity, principal, compiler) }
    guard !measures.isEmpty else { throw Refusal(.invalid, "measure-unknown", "请至少选择一个统计指标。") }
    let conditions =
      try compiler.conditions(query.filters, search: query.search) + [ScopePredicate.any(of: compiler.scope)]
    let positions = keys.indices.map { SQL(unsafe: String($0 + 1)) }
    let grouping: SQL = keys.isEmpty ? "" : " group by \(SQL.join(positions))"
    let greatest: SQL = query.ordersByKey ? "" : "\(unsafe: String(keys.count + 1)) desc nulls last, "
    let order: SQL = keys.isEmpty ? "" : " order by \(greatest)\(SQL.join(positions))"
    let statement: SQL = """
      select \(SQL.join(keys.map(\.sql) + measures.map(\.sql))) from \(compiler.source)
      where \(SQL.join(conditions, separator: " and "))\(grouping)\(order) limit \(min(max(query.limit, 1), 10_000))
      """
    let rows = try await scoped(session, [(entity, "view")], statement)
    let results = try rows.map { row in
      try (
        keys: keys.enumerated().map { try $1.value(row.cell(at: $0)) },
        measures: measures.enumerated().map { try $1.value(row.cell(at: keys.count + $0)) }
      )
    }
    let titles = try await titles(of: keys, in: results.map(\.keys))
    let catalog = store.catalog
    let isByDivision = keys.contains { $0.field.type == .division }
    let divisions: DivisionNames? = isByDivision ? try await divisionNames() : nil
    return results.map { result in
      AggregateRow(
        keys: result.keys,
        labels: zip(keys, result.keys).enumerated().map { index, pair in
          pair.0.label(of: pair.1, catalog, titles[index] ?? [:], divisions)
        }, measures: result.measures)
    }
  }

  /// The titles of references among the keys, by the key's position.
  private func titles(of keys: [AggregateKey], in rows: [[Value]]) async throws -> [Int: [Int64: String]] {
    var titles: [Int: [Int64: String]] = [:]
    for (index, key) in keys.enumerated() {
      guard let target = key.field.target else { continue }
      titles[index] = try await self.titles(target, rows.compactMap { $0[index].integer })
    }
    return titles
  }
}

/// One dimension of a statement of totals.
private struct AggregateKey {
  let field: FieldDeclaration
  let cut: AggregateQuery.Group.Cut
  let sql: SQL

  init(_ group: AggregateQuery.Group, _ entity: EntityDeclaration, _ principal: Principal) throws(Refusal) {
    let role = entity.statistics
    guard let field = entity.field(group.field),
      role?.dimensions.contains(group.field) == true || role?.time == group.field
    else {
      throw Refusal(
        .invalid, "dimension-unknown", "\(entity.label)不能按“\(entity.field(group.field)?.label ?? group.field)”统计。",
        field: group.field)
    }
    guard Masking.mayRead(field, principal), !field.encrypted, field.isStored else {
      throw Refusal(
        .forbidden, "filter-masked", "\(field.label)属于\(field.classification.label)信息，您不能按它统计。", field: field.name)
    }
    self.field = field
    let isTime = field.valueKind == .date || field.valueKind == .instant
    cut = group.isDefault && isTime ? .month : group.cut
    let column: SQL = "t.\(identifier: field.name)"
    let day: SQL = field.valueKind == .instant ? "(\(column) at time zone interval '8 hours')" : column
    switch cut {
    case .value: sql = field.multiple ? "unnest(\(column))" : column
    case .year where isTime: sql = "to_char(\(day), 'YYYY')"
    case .quarter where isTime: sql = "to_char(\(day), 'YYYY\"-Q\"Q')"
    case .week where isTime: sql = "to_char(\(day), 'IYYY\"-W\"IW')"
    case .month where isTime: sql = "to_char(\(day), 'YYYY-MM')"
    case .day where isTime: sql = "to_char(\(day), 'YYYY-MM-DD')"
    case .digits(let count) where field.type == .division && (1...12).contains(count):
      sql = "left(\(column), \(unsafe: String(count)))"
    default:
      throw Refusal(.invalid, "dimension-unknown", "\(field.label)不能这样分组。", field: field.name)
    }
  }

  func value(_ cell: Cell) throws -> Value {
    if cell.isNull { return .null }
    guard cut == .value, !field.multiple else { return .text(try String.decode(cell)) }
    switch field.valueKind {
    case .integer: return .integer(try Int64.decode(cell))
    case .boolean: return .boolean(try Bool.decode(cell))
    case .money: return .money(Money(fen: try Int64.decode(cell)))
    case .decimal: return FixedDecimal(try String.decode(cell)).map { .decimal($0) } ?? .null
    case .date: return .date(try CivilDate.decode(cell))
    case .instant: return .instant(try Instant.decode(cell))
    default: return .text(try String.decode(cell))
    }
  }

  func label(
    of value: Value, _ catalog: Catalog, _ titles: [Int64: String], _ divisions: DivisionNames?
  ) -> String {
    switch value {
    case .null: return "未填写"
    case .integer(let id) where field.target != nil: return titles[id] ?? "#\(id)"
    case .text(let code) where field.type == .division: return divisions?.path(of: code) ?? code
    case .text(let text): return field.dictionary.flatMap { catalog.dictionary($0)?.label(of: text) } ?? text
    default: return value.plainText
    }
  }
}

/// One number of a statement of totals.
private struct AggregateMeasure {
  let field: FieldDeclaration?
  let function: StatisticsRole.Measure.Function
  let sql: SQL

  init(
    _ measure: StatisticsRole.Measure, _ entity: EntityDeclaration, _ principal: Principal, _ compiler: QueryCompiler
  ) throws {
    function = measure.function
    var only: SQL = ""
    if !measure.filters.isEmpty {
      let query = try ListQuery(entity, items: measure.filters.map { ($0.name, $0.value) })
      let conditions = try compiler.conditions(query.filters, search: nil)
      only = " filter (where \(SQL.join(conditions, separator: " and ")))"
    }
    guard let name = measure.field else {
      field = nil
      sql = "count(*)\(only)"
      return
    }
    guard let field = entity.field(name), field.isStored, !field.encrypted,
      entity.statistics?.measures.contains(measure) == true
    else {
      throw Refusal(.invalid, "measure-unknown", "\(entity.label)没有统计指标“\(measure.name)”。", field: name)
    }
    guard Masking.mayRead(field, principal) else {
      throw Refusal(
        .forbidden, "filter-masked", "\(field.label)属于\(field.classification.label)信息，您不能统计它。", field: name)
    }
    self.field = field
    let column: SQL = "t.\(identifier: name)"
    switch (measure.function, field.valueKind) {
    case (.count, _): sql = "count(\(column))\(only)"
    case (.sum, .integer), (.sum, .money): sql = "(sum(\(column))\(only))::bigint"
    case (.avg, .money): sql = "round(avg(\(column))\(only))::bigint"
    case (.avg, .integer), (.avg, .decimal): sql = "round(avg(\(column))\(only), 6)"
    case (.sum, _): sql = "sum(\(column))\(only)"
    case (.min, _): sql = "min(\(column))\(only)"
    default: sql = "max(\(column))\(only)"
    }
  }

  func value(_ cell: Cell) throws -> Value {
    if cell.isNull { return .null }
    guard let field, function != .count else { return .integer(try Int64.decode(cell)) }
    switch (function, field.valueKind) {
    case (_, .money): return .money(Money(fen: try Int64.decode(cell)))
    case (.avg, _), (_, .decimal): return FixedDecimal(try String.decode(cell)).map { .decimal($0) } ?? .null
    case (_, .date): return .date(try CivilDate.decode(cell))
    case (_, .instant): return .instant(try Instant.decode(cell))
    case (_, .text): return .text(try String.decode(cell))
    default: return .integer(try Int64.decode(cell))
    }
  }
}
