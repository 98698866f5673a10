package import Core

/// Spares a gateway that does not answer: after several failures in a row nothing is sent there for a while, then one
/// message tries whether it is back (熔断).
package struct CircuitBreaker: Sendable, Hashable {
  package enum State: Sendable, Hashable {
    case closed
    /// Nothing goes out before then.
    case open(until: Instant)
    /// One message is on its way to try.
    case trying
  }

  package private(set) var state = State.closed
  private var failures = 0
  /// How often it opened since the last success.
  private var openings = 0

  /// Failures in a row that open it, unless said otherwise.
  package static let limit = 5
  private static let longestPause: Int64 = 600

  private let limit: Int
  private let firstPause: Int64

  /// - Parameters:
  ///   - limit: failures in a row that open it.
  ///   - firstPause: seconds of the first pause; each further one is twice as long, up to ten minutes.
  package init(limit: Int = CircuitBreaker.limit, firstPause: Int64 = 30) {
    self.limit = limit
    self.firstPause = firstPause
  }

  /// Whether a message may go out now. After a pause the first that asks gets the try; who does not use it gives it back
  /// with ``release()``.
  package mutating func admits(at now: Instant) -> Bool {
    switch state {
    case .closed: return true
    case .trying: return false
    case .open(let until):
      guard until <= now else { return false }
      state = .trying
      return true
    }
  }

  /// The try was not used.
  package mutating func release(at now: Instant) { if state == .trying { state = .open(until: now) } }

  /// Notes an answer: what failed before is forgotten.
  package mutating func succeeded() { self = CircuitBreaker(limit: limit, firstPause: firstPause) }

  package mutating func failed(at now: Instant) {
    failures += 1
    guard state == .trying || failures >= limit else { return }
    let pause = min(firstPause << Int64(min(openings, 10)), CircuitBreaker.longestPause)
    openings += 1
    state = .open(until: now + pause)
  }
}
