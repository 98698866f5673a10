package import SQL

/// Fresh databases for tests, each a copy of a template that has PostGIS, pg_trgm and btree_gist.
///
/// `LIFANG_TEST_DATABASE` names an administrator's connection to a server for tests. Without it a cluster without
/// durability is started under `TMPDIR` or `/tmp` once a process; a watcher stops and deletes it when the process ends, in
/// whatever way that happens. Sessions take on an ordinary role, so that tests meet the rights that production has.
///
/// All tests of a process begin at once; those that want a database wait here for their turn, so that each has the
/// connections and the time that it expects.
package enum TestDatabase {
  /// What many tests begin with: done once a process and copied, which is faster than doing it again.
  package struct Preparation: Sendable {
    let name: String
    let body: @Sendable (Database) async throws -> Void

    /// - Parameter name: tells preparations apart.
    package init(_ name: String, _ body: @escaping @Sendable (Database) async throws -> Void) {
      self.name = name
      self.body = body
    }
  }

  private static let server = TestServer()

  /// A fresh database. It is dropped some time after the last reference to it is gone.
  ///
  /// - Parameters:
  ///   - preparation: what it has in it already.
  ///   - change: adjusts the pool's settings, also for the preparation.
  package static func make(
    _ preparation: Preparation? = nil, _ change: @escaping @Sendable (inout Database.Configuration) -> Void = { _ in }
  ) async throws -> Database {
    try await server.make(preparation, change)
  }

  /// One more pool on the database of `other`, with other settings. The database stays until both are gone.
  package static func pool(
    on other: Database, _ change: (inout Database.Configuration) -> Void = { _ in }
  ) async -> Database {
    var configuration = other.configuration
    change(&configuration)
    let database = Database(configuration)
    await server.remember(database)
    return database
  }

  /// How an administrator reaches the test server; not every test may meddle with it, others run beside.
  package static func administratorConninfo() async throws -> String { try await server.conninfo() }
}
