import Glibc

/// The clock that never jumps, for deadlines and durations.
enum Monotonic {
  /// Nanoseconds; costs a few tens of nanoseconds.
  static func nanoseconds() -> UInt64 { read(CLOCK_MONOTONIC) }

  /// Milliseconds with the kernel's tick as resolution (some milliseconds); nearly free.
  static func coarseMilliseconds() -> UInt64 { read(CLOCK_MONOTONIC_COARSE) / 1_000_000 }

  private static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
