import Core
import Synchronization

/// The connections of a ``Database`` and the callers that wait for one.
final class Pool: Sendable {
  private struct Waiter {
    let number: UInt64
    let deadline: ContinuousClock.Instant
    let continuation: CheckedContinuation<Connection, any Error>
  }

  private struct State {
    var idle: [Connection] = []
    /// Connections that exist or are being opened.
    var open = 0
    var waiters = FIFO<Waiter>()
    var lastWaiter: UInt64 = 0
    var isTimerRunning = false
    var isClosed = false
    var closing: [CheckedContinuation<Void, Never>] = []
  }

  private enum Step {
    case use(Connection)
    case open
    case wait
    case closed
  }

  private let configuration: Database.Configuration
  private let state = Mutex(State())

  init(_ configuration: Database.Configuration) { self.configuration = configuration }

  /// A connection for the caller alone, to be given back with ``release(_:)``.
  ///
  /// - Throws: ``Refusal`` `database-busy` or `database-unreachable`, `CancellationError`, ``ConnectFailure`` when
  ///   waiting would not help.
  func acquire() async throws -> Connection {
    try Task.checkCancellation()
    while true {
      let step = state.withLock { state -> Step in
        if state.isClosed { return .closed }
        if state.waiters.isEmpty, let connection = state.idle.popLast() { return .use(connection) }
        guard state.open < configuration.maximumConnections else { return .wait }
        state.open += 1
        return .open
      }
      switch step {
      case .use(let connection):
        if connection.isQuiet { return connection }
        discard(connection)
      case .open: return try await open()
      case .wait: return try await wait()
      case .closed: throw Fault("sql-pool-closed")
      }
    }
  }

  /// Takes a connection back and hands it to the caller that waits longest.
  func release(_ connection: Connection) {
    switch connection.condition.load(ordering: .acquiring) {
    case .idle: offer(connection)
    case .broken: discard(connection)
    case .inTransaction:
      Task.detached {
        if await connection.clean() { self.offer(connection) } else { self.discard(connection) }
      }
    }
  }

  private func offer(_ connection: Connection) {
    let (waiter, surplus) = state.withLock { state -> (Waiter?, Bool) in
      if state.isClosed { return (nil, true) }
      if let waiter = state.waiters.popFirst() { return (waiter, false) }
      state.idle.append(connection)
      return (nil, false)
    }
    waiter?.continuation.resume(returning: connection)
    if surplus { discard(connection) }
  }

  /// Drops a connection and opens another when somebody waits.
  private func discard(_ connection: Connection) {
    Task.detached { await connection.close() }
    dropOne()
  }

