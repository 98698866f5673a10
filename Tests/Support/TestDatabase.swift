import Core
import Glibc
package import SQL
import Synchronization

/// Fresh databases for tests, each a copy of a template that has PostGIS, pg_trgm and btree_gist.
///
/// `LIFANG_TEST_DATABASE` names an administrator's connection to a server for tests. Without it a cluster without
/// durability is started under `/tmp` once a process; a watcher stops and deletes it when the process ends, in
/// whatever way that happens. Sessions take on an ordinary role, so that tests meet the rights that production has.
package enum TestDatabase {
  private static let server = TestServer()

  /// A fresh database. It is dropped some time after the last reference to it is gone.
  ///
  /// - Parameter change: adjusts the pool's settings.
  package static func make(_ change: (inout Database.Configuration) -> Void = { _ in }) async throws -> Database {
    var configuration = try await server.newDatabase()
    configuration.maximumConnections = 4
    change(&configuration)
    let database = Database(configuration)
    await server.remember(database)
    return database
  }

  /// How an administrator reaches the test server; not every test may meddle with it, others run beside.
  package static func administratorConninfo() async throws -> String { try await server.conninfo() }
}

/// The server behind the test databases, started on first use.
private actor TestServer {
  private struct Lent {
    let name: String
    weak var database: Database?
  }

  private let role = "lifang_test"
  private let template = "lifang_test_template_\(getpid())"
  private var count = 0
  private var lent: [Lent] = []
  private var starting: Task<Database, any Error>?
  private var cluster: PrivateCluster?

  func conninfo() async throws -> String { try await administrator().configuration.conninfo }

  func newDatabase() async throws -> Database.Configuration {
    let administrator = try await administrator()
    try await dropUnused(administrator)
    count += 1
    let name = "lifang_test_\(getpid())_\(count)"
    try await administrator.withConnection { connection in
      try await connection.query(
        "create database \(identifier: name) template \(identifier: template) owner \(identifier: role)")
    }
    var configuration = Database.Configuration(conninfo: administrator.configuration.conninfo, log: .silent)
    configuration.database = name
    configuration.role = role
    return configuration
  }

  func remember(_ database: Database) {
    lent.append(Lent(name: database.configuration.database ?? "", database: database))
  }

  private func dropUnused(_ administrator: Database) async throws {
    let unused = lent.filter { $0.database == nil }
    lent.removeAll { $0.database == nil }
    for database in unused {
      try await administrator.execute("drop database if exists \(identifier: database.name) with (force)")
    }
  }

  private func administrator() async throws -> Database {
    if let starting { return try await starting.value }
    let task = Task { try await start() }
    starting = task
    return try await task.value
  }

  private func start() async throws -> Database {
    let conninfo: String
    if let given = getenv("LIFANG_TEST_DATABASE").map({ String(cString: $0) }), !given.isEmpty {
      conninfo = given
    } else {
      conninfo = try await startCluster()
    }
    var configuration = Database.Configuration(conninfo: conninfo, log: .silent)
    configuration.maximumConnections = 2
    configuration.waitTimeout = .seconds(60)
    let administrator = Database(configuration)
    try await administrator.execute(
      """
      do $$ begin create role \(identifier: role) nologin; exception when duplicate_object then null; end $$
      """)
    try await dropLeftovers(administrator)
    try await administrator.execute("create database \(identifier: template)")
    configuration.database = template
    let inside = Database(configuration)
    for name in ["postgis", "pg_trgm", "btree_gist"] {
      try await inside.execute("create extension if not exists \(identifier: name)")
    }
    await inside.close()
    return administrator
  }

  /// On a lasting server, drops what test processes that are gone have left.
  private func dropLeftovers(_ administrator: Database) async throws {
    let names = try await administrator.query(
      "select datname from pg_database where datname like 'lifang\\_test\\_%'"
    ).values(as: String.self)
    for name in names {
      let process = name.split(separator: "_").compactMap { pid_t($0) }.first
      if let process, process != getpid(), kill(process, 0) != 0, errno == ESRCH {
        try await administrator.execute("drop database if exists \(identifier: name) with (force)")
      }
    }
  }

  private func startCluster() async throws -> String {
    var configuration = PrivateCluster.Configuration(folder: "/tmp/lifang-test-\(getpid())", log: .silent)
    configuration.isTemporary = true
    configuration.maximumConnections = 400
    configuration.extensions = []
    let cluster = PrivateCluster(configuration)
    self.cluster = cluster
    _ = try await cluster.start()
    return try await cluster.administratorConninfo()
  }
}
