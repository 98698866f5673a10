import CLibPQ
import Core
import Glibc

extension Connection {
  /// Fills `columns` of `table` with the rows that `body` writes; returns how many there were.
  ///
  /// Either all rows arrive or, when `body` throws or the server refuses one, none.
  ///
  /// - Parameters:
  ///   - table: a table's name, or `schema.table`; it is quoted.
  ///   - format: how rows are written. `.csv` takes bytes only.
  /// - Throws: what `body` throws, ``SQLFailure`` when the server refuses a row.
  package nonisolated(nonsending) func copyIn(
    _ table: String, columns: [String], format: CopyFormat = .automatic,
    _ body: nonisolated(nonsending) (inout CopyWriter) async throws -> Void
  ) async throws -> Int {
    try await copyIn(table, columns: columns, format: format, in: nil, body)
  }

  nonisolated(nonsending) func copyIn(
    _ table: String, columns: [String], format: CopyFormat, in transaction: TransactionKey?,
    _ body: nonisolated(nonsending) (inout CopyWriter) async throws -> Void
  ) async throws -> Int {
    let ticket = interrupter.newTicket()
    let interrupter = interrupter
    return try await withTaskCancellationHandler {
      let (described, isBinary) = try await beginCopyIn(table, columns, format, ticket, transaction)
      var writer = CopyWriter(
        CopyEncoder(columns: described, isBinary: isBinary), CopyTarget(connection: self, ticket: ticket))
      do {
        try await body(&writer)
        try await writer.finish()
      } catch {
        await abortCopyIn()
        throw error
      }
      return try await endCopyIn(ticket)
    } onCancel: {
      interrupter.interrupt(ticket)
    }
  }

  private func beginCopyIn(
    _ table: String, _ columns: [String], _ format: CopyFormat, _ ticket: UInt64, _ transaction: TransactionKey?
  ) throws -> (columns: [CopyColumn], isBinary: Bool) {
    let quoted = table.split(separator: ".", maxSplits: 1).map { SQL(identifier: String($0)).text }
      .joined(separator: ".")
    return try watched("copy \(quoted)", ticket, transaction) {
      var described: [CopyColumn] = []
      if case .csv = format {} else { described = try describe(quoted, columns) }
      let isBinary = format == .binary || (format == .automatic && described.allSatisfy(\.isBinary))
      let list = columns.map { SQL(identifier: $0).text }.joined(separator: ", ")
      let text = "copy \(quoted) (\(list)) from stdin (\(isBinary ? CopyFormat.binary.options : format.options))"
      let pointer = try open(for: text)
      try liftTimeLimit()
      let result = PQexec(pointer, text)
      defer { PQclear(result) }
      guard PQresultStatus(result) == PGRES_COPY_IN else {
        throw noted(SQLFailure(result, connection: pointer, statement: text))
      }
      isCopying = true
      return (described, isBinary)
    }
  }

  private func describe(_ table: String, _ names: [String]) throws -> [CopyColumn] {
    let known = try perform(CopyColumn.description(of: table)).map { try CopyColumn($0) }
    return try names.map { name in
      guard let column = known.first(where: { $0.name == name }) else {
        throw SQLFailure(
          sqlState: "42703", message: "column \(name) does not exist", statement: "copy \(table)")
      }
      return column
    }
  }

  func putCopy(_ bytes: [UInt8], _ ticket: UInt64) throws {
    let pointer = try open(for: "copy")
    guard isCopying else { throw Fault("copy-over", "a writer was used after its COPY") }
    interrupter.begin(ticket)
    defer { interrupter.end() }
    try bytes.withUnsafeBytes { bytes in
      for start in stride(from: 0, to: bytes.count, by: Self.pieceSize) {
        let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + Self.pieceSize, bytes.count)])
        guard put(piece, pointer) else {
          throw endOfCopy(pointer, reason: "given up") ?? Fault("copy-ended-early")
        }
      }
    }
  }

  /// Small enough that a socket ready for writing takes it at once.
  private static var pieceSize: Int { 32768 }

  /// Sends a piece when the server takes it; false when the server has sent an error instead.
  ///
  /// libpq looks for an error only at the end of a COPY, and while it waits to send it may swallow one unseen; so the
  /// waiting is done here.
  private func put(_ piece: UnsafeRawBufferPointer, _ pointer: OpaquePointer) -> Bool {
    let socket = PQsocket(pointer)
    var isIgnoringInput = PQsslInUse(pointer) != 0
    while true {
      var poll = pollfd(fd: socket, events: Int16(POLLOUT) | (isIgnoringInput ? 0 : Int16(POLLIN)), revents: 0)
      if Glibc.poll(&poll, 1, -1) < 0 && errno != EINTR { return false }
      if poll.revents & Int16(POLLIN) != 0 {
        var first: UInt8 = 0
        let count = recv(socket, &first, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        if count == 0 || (count == 1 && first == UInt8(ascii: "E")) { return false }
        // A notice, say: libpq reads it when it has time.
        isIgnoringInput = true
      }
      if poll.revents & Int16(POLLOUT | POLLERR | POLLHUP) != 0 {
        return PQputCopyData(pointer, piece.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(piece.count)) == 1
      }
    }
  }

  private func endCopyIn(_ ticket: UInt64) throws -> Int {
    interrupter.begin(ticket)
    defer { interrupter.end() }
    let pointer = try open(for: "copy")
    var rows = 0
    if let failure = endOfCopy(pointer, reason: nil, rows: &rows) {
      if failure.isCancelled, Task.isCancelled { throw CancellationError() }
      throw failure
    }
    configuration.metrics?.count("lifang_sql_copied_rows_total", by: UInt64(rows))
    return rows
  }

  private func abortCopyIn() {
    guard isCopying, let pointer = try? open(for: "copy") else { return }
    _ = endOfCopy(pointer, reason: "the writer gave up")
  }

  private func endOfCopy(_ pointer: OpaquePointer, reason: String?) -> SQLFailure? {
    var rows = 0
    return endOfCopy(pointer, reason: reason, rows: &rows)
  }

  /// Ends the COPY, makes the server drop its rows when there is a `reason`, and reads the outcome.
  private func endOfCopy(_ pointer: OpaquePointer, reason: String?, rows: inout Int) -> SQLFailure? {
    _ = PQputCopyEnd(pointer, reason)
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

  /// A COPY takes as long as whoever feeds or reads it.
  func liftTimeLimit() throws {
    if configuration.statementTimeout != nil { try simple("set statement_timeout to 0") }
  }

  /// In a failed transaction the setting comes back with its rollback.
  func restoreTimeLimit() {
    guard configuration.statementTimeout != nil, let link, PQtransactionStatus(link.pointer) != PQTRANS_INERROR else {
      return
    }
    _ = try? simple(configuration.statementTimeoutSetting)
  }
}
