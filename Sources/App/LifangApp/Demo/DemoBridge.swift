import Access
import Core
import Entities
import Peers

/// The device bridge of the demo city: played beside the server, so that whoever opens the demonstration on this machine
/// can read a card and shoot a paper.
enum DemoBridge {
  /// Guards nothing: it is known to everybody, and listens on the loopback only.
  static let code = "20260807"

  /// Starts it and points the parameters at it that no administrator has set.
  static func start(
    _ deployment: Deployment, _ store: RecordStore, _ parameters: Parameters, holder: PeerCity.Person
  ) async throws -> PeerBridge {
    let configuration = deployment.configuration
    let origins = ["127.0.0.1", "localhost"].map { "http://\($0):\(configuration.port)" }
    let bridge = PeerBridge(
      code: code, origins: Set(origins + [configuration.publicOrigin].compactMap(\.self)), holder: holder,
      pictures: try DemoPictures.all())
    let port = try bridge.start(log: deployment.log)
    let changes = try await parameters.changes(from: deployment.database)
    for (name, value) in [("bridge.port", "\(port)"), ("bridge.enabled", "是")] {
      // What an administrator has set stays.
      if let change = changes[name], change.by != Principal.system.actor { continue }
      try await parameters.set(name, value, by: .system, audit: store.audit, database: deployment.database)
    }
    return bridge
  }
}
