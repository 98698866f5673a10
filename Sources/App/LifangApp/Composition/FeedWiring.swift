import Addresses
import Connectors
import Core
import Entities
import Feeds
import HouseholdRegistration

extension Deployment {
  /// What this installation can take together in rows of feeds.
  static let feedInterpreters = [AddressFeedInterpreter.shape, CardFeedInterpreter.shape]

  /// The feeds of a catalog.
  static func feeds(_ catalog: Catalog, _ connectors: Connectors) -> Feeds {
    Feeds(catalog, connectors: connectors, interpreters: feedInterpreters)
  }

  /// - Throws: ``Refusal`` `declarations-wrong`.
  func feedService(_ store: RecordStore, _ client: ConnectorClient, _ parameters: Parameters) throws -> FeedService {
    let feeds = Deployment.feeds(catalogs.declared, client.connectors)
    if feeds.findings.hasErrors {
      throw Refusal(
        .unprocessable, "declarations-wrong", feeds.findings.map(\.description).joined(separator: "\n"))
    }
    let gazetteer = gazetteer
    return try FeedService(
      feeds: feeds, store: store, client: client,
      interpreters: [
        AddressFeedInterpreter(AddressClassifier(gazetteer: gazetteer)), CardFeedInterpreter(store),
      ], parameters: parameters,
      division: { text in DivisionCode(text).flatMap { gazetteer.today($0) }?.text })
  }
}
