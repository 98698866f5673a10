import Core
import Synchronization

/// Where a streaming handler writes; waits when the client reads more slowly than it is written.
package final class ResponseWriter: Sendable {
  private struct State {
    var buffer: [UInt8] = []
    var taken = 0
    var isFinished = false
    var failure: (any Error)?
    var waiter: CheckedContinuation<Void, any Error>?

    var waiting: Int { buffer.count - taken }
  }

  /// Bytes that may wait for the network.
  private static let capacity = 64 << 10

  private let state = Mutex(State())
  private let deflater: Deflater?
  private let wake: @Sendable () -> Void

  init(compressed: Bool, wake: @escaping @Sendable () -> Void) {
    deflater = compressed ? Gzip.stream() : nil
    self.wake = wake
  }

  var isCompressed: Bool { deflater != nil }

  /// Sends bytes; returns when there is room for more.
  ///
  /// - Throws: ``ConnectionLost`` when the client has gone away, `CancellationError`.
  package func write(_ bytes: [UInt8]) async throws {
    guard let deflater else { return try await enqueue(bytes) }
    var compressed: [UInt8] = []
    deflater.add(bytes, into: &compressed)
    if !compressed.isEmpty { try await enqueue(compressed) }
  }

  package func write(_ text: String) async throws { try await write(Array(text.utf8)) }

  private func enqueue(_ bytes: [UInt8]) async throws {
    try Task.checkCancellation()
    let mustWait = try state.withLock { state in
      if let failure = state.failure { throw failure }
      state.buffer.append(contentsOf: bytes)
      return state.waiting > ResponseWriter.capacity
    }
    wake()
    guard mustWait else { return }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let result = state.withLock { state -> Result<Void, any Error>? in
          if let failure = state.failure { return .failure(failure) }
          if state.waiting <= ResponseWriter.capacity / 2 { return .success(()) }
          if Task.isCancelled { return .failure(CancellationError()) }
          state.waiter = continuation
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume(throwing: CancellationError())
    }
  }

  /// Ends the response, properly or (with an error) so that the client notices that it is incomplete.
  func finish(_ error: (any Error)? = nil) {
    var tail: [UInt8] = []
    if error == nil { deflater?.add([], into: &tail, finish: true) }
    state.withLock { state in
      state.buffer.append(contentsOf: tail)
      if let error, state.failure == nil { state.failure = error }
      state.isFinished = true
    }
    wake()
  }

  /// The client is gone.
  func close() {
    let waiter = state.withLock { state in
      if state.failure == nil { state.failure = ConnectionLost() }
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(throwing: ConnectionLost())
  }

  enum Reading {
    case bytes(Int)
    case later, end, failed
  }

  /// Hands bytes to the network.
  func read(into target: UnsafeMutableRawBufferPointer) -> Reading {
    let (reading, waiter) = state.withLock { state -> (Reading, CheckedContinuation<Void, any Error>?) in
      if state.waiting > 0 {
        let count = min(state.waiting, target.count)
        state.buffer.withUnsafeBytes { raw in
          target.copyMemory(from: UnsafeRawBufferPointer(rebasing: raw[state.taken..<state.taken + count]))
        }
        state.taken += count
        if state.taken == state.buffer.count {
          state.buffer.removeAll(keepingCapacity: true)
          state.taken = 0
        }
        guard state.waiting <= ResponseWriter.capacity / 2 else { return (.bytes(count), nil) }
        defer { state.waiter = nil }
        return (.bytes(count), state.waiter)
      }
      if state.failure != nil { return (.failed, nil) }
      return (state.isFinished ? .end : .later, nil)
    }
    waiter?.resume()
    return reading
  }
}

/// The client closed the connection before the response was complete; nothing is wrong with the server.
package struct ConnectionLost: Error, Sendable {}
