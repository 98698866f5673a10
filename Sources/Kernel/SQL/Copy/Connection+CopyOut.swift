import CLibPQ
import Core
import Glibc

extension Connection {
  /// Hands the rows of `query` to `body` as bytes in COPY's format, chunk by chunk; returns how many rows there were.
  ///
  /// Values bound to `query` are allowed. When `body` throws, the server is told to stop.
  package nonisolated(nonsending) func copyOut(
    _ query: SQL, format: CopyFormat = .csv(header: true),
    _ body: nonisolated(nonsending) ([UInt8]) async throws -> Void
  ) async throws -> Int {
    try await copyOut(query, format: format, in: nil, body)
  }

  nonisolated(nonsending) func copyOut(
    _ query: SQL, format: CopyFormat, in transaction: TransactionKey?,
    _ body: nonisolated(nonsending) ([UInt8]) async throws -> Void
  ) async throws -> Int {
    let ticket = interrupter.newTicket()
    let interrupter = interrupter
    return try await withTaskCancellationHandler {
      try await beginCopyOut("copy (\(query.inlined())) to stdout (\(format.options))", ticket, transaction)
      do {
        while let chunk = try await nextChunk(ticket) { try await body(chunk) }
      } catch {
        await abortCopyOut()
        throw error
      }
      return try await endCopyOut()
    } onCancel: {
      interrupter.interrupt(ticket)
    }
  }

  private func beginCopyOut(_ text: String, _ ticket: UInt64, _ transaction: TransactionKey?) throws {
    try watched(text, ticket, transaction) {
      let pointer = try open(for: text)
      try liftTimeLimit()
      let result = PQexec(pointer, text)
      defer { PQclear(result) }
      guard PQresultStatus(result) == PGRES_COPY_OUT else {
        throw noted(SQLFailure(result, connection: pointer, statement: text))
      }
      isCopying = true
    }
  }

  /// About 64 KiB of rows, or `nil` at the end.
  private func nextChunk(_ ticket: UInt64) throws -> [UInt8]? {
    let pointer = try open(for: "copy")
    interrupter.begin(ticket)
    defer { interrupter.end() }
    try Task.checkCancellation()
    var chunk: [UInt8] = []
    while chunk.count < 65536 {
      var row: UnsafeMutablePointer<CChar>?
      let count = PQgetCopyData(pointer, &row, 0)
      guard count > 0 else { break }
      chunk.append(contentsOf: UnsafeRawBufferPointer(start: row, count: Int(count)))
      PQfreemem(row)
    }
    return chunk.isEmpty ? nil : chunk
  }

  private func endCopyOut() throws -> Int {
    let pointer = try open(for: "copy")
    var rows = 0
    if let failure = drain(pointer, &rows) {
      if failure.isCancelled, Task.isCancelled { throw CancellationError() }
      throw failure
    }
    return rows
  }

  private func abortCopyOut() {
    guard isCopying, let pointer = try? open(for: "copy") else { return }
    if let request = PQgetCancel(pointer) {
      var text = [CChar](repeating: 0, count: 256)
      _ = PQcancel(request, &text, Int32(text.count))
      PQfreeCancel(request)
    }
    var row: UnsafeMutablePointer<CChar>?
    while PQgetCopyData(pointer, &row, 0) > 0 { PQfreemem(row) }
    var rows = 0
    _ = drain(pointer, &rows)
  }

  private func drain(_ pointer: OpaquePointer, _ rows: inout Int) -> SQLFailure? {
    var failure: SQLFailure?
    while let result = PQgetResult(pointer) {
      if PQresultStatus(result) == PGRES_COMMAND_OK {
        rows = PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
      } else if failure == nil {
        failure = noted(SQLFailure(result, connection: pointer, statement: "copy"))
      }
      PQclear(result)
      if PQstatus(pointer) != CONNECTION_OK { break }
    }
    isCopying = false
    restoreTimeLimit()
    updateCondition()
    return failure
  }
}
