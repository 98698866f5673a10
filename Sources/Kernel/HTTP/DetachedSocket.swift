import CMicroHTTPD
import Glibc
import Synchronization

/// A client's socket after libmicrohttpd has let go of it: a response of unknown length, or a refusal sent while the
/// client is still sending its body.
///
/// libmicrohttpd could stream too, but a suspended connection does not notice that the client has left, each one is
/// walked over whenever any is resumed, and one whose stream fails stays open. Here a stream costs a few kilobytes and
/// nothing while it is quiet; the connection ends with it. Writing never blocks; what the network does not take waits here.
/// The ``Hub`` tells when there is room again and when
/// the client is gone.
final class DetachedSocket: Sendable {
  enum Purpose: Sendable, Hashable {
    /// A response that is produced while it is sent.
    case stream
    /// An event stream, kept alive by comments.
    case events
    /// Closed once the content is out and the client has had some seconds to stop sending: closing while bytes arrive
    /// would reset the connection, and the client might never see the answer.
    case farewell
  }

  private struct State {
    var descriptor: Int32
    var buffer: [UInt8] = []
    var taken = 0
    var sent: Int64 = 0
    var isEnding = false
    var hasShutDown = false
    var isComplete = false
    var lastProgress: UInt64
    var waiter: CheckedContinuation<Void, any Error>?
    var onClose: (@Sendable () -> Void)?

    var waiting: Int { buffer.count - taken }
  }

  /// Bytes that may wait before ``send(_:)`` waits.
  private static let capacity = 64 << 10
  /// Milliseconds that a client gets to stop sending after it has been refused.
  private static let farewell: UInt64 = 5000

  let purpose: Purpose
  private let state: Mutex<State>

  init(descriptor: Int32, purpose: Purpose, content: [UInt8]) {
    self.purpose = purpose
    state = Mutex(
      State(descriptor: descriptor, buffer: content, lastProgress: Monotonic.coarseMilliseconds()))
  }

  deinit {
    state.withLock { if $0.descriptor >= 0 { Glibc.close($0.descriptor) } }
  }

  /// What happens once when the socket is closed; at once when it is closed already.
  func whenClosed(_ action: @escaping @Sendable () -> Void) {
    let now = state.withLock { state in
      if state.descriptor >= 0 { state.onClose = action }
      return state.descriptor < 0
    }
    if now { action() }
  }

  /// Bytes that the network has taken, header included.
  var sent: Int64 { state.withLock { $0.sent } }

  /// Whether everything was sent and the end is ours; for an event stream any end is a whole.
  var isWhole: Bool { state.withLock { purpose == .events || ($0.isEnding && $0.isComplete) } }

  /// Registers with an epoll set, edge-triggered, so that nothing is polled.
  func register(with epoll: Int32, token: UInt64) -> Bool {
    state.withLock { state in
      var event = epoll_event()
      event.events = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
      event.data.u64 = token
      return epoll_ctl(epoll, EPOLL_CTL_ADD, state.descriptor, &event) == 0
    }
  }

  /// Sends bytes, or keeps them for later when others wait already.
  ///
  /// - Throws: ``ConnectionLost`` when the socket is closed.
  func send(_ bytes: [UInt8]) async throws {
    let mustWait = try enqueue(bytes)
    guard mustWait else { return }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let result = state.withLock { state -> Result<Void, any Error>? in
          if state.descriptor < 0 { return .failure(ConnectionLost()) }
          if state.waiting <= DetachedSocket.capacity / 2 { return .success(()) }
          if Task.isCancelled { return .failure(CancellationError()) }
          state.waiter = continuation
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume(throwing: CancellationError())
    }
  }

  private func enqueue(_ bytes: [UInt8]) throws -> Bool {
    let (mustWait, broken) = try state.withLock { state in
      guard state.descriptor >= 0, !state.isEnding else { throw ConnectionLost() }
      state.buffer.append(contentsOf: bytes)
      let broken = !DetachedSocket.flush(&state)
      return (state.waiting > DetachedSocket.capacity, broken)
    }
    if broken {
      close()
      throw ConnectionLost()
    }
    return mustWait
  }

