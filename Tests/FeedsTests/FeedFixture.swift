import Access
import Addresses
import Audit
import Cases
import Connectors
import Core
import Crypto
import Definitions
import Entities
import Feeds
import Files
import Foundation
import HouseholdRegistration
import Identity
import Jobs
import Messaging
import Papers
import Peers
import Portal
import SQL
import TestSupport

/// The shipped registers, connectors and feeds in a fresh database, with a peer on the loopback that plays the provincial
/// systems.
struct FeedFixture: Sendable {
  let database: Database
  let time: ManualClock
  let store: RecordStore
  let service: FeedService
  let peers: PeerCity
  let jobs: JobQueue

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
  static let start = Instant("2026-11-18 10:00") ?? Instant(seconds: 0)
  private static let secret = "geheim-7"

  static let catalog: Result<Catalog, DeclarationFailure> = Result { () throws(DeclarationFailure) in
    try Catalog.load(resources: root + "/Resources")
  }
  static let gazetteer = Result { try Gazetteer.load(folder: root + "/Resources/spine/divisions") }

  private static let schema = TestDatabase.Preparation("feeds") { database in
    let before =
      (StoreMigrations.all + AuditSchema.migrations + JobsSchema.migrations + FilesSchema.migrations
      + IdentitySchema.migrations + MessagingSchema.migrations + CasesSchema.before + DefinitionsSchema.migrations
      + PortalSchema.before + AddressImport.migrations + FeedSchema.migrations + [AddressCodeLedger.migration])
      .sorted { $0.id < $1.id }
    _ = try await Migrator(log: .silent).run(before, on: database)
    try await SchemaPlan.apply(try catalog.get(), to: database)
    let after =
      (IdentityGuards.migrations + CasesSchema.after + PapersSchema.after + PortalSchema.after
      + [AddressCodeLedger.triggers, AddressDefect.migration]).sorted { $0.id < $1.id }
    _ = try await Migrator(log: .silent).run(after, on: database)
  }

  /// - Parameters:
  ///   - addresses: that the other side has to begin with.
  ///   - declaration: further declarations.
  init(addresses: Int = 100, declaration: String? = nil) async throws {
    database = try await TestDatabase.make(FeedFixture.schema)
    time = ManualClock(FeedFixture.start)
    let keys = KeyRing(random: .seeded(7))
    for purpose in [KeyPurpose.data, .index, .pepper, .document] { try keys.rotate(purpose, at: FeedFixture.start) }
    let gazetteer = try FeedFixture.gazetteer.get()
    var hooks = SpineHooks.all(gazetteer: gazetteer) + IdentityHooks.all
    AddressDefectRules.addHooks(to: &hooks)
    FeedDifferenceRules.addHooks(to: &hooks)
    var catalog = try FeedFixture.catalog.get()
    if let declaration { catalog = try catalog.adding(yaml: declaration, origin: "test") }
    let catalogs = LiveCatalog(catalog)
    store = RecordStore(
      database: database, catalogs: catalogs, keys: keys, audit: Audit(clock: time.clock), clock: time.clock,
      hooks: hooks)
    let connectors = Connectors(catalog)
    let client = ConnectorClient(connectors, store: store, random: .seeded(9), pause: { _ in })
    service = try FeedService(
      feeds: Feeds(
        catalog, connectors: connectors, interpreters: [AddressFeedInterpreter.shape, CardFeedInterpreter.shape]),
      store: store, client: client,
      interpreters: [AddressFeedInterpreter(AddressClassifier(gazetteer: gazetteer)), CardFeedInterpreter(store)],
      parameters: Parameters(catalogs), division: { DivisionCode($0).flatMap { gazetteer.today($0) }?.text })
    jobs = JobQueue(database: database, kinds: JobKinds(), clock: time.clock)
    peers = PeerCity(secret: FeedFixture.secret, clock: time.clock, addresses: addresses, growth: 0)
    let port = try peers.start()
    try await ConnectorSettings.publish(connectors, in: store)
    for name in ["population_base", "police_platform", "identity_card_production"] {
      try await ConnectorSettings.set(
        name, address: "http://127.0.0.1:\(port)", key: "lifang", secret: FeedFixture.secret, in: store)
    }
  }

  /// Runs `body` with a fixture whose peer is stopped afterwards.
  static func run(addresses: Int = 100, _ body: (FeedFixture) async throws -> Void) async throws {
    let fixture = try await FeedFixture(addresses: addresses)
    do { try await body(fixture) } catch {
      await fixture.peers.stop()
      throw error
    }
    await fixture.peers.stop()
  }

  /// Synchronises to the end.
  @discardableResult
  func sync(_ feed: String = "standard_addresses", _ mode: FeedRun.Mode = .incremental) async throws -> FeedRun {
    time.advance(seconds: 60)
    let run = try await service.begin(feed, mode, from: .connector, by: .system, on: jobs)
    return try await finish(run)
  }

  /// Does a run to its end; one that fails is closed, as its job would.
  func finish(_ run: FeedRun) async throws -> FeedRun {
    do { return try await service.run(run.id) } catch let refusal as Refusal {
      try await service.fail(run.id, .failed, refusal.message)
      throw refusal
    }
  }

  /// Synchronises the rows of a text as a file.
  @discardableResult
  func load(_ text: String, into feed: String = "standard_addresses", _ mode: FeedRun.Mode = .incremental) async throws
    -> FeedRun
  {
    time.advance(seconds: 60)
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("feed-\(UUID().uuidString)").path
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let run = try await service.begin(feed, mode, from: .file(path: path, name: "变动.jsonl"), by: .system, on: jobs)
    return try await finish(run)
  }

  /// A line of a file of addresses.
  static func address(_ key: String, _ text: String, state: String = "1") -> String {
    #"{"address_id":"\#(key)","full_address":"\#(text)","division_code":"511702001000","state":"\#(state)"}"# + "\n"
  }

  /// The record that stands for a row of theirs.
  func record(_ key: String, of feed: String = "standard_addresses") async throws -> Record {
    let row = try await database.query(
      "select record_id from feed_link where feed = \(feed) and external_key = \(key)"
    ).first
    guard let row, let entity = service.feeds[feed]?.register else { throw Fault("no-link", key) }
    return try await store.records(as: .system, purpose: "测试").get(entity, try row.get("record_id"))
  }

  func count(_ query: SQL) async throws -> Int64 { try await database.value(query) }

  /// What became of the rows of a run with this key.
  func outcomes(_ run: FeedRun, _ key: String) async throws -> [String] {
    try await database.query(
      "select outcome from feed_row where run_id = \(run.id) and external_key = \(key) order by id"
    ).values(as: String.self)
  }

  func openDifference() async throws -> Record {
    let records = store.records(as: .system, purpose: "测试")
    let found = try await records.find("feed_difference", where: "state", equals: .text("open"))
    guard let found else { throw Fault("no-difference") }
    return found
  }
}
