package import Core
import Synchronization

/// Counts events by a key and day in memory and adds the sums to the database now and then: no line says who, or when within
/// the day.
///
/// An event costs one addition; what was counted since the last flush is lost when the process is killed, which a statistic
/// of visits can bear and the speed of a page could not.
package final class DailyCounts<Key: Hashable & Comparable & Sendable>: Sendable {
  /// What was counted of one key on one day.
  package struct Sum: Sendable {
    package let key: Key
    package let day: CivilDate
    package let count: Int64
  }

  private struct Slot: Hashable {
    let key: Key
    let day: CivilDate
  }

  private let counts = Mutex<[Slot: Int64]>([:])
  private let clock: WallClock
  private let name: String
  private let add: @Sendable ([Sum]) async throws -> Void

  /// - Parameters:
  ///   - name: what failures are logged as, `<name>-failed`.
  ///   - add: adds sums, in the order of their keys, to what stands in the database.
  package init(_ name: String, clock: WallClock, add: @escaping @Sendable ([Sum]) async throws -> Void) {
    self.name = name
    self.clock = clock
    self.add = add
  }

  package func count(_ key: Key) {
    let slot = Slot(key: key, day: clock.today())
    counts.withLock { $0[slot, default: 0] += 1 }
  }

  /// Adds what was counted to the database; what cannot be added is kept for the next time.
  package func flush() async throws {
    let taken = counts.withLock { counts in
      defer { counts = [:] }
      return counts
    }
    guard !taken.isEmpty else { return }
    do {
      try await add(
        taken.map { Sum(key: $0.key.key, day: $0.key.day, count: $0.value) }
          .sorted { ($0.key, $0.day) < ($1.key, $1.day) })
    } catch {
      counts.withLock { counts in counts.merge(taken, uniquingKeysWith: +) }
      throw error
    }
  }

  /// Flushes every few seconds until the task is cancelled, and once more then.
  package func run(every seconds: Int = 5, log: Log) async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(seconds))
      do { try await flush() } catch { log.fault(error, "\(name)-failed") }
    }
  }
}
