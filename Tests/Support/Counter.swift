import Synchronization

/// Counts what concurrent parts of a test do.
package final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  package init() {}

  package var value: Int { count.load(ordering: .acquiring) }

  /// Counts one more and returns how many it is.
  @discardableResult
  package func next() -> Int { count.add(1, ordering: .acquiringAndReleasing).newValue }
}
