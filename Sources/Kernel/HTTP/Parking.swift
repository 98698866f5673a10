import CMicroHTTPD
import Synchronization

/// Where a connection waits while its handler works, and how the two find each other again.
///
/// A wake-up is never lost: one that comes while nothing is parked makes the next attempt to park fail, and the caller
/// looks again. For each suspension there is exactly one resumption, which libmicrohttpd depends on.
struct Parking: ~Copyable, Sendable {
  // Not private: a debug build of Swift 6.3 breaks on the private type of another file in a noncopyable struct.
  struct State {
    var isParked = false
    var isWoken = false
    /// libmicrohttpd is done with the request: the connection may no longer be touched.
    var isOver = false
    var isAborted = false
    var outcome: PreparedResponse?
    var task: Task<Void, Never>?
  }

  private let worker: Worker
  private let connection: UncheckedPointer
  private let state = Mutex(State())

  init(_ connection: OpaquePointer, of worker: Worker) {
    self.worker = worker
    self.connection = UncheckedPointer(connection)
  }

  /// Suspends the connection; false when something happened meanwhile and the caller must look again. Only on the
  /// connection's thread.
  ///
  /// - Parameter isStopping: whether no connection may be suspended any more; asked under the lock, so that
  ///   ``abort()`` misses none.
  func park(unless isStopping: () -> Bool) -> Bool {
    state.withLock { state in
      if state.isWoken {
        state.isWoken = false
        return false
      }
      if state.isAborted || isStopping() {
        state.isAborted = true
        return false
      }
      state.isParked = true
      MHD_suspend_connection(connection.pointer)
      return true
    }
  }

  /// Lets the connection look again; from any thread.
  func wake() { state.withLock { wake(&$0) } }

  private func wake(_ state: inout State) {
    if state.isOver { return }
    if state.isParked {
      state.isParked = false
      worker.resume(connection)
    } else {
      state.isWoken = true
    }
  }

  /// Brings the answer, if anybody still waits for it.
  func deliver(_ outcome: PreparedResponse) {
    state.withLock { state in
      if state.isOver { return }
      state.outcome = outcome
      wake(&state)
    }
  }

  /// The answer, handed out once.
  func take() -> PreparedResponse? {
    state.withLock { state in
      defer { state.outcome = nil }
      return state.outcome
    }
  }

  /// The answer, which stays.
  var outcome: PreparedResponse? { state.withLock { $0.outcome } }

  var isAborted: Bool { state.withLock { $0.isAborted } }

  /// Remembers the handler's task, to be cancelled when the client leaves.
  func remember(_ task: Task<Void, Never>) {
    state.withLock { if !$0.isOver { $0.task = task } }
  }

  /// Gives up: the server stops.
  func abort() {
    let task = state.withLock { state in
      state.isAborted = true
      wake(&state)
      return state.task
    }
    task?.cancel()
  }

  /// libmicrohttpd is done with the request.
  func end() -> (task: Task<Void, Never>?, outcome: PreparedResponse?) {
    state.withLock { state in
      state.isOver = true
      defer {
        state.outcome = nil
        state.task = nil
      }
      return (state.task, state.outcome)
    }
  }
}
