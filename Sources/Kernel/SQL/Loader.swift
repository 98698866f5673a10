import Core

/// Merges look-ups of single keys that come at the same time into one query, as ``Batcher`` does.
package final class Loader<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct LookUp: Sendable {
    let key: Key
    let waiter: CheckedContinuation<Value?, any Error>
  }

  private let batcher: Batcher<LookUp>

  /// - Parameters:
  ///   - maximumBatch: the most keys in one query.
  ///   - parallel: the most queries at the same time.
  ///   - fetch: finds the values of distinct keys; a key it leaves out has none.
  package init(
    maximumBatch: Int = 256, parallel: Int = 1, fetch: @escaping @Sendable ([Key]) async throws -> [Key: Value]
  ) {
    batcher = Batcher(maximum: maximumBatch, parallel: parallel) { lookUps in
      do {
        let values = try await fetch(Array(Set(lookUps.map(\.key))))
        for lookUp in lookUps { lookUp.waiter.resume(returning: values[lookUp.key]) }
      } catch {
        for lookUp in lookUps { lookUp.waiter.resume(throwing: error) }
      }
    }
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
    try await withCheckedThrowingContinuation { batcher.add(LookUp(key: key, waiter: $0)) }
  }
}
