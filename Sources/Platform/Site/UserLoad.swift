package import Access
import Synchronization

/// How many requests of each user and each key are under way, so that one cannot take all of a node's time from the others
/// (资源控制, B5-282).
package final class UserLoad: Sendable {
  struct Who: Hashable, Sendable {
    let kind: Principal.Kind
    let id: Int64
  }

  private let running = Mutex<[Who: Int]>([:])

  package init() {}

  /// Counts one more request of `principal`; `nil` when `limit` are under way already. Strangers are limited by address
  /// (``HTTP/RateLimiter``).
  package func enter(_ principal: Principal, limit: Int) -> Place? {
    guard let who = UserLoad.who(principal) else { return Place {} }
    let isIn = running.withLock { running in
      let count = running[who, default: 0]
      if limit > 0, count >= limit { return false }
      running[who] = count + 1
      return true
    }
    return isIn ? Place { [self] in leave(who) } : nil
  }

  /// What one request under way takes, until it is answered to its last byte: given back by ``leave()``, at the latest
  /// when nobody holds it any more, as with a stream that its client did not wait for.
  package final class Place: Sendable {
    private let giveBack: Mutex<(@Sendable () -> Void)?>

    init(_ giveBack: @escaping @Sendable () -> Void) { self.giveBack = Mutex(giveBack) }

    deinit { leave() }

    /// The request is answered. A second call does nothing.
    package func leave() {
      let giveBack = giveBack.withLock { given in
        defer { given = nil }
        return given
      }
      giveBack?()
    }
  }

  private func leave(_ who: Who) {
    running.withLock { running in
      let count = running[who, default: 1] - 1
      running[who] = count > 0 ? count : nil
    }
  }

  static func who(_ principal: Principal) -> Who? {
    switch principal.kind {
    case .user, .key: Who(kind: principal.kind, id: principal.id)
    case .system, .stranger: nil
    }
  }
}
