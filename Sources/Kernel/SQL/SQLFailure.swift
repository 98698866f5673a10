import CLibPQ

/// An error that PostgreSQL or the connection to it reported.
///
/// `description` reveals nothing but the state, since descriptions reach end users; `debugDescription` tells all,
/// for the log.
package struct SQLFailure: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The five-character SQLSTATE; `08006` when the connection broke without one.
  package let sqlState: String
  package let message: String
  package let detail: String?
  package let hint: String?
  package let schema: String?
  package let table: String?
  package let column: String?
  package let constraint: String?
  /// Where in ``statement`` the error is, in characters from 1.
  package let position: Int?
  /// The function of PostgreSQL that reported the error.
  let routine: String?
  /// The statement text without its values.
  package let statement: String

  init(_ result: OpaquePointer?, connection: OpaquePointer?, statement: String) {
    func field(_ code: Character) -> String? {
      guard let ascii = code.asciiValue, let text = PQresultErrorField(result, Int32(ascii)) else { return nil }
      return String(cString: text)
    }
    // The letters are PG_DIAG_… of postgres_ext.h, which are character macros that Swift does not see.
    let broken = connection == nil || PQstatus(connection) != CONNECTION_OK
    sqlState = field("C") ?? (broken ? "08006" : "XX000")
    message = field("M") ?? connection.map { String(cString: PQerrorMessage($0)) } ?? "no connection"
    detail = field("D")
    hint = field("H")
    schema = field("s")
    table = field("t")
    column = field("c")
    constraint = field("n")
    position = field("P").flatMap { Int($0) }
    routine = field("R")
    self.statement = statement
  }

  init(sqlState: String, message: String, statement: String) {
    self.sqlState = sqlState
    self.message = message
    self.statement = statement
    (detail, hint, schema, table, column, constraint, routine) = (nil, nil, nil, nil, nil, nil, nil)
    position = nil
  }

  /// Two transactions could not both win: serialization failure or deadlock. The transaction may simply run again.
  package var isConflict: Bool { sqlState == "40001" || sqlState == "40P01" }

  package var isUniqueViolation: Bool { sqlState == "23505" }

  package var isForeignKeyViolation: Bool { sqlState == "23503" }

  package var isCheckViolation: Bool { sqlState == "23514" }

  /// The statement was stopped: by its time limit, an administrator or a cancelled task.
  package var isCancelled: Bool { sqlState == "57014" }

  /// The connection, or the server behind it, is gone; nothing is known about a statement that was running.
  package var isConnectionLost: Bool {
    sqlState.hasPrefix("08") || sqlState == "57P01" || sqlState == "57P02" || sqlState == "57P03"
  }

  /// A prepared statement no longer fits the tables it reads, or is not known to the server any more.
  var isStalePlan: Bool { sqlState == "26000" || (sqlState == "0A000" && routine == "RevalidateCachedQuery") }

  package var description: String { "sql-failure \(sqlState)" }

  package var debugDescription: String {
    let parts = [
      ("detail", detail), ("hint", hint), ("schema", schema), ("table", table), ("column", column),
      ("constraint", constraint), ("position", position.map { String($0) }), ("statement", statement),
    ]
    return "sql-failure \(sqlState): \(message)"
      + parts.map { name, value in value.map { " [\(name): \($0)]" } ?? "" }.joined()
  }

  /// The failure of PostgreSQL inside `error`, also where a transaction wrapped it.
  package static func within(_ error: any Error) -> SQLFailure? {
    switch error {
    case let failure as SQLFailure: failure
    case let failure as TransactionFailure: within(failure.error)
    default: nil
    }
  }
}
