import CLibPQ
import Core
import Glibc
import Synchronization

/// One connection to PostgreSQL: an actor with a thread of its own, since libpq blocks.
///
/// Each statement costs a change of thread there and back; the body of a transaction runs on the connection's thread, so
/// that its statements cost none. Statements that come again are prepared; results are binary.
package actor Connection {
  /// What the pool must know without asking the connection's thread.
  enum Condition: UInt8, AtomicRepresentable {
    case idle, inTransaction, broken
  }

  let configuration: Database.Configuration
  nonisolated let interrupter = Interrupter()
  nonisolated let condition = Atomic<Condition>(.broken)
  nonisolated let socket = Atomic<Int32>(-1)
  nonisolated let executor: ThreadExecutor
  var link: Link?
  var statements: StatementCache
  var parameters = Parameters()
  /// The transaction that is open, and the last one that has ended; see ``TransactionKey``.
  var activeTransaction: UInt64 = 0
  var endedTransaction: UInt64 = 0
  /// Whether the open transaction met a failure that running it again may avoid.
  var metConflict = false
  private var isAbandoned = false
  /// A COPY is under way: nothing else can run.
  var isCopying = false

  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(_ configuration: Database.Configuration) {
    self.configuration = configuration
    executor = ThreadExecutor(name: "sql-connection")
    statements = StatementCache(capacity: configuration.statementCacheSize)
  }

  deinit { executor.stop() }

  /// Opens a connection and sets it up.
  ///
  /// - Throws: ``ConnectFailure``, ``SQLFailure`` when a setting is refused.
  static func open(_ configuration: Database.Configuration) async throws -> Connection {
    let connection = Connection(configuration)
    try await connection.connect()
    return connection
  }

  private func connect() throws {
    let link = try Link(configuration.connectionSettings)
    self.link = link
    interrupter.use(link.pointer)
    socket.store(PQsocket(link.pointer), ordering: .relaxed)
    try simple(configuration.sessionSetting)
    updateCondition()
  }

  /// Closes the connection; whoever still holds this object gets failures.
  func close() {
    abandon()
    link = nil
  }

  /// Gives the connection up, whatever state it is in; it is closed when nobody uses it any more.
  func abandon() {
    isAbandoned = true
    condition.store(.broken, ordering: .releasing)
  }

  /// Whether the idle connection has nothing to say; a server that went away would have closed the socket.
  nonisolated var isQuiet: Bool {
    var poll = pollfd(fd: socket.load(ordering: .relaxed), events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&poll, 1, 0) == 0
  }

  /// The connection's process on the server.
  package var backend: Int { link.map { Int(PQbackendPID($0.pointer)) } ?? 0 }

  func open(for statement: String) throws -> OpaquePointer {
    guard let link, !isAbandoned else {
      throw SQLFailure(sqlState: "08003", message: "the connection is closed", statement: statement)
    }
    return link.pointer
  }

  func updateCondition() {
    guard let link, !isAbandoned, PQstatus(link.pointer) == CONNECTION_OK else {
      condition.store(.broken, ordering: .releasing)
      return
    }
    let idle = PQtransactionStatus(link.pointer) == PQTRANS_IDLE && !isCopying
    condition.store(idle ? .idle : .inTransaction, ordering: .releasing)
  }

  /// Runs one or several statements given as text by the simple protocol; returns the last command's tag.
  @discardableResult
  func simple(_ text: String) throws -> String {
    let pointer = try open(for: text)
    let result = PQexec(pointer, text)
    defer { PQclear(result) }
    switch PQresultStatus(result) {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
      return PQcmdStatus(result).map { String(cString: $0) } ?? ""
    case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
      abandon()
      throw Fault("sql-copy-in-query", text)
    default:
      throw noted(SQLFailure(result, connection: pointer, statement: text))
    }
  }

  /// Remembers what a failure means for the open transaction.
  func noted(_ failure: SQLFailure) -> SQLFailure {
    if failure.isConflict || failure.isStalePlan || failure.isConnectionLost { metConflict = true }
    if failure.isConnectionLost { updateCondition() }
    return failure
  }

  /// Ends what a user of the connection left behind; false when it cannot be used any more.
  func clean() -> Bool {
    guard let link, !isAbandoned, !isCopying, PQstatus(link.pointer) == CONNECTION_OK else {
      abandon()
      return false
    }
    if PQtransactionStatus(link.pointer) != PQTRANS_IDLE { _ = try? simple("rollback") }
    endedTransaction = max(endedTransaction, activeTransaction)
    activeTransaction = 0
    updateCondition()
    return condition.load(ordering: .relaxed) == .idle
  }
}
