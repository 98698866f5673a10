import Access
import Audit
import Connectors
import Core
import Crypto
import Entities
import Files
import Foundation
import Jobs
import Peers
import SQL
import Synchronization
import TestSupport

/// The shipped registers with connectors of the test's own, and a peer that listens on the loopback.
struct ConnectorFixture: Sendable {
  let database: Database
  let time: ManualClock
  let store: RecordStore
  let client: ConnectorClient
  let peers: PeerCity
  /// Pauses between tries that were asked for, in milliseconds.
  let pauses = Pauses()

  /// Wednesday 2026-11-18 10:00 in China.
  static let start = Instant("2026-11-18 10:00") ?? Instant(seconds: 0)

  static let resources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Resources").path

  /// Three tries of one second, two failures open the breaker, three calls a minute.
  static let certificate = """
    connector: certificate
    label: 证件
    system: 发证单位
    limits: {timeout: 1, attempts: 3, delay: 100, quota: 8, failures: 6, pause: 30}
    operations:
      - name: compare
        label: 核验
        use: verify
        path: /birth-certificates/compare
        request:
          - {name: certificate_number, label: 编号, required: true, mask: id, from: birth_certificate_number, example: T510000001}
          - {name: child_name, label: 姓名, mask: name, from: child_name}
        response:
          - {name: result, label: 结果, required: true}
          - {name: message, label: 说明}
        yes: "result == 'match'"
        no: "result in ('mismatch', 'void')"
        reason: message
    """

  static let catalog: Result<Catalog, DeclarationFailure> = Result { () throws(DeclarationFailure) in
    try Catalog.load(resources: resources).adding(yaml: certificate, origin: "test")
  }

  private static let schema = TestDatabase.Preparation("connectors") { database in
    let before = (StoreMigrations.all + AuditSchema.migrations + JobsSchema.migrations + FilesSchema.migrations)
      .sorted { $0.id < $1.id }
    _ = try await Migrator(log: .silent).run(before, on: database)
    try await SchemaPlan.apply(try catalog.get(), to: database)
  }

  static let secret = "geheim-7"

  /// - Parameter configured: whether the connectors have an address and a key.
  init(configured: Bool = true, key: String = ConnectorFixture.secret) async throws {
    database = try await TestDatabase.make(ConnectorFixture.schema)
    time = ManualClock(ConnectorFixture.start)
    let catalogs = LiveCatalog(try ConnectorFixture.catalog.get())
    let keys = KeyRing(random: .seeded(7))
    for purpose in [KeyPurpose.data, .index] { try keys.rotate(purpose, at: ConnectorFixture.start) }
    store = RecordStore(
      database: database, catalogs: catalogs, keys: keys, audit: Audit(clock: time.clock), clock: time.clock)
    let connectors = Connectors(catalogs.current)
    let pauses = pauses
    client = ConnectorClient(connectors, store: store, random: .seeded(9), pause: { pauses.add($0) })
    peers = PeerCity(secret: ConnectorFixture.secret, clock: time.clock)
    try await ConnectorSettings.publish(connectors, in: store)
    guard configured else { return }
    let port = try peers.start()
    for connector in connectors.all {
      try await ConnectorSettings.set(
        connector.name, address: "http://127.0.0.1:\(port)/", key: "lifang", secret: key, in: store)
    }
  }

  static let clerk = Principal(
    kind: .user, id: 17, name: "王民警", unit: nil, grants: Grants([]), clearance: .secret)

  func ask(_ number: String) async throws -> ConnectorAnswer {
    try await client.call(
      "certificate", "compare", ["certificate_number": .text(number), "child_name": .text("张小满")], purpose: "核验",
      by: ConnectorFixture.clerk)
  }

  func log() async throws -> [Record] {
    try await store.records(as: .system).list(
      ListQuery(ConnectorLog.entity, columns: store.catalog.entity(ConnectorLog.entity)?.fields.map(\.name), limit: 100)
    ).records
  }

  /// Runs `body` and lets the peer go, whatever became of it.
  static func run(configured: Bool = true, key: String = secret, _ body: (ConnectorFixture) async throws -> Void)
    async throws
  {
    let fixture = try await ConnectorFixture(configured: configured, key: key)
    do {
      try await body(fixture)
    } catch {
      await fixture.peers.stop()
      throw error
    }
    await fixture.peers.stop()
  }
}

final class Pauses: Sendable {
  private let taken = Mutex<[Int64]>([])

  var milliseconds: [Int64] { taken.withLock { $0 } }

  func add(_ pause: Duration) {
    let (seconds, attoseconds) = pause.components
    taken.withLock { $0.append(seconds * 1000 + attoseconds / 1_000_000_000_000_000) }
  }
}
