import Synchronization

/// Wakes sleeping workers. A signal between the look into the queue and the sleep is not lost: sleepers name the
/// generation they looked at.
package final class WakeSignal: Sendable {
  private struct State {
    var generation: UInt64 = 0
    var nextSleeper = 0
    var sleepers: [Int: CheckedContinuation<Void, Never>] = [:]
  }

  private let state = Mutex(State())

  package init() {}

  /// Which look into the queue this would be.
  package var generation: UInt64 { state.withLock { $0.generation } }

  /// Wakes one of those who sleep; whoever is awake will look once more before sleeping.
  package func signal() {
    let sleeper = state.withLock { state in
      state.generation += 1
      return state.sleepers.popFirst()?.value
    }
    sleeper?.resume()
  }

  /// Sleeps until a signal later than `seen`, for `timeout` at most, or until the task is cancelled.
  package func wait(after seen: UInt64, timeout: Duration) async {
    let id = state.withLock { state in
      state.nextSleeper += 1
      return state.nextSleeper
    }
    let timer = Task {
      try? await Task.sleep(for: timeout)
      wake(id)
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let late = state.withLock { state in
          guard state.generation == seen, !Task.isCancelled else { return true }
          state.sleepers[id] = continuation
          return false
        }
        if late { continuation.resume() }
      }
    } onCancel: {
      wake(id)
    }
    timer.cancel()
  }

  private func wake(_ id: Int) { state.withLock { $0.sleepers.removeValue(forKey: id) }?.resume() }
}
