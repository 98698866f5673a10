import Access
import Audit
package import Core
import SQL

extension Records {
  /// The record with this id, all fields or the chosen ones.
  ///
  /// Reading personal data is audited with the purpose. `reveal` shows what is masked otherwise; it needs the permission
  /// `<entity>.reveal` and a purpose. `asOf` needs `<entity>.history`.
  /// - Throws: ``Refusal`` `record-missing` alike for a record that does not exist and one outside the scope.
  package func get(
    _ name: String, _ id: Int64, columns: [String]? = nil, asOf: Instant? = nil, reveal: Bool = false
  ) async throws -> Record {
    let entity = try store.entity(name)
    try require(entity, asOf: asOf)
    if reveal { try requireReveal(entity) }
    let shape = shape(of: entity, columns: try fields(columns, of: entity), reveal: reveal)
    let compiler = compiler(entity, asOf: asOf)
    let query: SQL = """
      select \(shape.selection()) from \(compiler.source)
      where t.id = \(id) and \(ScopePredicate.any(of: compiler.scope))
      """
    let audited = entity.personal || reveal
    if !audited {
      guard let row = try await session.query(query).first else { throw Records.missing(entity) }
      return try await named([try shape.record(row)], shape, asOf: asOf, in: session)[0]
    }
    return try await inTransaction { records, transaction in
      let rows = try await records.scoped(transaction, [(entity, "view")], query)
      guard let row = rows.first else { throw Records.missing(entity) }
      let record = try shape.record(row)
      try await records.audit(reveal ? "reveal" : "view", entity, id, in: transaction)
      return try await records.named([record], shape, asOf: asOf, in: transaction)[0]
    }
  }

  /// The record whose field holds exactly this value; `nil` when there is none in scope. Meant for unique fields: of
  /// several the oldest is given.
  package func find(_ name: String, where field: String, equals value: Value) async throws -> Record? {
    let entity = try store.entity(name)
    try require(entity, asOf: nil)
    let shape = shape(of: entity, columns: try fields(nil, of: entity))
    let compiler = compiler(entity, asOf: nil)
    let conditions = try compiler.conditions([ListFilter(field, .equals(value))], search: nil)
    let query: SQL = """
      select \(shape.selection()) from \(compiler.source)
      where \(SQL.join(conditions, separator: " and ")) and \(ScopePredicate.any(of: compiler.scope))
      order by t.id limit 1
      """
    guard entity.personal else {
      guard let row = try await session.query(query).first else { return nil }
      return try await named([try shape.record(row)], shape, in: session)[0]
    }
    return try await inTransaction { records, transaction in
      guard let row = try await records.scoped(transaction, [(entity, "view")], query).first else { return nil }
      let record = try shape.record(row)
      try await records.audit("view", entity, record.id, in: transaction)
      return try await records.named([record], shape, in: transaction)[0]
    }
  }

  /// All versions of a record, the latest first; needs `<entity>.history`.
  ///
  /// A deleted record is found when its last version was in scope. Repairs outside of the store count no version; what came
  /// after them is told before them.
  package func versions(_ name: String, _ id: Int64) async throws -> [RecordVersion] {
    let entity = try store.entity(name)
    try principal.require(Permission(name, "view"), toDo: "查看\(entity.label)")
    try principal.require(Permission(name, "history"), toDo: "查看\(entity.label)的历史")
    // What was gathered belongs to records with versions of their own.
    let shape = shape(of: entity, columns: try fields(nil, of: entity).filter { $0.gathering == nil })
    let scope = ScopePredicate.compile(principal, Permission(name, "view"), entity, alias: "t")
    let query: SQL = """
      select \(shape.selection()), t.updated_at as valid_from, null::timestamptz as valid_to, 'current' as operation,
        null::bigint as changed_by
      from \(identifier: name) t where t.id = \(id) and \(scope)
      union all
      select \(shape.selection()), t.valid_from, t.valid_to, t.operation, t.changed_by
      from \(identifier: entity.historyTable) t where t.id = \(id) and \(scope)
      order by version desc, valid_from desc, valid_to desc nulls first
      """
    return try await inTransaction { records, transaction in
      let rows = try await records.scoped(transaction, [(entity, "view")], query)
      guard !rows.isEmpty else { throw Records.missing(entity) }
      if entity.personal { try await records.audit("history", entity, id, in: transaction) }
      let versions = try await records.named(try rows.map(shape.record), shape, in: transaction)
      return try zip(rows, versions).map { row, record in
        RecordVersion(
          record: record, validFrom: try row.get("valid_from"), validTo: try row.get("valid_to"),
          ending: RecordVersion.Ending(rawValue: try row.get("operation")) ?? .current,
          endedBy: try row.get("changed_by"))
      }
    }
  }

