import Synchronization

/// Counts what happened under a key in the present window of time and says when it is too much; in memory, one a node.
package final class WindowCounter: Sendable {
  private struct Window {
    var start: Int64
    var count: Int
  }

  private let windows = Mutex<[String: Window]>([:])
  private let seconds: Int64
  private let capacity: Int

  /// - Parameters:
  ///   - seconds: length of a window.
  ///   - capacity: keys remembered; when there are more, those of past windows are forgotten and then the rest.
  package init(seconds: Int64 = 60, capacity: Int = 50_000) {
    self.seconds = seconds
    self.capacity = capacity
  }

  /// Counts one and returns `nil` while there are at most `limit`; else the seconds until it may go on.
  package func count(_ key: String, limit: Int, at time: Instant) -> Int64? {
    let start = time.seconds / seconds * seconds
    return windows.withLock { windows in
      if windows.count >= capacity, windows[key] == nil {
        windows = windows.filter { $0.value.start == start }
        if windows.count >= capacity { windows.removeAll() }
      }
      var window = windows[key] ?? Window(start: start, count: 0)
      if window.start != start { window = Window(start: start, count: 0) }
      window.count += 1
      windows[key] = window
      return window.count > limit ? start + seconds - time.seconds : nil
    }
  }
}
