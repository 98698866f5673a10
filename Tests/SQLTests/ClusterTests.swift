import Core
import Glibc
import SQL
import TestSupport
import Testing

@Suite(.serialized) struct ClusterTests {
  static func configuration(_ name: String) -> PrivateCluster.Configuration {
    var configuration = PrivateCluster.Configuration(folder: "/tmp/lifang-\(name)-\(getpid())", log: .silent)
    configuration.isTemporary = true
    configuration.extensions = ["btree_gist"]
    return configuration
  }

  @Test func aClusterSurvivesItsOwnerAndItsOwnDeath() async throws {
    let configuration = Self.configuration("cluster")
    let cluster = PrivateCluster(configuration)
    let conninfo = try await cluster.start()
    let database = Database(conninfo: conninfo, log: .silent)
    try await database.execute("create table t (id int8)")
    try await database.execute("insert into t values (1)")
    let row = try #require(
      try await database.first(
        """
        select current_user as role, current_setting('listen_addresses') as addresses,
          current_setting('server_encoding') as encoding, (select rolsuper from pg_roles where rolname = current_user) as super,
          (select count(*) from pg_extension where extname = 'btree_gist') as extensions
        """))
    #expect(try row.get("role", as: String.self) == "lifang")
    #expect(try row.get("addresses", as: String.self) == "")
    #expect(try row.get("encoding", as: String.self) == "UTF8")
    #expect(try row.get("super", as: Bool.self) == false)
    #expect(try row.get("extensions", as: Int.self) == 1)

    // Another process of Lifang finds it running and adopts it; it stays when that one ends.
    let first = try #require(await cluster.processID)
    let second = PrivateCluster(folder: configuration.folder, log: .silent)
    #expect(try await second.start() == conninfo)
    #expect(await second.processID == first)
    try await second.stop()
    #expect(await cluster.processID == first)

    // Killed: the next start recovers what was committed, and the pool finds the new server.
    #expect(kill(first, SIGKILL) == 0)
    #expect(try await eventually { await !cluster.isRunning })
    #expect(try await cluster.start() == conninfo)
    #expect(await cluster.processID != first)
    #expect(try await database.value("select id from t", as: Int.self) == 1)

    // The process id in a lock file left by a crash may belong to somebody else by now.
    await database.close()
    try await cluster.stop()
    #expect(await !cluster.isRunning)
    let lock = "\(getpid())\n\(configuration.folder)/data\n1\n5432\n\(configuration.folder)/run\n\n1 1\nready\n"
    let file = try #require(fopen("\(configuration.folder)/data/postmaster.pid", "w"))
    fputs(lock, file)
    fclose(file)
    #expect(try await cluster.start() == conninfo)
    #expect(await cluster.processID != getpid())
    try await cluster.stop()
  }

  @Test func supervisionStartsADeadServerAgain() async throws {
    let cluster = PrivateCluster(Self.configuration("supervised"))
    let database = Database(conninfo: try await cluster.start(), log: .silent)
    let supervision = Task { await cluster.supervise() }
    let first = try #require(await cluster.processID)
    #expect(kill(first, SIGKILL) == 0)
    #expect(try await eventually { await cluster.processID ?? first != first })
    #expect(try await database.value("select 1", as: Int.self) == 1)
    await database.close()
    try await cluster.stop()
    await supervision.value
  }

  @Test func aLongFolderGetsAShortSocket() async throws {
    var configuration = Self.configuration("long")
    configuration.folder += String(repeating: "很长的目录", count: 10)
    let cluster = PrivateCluster(configuration)
    let conninfo = try await cluster.start()
    #expect(conninfo.contains("host='/tmp/lifang-"))
    let database = Database(conninfo: conninfo, log: .silent)
    #expect(try await database.value("select 1", as: Int.self) == 1)
    await database.close()
    try await cluster.stop()
  }
}
