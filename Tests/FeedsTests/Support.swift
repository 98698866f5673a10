import Addresses
import Synchronization

/// Counts the pages of a run.
final class Pages: Sendable {
  private let count = Mutex(0)

  func next() -> Int {
    count.withLock {
      $0 += 1
      return $0
    }
  }
}

extension FeedFixture {
  static func today(_ code: String, _ gazetteer: Gazetteer) -> String? {
    DivisionCode(code).flatMap { gazetteer.today($0) }?.text
  }
}
