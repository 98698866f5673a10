import Core
import SQL
import TestSupport
import Testing

@Suite struct PoolTests {
  @Test func aCallerThatWaitsTooLongIsRefusedInChinese() async throws {
    let database = try await TestDatabase.make {
      $0.maximumConnections = 1
      $0.waitTimeout = .milliseconds(50)
    }
    try await database.withConnection { connection in
      let refusal = await #expect(throws: Refusal.self) { try await database.query("select 1") }
      #expect(refusal?.kind == .unavailable)
      #expect(refusal?.code == "database-busy")
      #expect(refusal?.message.contains("没有保存") == true)
      let answer = try await connection.value("select 1", as: Int.self)
      #expect(answer == 1)
    }
    #expect(try await database.value("select 2", as: Int.self) == 2)
  }

  @Test func callersAreServedInTheOrderTheyCame() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    let served = Recorder<Int>()
    let tasks = try await database.withConnection { _ in
      var tasks: [Task<Void, any Error>] = []
      for number in 0..<20 {
        tasks.append(
          Task { try await database.withConnection { _ in served.append(number) } })
        let isQueued = try await eventually { database.counts.waiting == number + 1 }
        #expect(isQueued)
      }
      return tasks
    }
    for task in tasks { try await task.value }
    #expect(served.elements == Array(0..<20))
  }

  @Test func aCancelledWaiterLeavesTheQueue() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    try await database.withConnection { _ in
      let waiter = Task { try await database.query("select 1") }
      let isQueued = try await eventually { database.counts.waiting == 1 }
      #expect(isQueued)
      waiter.cancel()
      await #expect(throws: CancellationError.self) { try await waiter.value }
      #expect(database.counts.waiting == 0)
    }
    #expect(try await database.value("select 1", as: Int.self) == 1)
  }

  @Test func cancellationsAtAnyMomentNeitherLoseNorDoubleAConnection() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 3 }
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<300 {
        let task = Task { try await database.value("select \(number)", as: Int.self) }
        if number % 3 != 0 { group.addTask { task.cancel() } }
        group.addTask {
          // Either the answer of this very statement or a cancellation.
          if case .success(let answer) = await task.result { #expect(answer == number) }
        }
      }
    }
    #expect(try await eventually { database.counts.idle == database.counts.open })
    #expect(database.counts.open <= 3)
    #expect(try await database.value("select 1", as: Int.self) == 1)
  }

  @Test func aHundredCallersShareTwoConnectionsAndEachGetsItsOwnAnswer() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 2 }
    try await database.execute("create table t (id int8 primary key)")
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<100 {
        group.addTask {
          for round in 0..<20 {
            let answer = try? await database.value("select \(number * 100 + round)::int8 + 0", as: Int.self)
            #expect(answer == number * 100 + round)
            // Failures of one caller stay with him, wherever his statement was run.
            if round % 5 == 0 {
              let failure = await #expect(throws: SQLFailure.self) {
                try await database.query("select 1 / (\(number)::int8 - \(number)::int8)")
              }
              #expect(failure?.sqlState == "22012")
            }
            if round % 7 == 0 {
              let written = try? await database.execute("insert into t values (\(number * 100 + round))")
              #expect(written == 1)
            }
          }
        }
      }
    }
    #expect(try await database.value("select count(*) from t", as: Int.self) == 300)
    #expect(database.counts.open == 2)
  }

  @Test func aRunningStatementOfAWaiterCanBeCancelled() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    let administrator = Database(conninfo: try await TestDatabase.administratorConninfo(), log: .silent)
    let sleeping = try await database.withConnection { _ in
      let task = Task { try await database.query("select pg_sleep(600) as waiter") }
      let isQueued = try await eventually { database.counts.waiting == 1 }
      #expect(isQueued)
      return task
    }
    #expect(
      try await eventually {
        try await administrator.value(
          "select count(*) from pg_stat_activity where state = 'active' and query like '%600%waiter'", as: Int.self)
          == 1
      })
    sleeping.cancel()
    await #expect(throws: CancellationError.self) { try await sleeping.value }
    #expect(try await database.value("select 1", as: Int.self) == 1)
    await administrator.close()
  }

  @Test func aKilledBackendIsReplaced() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    let administrator = Database(conninfo: try await TestDatabase.administratorConninfo(), log: .silent)
    let backend = try await database.withConnection { await $0.backend }
    #expect(try await administrator.value("select pg_terminate_backend(\(backend)::int4, 5000)", as: Bool.self))
    // Idle when it was killed: nobody notices.
    let next = try await database.withConnection { connection in
      let answer = try await connection.value("select 1", as: Int.self)
      #expect(answer == 1)
      return await connection.backend
    }
    #expect(next != backend)
    await administrator.close()
  }

  @Test func aTransactionWhoseBackendIsKilledRunsAgain() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    let administrator = Database(conninfo: try await TestDatabase.administratorConninfo(), log: .silent)
    try await database.execute("create table t (id int8)")
    let attempts = Counter()
    try await database.transaction { transaction in
      let attempt = attempts.next()
      try await transaction.execute("insert into t values (\(attempt))")
      if attempt == 1 {
        let backend = try await transaction.value("select pg_backend_pid()", as: Int.self)
        try await administrator.execute("select pg_terminate_backend(\(backend)::int4, 5000)")
      }
      try await transaction.execute("insert into t values (\(attempt))")
    }
    #expect(try await database.query("select id from t").values(as: Int.self) == [2, 2])
    await administrator.close()
  }

  @Test func aStatementWhoseBackendIsKilledFailsAndTheNextSucceeds() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    let administrator = Database(conninfo: try await TestDatabase.administratorConninfo(), log: .silent)
    let backend = try await database.withConnection { await $0.backend }
    let sleeping = Task { try await database.query("select pg_sleep(600)") }
    #expect(
      try await eventually {
        try await administrator.value(
          "select state = 'active' from pg_stat_activity where pid = \(backend)", as: Bool.self)
      })
    try await administrator.execute("select pg_terminate_backend(\(backend)::int4, 5000)")
    let failure = await #expect(throws: SQLFailure.self) { try await sleeping.value }
    #expect(failure?.isConnectionLost == true)
    #expect(try await database.value("select 1", as: Int.self) == 1)
    await administrator.close()
  }

  @Test func aClosedPoolRefusesWork() async throws {
    let database = try await TestDatabase.make()
    _ = try await database.query("select 1")
    await database.close()
    await #expect(throws: Fault.self) { try await database.query("select 1") }
    #expect(database.counts.open == 0)
  }

  @Test func aMissingDatabaseFailsAtOnce() async throws {
    let database = try await TestDatabase.make { $0.database = "no_such_database" }
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<20 {
        group.addTask {
          await #expect(throws: ConnectFailure.self) { try await database.query("select 1") }
        }
      }
    }
    #expect(database.counts.open == 0)
  }

  @Test func anAbsentServerIsARefusalAfterTheWait() async throws {
    var configuration = Database.Configuration(conninfo: "host=/nonexistent dbname=x", log: .silent)
    configuration.waitTimeout = .milliseconds(100)
    let database = Database(configuration)
    let refusal = await #expect(throws: Refusal.self) { try await database.query("select 1") }
    #expect(refusal?.code == "database-unreachable")
  }
}