  /// Counts one connection less; whoever waits must not wait for it in vain.
  private func dropOne() {
    let (replace, closing) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
      if !state.isClosed, !state.waiters.isEmpty { return (true, []) }
      state.open -= 1
      guard state.isClosed, state.open == 0 else { return (false, []) }
      defer { state.closing = [] }
      return (false, state.closing)
    }
    for continuation in closing { continuation.resume() }
    guard replace else { return }
    Task.detached {
      do {
        let connection = try await self.open()
        self.offer(connection)
      } catch {
        // `open` has counted the connection off and told the log; waiters end by their own time limit.
      }
    }
  }

  // MARK: Opening

  /// Opens a connection that is counted already, trying again while the server is only starting or restarting.
  private func open() async throws -> Connection {
    let deadline = ContinuousClock.now + configuration.waitTimeout
    while true {
      do {
        let connection = try await Connection.open(configuration)
        configuration.metrics?.count("lifang_sql_connections_opened_total")
        return connection
      } catch let failure as ConnectFailure where failure.isPassing {
        if ContinuousClock.now < deadline, !Task.isCancelled {
          try? await Task.sleep(for: .milliseconds(50))
          continue
        }
        configuration.log.fault(failure, "sql-connect")
        dropOne()
        try Task.checkCancellation()
        throw Refusal(
          .unavailable, "database-unreachable", "系统暂时连接不上数据库。您提交的内容没有保存，请保留页面，稍后重试。")
      } catch {
        configuration.log.fault(error, "sql-connect")
        fail(error)
        throw error
      }
    }
  }

  /// A connection cannot be made at all (wrong role, no such database): nobody needs to wait for that.
  private func fail(_ error: any Error) {
    let waiters = state.withLock { state -> [Waiter] in
      state.open == 1 ? state.waiters.removeAll() : []
    }
    for waiter in waiters { waiter.continuation.resume(throwing: error) }
    dropOne()
  }

  // MARK: Waiting

  private func wait() async throws -> Connection {
    let number = state.withLock { state -> UInt64 in
      state.lastWaiter += 1
      return state.lastWaiter
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        enqueue(number, continuation)
      }
    } onCancel: {
      let waiter = state.withLock { $0.waiters.removeFirst { $0.number == number } }
      waiter?.continuation.resume(throwing: CancellationError())
    }
  }

  private func enqueue(_ number: UInt64, _ continuation: CheckedContinuation<Connection, any Error>) {
    enum Action {
      case none, startTimer, give(Connection), fail(any Error)
    }
    let deadline = ContinuousClock.now + configuration.waitTimeout
    let action = state.withLock { state -> Action in
      // Cancelled before the handler could find the waiter, or closed, or given back since the caller looked.
      if Task.isCancelled { return .fail(CancellationError()) }
      if state.isClosed { return .fail(Fault("sql-pool-closed")) }
      if state.waiters.isEmpty, let connection = state.idle.popLast() { return .give(connection) }
      state.waiters.append(Waiter(number: number, deadline: deadline, continuation: continuation))
      guard !state.isTimerRunning else { return .none }
      state.isTimerRunning = true
      return .startTimer
    }
    switch action {
    case .none: break
    case .give(let connection): continuation.resume(returning: connection)
    case .fail(let error): continuation.resume(throwing: error)
    case .startTimer: Task.detached { await self.expireWaiters() }
    }
  }

  /// One timer serves all waiters: their time limits end in the order they came.
  private func expireWaiters() async {
    while true {
      let now = ContinuousClock.now
      let (expired, next) = state.withLock { state -> ([Waiter], ContinuousClock.Instant?) in
        var expired: [Waiter] = []
        while let first = state.waiters.first, first.deadline <= now {
          _ = state.waiters.popFirst()
          expired.append(first)
        }
        let next = state.waiters.first?.deadline
        if next == nil { state.isTimerRunning = false }
        return (expired, next)
      }
      for waiter in expired {
        configuration.metrics?.count("lifang_sql_wait_timeouts_total")
        waiter.continuation.resume(
          throwing: Refusal(
            .unavailable, "database-busy", "系统当前繁忙，没有等到空闲的数据库连接。您提交的内容没有保存，请稍后重试。"))
      }
      guard let next else { return }
      try? await Task.sleep(until: next, clock: .continuous)
    }
  }

  // MARK: Closing

  func close() async {
    let (idle, waiters) = state.withLock { state -> ([Connection], [Waiter]) in
      state.isClosed = true
      defer { state.idle = [] }
      return (state.idle, state.waiters.removeAll())
    }
    for waiter in waiters { waiter.continuation.resume(throwing: Fault("sql-pool-closed")) }
    for connection in idle {
      await connection.close()
      dropOne()
    }
    await withCheckedContinuation { continuation in
      let isDone = state.withLock { state -> Bool in
        if state.open > 0 { state.closing.append(continuation) }
        return state.open == 0
      }
      if isDone { continuation.resume() }
    }
  }

  var counts: (open: Int, idle: Int, waiting: Int) {
    state.withLock { ($0.open, $0.idle.count, $0.waiters.count) }
  }
}

/// A queue with cheap removal at the front.
struct FIFO<Element> {
  private var elements: [Element?] = []
  private var head = 0

  var isEmpty: Bool { head == elements.count }
  var count: Int { elements.count - head }
  var first: Element? { isEmpty ? nil : elements[head] }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func popFirst() -> Element? {
    guard !isEmpty else { return nil }
    let element = elements[head]
    elements[head] = nil
    head += 1
    if head == elements.count {
      elements.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 64, head * 2 >= elements.count {
      elements.removeFirst(head)
      head = 0
    }
    return element
  }

  /// Removes and returns the first element for which `matches` is true.
  mutating func removeFirst(where matches: (Element) -> Bool) -> Element? {
    guard let index = elements[head...].firstIndex(where: { $0.map(matches) ?? false }) else { return nil }
    return elements.remove(at: index)
  }

  mutating func removeAll() -> [Element] {
    defer {
      elements = []
      head = 0
    }
    return elements[head...].compactMap { $0 }
  }
}
