import Core
import SQL
import TestSupport
import Testing

@Suite struct GatheringTests {
  struct Stop: Error {}

  private static let notes = GatheringStatement("notes") { rows in
    "insert into note (text) select r ->> 0 from json_array_elements(\(rows)::json) r"
  }

  private func makeNotes() async throws -> Database {
    let database = try await TestDatabase.make()
    try await database.execute(
      "create table note (id int8 generated always as identity, text text check (text <> 'bad'))")
    return database
  }

  private func notes(_ database: Database) async throws -> [String] {
    try await database.query("select text from note order by id").values()
  }

  @Test func whatIsGatheredIsWrittenAtTheEndInItsOrder() async throws {
    let database = try await makeNotes()
    try await database.transaction { transaction in
      for text in ["一", "二", "三"] { transaction.gather([.string(text)], for: Self.notes) }
      let early = try await transaction.value("select count(*) from note", as: Int.self)
      #expect(early == 0)
    }
    #expect(try await notes(database) == ["一", "二", "三"])
  }

  @Test func aTransactionThatOnlyGathersIsWritten() async throws {
    let database = try await makeNotes()
    try await database.transaction { $0.gather(["独"], for: Self.notes) }
    #expect(try await notes(database) == ["独"])
  }

  @Test func whatIsUndoneTellsNothing() async throws {
    let database = try await makeNotes()
    await #expect(throws: Stop.self) {
      try await database.transaction { transaction in
        transaction.gather(["lost"], for: Self.notes)
        throw Stop()
      }
    }
    try await database.transaction { transaction in
      transaction.gather(["before"], for: Self.notes)
      await #expect(throws: Stop.self) {
        try await transaction.savepoint { inner in
          inner.gather(["undone"], for: Self.notes)
          throw Stop()
        }
      }
      try await transaction.savepoint { $0.gather(["inside"], for: Self.notes) }
    }
    #expect(try await notes(database) == ["before", "inside"])
  }

  @Test func aRowThatIsRefusedTakesTheTransactionWithIt() async throws {
    let database = try await makeNotes()
    await #expect(throws: TransactionFailure.self) {
      try await database.transaction { transaction in
        try await transaction.execute("insert into note (text) values ('written')")
        transaction.gather(["good"], for: Self.notes)
        transaction.gather(["bad"], for: Self.notes)
      }
    }
    await #expect(throws: TransactionFailure.self) {
      try await database.transaction { $0.gather(["bad"], for: Self.notes) }
    }
    #expect(try await notes(database).isEmpty)
    // The connection goes on.
    try await database.transaction { $0.gather(["next"], for: Self.notes) }
    #expect(try await notes(database) == ["next"])
  }

  @Test func aBodyThatHidAFailureIsToldSo() async throws {
    let database = try await makeNotes()
    await #expect(throws: TransactionFailure.self) {
      try await database.transaction { transaction in
        transaction.gather(["one"], for: Self.notes)
        _ = try? await transaction.query("select 1 / 0")
      }
    }
    #expect(try await notes(database).isEmpty)
  }
}
