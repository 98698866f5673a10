import Core
import Synchronization

extension Pool {
  /// Queues the caller until its wish is fulfilled, refused for its time limit, or its task cancelled.
  func wait<Value: Sendable>(
    _ wish: @escaping (CheckedContinuation<Value, any Error>) -> Waiter.Wish
  ) async throws -> Value {
    let number = newWaiterNumber()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { enqueue(number, wish($0)) }
    } onCancel: {
      state.withLock { $0.waiters.removeFirst { $0.number == number } }?.fail(CancellationError())
    }
  }

  /// Queues a statement; see ``QueryRequest``.
  func waitForRows(_ sql: SQL) async throws -> Rows {
    let number = newWaiterNumber()
    let enqueued = Mutex<QueryRequest?>(nil)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let request = QueryRequest(sql, continuation)
        enqueued.withLock { $0 = request }
        enqueue(number, .rows(request))
      }
    } onCancel: {
      if let waiter = state.withLock({ $0.waiters.removeFirst { $0.number == number } }) {
        waiter.fail(CancellationError())
      } else {
        enqueued.withLock { $0 }?.cancel()
      }
    }
  }

  private func newWaiterNumber() -> UInt64 {
    state.withLock { state in
      state.lastWaiter += 1
      return state.lastWaiter
    }
  }

  private func enqueue(_ number: UInt64, _ wish: Waiter.Wish) {
    enum Action {
      case none, open, offer(Connection), fail(any Error)
    }
    let waiter = Waiter(number: number, deadline: .now + configuration.waitTimeout, wish: wish)
    let (action, startsTimer) = state.withLock { state -> (Action, Bool) in
      // Cancelled before the handler could find the waiter, or closed since the caller looked.
      if Task.isCancelled { return (.fail(CancellationError()), false) }
      if state.isClosed { return (.fail(Fault("sql-pool-closed")), false) }
      state.waiters.append(waiter)
      let startsTimer = !state.isTimerRunning
      state.isTimerRunning = true
      // Given back, or dropped, since the caller looked.
      if let connection = state.idle.popLast() { return (.offer(connection), startsTimer) }
      guard state.open < configuration.maximumConnections else { return (.none, startsTimer) }
      state.open += 1
      return (.open, startsTimer)
    }
    if startsTimer { Task.detached { await self.expireWaiters() } }
    switch action {
    case .none: break
    case .offer(let connection): offer(connection)
    case .fail(let error): waiter.fail(error)
    case .open: openForWaiters()
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
        waiter.fail(
          Refusal(
            .unavailable, "database-busy", "系统当前繁忙，没有等到空闲的数据库连接。您提交的内容没有保存，请稍后重试。"))
      }
      guard let next else { return }
      try? await Task.sleep(until: next, clock: .continuous)
    }
  }
}
