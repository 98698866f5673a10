package import Core
import Glibc
import Synchronization

/// The HTTP server: libmicrohttpd with epoll and one thread a core, each handler a task.
///
/// A handler starts on the connection's thread and goes on in the pool of tasks once it has waited for something: one
/// that answers without waiting costs no change of threads. So it must never block, and what computes for long before
/// it first waits (a large document, say) should begin with `await Task.yield()`. Handlers have a high priority: people
/// wait for them, and for what else the process computes nobody does.
///
/// It speaks HTTP/1.1 in the clear; in production nginx or HAProxy stands in front for TLS and HTTP/2.
package final class Server: Sendable {
  private enum Phase {
    case idle
    case running([Worker])
    case stopping
    case stopped
  }

  private let core: ServerCore
  private let configuration: Configuration
  private let phase = Mutex(Phase.idle)
  private let waiters = Mutex<[CheckedContinuation<Void, Never>]>([])

  /// - Throws: ``Fault`` when the temporary folder cannot be used or the kernel gives no descriptors.
  package init(_ configuration: Configuration, application: Application) throws(Fault) {
    self.configuration = configuration
    core = try ServerCore(configuration, application)
  }

  /// Starts listening and returns the port.
  ///
  /// - Throws: ``Fault`` `listen` when the address cannot be bound, `start` when it was started before.
  @discardableResult package func start() throws(Fault) -> Int {
    // Writing to a connection that the client has closed must be an error, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    let (socket, port) = try Listener.open(configuration.address, configuration.port)
    let workers: [Worker]
    do throws(Fault) {
      workers = try makeWorkers()
      let wasIdle = phase.withLock { phase in
        guard case .idle = phase else { return false }
        phase = .running(workers)
        return true
      }
      if !wasIdle { throw Fault("start", "the server was started before") }
      for worker in workers { try worker.start() }
    } catch {
      close(socket)
      throw error
    }
    let next = Atomic<Int>(0)
    core.hub.start(
      Hub.Duties(
        accepted: { [core] socket, address, length in
          let turn = next.wrappingAdd(1, ordering: .relaxed).oldValue
          return core.accepted(socket, address, length, workers[turn % workers.count])
        }, tick: { [core] in core.tick($0) }))
    core.hub.listen(on: socket)
    return port
  }

  private func makeWorkers() throws(Fault) -> [Worker] {
    let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    var workers: [Worker] = []
    for _ in 0..<max(1, configuration.threads ?? cores) { workers.append(try Worker(core)) }
    return workers
  }

  /// Starts and returns when ``stop(within:)`` has been called and is done.
  package func run() async throws(Fault) {
    try start()
    await withCheckedContinuation { continuation in
      let isStopped = phase.withLock { phase in
        if case .stopped = phase { return true }
        waiters.withLock { $0.append(continuation) }
        return false
      }
      if isStopped { continuation.resume() }
    }
  }

  /// Whether the server has been stopped.
  package var isStopped: Bool {
    phase.withLock { if case .stopped = $0 { true } else { false } }
  }

  /// Stops gracefully: no new connections, event streams end, requests under way get up to `seconds` to finish.
  package func stop(within seconds: Double = 10) async {
    let workers = phase.withLock { phase -> [Worker]? in
      guard case .running(let workers) = phase else { return nil }
      phase = .stopping
      return workers
    }
    guard let workers else { return }
    let core = core
    core.drain()
    await core.hub.perform { core.hub.stopListening() }
    for socket in core.hub.sockets(.events) { socket.end() }
    let deadline = Monotonic.coarseMilliseconds() + UInt64(seconds * 1000)
    while core.isBusy && Monotonic.coarseMilliseconds() < deadline {
      try? await Task.sleep(nanoseconds: 5_000_000)
    }
    core.abortAll()
    for worker in workers { await worker.stop() }
    core.hub.stop()
    core.spool.remove()
    phase.withLock { $0 = .stopped }
    for waiter in waiters.withLock({ waiters in
      defer { waiters = [] }
      return waiters
    }) {
      waiter.resume()
    }
  }
}
