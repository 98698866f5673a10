import CLibPQ
import Core
import Glibc
import Synchronization

/// Receives notifications (`LISTEN`/`NOTIFY`) for all subscribers of a ``Database`` on one connection of its own.
final class Listener: Sendable {
  private struct Subscriber {
    let channel: String
    let continuation: AsyncStream<String>.Continuation
    /// Has been told that its channel is listened to, on the present connection.
    var isGreeted = false
  }

  private struct State {
    var subscribers: [UInt64: Subscriber] = [:]
    var last: UInt64 = 0
    var isRunning = false
    var isClosed = false
  }

  private let configuration: Database.Configuration
  private let state = Mutex(State())
  /// Two ends of a pipe that wakes the thread that waits for notifications.
  private let wake: (read: Int32, write: Int32)

  init(_ configuration: Database.Configuration) {
    self.configuration = configuration
    // Without a pipe new subscribers wait until the thread looks by itself.
    wake = (try? FileSystem.pipe()) ?? (-1, -1)
    for end in [wake.read, wake.write] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
  }

  deinit {
    Glibc.close(wake.read)
    Glibc.close(wake.write)
  }

  func subscribe(_ channel: String) -> AsyncStream<String> {
    let (stream, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(4096))
    let (number, mustStart) = state.withLock { state -> (UInt64?, Bool) in
      guard !state.isClosed else { return (nil, false) }
      state.last += 1
      state.subscribers[state.last] = Subscriber(channel: channel, continuation: continuation)
      defer { state.isRunning = true }
      return (state.last, !state.isRunning)
    }
    guard let number else {
      continuation.finish()
      return stream
    }
    continuation.onTermination = { [weak self] _ in self?.unsubscribe(number) }
    if mustStart {
      let worker = ListenWorker()
      Task.detached { await worker.run(self) }
    } else {
      signal()
    }
    return stream
  }

  private func unsubscribe(_ number: UInt64) {
    state.withLock { _ = $0.subscribers.removeValue(forKey: number) }
    signal()
  }

  /// Ends all streams and the thread.
  func close() {
    let subscribers = state.withLock { state in
      state.isClosed = true
      defer { state.subscribers = [:] }
      return state.subscribers.values.map(\.continuation)
    }
    for continuation in subscribers { continuation.finish() }
    signal()
  }

  private func signal() {
    var byte: UInt8 = 1
    _ = Glibc.write(wake.write, &byte, 1)
  }

  // MARK: On the thread

  /// Listens until nobody subscribes any more; a lost connection is made anew.
  fileprivate func work() {
    var pause: Int32 = 50
    while continues() {
      do {
        let link = try Link(configuration.connectionSettings)
        pause = 50
        state.withLock { state in
          for number in state.subscribers.keys { state.subscribers[number]?.isGreeted = false }
        }
        listen(link.pointer)
      } catch {
        configuration.log.fault(error, "sql-listen")
        wait(nil, pause)
        pause = min(pause * 2, 5000)
      }
    }
  }

  /// False, noting the end of the thread, when there is nothing left to do.
  private func continues() -> Bool {
    state.withLock { state in
      if state.isClosed || state.subscribers.isEmpty { state.isRunning = false }
      return state.isRunning
    }
  }

  private func listen(_ pointer: OpaquePointer) {
    var listened: Set<String> = []
    while true {
      let wanted = state.withLock { state in Set(state.subscribers.values.map(\.channel)) }
      if wanted.isEmpty { return }
      for channel in wanted.subtracting(listened) { command("listen", channel, pointer) }
      for channel in listened.subtracting(wanted) { command("unlisten", channel, pointer) }
      listened = wanted
      deliver(pointer)
      guard PQstatus(pointer) == CONNECTION_OK else { return }
      greet(listened)
      if !wait(PQsocket(pointer), 30_000) { PQclear(PQexec(pointer, "")) }
      guard PQconsumeInput(pointer) == 1, PQstatus(pointer) == CONNECTION_OK else { return }
    }
  }

  private func command(_ verb: String, _ channel: String, _ pointer: OpaquePointer) {
    let result = PQexec(pointer, "\(verb) \(SQL(identifier: channel).text)")
    defer { PQclear(result) }
    guard PQresultStatus(result) != PGRES_COMMAND_OK else { return }
    configuration.log.fault(SQLFailure(result, connection: pointer, statement: verb), "sql-listen")
  }

  private func deliver(_ pointer: OpaquePointer) {
    while let notification = PQnotifies(pointer) {
      defer { PQfreemem(notification) }
      let channel = String(cString: notification.pointee.relname)
      let payload = String(cString: notification.pointee.extra)
      let continuations = state.withLock { state in
        state.subscribers.values.filter { $0.channel == channel }.map(\.continuation)
      }
      for continuation in continuations { continuation.yield(payload) }
    }
  }

  private func greet(_ channels: Set<String>) {
    let continuations = state.withLock { state in
      var continuations: [AsyncStream<String>.Continuation] = []
      for (number, subscriber) in state.subscribers
      where !subscriber.isGreeted && channels.contains(subscriber.channel) {
        state.subscribers[number]?.isGreeted = true
        continuations.append(subscriber.continuation)
      }
      return continuations
    }
    for continuation in continuations { continuation.yield("") }
  }

  /// Waits for the server, a signal or the time limit in milliseconds; false when only time has passed.
  @discardableResult
  private func wait(_ socket: Int32?, _ milliseconds: Int32) -> Bool {
    var polls = [pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0)]
    if let socket { polls.append(pollfd(fd: socket, events: Int16(POLLIN), revents: 0)) }
    let ready = poll(&polls, nfds_t(polls.count), milliseconds)
    var signals = [UInt8](repeating: 0, count: 64)
    if polls[0].revents != 0 { _ = Glibc.read(wake.read, &signals, signals.count) }
    return ready != 0
  }
}

/// The thread of a ``Listener``: it does nothing but wait.
private actor ListenWorker {
  private let executor = ThreadExecutor(name: "sql-listener")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  deinit { executor.stop() }

  func run(_ listener: Listener) { listener.work() }
}

extension Database {
  /// The payloads of notifications on `channel`, for as long as the stream is read.
  ///
  /// An empty payload comes first, when the channel is listened to, and again after a lost connection was made anew:
  /// notifications may have been missed before it, so read the state they tell about. All streams of a database share
  /// one connection outside the pool. A reader that lags by more than 4,096 payloads loses the oldest.
  package func listen(_ channel: String) -> AsyncStream<String> { listener.subscribe(channel) }

  /// Sends a notification at once; within a transaction use ``Transaction/notify(_:_:)``.
  package func notify(_ channel: String, _ payload: String = "") async throws {
    try await execute("select pg_notify(\(channel), \(payload))")
  }
}