  // MARK: What reads share

  static func missing(_ entity: EntityDeclaration) -> Refusal {
    Refusal(
      .notFound, "record-missing", "没有找到这条\(entity.label)记录：它可能已被删除，或不在您的数据范围内。请返回列表重新查找。")
  }

  func require(_ entity: EntityDeclaration, asOf: Instant?) throws(Refusal) {
    try principal.require(Permission(entity.name, "view"), toDo: "查看\(entity.label)")
    if asOf != nil { try principal.require(Permission(entity.name, "history"), toDo: "查看\(entity.label)的历史") }
  }

  func requireReveal(_ entity: EntityDeclaration) throws(Refusal) {
    try principal.require(Permission(entity.name, "reveal"), toDo: "查看\(entity.label)的完整信息")
    guard let purpose, !purpose.allSatisfy(\.isWhitespace) else {
      throw Refusal(.invalid, "purpose-missing", "查看完整信息前请填写查看事由，事由会记入审计。", field: "purpose")
    }
  }

  func codec(_ entity: EntityDeclaration) -> FieldCodec { FieldCodec(entity: entity, keys: store.keys) }

  func compiler(_ entity: EntityDeclaration, asOf: Instant?, action: String = "view") -> QueryCompiler {
    QueryCompiler(
      entity: entity, principal: principal, permission: Permission(entity.name, action), codec: codec(entity),
      asOf: asOf, catalog: store.catalog)
  }

  func shape(
    of entity: EntityDeclaration, columns: [FieldDeclaration], reveal: Bool = false
  ) -> RecordShape {
    RecordShape(
      entity, columns: columns, codec: codec(entity), principal: principal, reveal: reveal, catalog: store.catalog,
      context: evaluation)
  }

  /// The named fields; without names all that are not hidden. What is gathered from a register that the principal may not
  /// view is left out.
  func fields(_ names: [String]?, of entity: EntityDeclaration) throws(Refusal) -> [FieldDeclaration] {
    guard let names else { return entity.fields.filter { !$0.hidden && $0.isOpen(to: principal) } }
    var fields: [FieldDeclaration] = []
    for name in names {
      guard let field = entity.field(name), !field.hidden else {
        throw Refusal(.invalid, "column-unknown", "\(entity.label)没有名为“\(name)”的列。请重新选择要显示的列。", field: name)
      }
      if field.isOpen(to: principal) { fields.append(field) }
    }
    return fields
  }

  /// Runs `query` after stating the scope of the entities it reads for row-level security, in one round trip.
  func scoped(
    _ session: any SQLSession, _ reads: [(entity: EntityDeclaration, action: String)], _ query: SQL
  ) async throws -> Rows {
    let settings = scopeSettings(reads)
    guard !settings.isEmpty else { return try await session.query(query) }
    return try await session.pipeline(["select \(SQL.join(settings))", query])[1]
  }

  func scopeSettings(_ reads: [(entity: EntityDeclaration, action: String)]) -> [SQL] {
    reads.filter(\.entity.personal).map { entity, action in
      TransactionSettings.setting(
        SchemaName.scopeSetting(entity.name), ScopeTerms(principal, Permission(entity.name, action)).setting)
    }
  }

  func audit(
    _ action: String, _ entity: EntityDeclaration, _ id: Int64?, details: JSON = .object([]),
    in transaction: Transaction
  ) async throws {
    try await store.audit.append(
      AuditEntry(
        principal, "\(entity.name).\(action)", entity: entity.name, record: id, purpose: purpose, origin: origin,
        details: details), in: transaction)
  }
}
