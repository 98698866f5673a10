import Access
import Core
import Entities
import SQL
import TestSupport
import Testing

@Suite("Changes of a register since")
struct StoreChangesTests {
  /// A fixture whose buildings note their changes.
  private func make() async throws -> (StoreFixture, RecordChanges) {
    let noting = StoreFixture.declarations.map { name, text in
      name == "building.yaml"
        ? (name, text.replacing("title: name\n", with: "title: name\nchanges: true\n")) : (name, text)
    }
    let fixture = try await StoreFixture.make(noting)
    return (fixture, RecordChanges(database: fixture.database, clock: fixture.clock.clock))
  }

  private func building(_ fixture: StoreFixture, _ name: String, _ division: String = "511702001") async throws -> Int64
  {
    try await fixture.system.insert("building", ["name": .text(name), "division_code": .text(division)]).id
  }

  private func begin(_ changes: RecordChanges, _ start: ChangeStart = .now) async throws {
    try await changes.number()
    try await changes.database.transaction {
      try await changes.begin("reader", of: "building", from: start, in: $0)
    }
  }

  @Test("whatever way a record is written, its change is noted once, in order")
  func everyWay() async throws {
    let (fixture, changes) = try await make()
    try await begin(changes)
    let id = try await building(fixture, "甲楼")
    fixture.clock.advance(seconds: 5)
    try await fixture.system.update("building", id, version: nil, ["name": .text("乙楼")])
    try await fixture.database.execute("update building set storeys = 7, version = version + 1 where id = \(id)")
    try await fixture.system.delete("building", id, version: nil)
    let batch = try #require(try await changes.next("reader", limit: 10))
    #expect(batch.changes.map(\.operation) == [.insert, .update, .update, .delete])
    #expect(batch.changes.allSatisfy { $0.record == id })
    #expect(batch.changes.map(\.version) == [1, 2, 3, 3])
    #expect(try await changes.acknowledge(batch, in: fixture.database))
    #expect(try await changes.next("reader", limit: 10)?.changes == [])
    #expect(try await !changes.acknowledge(batch, in: fixture.database))
  }

  @Test("a change that is written first and committed last is not passed over")
  func commitOrder() async throws {
    let (fixture, changes) = try await make()
    try await begin(changes)
    let slow = try await building(fixture, "慢")
    let fast = try await building(fixture, "快")
    let taken = try #require(try await changes.next("reader", limit: 10))
    try await changes.acknowledge(taken, in: fixture.database)
    let (holding, release) = (AsyncStream<Void>.makeStream(), AsyncStream<Void>.makeStream())
    let writing = Task {
      try await fixture.database.transaction { transaction in
        try await transaction.execute("update building set storeys = 3 where id = \(slow)")
        holding.continuation.finish()
        for await _ in release.stream {}
      }
    }
    for await _ in holding.stream {}
    try await fixture.database.execute("update building set storeys = 4 where id = \(fast)")
    let first = try #require(try await changes.next("reader", limit: 10))
    #expect(first.changes.map(\.record) == [fast])
    try await changes.acknowledge(first, in: fixture.database)
    release.continuation.finish()
    try await writing.value
    #expect(try await changes.next("reader", limit: 10)?.changes.map(\.record) == [slow])
  }

  @Test("many writers at once: every change comes once, those of a record in their order")
  func manyWriters() async throws {
    let (fixture, changes) = try await make()
    var ids: [Int64] = []
    for name in ["一", "二", "三"] { ids.append(try await building(fixture, name)) }
    try await begin(changes)
    let targets = ids
    var seen: [NotedChange] = []
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<3 {
        group.addTask {
          for turn in 0..<20 {
            let id = targets[(writer + turn) % targets.count]
            try await fixture.database.execute(
              "update building set storeys = \(turn + 1), version = version + 1 where id = \(id)")
          }
        }
      }
      while seen.count < 60 {
        let batch = try #require(try await changes.next("reader", limit: 7))
        seen += batch.changes
        try await changes.acknowledge(batch, in: fixture.database)
        if batch.changes.isEmpty { await Task.yield() }
      }
      try await group.waitForAll()
    }
    #expect(seen.count == 60)
    for id in ids {
      let versions = seen.filter { $0.record == id }.compactMap(\.version)
      #expect(versions == (2...21).map { Int64($0) })
    }
  }

  @Test("what was there already comes first, then what changes; a replay goes back in time")
  func scanAndReplay() async throws {
    let (fixture, changes) = try await make()
    var ids: [Int64] = []
    for name in ["一", "二", "三"] { ids.append(try await building(fixture, name)) }
    try await begin(changes, .everything)
    var found: [NotedChange] = []
    for _ in 0..<3 {
      let batch = try #require(try await changes.next("reader", limit: 2))
      found += batch.changes
      try await changes.acknowledge(batch, in: fixture.database)
    }
    #expect(found.map(\.operation) == [.snapshot, .snapshot, .snapshot])
    #expect(found.map(\.record) == ids)
    fixture.clock.advance(seconds: 60)
    let time = fixture.clock.clock.now()
    try await fixture.system.update("building", ids[1], version: nil, ["name": .text("改")])
    try await changes.acknowledge(try #require(try await changes.next("reader", limit: 9)), in: fixture.database)
    try await begin(changes, .since(time))
    var replayed: [Int64] = []
    while let batch = try await changes.next("reader", limit: 9), !batch.changes.isEmpty {
      replayed += batch.changes.map(\.record)
      try await changes.acknowledge(batch, in: fixture.database)
    }
    #expect(replayed.contains(ids[1]) && !replayed.contains(ids[0]))
  }

  @Test("a reader whose changes were forgotten reads the register again")
  func forgotten() async throws {
    let (fixture, changes) = try await make()
    try await begin(changes)
    let id = try await building(fixture, "旧")
    try await changes.purge(before: Instant(seconds: 4_000_000_000))
    #expect(try await fixture.database.value("select count(*) from record_change") == Int64(0))
    let batch = try #require(try await changes.next("reader", limit: 9))
    #expect(batch.changes.map(\.operation) == [.snapshot] && batch.changes.map(\.record) == [id])
  }

  @Test("a reader sees what its principal may see, and hears of what leaves its sight and of nothing else")
  func scope() async throws {
    let (fixture, changes) = try await make()
    let reader = StoreFixture.user(
      3, [("building.view", .division(["511702"]))], clearance: .inner, kind: .key)
    let (own, foreign) = (
      try await building(fixture, "辖内"), try await building(fixture, "辖外", "511703001")
    )
    try await begin(changes)
    fixture.clock.advance(seconds: 5)
    try await fixture.system.update("building", own, version: nil, ["division_code": .text("511703002")])
    try await fixture.system.update("building", foreign, version: nil, ["name": .text("改名")])
    fixture.clock.advance(seconds: 5)
    try await fixture.system.update("building", own, version: nil, ["name": .text("再改")])
    let batch = try #require(try await changes.next("reader", limit: 9))
    let seen = try await fixture.store.records(as: reader).changed("building", batch.changes)
    #expect(seen.present.isEmpty)
    #expect(seen.left.map(\.version) == [2])
    #expect(seen.left.map(\.record) == [own])
    try await #require(throws: Refusal.self) {
      _ = try await fixture.store.records(as: .system).changed("citizen", batch.changes)
    }
  }
}
