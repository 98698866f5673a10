import Access
import Core
import SQL

/// References to people. Naming somebody by number would show the name, in the new record's own title if nowhere else:
/// only who may view a person may refer to one.
extension Records {
  /// Refuses the drafts that refer to personal records outside the principal's scope, as if those were not there.
  func refuseHiddenReferences(_ drafts: inout [RecordDraft], _ entity: EntityDeclaration) async throws {
    for (field, target) in personalReferences(of: entity) {
      let ids = drafts.compactMap { $0.refusal == nil ? $0[field.name].integer : nil }
      guard let visible = try await visible(Set(ids), of: target) else { continue }
      for index in drafts.indices {
        guard let id = drafts[index][field.name].integer, !visible.contains(id) else { continue }
        drafts[index].refuse(WriteFailure(entity: entity, catalog: store.catalog).missingReference(field))
      }
    }
  }

  /// The same for what is about to change in records that are there.
  func refuseHiddenReferences(_ changes: inout [RecordChange], _ entity: EntityDeclaration) async throws {
    for (field, target) in personalReferences(of: entity) {
      let ids = changes.compactMap { $0.refusal == nil ? $0.changes[field.name]?.integer : nil }
      guard let visible = try await visible(Set(ids), of: target) else { continue }
      for index in changes.indices {
        guard let id = changes[index].changes[field.name]?.integer, !visible.contains(id),
          changes[index].before[field.name]?.integer != id
        else { continue }
        changes[index].refuse(WriteFailure(entity: entity, catalog: store.catalog).missingReference(field))
      }
    }
  }

  private func personalReferences(of entity: EntityDeclaration) -> [(FieldDeclaration, EntityDeclaration)] {
    entity.storedFields.compactMap { field in
      guard let target = field.target.flatMap({ store.catalog.entity($0) }), target.personal else { return nil }
      return (field, target)
    }
  }

  /// Those of `ids` that the principal may view; `nil` when that is all of them.
  private func visible(_ ids: Set<Int64>, of target: EntityDeclaration) async throws -> Set<Int64>? {
    let permission = Permission(target.name, "view")
    if ids.isEmpty || principal.grants.scope(for: permission) == .all { return nil }
    guard principal.may(permission) else { return [] }
    let scope = ScopePredicate.compile(principal, permission, target, alias: "t")
    let setting = SchemaName.scopeSetting(target.name)
    // The setting ends with the query: hooks that read people behind it state their own.
    let results = try await session.pipeline([
      "select \(SQL.join(scopeSettings([(target, "view")])))",
      "select t.id from \(identifier: target.name) t where t.id = any(\(ids.sorted())) and \(scope)",
      "select \(TransactionSettings.setting(setting, ""))",
    ])
    return Set(try results[1].values(as: Int64.self))
  }

  /// What another register holds about a record (关联列表), at most `limit` of it; `nil` when nothing leads there.
  ///
  /// Records that are found by a value which both hold (`by`) are those of the reader's own scope; the value itself is
  /// read by the system and neither shown nor told, so whoever sees it masked is led on all the same (C-223).
  package func related(_ list: RelatedList, to record: Record, limit: Int) async throws -> Page? {
    var query = ListQuery(
      list.entity, filters: [ListFilter(list.field, .equals(.integer(record.id)))], columns: list.columns, limit: limit)
    if let by = list.by {
      let value = try await inTransaction { records, _ in
        try await records.asSystem.plain.clear(by, of: record)
      }
      guard !value.isBlank else { return nil }
      query.filters = [ListFilter(list.field, .equals(value))]
    }
    return try await self.list(query)
  }

  /// One stored value of a record that somebody is shown already, in clear; the look at the record stands in the audit.
  private func clear(_ field: String, of record: Record) async throws -> Value {
    let entity = try store.entity(record.entity)
    let shape = shape(of: entity, columns: entity.storedFields.filter { $0.name == field })
    let query: SQL = "select \(shape.selection()) from \(identifier: entity.name) t where t.id = \(record.id)"
    return try await inTransaction { records, transaction in
      guard let row = try await records.scoped(transaction, [(entity, "view")], query).first else { return .null }
      return try shape.clearValues(row)[field] ?? .null
    }
  }
}
