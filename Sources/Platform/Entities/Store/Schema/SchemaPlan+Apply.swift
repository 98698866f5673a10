import Core
package import SQL

extension SchemaPlan {
  /// What `catalog` asks of the database as it is now.
  package static func read(_ catalog: Catalog, from session: any SQLSession) async throws -> SchemaPlan {
    SchemaPlan(catalog, live: try await LiveSchema(reading: session))
  }

  /// Brings the database to `catalog` in one transaction, one process at a time; returns what was done.
  ///
  /// Adding a column or a table does not disturb running work: each statement waits at most five seconds for the table
  /// and the whole is tried again, so that nobody queues behind it.
  /// - Throws: ``Refusal`` `schema-destructive` when a difference would lose data, `schema-duplicates` when a new
  ///   uniqueness rule does not hold yet; nothing was changed then.
  @discardableResult
  package static func apply(_ catalog: Catalog, to database: Database) async throws -> SchemaPlan {
    do {
      return try await attempts(3) {
        try await database.transaction { transaction in
          try await transaction.execute("set local lock_timeout = '5s'")
          try await transaction.execute("select pg_advisory_xact_lock(\(SchemaLock.key))")
          let plan = try await read(catalog, from: transaction)
          if let refusal = plan.refusal { throw refusal }
          for step in plan.steps { try await transaction.execute(SQL(unsafe: step.statement)) }
          return plan
        }
      }
    } catch {
      guard let failure = SQLFailure.within(error), failure.isUniqueViolation else { throw error }
      throw Refusal(
        .conflict, "schema-duplicates",
        "表 \(failure.table ?? "") 中已有重复数据，唯一规则 \(failure.constraint ?? "") 无法生效；数据库未做任何变更。请先合并重复记录，再重试。")
    }
  }

  private static func attempts<T: Sendable>(_ count: Int, _ body: () async throws -> T) async throws -> T {
    for _ in 1..<count {
      do {
        return try await body()
      } catch {
        guard SQLFailure.within(error)?.sqlState == "55P03" else { throw error }
      }
    }
    return try await body()
  }
}
