import Synchronization

/// A single statement that waits for a connection, whose thread runs it and answers.
///
/// Waiting statements do not need a connection lent to their task: under load this saves two changes of thread each,
/// and lets a connection take several at once; see ``Connection/serve(_:_:)``.
final class QueryRequest: Sendable {
  private enum State {
    case waiting
    case running(Interrupter, ticket: UInt64)
    case cancelled
  }

  let sql: SQL
  /// Finds what is known about the statement's text; a collision only misjudges its speed.
  let hash: Int
  private let continuation: CheckedContinuation<Rows, any Error>
  private let state = Mutex(State.waiting)

  init(_ sql: SQL, _ continuation: CheckedContinuation<Rows, any Error>) {
    self.sql = sql
    self.continuation = continuation
    hash = sql.text.hashValue
  }

  func answer(_ result: Result<Rows, any Error>) { continuation.resume(with: result) }

  /// Notes what would have to be interrupted; false when the caller has given up already.
  func begin(_ interrupter: Interrupter, _ ticket: UInt64) -> Bool {
    state.withLock { state in
      if case .cancelled = state { return false }
      state = .running(interrupter, ticket: ticket)
      return true
    }
  }

  var isCancelled: Bool {
    state.withLock { if case .cancelled = $0 { true } else { false } }
  }

  func cancel() {
    let running = state.withLock { state in
      defer { state = .cancelled }
      return state
    }
    if case .running(let interrupter, let ticket) = running { interrupter.interrupt(ticket) }
  }
}

/// What the pool has learnt about the statements it ran: whether they are short enough to be run together.
struct StatementSpeeds {
  /// A statement that takes longer keeps a connection for itself.
  private static let limit = 0.001
  /// Above this a batch has misjudged one of its statements.
  private static let batchLimit = 0.01

  private var quick: Set<Int> = []

  func isQuick(_ request: QueryRequest) -> Bool { quick.contains(request.hash) }

  mutating func note(_ request: QueryRequest, seconds: Double, isRead: Bool) {
    if isRead, seconds < Self.limit {
      if quick.count >= 4096 { quick = [] }
      quick.insert(request.hash)
    } else {
      quick.remove(request.hash)
    }
  }

  mutating func note(_ batch: [QueryRequest], seconds: Double) {
    guard seconds > Self.batchLimit else { return }
    for request in batch { quick.remove(request.hash) }
  }
}
