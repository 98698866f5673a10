import CMicroHTTPD
import Core
import Glibc
import Synchronization

/// One thread that runs one libmicrohttpd daemon; nothing else calls that daemon.
///
/// The thread and its waiting are ours: libmicrohttpd's own, when 128 connections become ready at the same moment, waits
/// for more events before it serves those, and all of its connections stand still until one comes. It also costs a
/// system call for each connection that goes on; here those are gathered.
final class Worker: Sendable {
  private struct State {
    var arrivals: [(socket: Int32, address: sockaddr_storage, length: socklen_t)] = []
    var resumptions: [UncheckedPointer] = []
    var stop: (@Sendable () -> Void)?

    var isEmpty: Bool { arrivals.isEmpty && resumptions.isEmpty && stop == nil }
  }

  let server: ServerCore
  private let wakeup: Int32
  private let state = Mutex(State())

  /// - Throws: ``Fault`` `start` when the kernel gives no descriptor.
  init(_ server: ServerCore) throws(Fault) {
    self.server = server
    wakeup = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    guard wakeup >= 0 else { throw Fault("start", "errno \(errno)") }
  }

  deinit { close(wakeup) }

  /// Starts the thread; it ends after ``stop()``.
  ///
  /// - Throws: ``Fault`` `start` when libmicrohttpd refuses.
  func start() throws(Fault) {
    guard let daemon = startDaemon() else { throw Fault("start", "libmicrohttpd did not start") }
    let reference = UncheckedPointer(daemon)
    startThread { [self] in run(reference.pointer) }
  }

  /// Takes over an accepted connection.
  func add(_ socket: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) {
    var storage = sockaddr_storage()
    withUnsafeMutableBytes(of: &storage) { target in
      target.copyMemory(
        from: UnsafeRawBufferPointer(start: address, count: min(Int(length), MemoryLayout<sockaddr_storage>.size)))
    }
    tell { $0.arrivals.append((socket, storage, length)) }
  }

  /// Lets a suspended connection go on; exactly once for each suspension.
  func resume(_ connection: UncheckedPointer) { tell { $0.resumptions.append(connection) } }

  /// Closes all connections and ends the thread; no connection may be suspended for good by now.
  func stop() async {
    await withCheckedContinuation { continuation in
      tell { $0.stop = { continuation.resume() } }
    }
  }

  private func tell(_ change: (inout State) -> Void) {
    let wasEmpty = state.withLock { state in
      defer { change(&state) }
      return state.isEmpty
    }
    guard wasEmpty else { return }
    var one: UInt64 = 1
    write(wakeup, &one, 8)
  }

  private func run(_ daemon: OpaquePointer) {
    var waits = [
      pollfd(fd: lifang_mhd_epoll(daemon), events: Int16(POLLIN), revents: 0),
      pollfd(fd: wakeup, events: Int16(POLLIN), revents: 0),
    ]
    while true {
      poll(&waits, 2, lifang_mhd_is_pending(daemon) == 0 ? -1 : 0)
      if waits[1].revents != 0 {
        waits[1].revents = 0
        var value: UInt64 = 0
        read(wakeup, &value, 8)
        let told = state.withLock { state in
          defer { state = State() }
          return state
        }
        for arrival in told.arrivals { take(arrival.socket, arrival.address, arrival.length, daemon) }
        for connection in told.resumptions { MHD_resume_connection(connection.pointer) }
        if let stop = told.stop {
          MHD_stop_daemon(daemon)
          stop()
          return
        }
      }
      MHD_run(daemon)
    }
  }

  private func take(_ socket: Int32, _ storage: sockaddr_storage, _ length: socklen_t, _ daemon: OpaquePointer) {
    withUnsafePointer(to: storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        if MHD_add_connection(daemon, socket, address, length) != .YES { server.links.release(Address(address)) }
      }
    }
  }
}

/// Runs something on a thread of its own.
func startThread(_ body: @escaping @Sendable () -> Void) {
  let boxed = Unmanaged.passRetained(ThreadBody(body))
  var thread = pthread_t()
  let status = pthread_create(
    &thread, nil,
    { argument in
      guard let argument else { return nil }
      Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
      return nil
    }, boxed.toOpaque())
  precondition(status == 0, "no thread could be started")
  pthread_detach(thread)
}

private final class ThreadBody: Sendable {
  let run: @Sendable () -> Void

  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// A pointer to an object of libmicrohttpd that may be sent to other threads.
struct UncheckedPointer: @unchecked Sendable {
  // Unchecked: only the worker that owns the object uses it.
  let pointer: OpaquePointer

  init(_ pointer: OpaquePointer) { self.pointer = pointer }
}
