package import Core

/// One step of the schema's history: forward only, in one transaction, and never edited once it was applied.
package struct Migration: Sendable, Hashable {
  /// `0001-users`: steps are applied in the order of their ids.
  package let id: String
  /// One or several statements.
  package let sql: String

  package init(id: String, sql: String) {
    self.id = id
    self.sql = sql
  }
}

/// Brings a database's schema up to date.
///
/// What was applied stands in `lifang_migration` with a SHA-256 of its text. Steps of several modules may be run one
/// set after the other; steps that a set does not know are left alone. Several processes may start at once: an
/// advisory lock lets one work and the others wait and then find nothing to do.
package struct Migrator: Sendable {
  /// `pg_advisory_lock` key: "LIFANG" in ASCII.
  private static let lock: Int64 = 0x4C49_4641_4E47
  private let log: Log

  package init(log: Log = Log()) { self.log = log }

  /// Applies the steps that were not applied yet; returns their ids.
  ///
  /// - Throws: ``Fault`` `migration-changed` when an applied step's text is no longer the same, before anything is
  ///   done; `migration-failed` with the cause when a step fails, which then leaves nothing behind.
  package func run(_ migrations: [Migration], on database: Database) async throws -> [String] {
    let steps = migrations.sorted { $0.id < $1.id }
    for (step, next) in zip(steps, steps.dropFirst()) where step.id == next.id {
      throw Fault("migration-twice", step.id)
    }
    return try await database.withConnection { connection in
      do {
        let applied = try await apply(steps, connection)
        await connection.close()
        return applied
      } catch {
        // Ends the session, and with it the lock and the settings made for migrating.
        await connection.close()
        throw error
      }
    }
  }

  private func apply(_ steps: [Migration], _ connection: Connection) async throws -> [String] {
    try await connection.command("set statement_timeout to 0; set idle_in_transaction_session_timeout to 0", in: nil)
    try await connection.execute("select pg_advisory_lock(\(Self.lock))")
    try await connection.command(
      """
      create table if not exists lifang_migration (
        id text primary key,
        checksum text not null,
        applied_at timestamptz not null default now(),
        milliseconds bigint not null
      )
      """, in: nil)
    let checksums = try await connection.query(
      """
      select encode(sha256(convert_to(step, 'UTF8')), 'hex')
      from unnest(\(steps.map(\.sql))) with ordinality as steps (step, place) order by place
      """
    ).values(as: String.self)
    var known: [String: String] = [:]
    for row in try await connection.query("select id, checksum from lifang_migration") {
      known[try row.get("id")] = try row.get("checksum")
    }
    for (step, checksum) in zip(steps, checksums) {
      if let old = known[step.id], old != checksum { throw Fault("migration-changed", step.id) }
    }
    var applied: [String] = []
    for (step, checksum) in zip(steps, checksums) where known[step.id] == nil {
      try await apply(step, checksum, connection)
      applied.append(step.id)
    }
    return applied
  }

  private func apply(_ step: Migration, _ checksum: String, _ connection: Connection) async throws {
    let start = Stopwatch()
    do {
      try await connection.transaction(attempts: 1) { transaction in
        try await transaction.execute(unsafe: step.sql)
        try await transaction.execute(
          """
          insert into lifang_migration (id, checksum, milliseconds)
          values (\(step.id), \(checksum), \(Int64(start.seconds * 1000)))
          """)
      }
    } catch {
      throw Fault("migration-failed", step.id, cause: error)
    }
    log(.info, "migration-applied", ["id": .string(step.id), "milliseconds": .int(Int64(start.seconds * 1000))])
  }
}
