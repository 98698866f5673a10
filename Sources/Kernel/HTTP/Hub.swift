import CMicroHTTPD
import Core
import Glibc
import Synchronization

/// One thread that accepts connections, serves the sockets libmicrohttpd has let go of, and keeps the deadlines.
///
/// The workers get the accepted connections in turn: so they share them evenly, limits are kept before a connection
/// costs memory, and the end of accepting is simply a closed socket.
final class Hub: Sendable {
  /// What the hub asks of its owner; called on its thread.
  struct Duties: Sendable {
    let accepted: @Sendable (_ socket: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Bool
    let tick: @Sendable (_ now: UInt64) -> Void
  }

  private struct State {
    var sockets: [UInt64: DetachedSocket] = [:]
    var nextToken = Hub.firstToken
    var commands: [@Sendable () -> Void] = []
    var isStopped = false
  }

  private static let wakeToken: UInt64 = 0
  private static let listenerToken: UInt64 = 1
  private static let firstToken: UInt64 = 2

  private let epoll: Int32
  private let wakeup: Int32
  private let listener = Mutex<(socket: Int32, isPaused: Bool)>((-1, false))
  private let state = Mutex(State())
  private let interval: Int32
  private let heartbeat: UInt64
  private let patience: UInt64

  /// - Parameters:
  ///   - interval: milliseconds between looks at the deadlines.
  ///   - heartbeat: milliseconds between comments on a quiet event stream.
  ///   - patience: milliseconds that a client may take nothing of what waits for it.
  /// - Throws: ``Fault`` `hub` when the kernel gives no descriptors.
  init(interval: Int32, heartbeat: UInt64, patience: UInt64) throws(Fault) {
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    wakeup = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    self.interval = interval
    self.heartbeat = heartbeat
    self.patience = patience
    guard epoll >= 0, wakeup >= 0 else { throw Fault("hub", "errno \(errno)") }
    watch(wakeup, Hub.wakeToken)
  }

  deinit {
    close(epoll)
    close(wakeup)
  }

  /// Starts the thread; it ends after ``stop()``.
  func start(_ duties: Duties) {
    startThread { [self] in run(duties) }
  }

  func listen(on socket: Int32) {
    listener.withLock { $0 = (socket, false) }
    watch(socket, Hub.listenerToken)
  }

  /// Runs something on the hub's thread and waits for it.
  func perform(_ command: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { continuation in
      state.withLock { state in
        state.commands.append {
          command()
          continuation.resume()
        }
      }
      wake()
    }
  }

  /// Refuses new connections from now on; call on the hub's thread.
  func stopListening() {
    listener.withLock { listener in
      if listener.socket >= 0 { close(listener.socket) }
      listener.socket = -1
    }
  }

  /// Ends the thread after the commands before it.
  func stop() {
    state.withLock { $0.isStopped = true }
    wake()
  }

  /// Serves a socket until it is closed.
  func adopt(_ socket: DetachedSocket, whenClosed action: @escaping @Sendable () -> Void = {}) {
    let token = state.withLock { state in
      defer { state.nextToken += 1 }
      state.sockets[state.nextToken] = socket
      return state.nextToken
    }
    socket.whenClosed { [weak self] in
      self?.forget(token)
      action()
    }
    if !socket.register(with: epoll, token: token) { socket.close() }
  }

  private func forget(_ token: UInt64) { state.withLock { _ = $0.sockets.removeValue(forKey: token) } }

  /// The sockets of a kind.
  func sockets(_ purpose: DetachedSocket.Purpose) -> [DetachedSocket] {
    state.withLock { $0.sockets.values.filter { $0.purpose == purpose } }
  }

  private func run(_ duties: Duties) {
    var events = [epoll_event](repeating: epoll_event(), count: 256)
    var nextTick = Monotonic.coarseMilliseconds()
    while true {
      let count = epoll_wait(epoll, &events, Int32(events.count), interval)
      for event in events.prefix(Int(max(0, count))) {
        switch event.data.u64 {
        case Hub.wakeToken:
          var value: UInt64 = 0
          read(wakeup, &value, 8)
        case Hub.listenerToken: accept(duties)
        case let token: state.withLock { $0.sockets[token] }?.handle(event.events)
        }
      }
      let (commands, isStopped) = state.withLock { state in
        defer { state.commands = [] }
        return (state.commands, state.isStopped)
      }
      for command in commands { command() }
      if isStopped && commands.isEmpty { break }
      let now = Monotonic.coarseMilliseconds()
      if now >= nextTick {
        nextTick = now + UInt64(interval)
        tick(now)
        duties.tick(now)
      }
    }
    for socket in state.withLock({ Array($0.sockets.values) }) { socket.close() }
  }

  private func tick(_ now: UInt64) {
    let sockets = state.withLock { Array($0.sockets.values) }
    for socket in sockets { socket.tick(now: now, heartbeat: heartbeat, patience: patience) }
    let paused = listener.withLock { listener -> Int32? in
      guard listener.socket >= 0, listener.isPaused else { return nil }
      listener.isPaused = false
      return listener.socket
    }
    if let paused { watch(paused, Hub.listenerToken) }
  }

  private func accept(_ duties: Duties) {
    let socket = listener.withLock { $0.socket }
    guard socket >= 0 else { return }
    for _ in 0..<64 {
      var address = sockaddr_storage()
      var length = socklen_t(0)
      let client = lifang_accept(socket, &address, &length)
      if client < 0 {
        if errno == EAGAIN || errno == EWOULDBLOCK { return }
        if errno == EINTR || errno == ECONNABORTED { continue }
        return pause(socket)
      }
      let goesOn = withUnsafePointer(to: &address) { storage in
        storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { duties.accepted(client, $0, length) }
      }
      if !goesOn { return pause(socket) }
    }
  }

  /// Lets new connections wait in the kernel until the next tick.
  private func pause(_ socket: Int32) {
    listener.withLock { $0.isPaused = true }
    epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nil)
  }

  private func watch(_ descriptor: Int32, _ token: UInt64) {
    var event = epoll_event()
    event.events = EPOLLIN.rawValue
    event.data.u64 = token
    epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
  }

  private func wake() {
    var one: UInt64 = 1
    write(wakeup, &one, 8)
  }
}
