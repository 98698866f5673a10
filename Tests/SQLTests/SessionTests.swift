import Core
import SQL
import TestSupport
import Testing

@Suite struct SessionTests {
  @Test func failuresNameWhatWasViolatedAndHideItFromUsers() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table t (id int8 constraint t_key primary key, n int not null)")
    try await database.execute("insert into t values (1, 1)")
    let twice = await #expect(throws: SQLFailure.self) { try await database.execute("insert into t values (1, 1)") }
    #expect(twice?.isUniqueViolation == true)
    #expect(twice?.constraint == "t_key")
    #expect(twice?.table == "t")
    #expect(twice.map { "\($0)" } == "sql-failure 23505")
    #expect(twice?.debugDescription.contains("t_key") == true)
    let null = await #expect(throws: SQLFailure.self) {
      try await database.execute("insert into t (id) values (2)")
    }
    #expect(null?.column == "n")
    let syntax = await #expect(throws: SQLFailure.self) { try await database.execute("selec 1") }
    #expect(syntax?.sqlState == "42601")
    #expect(syntax?.position == 1)
    #expect(try await database.value("select count(*) from t", as: Int.self) == 1)
  }

  @Test func affectedRowsAreCounted() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table t (id int8)")
    #expect(try await database.execute("insert into t select generate_series(1, 10)") == 10)
    #expect(try await database.execute("update t set id = id where id <= \(3)") == 3)
    #expect(try await database.execute("delete from t where id > \(8)") == 2)
  }

  @Test func moreStatementsThanAreKeptPreparedStillRun() async throws {
    let database = try await TestDatabase.make {
      $0.maximumConnections = 1
      $0.statementCacheSize = 4
    }
    for round in 0..<3 {
      for number in 0..<10 {
        let sql: SQL = "select \(round)::int8 + \(unsafe: String(number))"
        #expect(try await database.value(sql, as: Int.self) == round + number)
        #expect(try await database.value(sql, as: Int.self) == round + number)
      }
    }
    let kept = try await database.value("select count(*) from pg_prepared_statements", as: Int.self)
    #expect((1...5).contains(kept))
  }

  @Test func aPreparedStatementSurvivesAChangeOfItsTable() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    try await database.execute("create table t (a int4)")
    try await database.execute("insert into t values (1)")
    for _ in 0..<3 { _ = try await database.query("select * from t") }
    try await database.execute("alter table t add b text default 'b'")
    let row = try #require(try await database.first("select * from t"))
    #expect(try row.get("b", as: String.self) == "b")
    // Within a transaction the failure cannot be hidden, but the transaction is run again.
    for _ in 0..<3 { _ = try await database.query("select * from t") }
    try await database.execute("alter table t add c int4 default 3")
    let c = try await database.transaction { try await $0.first("select * from t")?.get("c", as: Int.self) }
    #expect(c == 3)
    try await database.execute("deallocate all")
    #expect(try await database.query("select * from t").count == 1)
  }

  @Test func aCancelledTaskStopsItsStatementOnTheServer() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 2 }
    let sleeping = Task { try await database.query("select pg_sleep(600) as sleeper") }
    let administrator = Database(conninfo: try await TestDatabase.administratorConninfo(), log: .silent)
    let isRunning: SQL = "select count(*) from pg_stat_activity where state = 'active' and query like '%600%sleeper'"
    #expect(try await eventually { try await administrator.value(isRunning, as: Int.self) == 1 })
    sleeping.cancel()
    await #expect(throws: CancellationError.self) { try await sleeping.value }
    #expect(try await administrator.value(isRunning, as: Int.self) == 0)
    #expect(try await database.value("select 1", as: Int.self) == 1)
    await administrator.close()
  }

  @Test func aStatementBeyondItsTimeIsStopped() async throws {
    let database = try await TestDatabase.make { $0.statementTimeout = .milliseconds(50) }
    let failure = await #expect(throws: SQLFailure.self) { try await database.query("select pg_sleep(600)") }
    #expect(failure?.isCancelled == true)
  }

  @Test func slowStatementsAreLoggedWithoutTheirValues() async throws {
    let lines = Recorder<String>()
    let metrics = Metrics()
    let database = try await TestDatabase.make {
      $0.slowQueryThreshold = .zero
      $0.metrics = metrics
      $0.log = Log(write: { line in lines.append(String(decoding: line, as: UTF8.self)) })
    }
    _ = try await database.query("select \("13800138000")::text as phone")
    let slow = lines.elements.filter { $0.contains("sql-slow") }
    #expect(slow.count == 1)
    #expect(slow.first?.contains("select $1::text as phone") == true)
    #expect(slow.first?.contains("13800138000") == false)
    #expect(metrics.value("lifang_sql_slow_total") == 1)
    #expect(metrics.exposition.contains("lifang_sql_seconds_count 1"))
    database.reportGauges()
    #expect(metrics.exposition.contains("lifang_sql_connections{state=\"idle\"} 1.0"))
  }

  @Test func aPipelineReturnsAllResultsInOrder() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    for size in [1, 2, 300] {
      let rows = try await database.pipeline((0..<size).map { "select \($0)::int8 as n, \("x\($0)") as t" })
      #expect(try rows.map { try $0[0].get("n", as: Int.self) } == Array(0..<size))
      #expect(try rows.last?[0].get("t", as: String.self) == "x\(size - 1)")
    }
    #expect(try await database.pipeline([]).isEmpty)
    // Both ways full: each side has more to say than the buffers between them hold.
    let big = String(repeating: "里坊", count: 100_000)
    let echoed = try await database.pipeline((0..<20).map { _ in "select \(big)::text as big" })
    #expect(try echoed.allSatisfy { try $0[0].get("big", as: String.self) == big })
  }

  @Test func aFailingPipelineDoesNothingAndLeavesTheConnectionUsable() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    try await database.execute("create table t (id int8 primary key)")
    for _ in 0..<3 {
      let failure = await #expect(throws: SQLFailure.self) {
        try await database.pipeline([
          "insert into t values (\(1))", "insert into t values (\(2))", "insert into t values (\(1))",
          "insert into t values (\(3))", "select no_such_column from t",
        ])
      }
      #expect(failure?.isUniqueViolation == true)
      #expect(try await database.value("select count(*) from t", as: Int.self) == 0)
    }
    _ = try await database.pipeline((0..<5).map { "insert into t values (\($0))" })
    #expect(try await database.value("select count(*) from t", as: Int.self) == 5)
    #expect(try await database.value("select count(*) from pg_prepared_statements", as: Int.self) < 8)
  }
}
