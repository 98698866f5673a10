import Synchronization

/// Keeps what concurrent parts of a test report, in the order it came.
package final class Recorder<Element: Sendable>: Sendable {
  private let list = Mutex<[Element]>([])

  package init() {}

  package var elements: [Element] { list.withLock { $0 } }

  package func append(_ element: Element) { list.withLock { $0.append(element) } }
}
