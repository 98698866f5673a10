import Access
import Core
import SQL

/// Checks of a batch in its temporary table, each one statement for all rows.
struct StageChecks {
  let batch: UpsertBatch
  let stage: String

  private var entity: EntityDeclaration { batch.entity }
  private var failure: WriteFailure { WriteFailure(entity: entity, catalog: batch.records.store.catalog) }

  /// What is refused, by place.
  func run() async throws -> [Int: Refusal] {
    var refusals: [Int: Refusal] = [:]
    for field in entity.storedFields where field.target != nil {
      for place in try await danglers(field) { refusals[place] = failure.missingReference(field) }
    }
    for field in entity.storedFields where field.type == .polygon && !field.encrypted {
      let places = try await places(
        "s.\(identifier: field.name) is not null and not st_isvalid(s.\(identifier: field.name))")
      for place in places {
        refusals[place] = Refusal(
          .unprocessable, "value-invalid", "\(field.label)的边界与自身相交或有多余的线，没有保存。请改正后重新提交。", field: field.name)
      }
    }
    let scope = ScopePredicate.compile(
      batch.records.principal, Permission(entity.name, "import"), entity, alias: "s")
    if scope.text != "true" {
      for place in try await places("not coalesce(\(scope), false)") {
        refusals[place] = WriteFailure.outOfScope(entity)
      }
    }
    return refusals
  }

  private func places(_ condition: SQL) async throws -> [Int] {
    try await batch.transaction.query("select s.place from \(identifier: stage) s where \(condition)").values(
      as: Int.self)
  }

  /// Rows whose reference leads nowhere; records that the principal may not see count as there.
  private func danglers(_ field: FieldDeclaration) async throws -> [Int] {
    guard let target = field.target.flatMap({ batch.records.store.catalog.entity($0) }) else { return [] }
    let query: SQL = """
      select s.place from \(identifier: stage) s where s.\(identifier: field.name) is not null
        and not exists (select from \(identifier: target.name) x where x.id = s.\(identifier: field.name))
      """
    return try await unscoped(target, query).values(as: Int.self)
  }

  /// Runs `query` with every row of `target` in sight, whatever the principal's scope: for what may be asked but not
  /// shown. The wider setting ends with the query.
  private func unscoped(_ target: EntityDeclaration, _ query: SQL) async throws -> Rows {
    guard target.personal else { return try await batch.transaction.query(query) }
    let setting = SchemaName.scopeSetting(target.name)
    return try await batch.transaction.pipeline([
      "select \(TransactionSettings.setting(setting, ScopeTerms.everything.setting))", query,
      "select \(TransactionSettings.setting(setting, ""))",
    ])[1]
  }

  /// Which unique rule kept a row out.
  func duplicate(of place: Int) async throws -> Refusal {
    for index in entity.plannedIndexes where index.unique {
      let equal = SQL.join(index.keys.map { "t.\(identifier: $0) = s.\(identifier: $0)" }, separator: " and ")
      let found = try await unscoped(
        entity,
        """
        select from \(identifier: stage) s join \(identifier: entity.name) t on \(equal) and t.id <> s.id
        where s.place = \(place) limit 1
        """)
      if !found.isEmpty { return failure.duplicate(index.name) }
    }
    return failure.duplicate(nil)
  }
}
