import Access
import Audit
package import Core
import SQL

extension Records {
  /// Deletes a record; its last version stays in the history.
  ///
  /// - Throws: ``Refusal`` `referenced`, naming by what; `version-conflict`; `record-missing`; `out-of-scope`.
  package func delete(_ name: String, _ id: Int64, version: Int?) async throws {
    let entity = try store.entity(name)
    try principal.require(Permission(name, "delete"), toDo: "删除\(entity.label)")
    try await explaining(entity) {
      try await inTransaction { records, transaction in
        let held = try await records.hold(entity, id, action: "delete", in: transaction)
        try await records.match(held, version, entity, in: transaction)
        try await records.store.hooks.runDeletes(name, [held.record], records)
        let uses = try await records.uses(of: entity, id, in: transaction)
        guard uses.isEmpty else {
          throw WriteFailure(entity: entity, catalog: records.store.catalog).referenced(uses)
        }
        _ = try await transaction.pipeline([
          records.deleteSettings(entity), "delete from \(identifier: name) where id = \(id)",
        ])
        try await records.audit(
          "delete", entity, id, details: ["version": .int(Int64(held.record.version))], in: transaction)
        try await records.announce(entity, "\(id)", in: transaction)
        let event = RecordEvent(kind: .deleted, entity: name, id: id, before: held.values, after: [:])
        try await records.store.hooks.runAfters(name, [event], records)
      }
    }
  }

  /// Who refers to the record, counted up to a thousand each; records the principal may not see count too, as far as
  /// row-level security lets them be counted.
  private func uses(
    of entity: EntityDeclaration, _ id: Int64, in transaction: Transaction
  ) async throws -> [(entity: EntityDeclaration, field: FieldDeclaration, count: Int?)] {
    var uses: [(entity: EntityDeclaration, field: FieldDeclaration, count: Int?)] = []
    for other in store.catalog.entities {
      for field in other.storedFields where field.target == entity.name { uses.append((other, field, nil)) }
    }
    guard !uses.isEmpty else { return [] }
    let counts = uses.map { use -> SQL in
      """
      (select count(*) from (select 1 from \(identifier: use.entity.name) where \(identifier: use.field.name) = \(id) \
      limit 1000) u)
      """
    }
    guard let row = try await transaction.query("select \(SQL.join(counts))").first else { return [] }
    return try uses.enumerated().compactMap { index, use in
      let count: Int = try row.get(index)
      return count > 0 ? (use.entity, use.field, count) : nil
    }
  }
}

/// What came of a change of several records.
package struct BulkOutcome: Sendable {
  package struct Refused: Sendable {
    package let id: Int64
    package let refusal: Refusal
  }

  package let done: [Int64]
  package let refused: [Refused]
}

extension Records {
  /// The most records one call may change.
  package static let bulkLimit = 1000

  /// Changes the same fields of several records; each is refused or changed for itself.
  package func updateAll(
    _ name: String, _ ids: [Int64], _ changes: [String: Value], input: WriteInput = .form
  ) async throws -> BulkOutcome {
    try await eachAlone(ids) { _ = try await $0.update(name, $1, version: nil, changes, input: input) }
  }

  package func deleteAll(_ name: String, _ ids: [Int64]) async throws -> BulkOutcome {
    try await eachAlone(ids) { try await $0.delete(name, $1, version: nil) }
  }

  /// Runs a declared action on several records; each is refused or changed for itself.
  package func performAll(
    _ action: String, on name: String, _ ids: [Int64], asked: [String: Value] = [:]
  ) async throws -> BulkOutcome {
    try await eachAlone(ids) { _ = try await $0.perform(action, on: name, $1, version: nil, asked: asked) }
  }

  private func eachAlone(
    _ ids: [Int64], _ body: @Sendable (Records, Int64) async throws -> Void
  ) async throws -> BulkOutcome {
    guard ids.count <= Records.bulkLimit else {
      throw Refusal(.tooLarge, "bulk-too-large", "一次最多处理 \(Records.bulkLimit) 条，没有改动。请分批处理。")
    }
    return try await inTransaction { records, transaction in
      var done: [Int64] = []
      var refused: [BulkOutcome.Refused] = []
      for id in ids {
        do {
          try await transaction.savepoint { inner in try await body(records.within(inner), id) }
          done.append(id)
        } catch let refusal as Refusal {
          refused.append(BulkOutcome.Refused(id: id, refusal: refusal))
        }
      }
      return BulkOutcome(done: done, refused: refused)
    }
  }
}
