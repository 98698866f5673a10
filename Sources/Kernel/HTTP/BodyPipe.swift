import Core
import Synchronization

/// Carries the bytes of a request body from the connection to the handler, and holds the connection when the handler
/// is slower than the network.
final class BodyPipe: Sendable {
  private struct State {
    var buffer: [UInt8] = []
    var received = 0
    var isFull = false
    var isFinished = false
    var isDiscarding = false
    var failure: (any Error)?
    var waiter: CheckedContinuation<[UInt8]?, any Error>?
  }

  private enum Step {
    case wait
    case give([UInt8]?, drained: Bool)
    case fail(any Error)
  }

  /// Bytes that may wait here before the connection is held.
  private let capacity: Int
  /// Bytes that the whole body may have.
  private let limit: Int
  private let state = Mutex(State())
  /// Lets a held connection go on; set once before the first byte.
  private let onDrained: @Sendable () -> Void

  init(capacity: Int, limit: Int, onDrained: @escaping @Sendable () -> Void) {
    self.capacity = capacity
    self.limit = limit
    self.onDrained = onDrained
  }

  /// Whether the connection should be held until ``onDrained``.
  var isFull: Bool { state.withLock { $0.isFull } }

  /// Adds bytes from the network; drops them once the handler has lost interest or the body is too large.
  func push(_ bytes: UnsafeBufferPointer<UInt8>) {
    let resume = state.withLock { state -> (CheckedContinuation<[UInt8]?, any Error>, Result<[UInt8]?, any Error>)? in
      state.received += bytes.count
      if state.isDiscarding || state.failure != nil { return nil }
      if state.received > limit {
        let refusal = Refusals.bodyTooLarge(limit: limit)
        state.failure = refusal
        state.buffer = []
        defer { state.waiter = nil }
        return state.waiter.map { ($0, .failure(refusal)) }
      }
      if let waiter = state.waiter {
        state.waiter = nil
        return (waiter, .success(Array(bytes)))
      }
      state.buffer.append(contentsOf: bytes)
      state.isFull = state.buffer.count >= capacity
      return nil
    }
    if let (waiter, result) = resume { waiter.resume(with: result) }
  }

  /// The body is complete.
  func finish() {
    let waiter = state.withLock { state in
      state.isFinished = true
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(returning: nil)
  }

  /// The connection broke, or the server stops.
  func fail(_ error: any Error) {
    let waiter = state.withLock { state in
      if state.failure == nil && !state.isFinished { state.failure = error }
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(throwing: error)
  }

  /// The handler has answered: what still comes is read and dropped.
  func discard() {
    let wasFull = state.withLock { state in
      state.isDiscarding = true
      state.buffer = []
      defer { state.isFull = false }
      return state.isFull
    }
    if wasFull { onDrained() }
  }

  /// The next bytes, or `nil` at the end of the body.
  ///
  /// - Throws: ``Refusal`` when the body is too large or was cut off; `CancellationError`.
  func next() async throws -> [UInt8]? {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let step = state.withLock { state -> Step in
          if let failure = state.failure { return .fail(failure) }
          if !state.buffer.isEmpty {
            let bytes = state.buffer
            state.buffer = []
            defer { state.isFull = false }
            return .give(bytes, drained: state.isFull)
          }
          if state.isFinished { return .give(nil, drained: false) }
          if Task.isCancelled { return .fail(CancellationError()) }
          if state.waiter != nil { return .fail(Fault("body-read-twice", "two tasks read one request body")) }
          state.waiter = continuation
          return .wait
        }
        switch step {
        case .wait: break
        case .fail(let error): continuation.resume(throwing: error)
        case .give(let bytes, let drained):
          if drained { onDrained() }
          continuation.resume(returning: bytes)
        }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume(throwing: CancellationError())
    }
  }
}
