import Core
import Glibc
import SQL
import Testing

/// The server behind the test databases, started on first use.
actor TestServer {
  typealias Change = @Sendable (inout Database.Configuration) -> Void

  private struct Lent {
    let name: String
    weak var database: Database?
  }

  private let role = "lifang_test"
  private let turns = DatabaseTurns()
  private var count = 0
  private var lent: [Lent] = []
  /// Names of databases to copy, by the name of the preparation; the plain one has none.
  private var templates: [String: Task<String, any Error>] = [:]
  private var kept: Set<String> = []
  private var starting: Task<Database, any Error>?
  private var cluster: PrivateCluster?

  func conninfo() async throws -> String { try await administrator().configuration.conninfo }

  func make(_ preparation: TestDatabase.Preparation?, _ change: @escaping Change) async throws -> Database {
    let turn = await turns.take(for: Test.current?.id)
    do {
      let administrator = try await administrator()
      try await dropUnused(administrator)
      let source = try await template(preparation, change)
      let database = Database(try await copy(source, change))
      remember(database)
      await turns.hold(turn, database)
      return database
    } catch {
      await turns.giveBack(turn)
      throw error
    }
  }

  func remember(_ database: Database) {
    lent.append(Lent(name: database.configuration.database ?? "", database: database))
  }

  private func template(_ preparation: TestDatabase.Preparation?, _ change: @escaping Change) async throws -> String {
    guard let preparation else { return plainTemplate }
    if let known = templates[preparation.name] { return try await known.value }
    let task = Task {
      let configuration = try await copy(plainTemplate, change)
      let name = configuration.database ?? plainTemplate
      kept.insert(name)
      let database = Database(configuration)
      try await preparation.body(database)
      await database.close()
      return name
    }
    templates[preparation.name] = task
    return try await task.value
  }

  private func copy(_ source: String, _ change: Change) async throws -> Database.Configuration {
    let administrator = try await administrator()
    count += 1
    let name = "lifang_test_\(getpid())_\(count)"
    try await administrator.withConnection { connection in
      try await connection.query(
        """
        create database \(identifier: name) template \(identifier: source) owner \(identifier: self.role)
          strategy file_copy
        """)
    }
    var configuration = Database.Configuration(conninfo: administrator.configuration.conninfo, log: .silent)
    configuration.database = name
    configuration.role = role
    configuration.maximumConnections = 4
    change(&configuration)
    return configuration
  }

  private func dropUnused(_ administrator: Database) async throws {
    let used = Set(lent.filter { $0.database != nil }.map(\.name))
    let unused = Set(lent.map(\.name)).subtracting(used).subtracting(kept)
    lent.removeAll { $0.database == nil }
    for name in unused {
      try await administrator.execute("drop database if exists \(identifier: name) with (force)")
    }
  }

  // MARK: Starting

  private var plainTemplate: String { "lifang_test_template_\(getpid())" }

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
    try await administrator.execute("create database \(identifier: plainTemplate)")
    configuration.database = plainTemplate
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
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var configuration = PrivateCluster.Configuration(folder: "\(folder)/lifang-test-\(getpid())", log: .silent)
    configuration.isTemporary = true
    configuration.maximumConnections = 400
    configuration.extensions = []
    let cluster = PrivateCluster(configuration)
    self.cluster = cluster
    _ = try await cluster.start()
    return try await cluster.administratorConninfo()
  }
}
