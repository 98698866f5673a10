package import Access
import Synchronization

/// How many requests of each user and each key are under way, so that one cannot take all of a node's time from the others
/// (资源控制, B5-282).
package final class UserLoad: Sendable {
  private struct Who: Hashable {
    let kind: Principal.Kind
    let id: Int64
  }

  private let running = Mutex<[Who: Int]>([:])

  package init() {}

  /// Counts one more request of `principal`; `false` when `limit` are under way already. Strangers are limited by address
  /// (``HTTP/RateLimiter``).
  package func enter(_ principal: Principal, limit: Int) -> Bool {
    guard let who = UserLoad.who(principal) else { return true }
    return running.withLock { running in
      let count = running[who, default: 0]
      if limit > 0, count >= limit { return false }
      running[who] = count + 1
      return true
    }
  }

  /// A request that was let in is answered.
  package func leave(_ principal: Principal) {
    guard let who = UserLoad.who(principal) else { return }
    running.withLock { running in
      let count = running[who, default: 1] - 1
      running[who] = count > 0 ? count : nil
    }
  }

  private static func who(_ principal: Principal) -> Who? {
    switch principal.kind {
    case .user, .key: Who(kind: principal.kind, id: principal.id)
    case .system, .stranger: nil
    }
  }
}
