import Access
import Audit
import Core
import SQL

extension Records {
  /// Changes fields of a record.
  ///
  /// - Parameter version: the version the writer has seen; `nil` changes whatever stands now.
  /// - Throws: ``Refusal`` `version-conflict`, naming who changed the record meanwhile; `out-of-scope`; every fault of
  ///   the values at once. Values that were shown masked and come back unchanged are not written.
  @discardableResult
  package func update(
    _ name: String, _ id: Int64, version: Int?, _ changes: [String: Value], input: WriteInput = .form
  ) async throws -> Record {
    let entity = try store.entity(name)
    try principal.require(Permission(name, "update"), toDo: "修改\(entity.label)")
    if let refusal = Refusal(all: WriteRules(entity, self).refuseForeign(changes, input)) { throw refusal }
    return try await explaining(entity) {
      try await inTransaction { records, transaction in
        let held = try await records.hold(entity, id, action: "update", in: transaction)
        try await records.match(held, version, entity, in: transaction)
        return try await records.change(
          held, changes, entity, action: "update", isTyped: input != .exact, in: transaction)
      }
    }
  }

  /// Runs a declared action (see ``ActionDeclaration``) on a record: its condition must hold, its assignments are made.
  ///
  /// - Parameter asked: the fields the person filled in for it.
  @discardableResult
  package func perform(
    _ action: String, on name: String, _ id: Int64, version: Int?, asked: [String: Value] = [:]
  ) async throws -> Record {
    let entity = try store.entity(name)
    guard let declared = entity.action(action) else {
      throw Refusal(.notFound, "action-unknown", "\(entity.label)没有名为“\(action)”的操作。请刷新页面。")
    }
    try principal.require(Permission(name, action), toDo: declared.label)
    for field in asked.keys where !declared.ask.contains(field) {
      throw Refusal(.invalid, "field-unknown", "“\(declared.label)”不需要填写“\(field)”。", field: field)
    }
    if let field = declared.onlyAnswer.flatMap(entity.field), (asked[field.name] ?? .null).isBlank {
      throw ValueRules.refusal("required", "还没有填写，请填写后再提交", field)
    }
    return try await explaining(entity) {
      try await inTransaction { records, transaction in
        let held = try await records.hold(entity, id, action: action, in: transaction)
        try await records.match(held, version, entity, in: transaction)
        let context = records.evaluation
        let lookup = { (field: String) in asked[field] ?? held.values[field] ?? held.record[field] }
        if let when = declared.when, try !when.holds(in: context, lookup) {
          throw Refusal(
            .conflict, "action-not-now", "这条\(entity.label)现在的状态不能“\(declared.label)”，没有改动。请刷新后查看它的状态。")
        }
        var changes = asked
        for assignment in declared.set {
          guard let field = entity.field(assignment.field) else { continue }
          changes[field.name] = try assignment.value.stored(as: field, in: context, lookup)
        }
        return try await records.change(held, changes, entity, action: action, in: transaction)
      }
    }
  }

  // MARK: Parts

  /// A locked record: as the principal sees it, and every stored value in clear.
  struct Held: Sendable {
    let record: Record
    let values: [String: Value]
  }

  /// Reads and locks a record that `action` may touch.
  ///
  /// - Throws: ``Refusal`` `out-of-scope` for one that may only be seen, `record-missing` for any other.
  func hold(
    _ entity: EntityDeclaration, _ id: Int64, action: String, in transaction: Transaction
  ) async throws -> Held {
    let shape = shape(of: entity, columns: entity.storedFields)
    let scope = ScopePredicate.compile(principal, Permission(entity.name, action), entity, alias: "t")
    let query: SQL = """
      select \(shape.selection()) from \(identifier: entity.name) t where t.id = \(id) and \(scope) for update of t
      """
    let rows = try await scoped(transaction, [(entity, action)], query)
    if let row = rows.first {
      return Held(record: try shape.record(row), values: try shape.clearValues(row))
    }
    let view = ScopePredicate.compile(principal, Permission(entity.name, "view"), entity, alias: "t")
    let seen = try await scoped(
      transaction, [(entity, "view")], "select t.id from \(identifier: entity.name) t where t.id = \(id) and \(view)")
    if seen.isEmpty { throw Records.missing(entity) }
    throw Refusal(
      .forbidden, "out-of-scope", "这条\(entity.label)不在您可以办理的数据范围内，没有改动。需要时请由所属单位办理。")
  }

