import Connectors
package import Core
import Crypto
package import Entities

/// A row as it came from the other side.
package struct FeedSourceRow: Sendable {
  /// The row of the file, or its place in the run.
  package let number: Int
  package let content: Result<[String: Value], Refusal>

  package init(number: Int, _ content: Result<[String: Value], Refusal>) {
    self.number = number
    self.content = content
  }
}

/// A row after cleaning.
struct FeedRow: Sendable {
  let number: Int
  let key: String
  let title: String
  /// Of today, when the row says one.
  let division: String?
  let isDeleted: Bool
  let values: [String: Value]

  /// What was read, keyed, so that nothing personal can be guessed from it; equal rows need not be looked at again.
  func digest(_ feed: Feed, _ mac: HMAC) -> [UInt8] {
    mac.authenticate { digest in
      digest.update(feed.text)
      for field in feed.rows {
        digest.update("\u{0}\(field.name)\u{1}")
        if let value = values[field.name], !value.isNull { digest.update(value.plainText) }
      }
      digest.update(isDeleted ? "\u{0}-" : "\u{0}+")
    }
  }
}

/// What cleaning made of a row.
enum FeedCleaning: Sendable {
  case kept(FeedRow)
  /// Not for us, and why.
  case dropped(key: String, title: String, reason: String)
  case refused(key: String, title: String, reason: String)
}

/// What became of a row of a run (对账分类); the raw values are codes of the dictionary `feed_outcome`.
package enum FeedOutcome: String, Sendable, Hashable, CaseIterable {
  case created, updated, unchanged, cancelled, held, refused, dropped
  /// Gone on the other side, found by a full run, and waiting for somebody to say so.
  case vanished

  package var label: String {
    switch self {
    case .created: "新增"
    case .updated: "更新"
    case .unchanged: "无变化"
    case .cancelled: "注销"
    case .held: "有差异待定"
    case .refused: "未接收"
    case .dropped: "不采用"
    case .vanished: "对方已没有"
    }
  }
}

/// How many rows of a run ended in each way.
package struct FeedTally: Sendable, Hashable {
  private var counts: [FeedOutcome: Int] = [:]

  package init() {}

  package subscript(outcome: FeedOutcome) -> Int {
    get { counts[outcome] ?? 0 }
    set { counts[outcome] = newValue }
  }

  package var total: Int { FeedOutcome.allCases.filter { $0 != .vanished }.reduce(0) { $0 + self[$1] } }

  static func + (a: FeedTally, b: FeedTally) -> FeedTally {
    var sum = a
    for outcome in FeedOutcome.allCases { sum[outcome] += b[outcome] }
    return sum
  }

  package var json: JSON { .object(FeedOutcome.allCases.map { ($0.rawValue, .int(Int64(self[$0]))) }) }

  package var words: String {
    FeedOutcome.allCases.filter { self[$0] > 0 }.map { "\($0.label) \(self[$0])" }.joined(separator: "，")
  }
}
