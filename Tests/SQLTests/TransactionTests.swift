import Core
import SQL
import TestSupport
import Testing

@Suite struct TransactionTests {
  struct Stop: Error {}

  /// Lets nobody through until `count` have arrived.
  actor Barrier {
    private var missing: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) { missing = count }

    func arrive() async {
      missing -= 1
      if missing <= 0 {
        for continuation in waiting { continuation.resume() }
        waiting = []
      } else {
        await withCheckedContinuation { waiting.append($0) }
      }
    }
  }

  @Test func aBodyThatThrowsLeavesNothing() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table t (id int8)")
    await #expect(throws: Stop.self) {
      try await database.transaction { transaction in
        try await transaction.execute("insert into t values (1)")
        throw Stop()
      }
    }
    #expect(try await database.value("select count(*) from t", as: Int.self) == 0)
    let id = try await database.transaction {
      try await $0.value("insert into t values (2) returning id", as: Int.self)
    }
    #expect(id == 2)
    #expect(try await database.query("select id from t").values(as: Int.self) == [2])
  }

  @Test func twoSerializableTransactionsBothSucceedAsIfOneAfterTheOther() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table t (seen int8)")
    let attempts = Counter()
    let barrier = Barrier(2)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<2 {
        group.addTask {
          let mine = Counter()
          try await database.transaction(.serializable) { transaction in
            attempts.next()
            let count = try await transaction.value("select count(*) from t", as: Int.self)
            if mine.next() == 1 { await barrier.arrive() }
            try await transaction.execute("insert into t values (\(count))")
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await database.query("select seen from t order by 1").values(as: Int.self) == [0, 1])
    #expect(attempts.value == 3)
  }

  @Test func aDeadlockIsRunAgain() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table t (id int8 primary key, n int8 not null)")
    try await database.execute("insert into t values (1, 0), (2, 0)")
    let barrier = Barrier(2)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for order in [[1, 2], [2, 1]] {
        group.addTask {
          let mine = Counter()
          try await database.transaction { transaction in
            try await transaction.execute("update t set n = n + 1 where id = \(order[0])")
            if mine.next() == 1 { await barrier.arrive() }
            try await transaction.execute("update t set n = n + 1 where id = \(order[1])")
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await database.query("select n from t").values(as: Int.self) == [2, 2])
  }

  @Test func conflictsWithoutEndAreThrownAfterTheLastAttempt() async throws {
    let database = try await TestDatabase.make()
    let attempts = Counter()
    let failure = await #expect(throws: SQLFailure.self) {
      try await database.transaction(attempts: 3) { transaction in
        attempts.next()
        try await transaction.execute(unsafe: "do $$ begin raise exception 'x' using errcode = '40001'; end $$")
      }
    }
    #expect(failure?.isConflict == true)
    #expect(attempts.value == 3)
  }

  @Test func aFailedCommitIsToldApartFromAFailedBody() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table t (id int8 constraint t_key unique deferrable initially deferred)")
    let failure = await #expect(throws: TransactionFailure.self) {
      try await database.transaction { try await $0.execute("insert into t values (1), (1)") }
    }
    #expect(failure?.step == .commit)
    #expect(failure?.isOutcomeUnknown == false)
    #expect(failure.flatMap { SQLFailure.within($0) }?.constraint == "t_key")
  }

  @Test func aHiddenFailureIsNotTakenForACommit() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table t (id int8)")
    let failure = await #expect(throws: TransactionFailure.self) {
      try await database.transaction { transaction in
        try await transaction.execute("insert into t values (1)")
        _ = try? await transaction.execute("select 1/0")
      }
    }
    #expect((failure?.error as? Fault)?.code == "sql-transaction-aborted")
    #expect(try await database.value("select count(*) from t", as: Int.self) == 0)
  }

  @Test func savepointsUndoTheirPartOnly() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table t (id int8 primary key)")
    try await database.transaction { transaction in
      try await transaction.execute("insert into t values (1)")
      for id in [1, 2] {
        _ = try? await transaction.savepoint { inner in
          try await inner.execute("insert into t values (\(id + 10))")
          try await inner.savepoint { try await $0.execute("insert into t values (\(id))") }
        }
      }
    }
    #expect(try await database.query("select id from t order by 1").values(as: Int.self) == [1, 2, 12])
  }

  @Test func aTransactionCannotBeUsedAfterItsEnd() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    let kept = try await database.transaction { transaction in
      try await transaction.execute("select 1")
      return transaction
    }
    let fault = await #expect(throws: Fault.self) { try await kept.execute("select 1") }
    #expect(fault?.code == "sql-transaction-over")
  }

  @Test func whatABorrowerLeavesOpenIsEnded() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    try await database.execute("create table t (id int8)")
    try await database.withConnection { connection in
      try await connection.execute("begin")
      try await connection.execute("insert into t values (1)")
    }
    #expect(try await database.value("select count(*) from t", as: Int.self) == 0)
  }

  @Test func aSnapshotIsStableAndReadOnly() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table t (id int8)")
    try await database.transaction(.snapshot) { transaction in
      #expect(try await transaction.value("select count(*) from t", as: Int.self) == 0)
      try await database.execute("insert into t values (1)")
      #expect(try await transaction.value("select count(*) from t", as: Int.self) == 0)
    }
    let failure = await #expect(throws: SQLFailure.self) {
      try await database.transaction(.snapshot) { try await $0.execute("insert into t values (2)") }
    }
    #expect(failure?.sqlState == "25006")
  }

  @Test func batchesHandOutEveryRowOnce() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    for total in [0, 1, 10, 25] {
      let seen = Recorder<Int>()
      try await database.transaction(.snapshot) { transaction in
        try await transaction.batches(of: "select n from generate_series(1, \(total)) n", size: 10) { rows in
          let values = try rows.values(as: Int.self)
          #expect(values.count <= 10)
          for value in values { seen.append(value) }
        }
      }
      #expect(seen.elements == Array(1..<(total + 1)))
    }
  }
}
