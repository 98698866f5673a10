import CMicroHTTPD
package import Core
import Glibc
import Synchronization

/// The HTTP server: libmicrohttpd with epoll and one thread a core, each handler a task.
///
/// It speaks HTTP/1.1 in the clear; in production nginx or HAProxy stands in front for TLS and HTTP/2.
package final class Server: Sendable {
  private enum Phase {
    case idle
    case running(UncheckedPointer)
    case stopping
    case stopped
  }

  /// Bytes of a connection's memory beyond the header's, for parsing it and for the header of the response;
  /// libmicrohttpd clears all of a connection's memory for each request, so more costs time.
  private static let responseMemory = 8 << 10

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
    let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    let daemon = lifang_mhd_start(
      UInt32(configuration.threads ?? cores), UInt32(clamping: configuration.limits.connections * 2 + 64),
      configuration.limits.header + Server.responseMemory, handleRequest, beginRequest, completeRequest, notifyConnection,
      Unmanaged.passUnretained(core).toOpaque())
    guard let daemon else {
      close(socket)
      throw Fault("start", "libmicrohttpd did not start")
    }
    let reference = UncheckedPointer(daemon)
    let wasIdle = phase.withLock { phase in
      guard case .idle = phase else { return false }
      phase = .running(reference)
      return true
    }
    guard wasIdle else {
      MHD_stop_daemon(daemon)
      close(socket)
      throw Fault("start", "the server was started before")
    }
    core.hub.start(
      Hub.Duties(
        accepted: { [core] in core.accepted($0, $1, $2, reference.pointer) },
        tick: { [core] in core.tick($0) }))
    core.hub.listen(on: socket)
    return port
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

  /// Stops gracefully: no new connections, event streams end, requests under way get up to `seconds` to finish.
  package func stop(within seconds: Double = 10) async {
    let daemon = phase.withLock { phase -> UncheckedPointer? in
      guard case .running(let daemon) = phase else { return nil }
      phase = .stopping
      return daemon
    }
    guard let daemon else { return }
    let core = core
    core.drain()
    await core.hub.perform { core.hub.stopListening() }
    for socket in core.hub.sockets(.events) { socket.end() }
    let deadline = Monotonic.coarseMilliseconds() + UInt64(seconds * 1000)
    while core.isBusy && Monotonic.coarseMilliseconds() < deadline {
      try? await Task.sleep(nanoseconds: 5_000_000)
    }
    core.abortAll()
    // Joining libmicrohttpd's threads blocks: the hub's thread has nothing else to do any more.
    await core.hub.perform { MHD_stop_daemon(daemon.pointer) }
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

/// A pointer to an object of libmicrohttpd that is safe to use from any thread.
struct UncheckedPointer: @unchecked Sendable {
  // Unchecked: libmicrohttpd's daemon guards its state with locks of its own.
  let pointer: OpaquePointer

  init(_ pointer: OpaquePointer) { self.pointer = pointer }
}

private func server(_ context: UnsafeMutableRawPointer?) -> ServerCore? {
  context.map { Unmanaged<ServerCore>.fromOpaque($0).takeUnretainedValue() }
}

/// The first line has been read.
private let beginRequest: lifang_target_callback = { context, target, connection in
  guard let server = server(context), let connection, let stored = lifang_mhd_context(connection) else { return nil }
  let link = Unmanaged<Link>.fromOpaque(stored).takeUnretainedValue()
  link.expect(within: server.timeouts.header)
  let exchange = Exchange(
    server: server, link: link, connection: connection, target: target.flatMap { String(validatingCString: $0) })
  link.current.withLock { $0 = exchange }
  return Unmanaged.passRetained(exchange).toOpaque()
}

private let handleRequest: MHD_AccessHandlerCallback = { _, _, _, method, _, upload, size, stored in
  guard let exchange = stored?.pointee, let size else { return .NO }
  return Unmanaged<Exchange>.fromOpaque(exchange).takeUnretainedValue()
    .handle(method: method, upload: upload, size: size)
}

private let completeRequest: MHD_RequestCompletedCallback = { _, _, stored, reason in
  guard let exchange = stored?.pointee else { return }
  stored?.pointee = nil
  Unmanaged<Exchange>.fromOpaque(exchange).takeRetainedValue().complete(reason)
}

private let notifyConnection: MHD_NotifyConnectionCallback = { context, connection, stored, reason in
  guard let server = server(context), let connection else { return }
  if reason == .CONNECTION_NOTIFY_STARTED {
    stored?.pointee = Unmanaged.passRetained(server.opened(connection)).toOpaque()
  } else if let link = stored?.pointee {
    stored?.pointee = nil
    server.links.remove(Unmanaged<Link>.fromOpaque(link).takeRetainedValue())
  }
}
