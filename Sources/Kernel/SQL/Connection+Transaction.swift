import CLibPQ
import Core
import Synchronization

extension Connection {
  /// Runs `body` in a transaction and commits it; rolls back when `body` throws.
  ///
  /// A serialization failure, a deadlock or a connection lost before the commit runs the body again, so it must do
  /// nothing outside the database that may not happen twice.
  ///
  /// - Throws: what `body` throws; ``TransactionFailure`` when the commit or the rollback fails.
  @discardableResult
  package nonisolated func transaction<Value: Sendable>(
    _ isolation: Isolation = .readCommitted, attempts: Int = 5,
    _ body: @Sendable (Transaction) async throws -> Value
  ) async throws -> Value {
    var backoff = Backoff()
    for attempt in 1... {
      switch await self.attempt(isolation, body) {
      case .committed(let value): return value
      case .failed(let error, let mayRepeat):
        guard mayRepeat, attempt < attempts, condition.load(ordering: .acquiring) != .broken else { throw error }
        try await backoff.pause()
      }
    }
    throw CancellationError()
  }

  enum Outcome<Value: Sendable>: Sendable {
    case committed(Value)
    case failed(any Error, mayRepeat: Bool)
  }

  /// Runs a transaction once.
  nonisolated func attempt<Value: Sendable>(
    _ isolation: Isolation, _ body: @Sendable (Transaction) async throws -> Value
  ) async -> Outcome<Value> {
    let key = TransactionKey(number: interrupter.newTicket(), isolation: isolation)
    do {
      // On the connection's own thread, or every statement would be two changes of thread.
      let value = try await withTaskExecutorPreference(executor) {
        try await body(Transaction(connection: self, key: key))
      }
      do {
        try await commit(key)
        return .committed(value)
      } catch {
        let lost = SQLFailure.within(error)?.isConnectionLost ?? false
        return .failed(
          TransactionFailure(step: .commit, error: error, rollback: nil), mayRepeat: await conflicted(key) && !lost)
      }
    } catch {
      let (rollback, mayRepeat) = await rollback(key)
      if let rollback, !mayRepeat {
        return .failed(TransactionFailure(step: .body, error: error, rollback: rollback), mayRepeat: false)
      }
      return .failed(error, mayRepeat: mayRepeat && !(error is CancellationError))
    }
  }

  /// Begins the transaction unless it is open already.
  func begin(_ transaction: TransactionKey) throws {
    guard transaction.number != activeTransaction else { return }
    try admit(transaction)
    try simple(transaction.isolation.begin)
    activeTransaction = transaction.number
  }

  /// Begins the transaction and runs its first statement in the same round trip.
  func begin(_ transaction: TransactionKey, with sql: SQL) throws -> Rows {
    try admit(transaction)
    defer {
      // The statement may have failed in a transaction that has begun.
      if let link, PQtransactionStatus(link.pointer) != PQTRANS_IDLE { activeTransaction = transaction.number }
    }
    return try performPipeline([SQL(text: transaction.isolation.begin), sql])[1]
  }

  /// The same with the first statements, sent together.
  func begin(_ transaction: TransactionKey, with batch: [SQL]) throws -> [Rows] {
    try admit(transaction)
    defer {
      if let link, PQtransactionStatus(link.pointer) != PQTRANS_IDLE { activeTransaction = transaction.number }
    }
    return Array(try performPipeline([SQL(text: transaction.isolation.begin)] + batch).dropFirst())
  }

  private func admit(_ transaction: TransactionKey) throws {
    guard activeTransaction == 0, transaction.number > endedTransaction else {
      throw Fault("sql-transaction-over", "a transaction was used after its end, or within another one")
    }
    metConflict = false
  }

  /// Runs a command without results in the transaction.
  nonisolated func command(_ text: String, in transaction: TransactionKey?) async throws {
    try await interruptible { ticket in try await self.runCommand(text, ticket, transaction) }
  }

  private func runCommand(_ text: String, _ ticket: UInt64, _ transaction: TransactionKey?) throws {
    try watched(text, ticket, transaction) {
      try simple(text)
      if transaction != nil, let link, PQtransactionStatus(link.pointer) == PQTRANS_IDLE {
        throw Fault("sql-transaction-ended", "a script ended the transaction it ran in")
      }
    }
  }

  private func commit(_ transaction: TransactionKey) throws {
    defer {
      endedTransaction = max(endedTransaction, transaction.number)
      activeTransaction = 0
      updateCondition()
    }
    let isActive = activeTransaction == transaction.number
    let hasFailed = isActive && link.map { PQtransactionStatus($0.pointer) == PQTRANS_INERROR } ?? false
    // What failed before is for the commit to say.
    let gathered = hasFailed ? [] : transaction.gathering.statements
    guard isActive else {
      if gathered.isEmpty { return }
      // A transaction that did nothing else is over with what was put off to its end.
      try admit(transaction)
      _ = try performPipeline(gathered)
      return
    }
    let tag = gathered.isEmpty ? try simple("commit") : try commit(behind: gathered)
    // PostgreSQL answers a commit after a failure with a rollback: the body must have hidden an error.
    if tag == "ROLLBACK" {
      throw Fault("sql-transaction-aborted", "the body went on after a statement had failed")
    }
  }

  /// Writes what was put off to the end and commits, in one round trip; returns the tag of the commit.
  private func commit(behind gathered: [SQL]) throws -> String {
    do {
      return try performPipeline(gathered + ["commit"]).last?.tag ?? ""
    } catch {
      if let link, PQtransactionStatus(link.pointer) != PQTRANS_IDLE {
        do { try simple("rollback") } catch { abandon() }
      }
      throw error
    }
  }

  private func conflicted(_ transaction: TransactionKey) -> Bool {
    endedTransaction == transaction.number && metConflict
  }

  /// Undoes the transaction; also says whether running it again may help.
  private func rollback(_ transaction: TransactionKey) -> (failure: (any Error)?, mayRepeat: Bool) {
    defer {
      endedTransaction = max(endedTransaction, transaction.number)
      activeTransaction = 0
      updateCondition()
    }
    guard activeTransaction == transaction.number else { return (nil, metConflict) }
    do {
      if isCopying {
        abandon()
        throw Fault("sql-connection-copying")
      }
      let mayRepeat = metConflict
      try simple("rollback")
      return (nil, mayRepeat)
    } catch {
      abandon()
      return (error, metConflict)
    }
  }
}

/// Pauses that double, each shortened by chance so that the losers of a conflict do not meet again.
struct Backoff {
  private var limit = 4.0

  /// - Throws: `CancellationError`
  mutating func pause() async throws {
    let milliseconds = Double.random(in: 0...limit)
    limit = min(limit * 2, 500)
    try await Task.sleep(for: .microseconds(Int64(milliseconds * 1000)))
  }
}
