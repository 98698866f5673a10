import CLibPQ
import Core
import Glibc

extension Connection {
  nonisolated func pipeline(_ statements: [SQL], in transaction: TransactionKey?) async throws -> [Rows] {
    guard !statements.isEmpty else { return [] }
    return try await interruptible { ticket in try await self.runPipeline(statements, ticket, transaction) }
  }

  func runPipeline(_ batch: [SQL], _ ticket: UInt64, _ transaction: TransactionKey?) throws -> [Rows] {
    if let transaction, transaction.number != activeTransaction {
      return try watched(batch[0].text, ticket, nil) { try begin(transaction, with: batch) }
    }
    return try watched(batch[0].text, ticket, nil) { try performPipeline(batch) }
  }

  /// Sends statements together and reads their results, all in one transaction unless one is open.
  func performPipeline(_ batch: [SQL]) throws -> [Rows] {
    // What cannot be sent is refused before anything is.
    for sql in batch { try parameters.load(sql.binds) }
    let pointer = try open(for: batch[0].text)
    deallocateAbandoned(pointer)
    guard PQsetnonblocking(pointer, 1) == 0, PQenterPipelineMode(pointer) == 1 else {
      throw noted(SQLFailure(nil, connection: pointer, statement: batch[0].text))
    }
    defer {
      // Every result up to the synchronisation point has been read, or the connection is of no use.
      if PQexitPipelineMode(pointer) != 1 || PQsetnonblocking(pointer, 0) != 0 { abandon() }
    }
    return try exchange(batch, pointer)
  }

  private enum Expected {
    case preparation(of: Statement, name: String)
    case rows(of: Statement)
  }

  private func exchange(_ batch: [SQL], _ pointer: OpaquePointer) throws -> [Rows] {
    var expected: [Expected] = []
    var preparing: [ObjectIdentifier: String] = [:]
    for sql in batch {
      try send(sql, pointer, &preparing, &expected)
    }
    guard PQpipelineSync(pointer) == 1 else {
      throw noted(SQLFailure(nil, connection: pointer, statement: batch[0].text))
    }
    var rows: [Rows] = []
    rows.reserveCapacity(batch.count)
    var firstFailure: (any Error)?
    for item in expected {
      let result = try next(pointer, batch[0].text)
      switch item {
      case .preparation(let statement, let name):
        if PQresultStatus(result) == PGRES_COMMAND_OK {
          statement.name = name
          PQclear(result)
        } else {
          keepFirst(result, statement, pointer, &firstFailure)
          statements.remove(statement)
        }
      case .rows(let statement):
        if firstFailure != nil {
          PQclear(result)
        } else {
          do { rows.append(try self.rows(result, statement, pointer)) } catch { firstFailure = error }
        }
      }
      // A null result ends the results of each statement.
      PQclear(try next(pointer, batch[0].text))
    }
    PQclear(try next(pointer, batch[0].text))
    if let firstFailure { throw firstFailure }
    return rows
  }

  private func keepFirst(
    _ result: OpaquePointer?, _ statement: Statement, _ pointer: OpaquePointer, _ failure: inout (any Error)?
  ) {
    if failure == nil { failure = noted(SQLFailure(result, connection: pointer, statement: statement.text)) }
    PQclear(result)
  }

  /// Queues one statement, preparing it in the same pipeline when it has come before.
  private func send(
    _ sql: SQL, _ pointer: OpaquePointer, _ preparing: inout [ObjectIdentifier: String], _ expected: inout [Expected]
  ) throws {
    try parameters.load(sql.binds)
    let (statement, seen) = statements.find(sql.text, parameters)
    var name = statement.name ?? preparing[ObjectIdentifier(statement)]
    var sent: Int32 = 1
    if seen, name == nil {
      let new = statements.newName()
      sent = statement.types.withUnsafeBufferPointer { types in
        PQsendPrepare(pointer, new, statement.text, Int32(types.count), types.baseAddress)
      }
      preparing[ObjectIdentifier(statement)] = new
      expected.append(.preparation(of: statement, name: new))
      name = new
    }
    if sent == 1 {
      sent = parameters.withPointers { count, values, lengths, formats, types in
        if let name { return PQsendQueryPrepared(pointer, name, count, values, lengths, formats, 1) }
        return PQsendQueryParams(pointer, sql.text, count, types, values, lengths, formats, 1)
      }
    }
    guard sent == 1 else {
      abandon()
      throw SQLFailure(sqlState: "08006", message: "the pipeline could not be sent", statement: sql.text)
    }
    expected.append(.rows(of: statement))
  }

  /// The next result, while what is still to be sent goes out: both sides may have to wait for the other.
  private func next(_ pointer: OpaquePointer, _ text: String) throws -> OpaquePointer? {
    while PQisBusy(pointer) == 1 {
      let unsent = PQflush(pointer)
      let events = Int16(POLLIN) | (unsent == 1 ? Int16(POLLOUT) : 0)
      var poll = pollfd(fd: PQsocket(pointer), events: events, revents: 0)
      guard unsent >= 0, Glibc.poll(&poll, 1, -1) >= 0 || errno == EINTR, PQconsumeInput(pointer) == 1 else {
        let failure = SQLFailure(nil, connection: pointer, statement: text)
        abandon()
        throw noted(failure)
      }
    }
    return PQgetResult(pointer)
  }
}
