import Access
import Audit
import Core
import SQL

/// What an export has handed out.
package struct ExportReport: Sendable, Hashable {
  package let rows: Int
  /// There were more records than the cap allows; the rest was left out.
  package let isCut: Bool
}

extension Records {
  /// The most rows one export hands out.
  package static let exportCap = 1_000_000

  /// How many records an export of `query` would hand out, counted one by one up to `limit`.
  ///
  /// - Throws: as ``export(_:cap:reveal:batch:_:)`` before its first row.
  package func exportCount(_ query: ListQuery, upTo limit: Int) async throws -> Int {
    let entity = try store.entity(query.entity)
    try requireExport(entity, asOf: query.asOf)
    let compiler = compiler(entity, asOf: query.asOf, action: "export")
    let conditions =
      try compiler.conditions(query.filters, search: query.search) + [ScopePredicate.any(of: compiler.scope)]
    _ = try compiler.order(query.sort)
    _ = try fields(query.columns ?? entity.list.columns, of: entity)
    let rows = try await scoped(
      session, [(entity, "export")],
      """
      select count(*) from (
        select 1 from \(compiler.source) where \(SQL.join(conditions, separator: " and ")) limit \(limit)
      ) as found
      """)
    return try rows.first?.get(0, as: Int.self) ?? 0
  }

  private func requireExport(_ entity: EntityDeclaration, asOf: Instant?) throws(Refusal) {
    try principal.require(Permission(entity.name, "export"), toDo: "导出\(entity.label)")
    if asOf != nil { try principal.require(Permission(entity.name, "history"), toDo: "导出\(entity.label)的历史") }
  }

  /// Hands every record of `query` in its order to `body`, batch by batch, with the scope of `<entity>.export` and the
  /// principal's masking. Memory stays flat.
  ///
  /// Two audit entries tell of it: one before the first row leaves, one with the number of rows in the end, also when
  /// `body` throws.
  /// - Parameters:
  ///   - cap: the most rows.
  ///   - reveal: shows what is masked otherwise; needs `<entity>.reveal` and a purpose.
  package func export(
    _ query: ListQuery, cap: Int = Records.exportCap, reveal: Bool = false, batch: Int = 1000,
    _ body: @Sendable ([Record]) async throws -> Void
  ) async throws -> ExportReport {
    let entity = try store.entity(query.entity)
    try requireExport(entity, asOf: query.asOf)
    if reveal { try requireReveal(entity) }
    let compiler = compiler(entity, asOf: query.asOf, action: "export")
    let order = try compiler.order(query.sort)
    let shape = shape(of: entity, columns: try fields(query.columns ?? entity.list.columns, of: entity), reveal: reveal)
    let conditions =
      try compiler.conditions(query.filters, search: query.search) + [ScopePredicate.any(of: compiler.scope)]
    let statement: SQL = """
      select \(shape.selection()) from \(compiler.source) where \(SQL.join(conditions, separator: " and "))
      order by \(compiler.orderClause(order)) limit \(cap + 1)
      """
    let details: [(key: String, value: JSON)] = [
      ("columns", .array(shape.columns.map { .string($0.name) })),
      ("filters", .array(query.filters.map { .string($0.field) })), ("revealed", .bool(reveal)),
    ]
    try await store.audit.append(
      AuditEntry(
        principal, "\(entity.name).export", entity: entity.name, purpose: purpose, origin: origin,
        details: .object(details + [("stage", "begun")])), in: store.database)
    let counter = ExportCounter()
    do {
      try await store.database.transaction { transaction in
        counter.reset()
        let inner = within(transaction)
        // Whoever receives the rows may be slow; the cursor stays open meanwhile.
        let patience = TransactionSettings.setting("idle_in_transaction_session_timeout", "10min")
        let settings = [patience] + inner.scopeSettings([(entity, "export")])
        _ = try await transaction.query("select \(SQL.join(settings))")
        try await transaction.batches(of: statement, size: batch) { rows in
          let wanted = rows.prefix(max(0, cap - counter.rows))
          counter.add(wanted.count, isCut: wanted.count < rows.count)
          if wanted.isEmpty { return }
          try await body(try await inner.named(try wanted.map(shape.record), shape, asOf: query.asOf, in: transaction))
        }
      }
    } catch {
      try? await note(counter, "failed", entity)
      throw error
    }
    try await note(counter, "done", entity)
    return ExportReport(rows: counter.rows, isCut: counter.isCut)
  }

  private func note(_ counter: ExportCounter, _ stage: String, _ entity: EntityDeclaration) async throws {
    try await store.audit.append(
      AuditEntry(
        principal, "\(entity.name).export", entity: entity.name, purpose: purpose,
        outcome: stage == "done" ? .done : .failed, origin: origin,
        details: ["stage": .string(stage), "count": .int(Int64(counter.rows)), "cut": .bool(counter.isCut)]),
      in: store.database)
  }
}

/// Counts rows across the transaction's attempts.
private final class ExportCounter: @unchecked Sendable {
  // Unchecked: one task writes and reads it, one step after the other.
  private(set) var rows = 0
  private(set) var isCut = false

  func reset() { (rows, isCut) = (0, false) }

  func add(_ count: Int, isCut: Bool) {
    rows += count
    self.isCut = self.isCut || isCut
  }
}
