import CLibPQ
import Core
import Glibc

/// Something that runs statements: the pool, a connection or a transaction.
package protocol SQLSession: Sendable {
  /// Runs one statement and returns its rows.
  ///
  /// - Throws: ``SQLFailure``, or `CancellationError` when the task is cancelled meanwhile; ``Refusal`` for text that
  ///   cannot be stored and for a pool that has no connection free in time.
  func query(_ sql: SQL) async throws -> Rows

  /// Runs independent statements in one round trip (libpq's pipeline mode) and in one transaction: when one fails,
  /// none has happened and its failure is thrown.
  func pipeline(_ statements: [SQL]) async throws -> [Rows]
}

extension SQLSession {
  /// Runs one statement and returns how many rows it touched.
  @discardableResult
  package func execute(_ sql: SQL) async throws -> Int { try await query(sql).affected }

  /// The first row, or `nil` when there is none.
  package func first(_ sql: SQL) async throws -> Row? { try await query(sql).first }

  /// The first column of the first row, which must be there.
  package func value<Value: SQLDecodable>(_ sql: SQL, as type: Value.Type = Value.self) async throws -> Value {
    guard let row = try await query(sql).first else { throw Fault("sql-no-row", sql.text) }
    return try row.get(0)
  }
}

extension Connection: SQLSession {
  package nonisolated func query(_ sql: SQL) async throws -> Rows { try await query(sql, in: nil) }

  package nonisolated func pipeline(_ statements: [SQL]) async throws -> [Rows] {
    try await pipeline(statements, in: nil)
  }

  nonisolated func query(_ sql: SQL, in transaction: TransactionKey?) async throws -> Rows {
    try await interruptible { ticket in try await self.run(sql, ticket, transaction) }
  }

  /// Runs `work` so that cancelling the task stops the statement on the server.
  nonisolated func interruptible<Result: Sendable>(
    _ work: (_ ticket: UInt64) async throws -> Result
  ) async throws -> Result {
    let ticket = interrupter.newTicket()
    return try await withTaskCancellationHandler {
      try await work(ticket)
    } onCancel: {
      interrupter.interrupt(ticket)
    }
  }

  private func run(_ sql: SQL, _ ticket: UInt64, _ transaction: TransactionKey?) throws -> Rows {
    if let transaction, transaction.number != activeTransaction {
      return try watched(sql.text, ticket, nil) { try begin(transaction, with: sql) }
    }
    return try watched(sql.text, ticket, nil) { try perform(sql) }
  }

  /// Runs a statement's work with everything that belongs around it: cancellation, the transaction's lazy beginning,
  /// time and failures in log and metrics.
  func watched<Result>(
    _ text: String, _ ticket: UInt64, _ transaction: TransactionKey?, _ work: () throws -> Result
  ) throws -> Result {
    interrupter.begin(ticket)
    defer { interrupter.end() }
    try Task.checkCancellation()
    guard !isCopying else { throw Fault("sql-connection-copying", text) }
    let start = Stopwatch()
    defer { updateCondition() }
    do {
      if let transaction { try begin(transaction) }
      let result = try work()
      finished(text, start, failure: nil)
      return result
    } catch let failure as SQLFailure {
      finished(text, start, failure: failure)
      if failure.isCancelled, Task.isCancelled { throw CancellationError() }
      throw failure
    }
  }

  func perform(_ sql: SQL) throws -> Rows {
    let pointer = try open(for: sql.text)
    try parameters.load(sql.binds)
    do {
      return try perform(sql.text, pointer)
    } catch let failure as SQLFailure where failure.isStalePlan && PQtransactionStatus(pointer) == PQTRANS_IDLE {
      return try perform(sql.text, pointer)
    }
  }

  /// Runs `text` with the parameters that are loaded.
  private func perform(_ text: String, _ pointer: OpaquePointer) throws -> Rows {
    let (statement, seen) = statements.find(text, parameters)
    if seen, statement.name == nil { try prepare(statement, pointer) }
    let result: OpaquePointer? =
      if let name = statement.name {
        parameters.withPointers { count, values, lengths, formats, _ in
          PQexecPrepared(pointer, name, count, values, lengths, formats, 1)
        }
      } else {
        parameters.withPointers { count, values, lengths, formats, types in
          PQexecParams(pointer, text, count, types, values, lengths, formats, 1)
        }
      }
    return try rows(result, statement, pointer)
  }

  /// Runs a statement that is not to be remembered.
  func performOnce(_ sql: SQL) throws -> Rows {
    let pointer = try open(for: sql.text)
    try parameters.load(sql.binds)
    let result = parameters.withPointers { count, values, lengths, formats, types in
      PQexecParams(pointer, sql.text, count, types, values, lengths, formats, 1)
    }
    return try rows(result, Statement(text: sql.text, types: []), pointer)
  }

  private func prepare(_ statement: Statement, _ pointer: OpaquePointer) throws {
    deallocateAbandoned(pointer)
    let name = statements.newName()
    let result = statement.types.withUnsafeBufferPointer { types in
      PQprepare(pointer, name, statement.text, Int32(types.count), types.baseAddress)
    }
    defer { PQclear(result) }
    guard PQresultStatus(result) == PGRES_COMMAND_OK else {
      statements.remove(statement)
      throw noted(SQLFailure(result, connection: pointer, statement: statement.text))
    }
    statement.name = name
  }

  func deallocateAbandoned(_ pointer: OpaquePointer) {
    guard !statements.abandoned.isEmpty, PQtransactionStatus(pointer) != PQTRANS_INERROR else { return }
    let text = statements.takeAbandoned().map { "deallocate \($0);" }.joined()
    PQclear(PQexec(pointer, text))
  }

  /// Takes ownership of `result`: its rows, or the failure it stands for.
  func rows(_ result: OpaquePointer?, _ statement: Statement, _ pointer: OpaquePointer) throws -> Rows {
    switch PQresultStatus(result) {
    case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
      guard let result else { break }
      let rows = Rows(result, statement.columns)
      if statement.name != nil, statement.columns == nil { statement.columns = rows.shape }
      return rows
    case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
      PQclear(result)
      abandon()
      throw Fault("sql-copy-in-query", statement.text)
    default: break
    }
    defer { PQclear(result) }
    let failure = SQLFailure(result, connection: pointer, statement: statement.text)
    if failure.isStalePlan {
      if failure.sqlState == "26000" { statement.name = nil }
      statements.remove(statement)
    }
    throw noted(failure)
  }

  private func finished(_ text: String, _ start: Stopwatch, failure: SQLFailure?) {
    let seconds = start.seconds
    configuration.metrics?.observe("lifang_sql_seconds", seconds: seconds)
    if let failure {
      configuration.metrics?.count("lifang_sql_failures_total", "state=\"\(failure.sqlState)\"")
    }
    if seconds >= configuration.slowQuerySeconds {
      configuration.metrics?.count("lifang_sql_slow_total")
      configuration.log(
        .warning, "sql-slow",
        ["milliseconds": .int(Int64(seconds * 1000)), "statement": .string(String(text.prefix(2000)))])
    }
  }
}

/// Measures elapsed seconds on the monotonic clock.
struct Stopwatch {
  private let start = Stopwatch.now()

  static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  var seconds: Double { Stopwatch.now() - start }
}
