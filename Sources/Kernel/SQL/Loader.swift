import Synchronization

/// Merges look-ups of single keys that come at the same time into one query.
///
/// Nothing is delayed: a look-up that finds the loader idle goes out at once, and whatever arrives while a query runs
/// makes up the next one. Under load, when a query of a hundred keys costs little more than one of a single key, this
/// multiplies what a few connections can answer.
package final class Loader<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private typealias Waiter = CheckedContinuation<Value?, any Error>

  private struct State {
    /// Keys that no query has been sent for, in the order they came.
    var order: [Key] = []
    var waiting: [Key: [Waiter]] = [:]
    var running = 0
  }

  private let maximumBatch: Int
  private let parallel: Int
  private let fetch: @Sendable ([Key]) async throws -> [Key: Value]
  private let state = Mutex(State())

  /// - Parameters:
  ///   - maximumBatch: the most keys in one query.
  ///   - parallel: the most queries at the same time.
  ///   - fetch: finds the values of distinct keys; a key it leaves out has none.
  package init(
    maximumBatch: Int = 256, parallel: Int = 1, fetch: @escaping @Sendable ([Key]) async throws -> [Key: Value]
  ) {
    self.maximumBatch = maximumBatch
    self.parallel = parallel
    self.fetch = fetch
  }

  /// A loader that runs one query a batch.
  ///
  ///     Loader(database) { keys in "select code, name from plate where code = any(\(keys))" }
  ///       key: { try $0.get("code") } value: { try $0.get("name") }
  package convenience init(
    _ database: Database, maximumBatch: Int = 256, parallel: Int = 1,
    query: @escaping @Sendable ([Key]) -> SQL, key: @escaping @Sendable (Row) throws -> Key,
    value: @escaping @Sendable (Row) throws -> Value
  ) {
    self.init(maximumBatch: maximumBatch, parallel: parallel) { keys in
      let rows = try await database.query(query(keys))
      var values: [Key: Value] = [:]
      values.reserveCapacity(rows.count)
      for row in rows { values[try key(row)] = try value(row) }
      return values
    }
  }

  /// The value of a key, or `nil` when there is none.
  ///
  /// - Throws: what the query throws, to everybody whose key was in it.
  package func load(_ key: Key) async throws -> Value? {
    try await withCheckedThrowingContinuation { waiter in
      let mustStart = state.withLock { state -> Bool in
        if state.waiting[key]?.append(waiter) == nil {
          state.waiting[key] = [waiter]
          state.order.append(key)
        }
        guard state.running < parallel else { return false }
        state.running += 1
        return true
      }
      if mustStart { Task.detached { await self.drain() } }
    }
  }

  private func drain() async {
    while let (keys, waiters) = nextBatch() {
      do {
        let values = try await fetch(keys)
        for (key, waiters) in zip(keys, waiters) {
          let value = values[key]
          for waiter in waiters { waiter.resume(returning: value) }
        }
      } catch {
        for waiter in waiters.joined() { waiter.resume(throwing: error) }
      }
    }
  }

  private func nextBatch() -> (keys: [Key], waiters: [[Waiter]])? {
    state.withLock { state in
      guard !state.order.isEmpty else {
        state.running -= 1
        return nil
      }
      let keys = Array(state.order.prefix(maximumBatch))
      state.order.removeFirst(keys.count)
      return (keys, keys.map { state.waiting.removeValue(forKey: $0) ?? [] })
    }
  }
}
