import Access
import Addresses
import Audit
import Cases
import Connectors
import Core
import Crypto
import Definitions
import DoorPlates
import Entities
import Feeds
import Ferry
import Files
import Foundation
import HouseholdRegistration
import Identity
import Jobs
import Messaging
import Operations
import Papers
import Portal
import Reports
import Residences
import SQL
import Search
import SignOn
import SpineWeb

/// A data folder in use: its database, keys and declarations, opened once by whichever command runs.
struct Deployment: Sendable {
  let configuration: Configuration
  /// `nil` when a managed PostgreSQL is used.
  let cluster: PrivateCluster?
  /// Works as the application role; row-level security binds it.
  let database: Database
  /// Works as the owner of the tables: migrations, bulk loading, keys of the audit.
  let owner: Database
  let keys: KeyRing
  let catalogs: LiveCatalog
  let clock: WallClock
  let log: Log
  let metrics: Metrics
  /// What a node looks for again and again.
  var rounds: Rounds { Rounds(log: log, pace: configuration.pace) }
  let gazetteer: Gazetteer
  let pinyin: PinyinTable
  let hooks: RecordHooks
  /// The rules of analysis, which are worked out by jobs once there are any.
  let prompts: PromptRules
  let files: FileStore

  /// Starts the private cluster when there is need, opens the pool, loads the declarations and brings the schema up to
  /// date.
  ///
  /// - Throws: ``Refusal`` when declarations are wrong or the schema would lose something.
  static func open(_ configuration: Configuration, log: Log = Log(minimum: .warning)) async throws -> Deployment {
    let metrics = Metrics()
    let catalog = try loadCatalog(configuration)
    try FileManager.default.createDirectory(
      atPath: configuration.data, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    let keys = try KeyFolder(path: configuration.data + "/keys").open()
    var cluster: PrivateCluster?
    let conninfo: String
    if let url = configuration.databaseURL {
      conninfo = url
    } else {
      let own = PrivateCluster(folder: configuration.data + "/postgres", log: log)
      conninfo = try await own.start()
      cluster = own
    }
    var ownerSettings = Database.Configuration(conninfo: conninfo, log: log, metrics: metrics)
    ownerSettings.maximumConnections = 2
    ownerSettings.statementTimeout = nil
    ownerSettings.idleTransactionTimeout = .seconds(3600)
    let owner = Database(ownerSettings)
    let roles = try await Schema.prepareRoles(of: cluster, owner: owner)
    try await Schema.prepare(catalog, on: owner)
    var settings = Database.Configuration(conninfo: conninfo, log: log, metrics: metrics)
    settings.role = roles.hasRole ? DatabaseRoles.application : nil
    settings.maximumConnections = 8
    let gazetteer = try Gazetteer.load(folder: configuration.installation.resources + "/spine/divisions")
    let catalogs = LiveCatalog(catalog)
    try await catalogs.refresh(from: owner)
    for finding in catalogs.labelFindings {
      log(.warning, "label-conflict", ["finding": .string(finding.description)])
    }
    let database = Database(settings)
    let files = FileStore(folder: configuration.data + "/files", database: database, keys: keys, clock: .system)
    var hooks =
      SpineHooks.all(gazetteer: gazetteer) + IdentityHooks.all + .papers + Appointments.hooks
    files.addHooks(to: &hooks)
    CaseReadings.addHooks(to: &hooks)
    ArchiveRules.addHooks(to: &hooks)
    SignatureRules.addHooks(to: &hooks)
    HouseholdHooks.addHooks(to: &hooks)
    ResidenceRules.addHooks(to: &hooks)
    AddressDefectRules.addHooks(to: &hooks)
    GridDefectRules.addHooks(to: &hooks)
    FeedDifferenceRules.addHooks(to: &hooks)
    ReportRules().addHooks(to: &hooks)
    ClientApplicationRules().addHooks(to: &hooks)
    SMSGateways.addHooks(to: &hooks)
    BroadcastRules.addHooks(to: &hooks)
    AlarmRules().addHooks(to: &hooks)
    AssetRules().addHooks(to: &hooks)
    DeliveredRules().addHooks(to: &hooks)
    let prompts = PromptRules()
    prompts.addHooks(to: &hooks)
    return Deployment(
      configuration: configuration, cluster: cluster, database: database, owner: owner, keys: keys,
      catalogs: catalogs, clock: .system, log: log, metrics: metrics, gazetteer: gazetteer,
      pinyin: try PinyinTable(
        try String(contentsOfFile: configuration.installation.resources + "/search/pinyin.tsv", encoding: .utf8)),
      hooks: hooks, prompts: prompts, files: files)
  }

  /// The declarations of the product with the city's overlay.
  ///
  /// - Throws: ``Refusal`` `declarations-wrong` with every finding.
  static func loadCatalog(_ configuration: Configuration) throws -> Catalog {
    let overlay = configuration.city.map { configuration.installation.city($0) }
    do {
      return try Catalog.load(resources: configuration.installation.resources, city: overlay)
    } catch {
      throw Refusal(.unprocessable, "declarations-wrong", error.description)
    }
  }

  /// The service items with their processes and materials.
  static func services(_ configuration: Configuration, _ catalog: Catalog) -> ServiceCatalog {
    ServiceCatalog(catalog, folders: folders(configuration))
  }

  /// Where declarations lie: those of the product, and the city's over them.
  static func folders(_ configuration: Configuration) -> [String] {
    let overlay = configuration.city.map { configuration.installation.city($0) }
    return [configuration.installation.resources] + [overlay].compactMap(\.self)
  }

  /// The passwords of the gateways that messages leave by.
  func messagingSecrets() throws(Refusal) -> MessagingSecrets {
    try MessagingSecrets(
      environment: ProcessInfo.processInfo.environment, folder: configuration.data + "/keys")
  }

  func close() async {
    files.close()
    await database.close()
    await owner.close()
  }

  /// - Parameter rules: what registers do by themselves beyond the rules of every deployment, in this order.
  func makeStore(following rules: [any RecordRules]? = nil) -> RecordStore {
    var hooks = hooks
    let usual: [any RecordRules] = [
      CorrectionRule(), MerchantRules(messages: MessageLine()), NoticeRules(messages: MessageLine()),
    ]
    for rule in rules ?? usual { rule.addHooks(to: &hooks) }
    return RecordStore(
      database: database, catalogs: catalogs, keys: keys, audit: Audit(clock: clock), clock: clock, hooks: hooks,
      pinyin: pinyin,
      actorName: { id, session in
        guard id > 0 else { return nil }
        return try await session.query("select name from app_user where id = \(id)").first?.get("name")
      })
  }
}

/// What must stand in the database before anything runs, in order.
enum Schema {
  /// Migrations before the declared tables: what the store and the platform need.
  static var before: [Migration] {
    (StoreMigrations.all + AuditSchema.migrations + JobsSchema.migrations + FilesSchema.migrations
      + IdentitySchema.migrations + [ScanCounter.migration, AddressCells.migration, DemoLoader.migration]
      + AddressImport.migrations + FeedSchema.migrations + [AddressCodeLedger.migration] + CasesSchema.before
      + MessagingSchema.migrations + FerrySchema.migrations + PushSchema.migrations + RunSchema.migrations
      + OperationsSchema.migrations + SignOnSchema.before + RegisterFerry.migrations + DefinitionsSchema.migrations
      + PortalSchema.before)
      .sorted { $0.id < $1.id }
  }

