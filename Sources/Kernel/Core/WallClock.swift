import Glibc
import Synchronization

/// Where the time comes from: the machine in production, a hand-moved value in tests.
package struct WallClock: Sendable {
  private let read: @Sendable () -> Instant

  package init(_ read: @escaping @Sendable () -> Instant) { self.read = read }

  package func now() -> Instant { read() }

  /// The date in China Standard Time.
  package func today() -> CivilDate { now().chinaTime.date }

  /// The machine's real-time clock.
  package static let system = WallClock {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }
}

/// A clock that stands still until it is told to move, for tests.
package final class ManualClock: Sendable {
  private let value: Mutex<Instant>

  package init(_ start: Instant) { value = Mutex(start) }

  package func advance(seconds: Int64) { value.withLock { $0 = $0 + seconds } }

  package var clock: WallClock { WallClock { [self] in value.withLock { $0 } } }
}
