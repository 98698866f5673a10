extension Database {
  /// See ``Connection/copyIn(_:columns:format:_:)``.
  @discardableResult
  package nonisolated(nonsending) func copyIn(
    _ table: String, columns: [String], format: CopyFormat = .automatic,
    _ body: nonisolated(nonsending) (inout CopyWriter) async throws -> Void
  ) async throws -> Int {
    let connection = try await pool.acquire()
    defer { pool.release(connection) }
    return try await connection.copyIn(table, columns: columns, format: format, in: nil, body)
  }

  /// See ``Connection/copyOut(_:format:_:)``.
  @discardableResult
  package nonisolated(nonsending) func copyOut(
    _ query: SQL, format: CopyFormat = .csv(header: true),
    _ body: nonisolated(nonsending) ([UInt8]) async throws -> Void
  ) async throws -> Int {
    let connection = try await pool.acquire()
    defer { pool.release(connection) }
    return try await connection.copyOut(query, format: format, in: nil, body)
  }
}

extension Transaction {
  /// See ``Connection/copyIn(_:columns:format:_:)``.
  @discardableResult
  package nonisolated(nonsending) func copyIn(
    _ table: String, columns: [String], format: CopyFormat = .automatic,
    _ body: nonisolated(nonsending) (inout CopyWriter) async throws -> Void
  ) async throws -> Int {
    try await connection.copyIn(table, columns: columns, format: format, in: key, body)
  }

  /// See ``Connection/copyOut(_:format:_:)``.
  @discardableResult
  package nonisolated(nonsending) func copyOut(
    _ query: SQL, format: CopyFormat = .csv(header: true),
    _ body: nonisolated(nonsending) ([UInt8]) async throws -> Void
  ) async throws -> Int {
    try await connection.copyOut(query, format: format, in: key, body)
  }
}
