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

  /// By what the lists of a record find others (`by`): its own values, read at once by the system and neither shown nor told,
  /// so that whoever sees them masked is led on all the same (C-223).
  package struct Leads: Sendable {
    fileprivate let values: [String: Value]
  }

  /// What these lists of a record that somebody is shown already lead by; the look at the record stands in the audit.
  package func leads(of lists: [RelatedList], from record: Record) async throws -> Leads {
    let names = Set(lists.compactMap(\.by))
    guard !names.isEmpty else { return Leads(values: [:]) }
    return try await inTransaction { records, transaction in
      let system = records.asSystem.plain
      let entity = try system.store.entity(record.entity)
      let shape = system.shape(of: entity, columns: entity.storedFields.filter { names.contains($0.name) })
      let query: SQL = "select \(shape.selection()) from \(identifier: entity.name) t where t.id = \(record.id)"
      let row = try await system.scoped(transaction, [(entity, "view")], query).first
      return Leads(values: try row.map { try shape.clearValues($0) } ?? [:])
    }
  }

  /// A page of what another register holds about a record (关联列表), the record itself left out; `nil` when nothing leads there.
  ///
  /// Records that are found by a value which both hold are those of the reader's own scope.
  /// - Parameter reveal: as in ``list(_:reveal:)``.
  package func related(
    _ list: RelatedList, to record: Record, by leads: Leads, offset: Int = 0, limit: Int, reveal: Bool = false
  ) async throws -> Page? {
    var query = ListQuery(
      list.entity, filters: [ListFilter(list.field, .equals(.integer(record.id)))], columns: list.columns,
      start: .offset(offset), limit: limit)
    if list.entity == record.entity { query.except = record.id }
    if let by = list.by {
      guard let value = leads.values[by], !value.isBlank else { return nil }
      query.filters = [ListFilter(list.field, .equals(value))]
    }
    return try await self.list(query, reveal: reveal)
  }
}
