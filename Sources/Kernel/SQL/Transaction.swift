package import Core

/// How much a transaction sees of those beside it (PostgreSQL 13.2).
package enum Isolation: Sendable {
  /// Each statement sees what was committed before it.
  case readCommitted
  /// All statements see one snapshot.
  case repeatableRead
  /// As if transactions ran one after the other; conflicts are run again.
  case serializable
  /// One snapshot, and nothing may be written: consistent exports and statistics.
  case snapshot

  var begin: String {
    switch self {
    case .readCommitted: "begin isolation level read committed"
    case .repeatableRead: "begin isolation level repeatable read"
    case .serializable: "begin isolation level serializable"
    case .snapshot: "begin isolation level repeatable read read only"
    }
  }
}

/// Names one transaction of one connection; the numbers rise, so that an ended transaction cannot be used again.
struct TransactionKey: Sendable {
  let number: UInt64
  let isolation: Isolation
  let gathering = Gathering()
}

/// A transaction that is under way. It begins with its first statement and must not outlive the body it was given to.
package struct Transaction: SQLSession {
  let connection: Connection
  let key: TransactionKey
  var depth = 0

  package func query(_ sql: SQL) async throws -> Rows { try await connection.query(sql, in: key) }

  package func pipeline(_ statements: [SQL]) async throws -> [Rows] {
    try await connection.pipeline(statements, in: key)
  }

  /// Runs a part that may fail without taking the transaction with it: when `body` throws, what it did is undone and
  /// the error thrown on. Savepoints of one transaction may nest but not run side by side.
  @discardableResult
  package func savepoint<Value: Sendable>(
    _ body: @Sendable (Transaction) async throws -> Value
  ) async throws -> Value {
    let inner = Transaction(connection: connection, key: key, depth: depth + 1)
    let name = "lifang_\(inner.depth)"
    let mark = key.gathering.mark
    try await connection.command("savepoint \(name)", in: key)
    do {
      let value = try await body(inner)
      try await connection.command("release savepoint \(name)", in: key)
      return value
    } catch {
      key.gathering.restore(mark)
      do {
        try await connection.command("rollback to savepoint \(name); release savepoint \(name)", in: key)
      } catch let rollback {
        throw TransactionFailure(step: .body, error: error, rollback: rollback)
      }
      throw error
    }
  }

  /// Sends a notification, delivered when the transaction commits; the payload may have 7,999 bytes. The same one twice is
  /// sent once.
  package func notify(_ channel: String, _ payload: String = "") {
    key.gathering.add([.string(channel), .string(payload)], for: .notification, once: true)
  }

  /// Keeps a row until the commit, when all that were gathered for the statement are written together. Nothing in the
  /// transaction may rely on reading it; a savepoint that is undone takes it back.
  package func gather(_ row: JSON, for statement: GatheringStatement) {
    key.gathering.add(row, for: statement, once: false)
  }

  /// Runs a script of several statements, which must not end the transaction.
  package func execute(unsafe script: String) async throws {
    try await connection.command(script, in: key)
  }
}

/// A transaction that failed in another way than by its body alone.
///
/// A body's own error is thrown as it is when the rollback after it succeeded; everything else comes in this.
package struct TransactionFailure: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  package enum Step: String, Sendable {
    case body
    /// When the connection was lost here, nobody knows whether the transaction took place.
    case commit
  }

  package let step: Step
  /// What went wrong first.
  package let error: any Error
  /// What went wrong when the transaction was to be undone.
  package let rollback: (any Error)?

  /// Whether the transaction may have been committed all the same.
  package var isOutcomeUnknown: Bool {
    step == .commit && (SQLFailure.within(error).map { $0.isConnectionLost } ?? false)
  }

  package var description: String { "transaction-failure \(step.rawValue)" }

  package var debugDescription: String {
    "transaction-failure \(step.rawValue): \(String(reflecting: error))"
      + (rollback.map { " — then rollback: \(String(reflecting: $0))" } ?? "")
  }
}