  func match(
    _ held: Held, _ version: Int?, _ entity: EntityDeclaration, in transaction: Transaction
  ) async throws {
    guard let version, version != held.record.version else { return }
    let name = try await actorName(held.record.updatedBy, in: transaction)
    throw Refusal(
      .conflict, "version-conflict",
      "这条\(entity.label)已在 \(held.record.updatedAt.display) 被\(name)修改，您的修改没有保存。请核对最新内容后重新提交。")
  }

  func actorName(_ actor: Int64, in session: any SQLSession) async throws -> String {
    if let name = try await store.actorName(actor, session) { return name }
    return actor == 0 ? "系统" : actor < 0 ? "接口 \(-actor)" : "用户 \(actor)"
  }

  /// Hooks, validation and the row itself. Changes that change nothing write nothing.
  ///
  /// - Parameter isTyped: somebody filled it in who was shown masks: what comes back as it was shown is no change.
  func change(
    _ held: Held, _ changes: [String: Value], _ entity: EntityDeclaration, action: String, isTyped: Bool = true,
    in transaction: Transaction
  ) async throws -> Record {
    let before = held.values
    let real = changes.filter { name, value in
      guard let field = entity.field(name) else { return false }
      let old = before[name] ?? .null
      return value != old
        && (!isTyped || Masking.shows(field, principal) || value != Masking.masked(old, by: field.mask))
    }
    var batch = [RecordChange(entity: entity.name, id: held.record.id, before: before, changes: real)]
    try await refuseHiddenReferences(&batch, entity)
    if let refusal = batch[0].refusal { throw refusal }
    try await store.hooks.runUpdates(entity.name, &batch, self)
    if let refusal = batch[0].refusal { throw refusal }
    let change = batch[0]
    let altered = entity.storedFields.filter { change.alters($0.name) }
    let shape = shape(of: entity, columns: try fields(nil, of: entity))
    if altered.isEmpty {
      let query: SQL = "select \(shape.selection()) from \(identifier: entity.name) t where t.id = \(held.record.id)"
      guard let row = try await transaction.query(query).first else { throw Records.missing(entity) }
      return try await named([try shape.record(row)], shape, in: transaction)[0]
    }
    let rules = WriteRules(entity, self)
    if let refusal = Refusal(all: rules.faults(of: change.after, previous: before)) { throw refusal }
    let record = try await write(change, altered, entity, action, shape, in: transaction)
    let event = RecordEvent(
      kind: .updated, entity: entity.name, id: record.id, before: before, after: change.after)
    try await store.hooks.runAfters(entity.name, [event], self)
    return record
  }

  private func write(
    _ change: RecordChange, _ altered: [FieldDeclaration], _ entity: EntityDeclaration, _ action: String,
    _ shape: RecordShape, in transaction: Transaction
  ) async throws -> Record {
    let codec = codec(entity)
    var assignments: [SQL] = [
      "version = t.version + 1", "updated_at = greatest(\(store.clock.now()), t.updated_at)",
      "updated_by = \(principal.actor)",
    ]
    for field in altered {
      for column in try codec.columns(of: field, change[field.name]) {
        assignments.append(
          "\(identifier: column.name) = \(FieldCodec.expression(column.value, of: field))")
      }
    }
    if entity.isSearchable, altered.contains(where: { entity.list.search.contains($0.name) }) {
      let vector = WriteRules(entity, self).searchVector { change[$0] }
      assignments.append("\(identifier: SchemaName.searchColumn) = \(vector)::tsvector")
    }
    let scope = ScopePredicate.compile(principal, Permission(entity.name, action), entity, alias: "t")
    let statement: SQL = """
      update \(identifier: entity.name) as t set \(SQL.join(assignments)) where t.id = \(change.id)
      returning \(shape.selection()), coalesce(\(scope), false) as in_scope
      """
    let rows = try await scoped(transaction, [(entity, action)], statement)
    guard let row = rows.first else { throw Records.missing(entity) }
    guard try row.get("in_scope", as: Bool.self) else { throw WriteFailure.outOfScope(entity) }
    let record = try shape.record(row)
    try await audit(
      action, entity, change.id,
      details: [
        "fields": .array(altered.map { .string($0.name) }), "version": .int(Int64(record.version)),
      ], in: transaction)
    try await announce(entity, "\(change.id)", in: transaction)
    return try await named([record], shape, in: transaction)[0]
  }
}
