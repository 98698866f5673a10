import Core
import SQL
import TestSupport
import Testing

@Suite struct ListenTests {
  @Test func payloadsArriveInOrderAfterTheGreeting() async throws {
    let database = try await TestDatabase.make()
    var payloads = database.listen("频道 \"x\"").makeAsyncIterator()
    #expect(await payloads.next() == "")
    for number in 0..<5 { try await database.notify("频道 \"x\"", "n\(number)") }
    for number in 0..<5 { #expect(await payloads.next() == "n\(number)") }
  }

  @Test func aNotificationArrivesOnlyWhenItsTransactionCommits() async throws {
    let database = try await TestDatabase.make()
    var payloads = database.listen("c").makeAsyncIterator()
    #expect(await payloads.next() == "")
    _ = try? await database.transaction { transaction in
      transaction.notify("c", "lost")
      throw CancellationError()
    }
    try await database.transaction { $0.notify("c", "kept") }
    #expect(await payloads.next() == "kept")
  }

  @Test func channelsAndSubscribersShareOneConnection() async throws {
    let database = try await TestDatabase.make()
    var streams = (0..<10).map { database.listen($0 % 2 == 0 ? "even" : "odd").makeAsyncIterator() }
    for index in streams.indices { #expect(await streams[index].next() == "") }
    try await database.notify("even", "e")
    try await database.notify("odd", "o")
    for index in streams.indices { #expect(await streams[index].next() == (index % 2 == 0 ? "e" : "o")) }
    let administrator = Database(conninfo: try await TestDatabase.administratorConninfo(), log: .silent)
    let name = try await database.value("select current_database()", as: String.self)
    let listeners = try await administrator.value(
      "select count(*) from pg_stat_activity where datname = \(name) and query ilike 'listen%'", as: Int.self)
    #expect(listeners == 1)
    await administrator.close()
  }

  @Test func aLostConnectionIsMadeAnewAndTold() async throws {
    let database = try await TestDatabase.make()
    let administrator = Database(conninfo: try await TestDatabase.administratorConninfo(), log: .silent)
    let name = try await database.value("select current_database()", as: String.self)
    var payloads = database.listen("c").makeAsyncIterator()
    #expect(await payloads.next() == "")
    try await administrator.execute(
      """
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = \(name) and query ilike 'listen%' and pid <> pg_backend_pid()
      """)
    #expect(await payloads.next() == "")
    try await database.notify("c", "again")
    #expect(await payloads.next() == "again")
    await administrator.close()
  }

  @Test func closingThePoolEndsTheStreams() async throws {
    let database = try await TestDatabase.make()
    var payloads = database.listen("c").makeAsyncIterator()
    #expect(await payloads.next() == "")
    await database.close()
    #expect(await payloads.next() == nil)
  }
}
