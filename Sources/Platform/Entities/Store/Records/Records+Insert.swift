import Access
import Audit
import Core
import SQL

extension Records {
  /// Makes a record: defaults, hooks, number and validation first, then the row, its audit entry and the notification,
  /// all in one transaction.
  ///
  /// - Throws: ``Refusal``: every fault of the values at once, `duplicate`, `reference-missing`, `out-of-scope`.
  @discardableResult
  package func insert(
    _ name: String, _ values: [String: Value], input: WriteInput = .form
  ) async throws -> Record {
    let entity = try store.entity(name)
    try principal.require(Permission(name, "create"), toDo: "新增\(entity.label)")
    let rules = WriteRules(entity, self)
    if let refusal = Refusal(all: rules.refuseForeign(values, input)) { throw refusal }
    return try await explaining(entity) {
      try await inTransaction { records, transaction in
        var drafts = [RecordDraft(entity: name, values: values)]
        try await records.prepare(&drafts, entity)
        if let refusal = drafts[0].refusal { throw refusal }
        let record = try await records.write(drafts[0], entity, in: transaction)
        try await records.store.hooks.runAfters(
          name, [RecordEvent(kind: .created, entity: name, id: record.id, before: [:], after: drafts[0].values)],
          records)
        return record
      }
    }
  }

  /// The number of a record that is about to be made with these values, for what has to know it before; it is handed out
  /// once, so that a record which is not made leaves a gap.
  ///
  /// - Throws: ``Refusal`` `entity-unknown`.
  package func number(for name: String, _ values: [String: Value]) async throws -> String {
    let entity = try store.entity(name)
    guard let field = entity.numbering?.field else { throw Fault("entity-unnumbered", name) }
    var drafts = [RecordDraft(entity: name, values: values)]
    try await WriteRules(entity, self).number(&drafts)
    return drafts[0][field].text ?? ""
  }

  /// Defaults, hooks, numbers and validation, for one record or a batch; what is wrong is noted in the drafts.
  func prepare(_ drafts: inout [RecordDraft], _ entity: EntityDeclaration) async throws {
    let rules = WriteRules(entity, self)
    try rules.fillDefaults(&drafts)
    try await refuseHiddenReferences(&drafts, entity)
    try await store.hooks.runInserts(entity.name, &drafts, self)
    try await rules.number(&drafts)
    for index in drafts.indices where drafts[index].refusal == nil {
      let draft = drafts[index]
      if let refusal = Refusal(all: rules.faults(of: draft.values)) { drafts[index].refuse(refusal) }
    }
  }

  private func write(
    _ draft: RecordDraft, _ entity: EntityDeclaration, in transaction: Transaction
  ) async throws -> Record {
    let codec = codec(entity)
    let rules = WriteRules(entity, self)
    let now = store.clock.now()
    var names: [SQL] = ["created_at", "created_by", "updated_at", "updated_by"]
    var values: [SQL] = ["\(now)", "\(principal.actor)", "\(now)", "\(principal.actor)"]
    for field in entity.storedFields {
      let value = draft[field.name]
      if value.isNull { continue }
      for column in try codec.columns(of: field, value) {
        names.append(SQL(identifier: column.name))
        values.append(FieldCodec.expression(column.value, of: field))
      }
    }
    if entity.isSearchable {
      names.append(SQL(identifier: SchemaName.searchColumn))
      values.append("\(rules.searchVector { draft[$0] })::tsvector")
    }
    let shape = shape(of: entity, columns: try fields(nil, of: entity))
    let scope = ScopePredicate.compile(principal, Permission(entity.name, "create"), entity, alias: "t")
    let statement: SQL = """
      insert into \(identifier: entity.name) as t (\(SQL.join(names))) values (\(SQL.join(values)))
      returning \(shape.selection()), coalesce(\(scope), false) as in_scope
      """
    let rows = try await scoped(transaction, [(entity, "create")], statement)
    guard let row = rows.first else { throw Fault("insert-without-row", entity.name) }
    guard try row.get("in_scope", as: Bool.self) else { throw WriteFailure.outOfScope(entity) }
    let record = try shape.record(row)
    let filled = entity.storedFields.map(\.name).filter { !draft[$0].isNull }
    try await audit(
      "create", entity, record.id, details: ["fields": .array(filled.map { .string($0) })], in: transaction)
    try await announce(entity, "\(record.id)", in: transaction)
    return try await named([record], shape, in: transaction)[0]
  }

  /// What a deletion says of itself, since no row is left to say it: who, when, and the scope for row-level security.
  func deleteSettings(_ entity: EntityDeclaration) -> SQL {
    let settings =
      [
        TransactionSettings.setting("lifang.actor", String(principal.actor)),
        TransactionSettings.setting("lifang.now", store.clock.now().iso8601),
      ] + scopeSettings([(entity, "delete")])
    return "select \(SQL.join(settings))"
  }

  /// Tells caches, of other processes too, of a changed record (see ``RecordChangeFeed``).
  ///
  /// - Parameter id: of the record; `*` for a batch.
  func announce(_ entity: EntityDeclaration, _ id: String, in transaction: Transaction) async throws {
    if entity.divisions != nil { store.divisionNames.forget() }
    transaction.notify(RecordChangeFeed.channel, "\(entity.name):\(id)")
  }

  /// Runs a write; what PostgreSQL refuses comes out as a refusal.
  func explaining<T: Sendable>(_ entity: EntityDeclaration, _ body: () async throws -> T) async throws -> T {
    do {
      return try await body()
    } catch {
      throw WriteFailure(entity: entity, catalog: store.catalog).explain(error)
    }
  }
}

/// Notifications of changed records, for caches: the payload is `building:12`, or `building:*` after a batch; an empty
/// one says that some may have been missed (see `Database.listen`).
package enum RecordChangeFeed {
  package static let channel = "lifang_change"
}