  /// Migrations that refer to declared tables.
  static var after: [Migration] {
    (IdentityGuards.migrations + [AddressCells.triggers, AddressCodeLedger.triggers, AddressDefect.migration]
      + [GridDefect.migration]
      + CasesSchema.after
      + PapersSchema.after + PortalSchema.after + SignOnSchema.after)
      .sorted {
        $0.id < $1.id
      }
  }

  /// The role that the pool works as; made by the administrator of the private cluster, elsewhere by whoever owns the
  /// tables as far as that may.
  static func prepareRoles(of cluster: PrivateCluster?, owner: Database) async throws -> DatabaseRoles.Outcome {
    guard let cluster else { return try await DatabaseRoles.prepare(on: owner) }
    var settings = Database.Configuration(
      conninfo: try await cluster.administratorConninfo(database: "lifang"), log: .silent)
    settings.maximumConnections = 1
    let administrator = Database(settings)
    let outcome = try await DatabaseRoles.prepare(on: administrator, owner: PrivateCluster.owner)
    await administrator.close()
    return outcome
  }

  static func prepare(_ catalog: Catalog, on owner: Database) async throws {
    _ = try await Migrator(log: .silent).run(before, on: owner)
    let plan = try await SchemaPlan.apply(catalog, to: owner)
    if let refusal = plan.refusal { throw refusal }
    _ = try await Migrator(log: .silent).run(after, on: owner)
  }
}
