package import Access
package import Audit
package import Core
package import SQL

/// What administrators change while the product runs: codes of dictionaries, declarations of registers and fields.
/// Everything is audited, and every process hears of it.
package struct RuntimeSettings: Sendable {
  package let database: Database
  package let catalogs: LiveCatalog
  package let audit: Audit
  package let clock: WallClock

  package init(database: Database, catalogs: LiveCatalog, audit: Audit, clock: WallClock = .system) {
    self.database = database
    self.catalogs = catalogs
    self.audit = audit
    self.clock = clock
  }

  /// Declares a register, or adds fields to one, at run time: the declaration is checked, the tables are made, and only
  /// then it is in force.
  ///
  /// - Parameters:
  ///   - yaml: as in `Resources`: `entity: …`, `extend_entity: …`.
  ///   - origin: the name the text is kept under; an older text of this name is replaced.
  ///   - owner: a pool that may change tables.
  /// - Throws: ``DeclarationFailure`` with every fault of the text; ``Refusal`` `schema-…`. Nothing has changed then.
  /// - Returns: what was done to the tables.
  @discardableResult
  package func declare(
    _ yaml: String, as name: String, by principal: Principal, owner: Database, origin: Origin = .inside
  ) async throws -> SchemaPlan {
    try principal.require(Permission("entity", "update"), toDo: "维护登记表")
    try RuntimeSettings.refuseKept(name)
    try await catalogs.refresh(from: database)
    let catalog = try catalogs.current.adding(yaml: yaml, origin: name)
    let plan = try await SchemaPlan.apply(catalog, to: owner)
    let now = clock.now()
    try await database.transaction { transaction in
      try await transaction.execute(
        """
        insert into runtime_declaration (origin, yaml, updated_at, updated_by)
        values (\(name), \(yaml), \(now), \(principal.actor))
        on conflict (origin) do update set yaml = excluded.yaml, updated_at = excluded.updated_at,
          updated_by = excluded.updated_by
        """)
      try await audit.append(
        AuditEntry(
          principal, "entity.update", origin: origin,
          details: ["declaration": .string(name), "steps": .int(Int64(plan.steps.count))]), in: transaction)
      transaction.notify(RecordChangeFeed.channel, "declaration:\(name)")
    }
    try await catalogs.refresh(from: database)
    return plan
  }

  /// Takes a declaration back; its tables and columns stay with their data.
  ///
  /// - Throws: ``DeclarationFailure`` when another declaration still needs it.
  package func withdraw(_ name: String, by principal: Principal, origin: Origin = .inside) async throws {
    try principal.require(Permission("entity", "update"), toDo: "维护登记表")
    try RuntimeSettings.refuseKept(name)
    _ = try catalogs.current.removing(origin: name)
    try await database.transaction { transaction in
      let gone = try await transaction.execute("delete from runtime_declaration where origin = \(name)")
      guard gone == 1 else { throw Refusal(.notFound, "declaration-missing", "没有名为“\(name)”的运行期声明。") }
      try await audit.append(
        AuditEntry(principal, "entity.update", origin: origin, details: ["withdrawn": .string(name)]), in: transaction)
      transaction.notify(RecordChangeFeed.channel, "declaration:\(name)")
    }
    try await catalogs.refresh(from: database)
  }

  /// The text of every declaration made at run time, by name.
  package func declarations() async throws -> [(name: String, yaml: String)] {
    try await database.query("select origin, yaml from runtime_declaration order by position").map { row in
      (try row.get("origin"), try row.get("yaml"))
    }
  }
}
