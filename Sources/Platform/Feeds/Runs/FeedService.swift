package import Connectors
package import Core
import Crypto
package import Entities
package import SQL

/// Takes several members of a row together and says what they are in our terms (标准化), for a whole page at once.
package protocol FeedInterpreter: Sendable {
  var shape: FeedInterpreterShape { get }

  /// - Parameter rows: the inputs of each row, those of a known record with its id.
  func interpret(_ rows: [FeedInterpreterInput], in transaction: Transaction) async throws -> [FeedUnderstanding]
}

package struct FeedInterpreterInput: Sendable {
  package let values: [String: Value]
  /// The record that the row is known as.
  package let record: Int64?
}

package enum FeedUnderstanding: Sendable {
  /// The values of the interpreter's fields, and the record of ours that this is, if the interpreter knows one.
  case values([String: Value], record: Int64?)
  case refused(String)
}

/// Keeps registers in step with other systems as feeds declare (数据同步).
package struct FeedService: Sendable {
  package let feeds: Feeds
  package let store: RecordStore
  package let client: ConnectorClient
  let interpreters: [any FeedInterpreter]
  /// The code of today of a division's code of any time.
  let division: @Sendable (String) -> String?
  let parameters: Parameters
  let mac: HMAC

  package init(
    feeds: Feeds, store: RecordStore, client: ConnectorClient, interpreters: [any FeedInterpreter],
    parameters: Parameters, division: @escaping @Sendable (String) -> String?
  ) throws {
    self.feeds = feeds
    self.store = store
    self.client = client
    self.interpreters = interpreters
    self.parameters = parameters
    self.division = division
    mac = HMAC(key: HMAC(key: try store.keys.secret(.index)).derivedKey("feed"))
  }

  package var database: Database { store.database }
  var clock: WallClock { store.clock }

  /// - Throws: ``Refusal`` `feed-unknown`.
  package func feed(_ name: String) throws(Refusal) -> Feed {
    guard let feed = feeds[name] else {
      throw Refusal(
        .notFound, "feed-unknown", "没有同步源“\(name)”\(Suggestion.text(for: name, among: feeds.all.map(\.name)))。")
    }
    return feed
  }
}
