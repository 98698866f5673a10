import Core
import Synchronization

/// Token buckets by key: each key may do `capacity` things at once and regains one every `interval` seconds.
///
/// Used where guessing or flooding hurts: signing in by account and by address, public scans by address. The state is
/// of this process; keys whose bucket is full again are forgotten.
package final class RateLimiter: Sendable {
  private struct Bucket {
    var tokens: Double
    var at: UInt64
  }

  private struct State {
    var buckets: [String: Bucket] = [:]
    var sweepAt = 1024
  }

  private let capacity: Double
  private let interval: Double
  private let maximumKeys: Int
  private let milliseconds: @Sendable () -> UInt64
  private let state = Mutex(State())

  /// - Parameters:
  ///   - capacity: how many at once.
  ///   - interval: seconds until one more is allowed.
  ///   - maximumKeys: when more keys than this are in use, the limiter refuses new ones rather than grow.
  ///   - milliseconds: a monotonic clock.
  package init(
    capacity: Int, interval: Double, maximumKeys: Int = 200_000,
    milliseconds: @escaping @Sendable () -> UInt64 = RateLimiter.now
  ) {
    precondition(capacity > 0 && interval > 0, "a limiter allows something")
    self.capacity = Double(capacity)
    self.interval = interval
    self.maximumKeys = maximumKeys
    self.milliseconds = milliseconds
  }

  package static let now: @Sendable () -> UInt64 = { Monotonic.coarseMilliseconds() }

  /// Takes one token of `key`; returns the seconds until there will be one when there is none.
  package func take(_ key: String) -> Double? {
    let now = milliseconds()
    return state.withLock { state in
      var tokens = capacity
      if let bucket = state.buckets[key] {
        tokens = refilled(bucket, now)
      } else if state.buckets.count >= state.sweepAt {
        sweep(&state, now)
        if state.buckets.count >= maximumKeys { return interval }
      }
      guard tokens >= 1 else { return (1 - tokens) * interval }
      state.buckets[key] = Bucket(tokens: tokens - 1, at: now)
      return nil
    }
  }

  /// Takes one token of `key` or refuses.
  ///
  /// - Parameter what: what is done too often, such as 登录.
  /// - Throws: ``RetryLater`` `too-many` with the time to wait.
  package func require(_ key: String, toDo what: String) throws(RetryLater) {
    guard let wait = take(key) else { return }
    let seconds = max(1, Int(wait.rounded(.up)))
    let time = seconds >= 120 ? "\((seconds + 59) / 60) 分钟" : "\(seconds) 秒"
    throw RetryLater(
      Refusal(.tooMany, "too-many", "\(what)过于频繁，本次未处理。请在 \(time)后重试。"), seconds: seconds)
  }

  /// Forgets a key, such as an account whose owner has just signed in.
  package func reset(_ key: String) { state.withLock { _ = $0.buckets.removeValue(forKey: key) } }

  private func refilled(_ bucket: Bucket, _ now: UInt64) -> Double {
    let seconds = now > bucket.at ? Double(now - bucket.at) / 1000 : 0
    return min(capacity, bucket.tokens + seconds / interval)
  }

  /// Drops full buckets; the next sweep comes when the number of keys has doubled, so that sweeping costs nothing
  /// on average.
  private func sweep(_ state: inout State, _ now: UInt64) {
    state.buckets = state.buckets.filter { refilled($0.value, now) < capacity }
    state.sweepAt = min(maximumKeys, max(1024, state.buckets.count * 2))
  }
}
