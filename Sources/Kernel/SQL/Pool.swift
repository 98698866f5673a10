import Core
import Synchronization

/// The connections of a ``Database`` and the callers that wait for one.
final class Pool: Sendable {
  /// A caller that found all connections busy.
  struct Waiter {
    enum Wish {
      /// A connection lent to the caller.
      case connection(CheckedContinuation<Connection, any Error>)
      /// The answer to one statement.
      case rows(QueryRequest)
    }

    let number: UInt64
    let deadline: ContinuousClock.Instant
    let wish: Wish

    func fail(_ error: any Error) {
      switch wish {
      case .connection(let continuation): continuation.resume(throwing: error)
      case .rows(let request): request.answer(.failure(error))
      }
    }
  }

  /// What is to be done with a connection that has become free.
  enum Turn {
    case lend(CheckedContinuation<Connection, any Error>)
    case serve([QueryRequest])
    case rest
    case close
  }

  struct State {
    var idle: [Connection] = []
    /// Connections that exist or are being opened.
    var open = 0
    var waiters = FIFO<Waiter>()
    var speeds = StatementSpeeds()
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

  /// The most short reads that one connection takes at once.
  private static let largestBatch = 16

  let configuration: Database.Configuration
  let state = Mutex(State())

  init(_ configuration: Database.Configuration) { self.configuration = configuration }

  /// A connection for the caller alone, to be given back with ``release(_:)``.
  ///
  /// - Throws: ``Refusal`` `database-busy` or `database-unreachable`, `CancellationError`, ``ConnectFailure`` when
  ///   waiting would not help.
  func acquire() async throws -> Connection {
    if let connection = try await acquireAtOnce() { return connection }
    return try await wait { .connection($0) }
  }

  /// Runs one statement on any connection; throws as ``acquire()`` does, or what the statement fails with.
  func query(_ sql: SQL) async throws -> Rows {
    if let connection = try await acquireAtOnce() {
      defer { release(connection) }
      return try await connection.query(sql, in: nil)
    }
    return try await waitForRows(sql)
  }

  /// An idle connection or a new one; `nil` when the caller has to wait.
  private func acquireAtOnce() async throws -> Connection? {
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
      case .wait: return nil
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

  /// Gives a free connection to whoever waits longest.
  func offer(_ connection: Connection) {
    switch state.withLock({ nextTurn(&$0, connection) }) {
    case .lend(let continuation): continuation.resume(returning: connection)
    case .serve(let requests): Task.detached { await connection.serve(requests, self) }
    case .rest: break
    case .close: discard(connection)
    }
  }

  /// The next statements for a connection that serves; none when it has been lent, put aside or dropped instead.
  func next(_ connection: Connection, learning learn: (inout StatementSpeeds) -> Void) -> [QueryRequest] {
    guard connection.condition.load(ordering: .acquiring) == .idle else {
      release(connection)
      return []
    }
    let turn = state.withLock { state -> Turn in
      learn(&state.speeds)
      return nextTurn(&state, connection)
    }
    switch turn {
    case .serve(let requests): return requests
    case .lend(let continuation): continuation.resume(returning: connection)
    case .rest: break
    case .close: discard(connection)
    }
    return []
  }

  private func nextTurn(_ state: inout State, _ connection: Connection) -> Turn {
    if state.isClosed { return .close }
    guard let first = state.waiters.popFirst() else {
      state.idle.append(connection)
      return .rest
    }
    switch first.wish {
    case .connection(let continuation): return .lend(continuation)
    case .rows(let request):
      var requests = [request]
      guard state.speeds.isQuick(request) else { return .serve(requests) }
      // A fair share of those that wait: the other connections become free as soon.
      let most = min(Self.largestBatch, state.waiters.count / configuration.maximumConnections + 1)
      while requests.count < most, let next = state.waiters.first, case .rows(let other) = next.wish,
        state.speeds.isQuick(other)
      {
        _ = state.waiters.popFirst()
        requests.append(other)
      }
      return .serve(requests)
    }
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
    if replace { openForWaiters() }
  }

  /// Opens a connection, counted already, for whoever waits longest.
  func openForWaiters() {
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
    let (waiters, closing) = state.withLock { state -> ([Waiter], [CheckedContinuation<Void, Never>]) in
      state.open -= 1
      // As long as there are others, waiters may still be served.
      guard state.open == 0 else { return ([], []) }
      defer { state.closing = [] }
      return (state.waiters.removeAll(), state.closing)
    }
    for waiter in waiters { waiter.fail(error) }
    for continuation in closing { continuation.resume() }
  }

  // MARK: Closing

  func close() async {
    let (idle, waiters) = state.withLock { state -> ([Connection], [Waiter]) in
      state.isClosed = true
      defer { state.idle = [] }
      return (state.idle, state.waiters.removeAll())
    }
    for waiter in waiters { waiter.fail(Fault("sql-pool-closed")) }
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