  /// Looks after the socket from time to time: gives up on a client that takes nothing of what waits for it, sends a
  /// comment on a quiet event stream, and ends a farewell that has lasted long enough.
  ///
  /// - Parameters:
  ///   - heartbeat: milliseconds between comments.
  ///   - patience: milliseconds without progress.
  func tick(now: UInt64, heartbeat: UInt64, patience: UInt64) {
    let isOver = state.withLock { state in
      guard state.descriptor >= 0 else { return false }
      let quiet = now > state.lastProgress ? now - state.lastProgress : 0
      if state.waiting > 0 { return quiet > patience }
      switch purpose {
      case .stream: return false
      case .farewell: return quiet > DetachedSocket.farewell
      case .events:
        guard quiet > heartbeat, !state.isEnding else { return false }
        state.buffer.append(contentsOf: [0x3A, 0x0A, 0x0A])
        return !DetachedSocket.flush(&state)
      }
    }
    if isOver { close() }
  }

  /// No more will be sent: closes when the rest is out.
  func end() {
    let isDone = state.withLock { state in
      state.isEnding = true
      return !DetachedSocket.flush(&state) || isOut(&state)
    }
    if isDone { close() }
  }

  /// Reacts to what epoll reported.
  func handle(_ events: UInt32) {
    let (isDone, waiter) = state.withLock { state -> (Bool, CheckedContinuation<Void, any Error>?) in
      guard state.descriptor >= 0 else { return (false, nil) }
      if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 || !DetachedSocket.flush(&state) { return (true, nil) }
      if events & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue) != 0, !DetachedSocket.drain(state.descriptor) {
        return (true, nil)
      }
      if isOut(&state) { return (true, nil) }
      guard state.waiting <= DetachedSocket.capacity / 2 else { return (false, nil) }
      defer { state.waiter = nil }
      return (false, state.waiter)
    }
    waiter?.resume()
    if isDone { close() }
  }

  /// Whether everything is out and nothing more comes; a farewell first says so and waits for the client's end.
  private func isOut(_ state: inout State) -> Bool {
    guard state.isEnding, state.waiting == 0, state.descriptor >= 0 else { return false }
    if purpose != .farewell { return true }
    if !state.hasShutDown {
      state.hasShutDown = true
      shutdown(state.descriptor, Int32(SHUT_WR))
    }
    return false
  }

  /// - Parameter asFailure: reset the connection, so that the client notices that something is missing.
  func close(asFailure: Bool = false) {
    let (waiter, action) = state.withLock { state -> (CheckedContinuation<Void, any Error>?, (@Sendable () -> Void)?) in
      guard state.descriptor >= 0 else { return (nil, nil) }
      if asFailure {
        var reset = linger(l_onoff: 1, l_linger: 0)
        setsockopt(state.descriptor, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size))
      }
      // Closing the only descriptor also takes it out of the epoll set.
      Glibc.close(state.descriptor)
      state.descriptor = -1
      state.isComplete = state.waiting == 0
      state.buffer = []
      state.taken = 0
      defer {
        state.waiter = nil
        state.onClose = nil
      }
      return (state.waiter, state.onClose)
    }
    waiter?.resume(throwing: ConnectionLost())
    action?()
  }

  /// Writes as much as the network takes; false when the connection is broken.
  private static func flush(_ state: inout State) -> Bool {
    guard state.descriptor >= 0 else { return true }
    while state.waiting > 0 {
      let sent = state.buffer.withUnsafeBytes { raw in
        Glibc.send(
          state.descriptor, raw.baseAddress.map { $0 + state.taken }, raw.count - state.taken,
          Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      }
      if sent < 0 {
        if errno == EINTR { continue }
        return errno == EAGAIN || errno == EWOULDBLOCK
      }
      state.taken += sent
      state.sent += Int64(sent)
      state.lastProgress = Monotonic.coarseMilliseconds()
    }
    state.buffer.removeAll(keepingCapacity: state.buffer.count <= 4096)
    state.taken = 0
    return true
  }

  /// Reads and drops what the client sends; false at its end.
  private static func drain(_ descriptor: Int32) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 1) { buffer in
      while true {
        let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
        if count == 0 { return false }
        if count < 0 { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR }
      }
    }
  }
}
