import Access
import Core
import SQL

extension Records {
  /// What records are called, by id; those that do not exist are left out.
  ///
  /// The name of somebody outside the principal's scope, or above the clearance, is masked.
  package func titles(_ name: String, _ ids: [Int64]) async throws -> [Int64: String] {
    let entity = try store.entity(name)
    guard !ids.isEmpty else { return [:] }
    return try await titles(of: entity, ids, in: session)
  }

  /// `found` with what is gathered for them and the titles of what they refer to, unless they are to be plain: one query
  /// a gathered field and a referred entity, however many records.
  func named(
    _ found: [Record], _ shape: RecordShape, asOf: Instant? = nil, in session: any SQLSession
  ) async throws -> [Record] {
    let gathered = try await self.gathered(found, shape, asOf: asOf, in: session)
    if isPlain { return gathered }
    var wanted: [String: Set<Int64>] = [:]
    let references = shape.columns.filter { $0.target != nil }
    for field in references {
      guard let target = field.target else { continue }
      for record in gathered {
        if let id = record.values[field.name]?.integer { wanted[target, default: []].insert(id) }
      }
    }
    let records = try await withDivisions(gathered, shape)
    guard !wanted.isEmpty else { return records }
    var titles: [String: [Int64: String]] = [:]
    for (name, ids) in wanted.sorted(by: { $0.key < $1.key }) {
      guard let target = shape.catalog.entity(name) else { continue }
      titles[name] = try await self.titles(of: target, Array(ids), in: session)
    }
    return records.map { record in
      var record = record
      for field in references {
        guard let target = field.target, let id = record.values[field.name]?.integer else { continue }
        record.titles[field.name] = titles[target]?[id] ?? "#\(id)"
      }
      return record
    }
  }

  /// `records` with the names of the divisions they lie in.
  private func withDivisions(_ records: [Record], _ shape: RecordShape) async throws -> [Record] {
    let fields = shape.columns.filter { $0.type == .division && !$0.multiple }.map(\.name)
    guard !fields.isEmpty, !records.isEmpty else { return records }
    let codes = Set(records.flatMap { record in fields.compactMap { record.values[$0]?.text } })
    let names = try await divisionNames(for: codes)
    let paths = Dictionary(codes.compactMap { code in names.path(of: code).map { (code, $0) } }) { first, _ in first }
    return records.map { record in
      var record = record
      for field in fields where !record.masked.contains(field) {
        if let code = record.values[field]?.text { record.titles[field] = paths[code] }
      }
      return record
    }
  }

  func titles(
    of entity: EntityDeclaration, _ ids: [Int64], in session: any SQLSession
  ) async throws -> [Int64: String] {
    guard let title = entity.field(entity.title), title.isStored else {
      return Dictionary(uniqueKeysWithValues: Set(ids).map { ($0, "#\($0)") })
    }
    let codec = codec(entity)
    let inScope: SQL =
      entity.personal
      ? ScopePredicate.compile(principal, Permission(entity.name, "view"), entity, alias: "t") : "true"
    let query: SQL = """
      select t.id, \(codec.selection(of: title, alias: "t")), coalesce(\(inScope), false)
      from \(identifier: entity.name) t where t.id = any(\(ids.sorted()))
      """
    let rows: Rows
    if entity.personal {
      // The row is read whatever the scope, to be masked here; the wider setting ends with the query.
      let setting = SchemaName.scopeSetting(entity.name)
      let results = try await session.pipeline([
        "select \(TransactionSettings.setting(setting, ScopeTerms.everything.setting))", query,
        "select \(TransactionSettings.setting(setting, ""))",
      ])
      rows = results[1]
    } else {
      rows = try await session.query(query)
    }
    var titles: [Int64: String] = [:]
    for row in rows {
      let value = try codec.value(of: title, in: row.cell(at: 1))
      let clear = try row.get(2, as: Bool.self) && Masking.shows(title, principal)
      titles[try row.get(0)] = titleText(clear ? value : Masking.masked(value, by: title.mask ?? .name), title)
    }
    return titles
  }

  private func titleText(_ value: Value, _ field: FieldDeclaration) -> String {
    if let name = field.dictionary, let code = value.text {
      return store.catalog.dictionary(name)?.label(of: code) ?? code
    }
    return value.isNull ? "（未命名）" : value.plainText
  }
}
