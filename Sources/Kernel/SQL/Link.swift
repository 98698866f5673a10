import CLibPQ
import Core
import Glibc

/// Owner of one libpq connection.
final class Link: @unchecked Sendable {
  // Unchecked: only the actor that owns it uses the pointer, and the last reference closes it.
  let pointer: OpaquePointer

  /// Connects, which blocks for at most ten seconds.
  ///
  /// - Throws: ``ConnectFailure``
  init(_ settings: [(name: String, value: String)]) throws(ConnectFailure) {
    let names = settings.map { strdup($0.name) }
    let values = settings.map { strdup($0.value) }
    defer {
      for text in names + values { free(text) }
    }
    let keywords = names.map { UnsafePointer($0) } + [nil]
    let contents = values.map { UnsafePointer($0) } + [nil]
    guard let pointer = PQconnectdbParams(keywords, contents, 1) else {
      throw ConnectFailure(message: "out of memory")
    }
    self.pointer = pointer
    // From here on deinit closes the connection, also when this initializer throws.
    guard PQstatus(pointer) == CONNECTION_OK else {
      throw ConnectFailure(message: String(cString: PQerrorMessage(pointer)))
    }
    // Without a receiver libpq writes notices to standard error.
    PQsetNoticeReceiver(pointer, { _, _ in }, nil)
  }

  deinit { PQfinish(pointer) }
}

/// No connection to PostgreSQL could be made.
package struct ConnectFailure: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  let message: String

  /// Whether trying again soon may help: the server is starting, stopping, full or not there yet.
  var isPassing: Bool {
    guard message.contains("FATAL:") else { return true }
    return ["starting up", "shutting down", "recovery mode", "not yet accepting", "too many", "connection slots"]
      .contains { message.contains($0) }
  }

  package var description: String { "sql-connect-failure" }

  package var debugDescription: String { "sql-connect-failure: \(message)" }
}
