import Core
import SQL
import TestSupport
import Testing

@Suite struct MigratorTests {
  let migrator = Migrator(log: .silent)
  let steps = [
    Migration(id: "0002-b", sql: "insert into a values (1); insert into a values (2);"),
    Migration(id: "0001-a", sql: "create table a (id int8 primary key)"),
  ]

  @Test func stepsAreAppliedOnceInOrder() async throws {
    let database = try await TestDatabase.make()
    #expect(try await migrator.run(steps, on: database) == ["0001-a", "0002-b"])
    #expect(try await migrator.run(steps, on: database) == [])
    let more = steps + [Migration(id: "0003-c", sql: "delete from a where id = 1")]
    #expect(try await migrator.run(more, on: database) == ["0003-c"])
    #expect(try await database.query("select id from a").values(as: Int.self) == [2])
  }

  @Test func aChangedStepIsRefusedBeforeAnythingIsDone() async throws {
    let database = try await TestDatabase.make()
    _ = try await migrator.run(steps, on: database)
    let changed = [
      Migration(id: "0000-new", sql: "create table n ()"), Migration(id: "0001-a", sql: "create table a (id int4)"),
    ]
    let fault = await #expect(throws: Fault.self) { try await migrator.run(changed, on: database) }
    #expect(fault?.code == "migration-changed")
    #expect(fault?.detail == "0001-a")
    #expect(try await database.value("select to_regclass('n') is null", as: Bool.self))
  }

  @Test func aFailingStepLeavesNothingAndEarlierOnesStay() async throws {
    let database = try await TestDatabase.make()
    let failing = steps + [Migration(id: "0003-c", sql: "create table c (); select 1/0;")]
    let fault = await #expect(throws: Fault.self) { try await migrator.run(failing, on: database) }
    #expect(fault?.code == "migration-failed")
    #expect(try await database.value("select to_regclass('c') is null", as: Bool.self))
    #expect(
      try await database.query("select id from lifang_migration order by 1").values(as: String.self) == [
        "0001-a", "0002-b",
      ])
  }

  @Test func aStepCannotEndItsTransaction() async throws {
    let database = try await TestDatabase.make()
    let fault = await #expect(throws: Fault.self) {
      try await migrator.run([Migration(id: "1", sql: "create table x (); commit;")], on: database)
    }
    #expect((fault?.cause as? Fault)?.code == "sql-transaction-ended")
  }

  @Test func severalProcessesMayMigrateAtOnce() async throws {
    let database = try await TestDatabase.make()
    let applied = try await withThrowingTaskGroup(of: [String].self) { group in
      for _ in 0..<4 { group.addTask { try await migrator.run(steps, on: database) } }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(applied == ["0001-a", "0002-b"])
  }
}
