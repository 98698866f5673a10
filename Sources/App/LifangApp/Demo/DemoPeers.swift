import Access
import Connectors
import Core
import Entities
import Identity
import Peers
import SQL

/// The systems of others in the demo city: played within the server, and set up in the register of connectors.
enum DemoPeers {
  /// Guards nothing: it is known to everybody, and listens on the loopback only.
  static let secret = "lifang-demo-peers"

  /// Starts them and points every connector at them that nobody has set up otherwise; `nil` when this is no demo city.
  static func start(in deployment: Deployment, _ store: RecordStore, _ connectors: Connectors) async throws -> PeerCity?
  {
    guard try await deployment.owner.query("select 1 from demo_city limit 1").first != nil else { return nil }
    let peers = try await make(deployment, store)
    let port = try peers.start(log: deployment.log)
    for connector in connectors.all {
      let records = store.records(as: .system, purpose: "设置演示的对接系统")
      let known = try await records.find(ConnectorSettings.entity, where: "name", equals: .text(connector.name))
      // What an administrator has set stays.
      guard known?["key_name"].text == nil || known?["key_name"].text == "demo" else { continue }
      try await ConnectorSettings.set(
        connector.name, address: "http://127.0.0.1:\(port)", key: "demo", secret: secret, in: store)
    }
    return peers
  }

  /// Trusts the cloud signatures and the electronic licences of the demonstration, unless an administrator has set another
  /// service.
  static func trustSignatures(_ deployment: Deployment, _ store: RecordStore, _ parameters: Parameters) async throws {
    let changes = try await parameters.changes(from: deployment.database)
    for (name, key) in [
      ("signature.cloud_key", PeerCity.cloudKey), ("signature.licence_key", PeerCity.licenceKey),
    ] where changes[name] == nil || changes[name]?.by == Principal.system.actor {
      try await parameters.set(name, key, by: .system, audit: store.audit, database: deployment.database)
    }
  }

  /// The resident of the demonstration is the mother on every certificate.
  private static func make(_ deployment: Deployment, _ store: RecordStore) async throws -> PeerCity {
    let user: Int64? = try await deployment.owner.query("select id from app_user where account = 'resident'").first?
      .get("id")
    guard let user else { return PeerCity(secret: secret) }
    let real = try await deployment.database.transaction { transaction -> RealName? in
      try await RealName.of(user: user, in: transaction)
    }
    guard let real else { return PeerCity(secret: secret) }
    let person = try await store.records(as: .system, purpose: "演示的对接系统").get(
      "person", real.person, columns: ["name", "resident_id"])
    guard let name = person["name"].text, let document = person["resident_id"].text else {
      return PeerCity(secret: secret)
    }
    return PeerCity(secret: secret, mother: PeerCity.Person(name: name, document: document))
  }
}
