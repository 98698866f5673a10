import Synchronization

/// Something that is read when it is first asked for, and kept until it is forgotten: what many requests need and what
/// seldom changes.
///
/// What was read before a ``forget()`` and comes after it is handed out once and not kept.
package final class Kept<Value: Sendable>: Sendable {
  private struct State {
    var value: Value?
    var generation: UInt64 = 0
  }

  private let state = Mutex(State())
  private let read: @Sendable () async throws -> Value

  package init(_ read: @escaping @Sendable () async throws -> Value) { self.read = read }

  /// - Throws: what reading throws; the next call reads again.
  package func value() async throws -> Value {
    let (kept, generation) = state.withLock { ($0.value, $0.generation) }
    if let kept { return kept }
    let value = try await read()
    state.withLock { if $0.generation == generation { $0.value = value } }
    return value
  }

  /// It has changed, or may have.
  package func forget() {
    state.withLock { state in
      state.generation += 1
      state.value = nil
    }
  }
}
