import CLibPQ
import Core
import Synchronization

/// Stops the statement a connection is running when the task that waits for it is cancelled.
///
/// A cancel request names only the server process, so it must never be sent once the next statement has begun: the
/// ticket of the running statement is held under a lock while the request is on its way.
final class Interrupter: @unchecked Sendable {
  // Unchecked: `request` is replaced only under the lock of `running`; PQcancel itself may be called from any thread.
  private var request: OpaquePointer?
  private let running = Mutex<UInt64>(0)
  private let tickets = Atomic<UInt64>(1)

  deinit { if let request { PQfreeCancel(request) } }

  func use(_ connection: OpaquePointer) {
    let new = PQgetCancel(connection)
    running.withLock { _ in
      if let request { PQfreeCancel(request) }
      request = new
    }
  }

  func newTicket() -> UInt64 { tickets.wrappingAdd(1, ordering: .relaxed).newValue }

  func begin(_ ticket: UInt64) { running.withLock { $0 = ticket } }

  func end() { running.withLock { $0 = 0 } }

  /// Asks the server to stop the statement with this ticket; returns at once.
  func interrupt(_ ticket: UInt64) {
    Task.detached {
      // A request that arrives between two statements is ignored by the server, so it is repeated.
      for pause in [10, 50, 250, 1000, 5000] {
        guard await Interrupts.shared.send(self, ticket) else { return }
        try? await Task.sleep(for: .milliseconds(pause))
      }
    }
  }

  fileprivate func send(_ ticket: UInt64) -> Bool {
    running.withLock { running in
      guard running == ticket, let request else { return false }
      var text = [CChar](repeating: 0, count: 256)
      _ = PQcancel(request, &text, Int32(text.count))
      return true
    }
  }
}

/// The thread that cancel requests are sent from: each opens a connection and blocks until the server has taken it.
private actor Interrupts {
  static let shared = Interrupts()
  private let executor = ThreadExecutor(name: "sql-interrupts")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  func send(_ interrupter: Interrupter, _ ticket: UInt64) -> Bool { interrupter.send(ticket) }
}
