import Core

extension Transaction {
  /// Hands the rows of `query` to `body` in batches of at most `size`, so that memory stays flat however many there
  /// are. Cursors of one transaction may not overlap.
  package nonisolated(nonsending) func batches(
    of query: SQL, size: Int = 1000, _ body: nonisolated(nonsending) (Rows) async throws -> Void
  ) async throws {
    _ = try await connection.queryOnce("declare lifang_cursor no scroll cursor for \(query)", in: key)
    while true {
      let rows = try await connection.queryOnce("fetch \(unsafe: String(size)) from lifang_cursor", in: key)
      if !rows.isEmpty { try await body(rows) }
      if rows.count < size { break }
    }
    try await connection.command("close lifang_cursor", in: key)
  }
}

extension Connection {
  /// Runs a statement without keeping it prepared: the same text may have other columns the next time.
  nonisolated func queryOnce(_ sql: SQL, in transaction: TransactionKey?) async throws -> Rows {
    try await interruptible { ticket in try await self.runOnce(sql, ticket, transaction) }
  }

  private func runOnce(_ sql: SQL, _ ticket: UInt64, _ transaction: TransactionKey?) throws -> Rows {
    try watched(sql.text, ticket, transaction) { try performOnce(sql) }
  }
}
