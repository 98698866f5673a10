import Core
import SQL
import Synchronization
import Testing

/// Sums that are kept in memory and added now and then.
@Suite struct DailyCountsTests {
  private struct Broken: Error {}

  @Test func sumsAreByKeyAndDayAndAreAddedOnce() async throws {
    let time = ManualClock(try #require(Instant("2026-11-18 23:59")))
    let added = Mutex<[DailyCounts<String>.Sum]>([])
    let counts = DailyCounts<String>("test", clock: time.clock) { sums in added.withLock { $0 += sums } }
    for key in ["b", "a", "b"] { counts.count(key) }
    time.advance(seconds: 120)
    counts.count("b")
    try await counts.flush()
    try await counts.flush()
    let sums = added.withLock { $0.map { "\($0.key) \($0.day) \($0.count)" } }
    #expect(sums == ["a 2026-11-18 1", "b 2026-11-18 2", "b 2026-11-19 1"])
  }

  @Test func whatCouldNotBeAddedIsKept() async throws {
    let time = ManualClock(try #require(Instant("2026-11-18 10:00")))
    let isBroken = Mutex(true)
    let added = Mutex<Int64>(0)
    let counts = DailyCounts<Int64>("test", clock: time.clock) { sums in
      if isBroken.withLock(\.self) { throw Broken() }
      added.withLock { total in for sum in sums { total += sum.count } }
    }
    counts.count(7)
    await #expect(throws: Broken.self) { try await counts.flush() }
    counts.count(7)
    isBroken.withLock { $0 = false }
    try await counts.flush()
    #expect(added.withLock(\.self) == 2)
  }
}
