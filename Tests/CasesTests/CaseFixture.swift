import Access
import Audit
import Cases
import Connectors
import Core
import Crypto
import Definitions
import Entities
import Ferry
import Files
import Foundation
import HouseholdRegistration
import Identity
import Jobs
import Messaging
import Peers
import Papers
import Portal
import Reports
import SQL
import TestSupport

/// The shipped declarations in a fresh database, with a small police force: city, county, station and police room.
struct CaseFixture: Sendable {
  let database: Database
  let time: ManualClock
  let store: RecordStore
  let cases: CaseStore
  let messages: MessageCenter
  let files: FileStore
  let catalogs: LiveCatalog
  let people: [String: Principal]

  /// Wednesday 2026-11-18 10:00 in China.
  static let start = Instant("2026-11-18 10:00") ?? Instant(seconds: 0)

  static let resources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Resources").path

  /// Read once for all tests.
  static let catalog: Result<Catalog, DeclarationFailure> = Result { () throws(DeclarationFailure) in
    try Catalog.load(resources: resources)
  }

  private static let shipped = catalog.map { ServiceCatalog($0, folders: [resources]) }

  /// What is shipped, read once for all tests too: some two seconds in a debug build.
  static func services() throws -> ServiceCatalog { try shipped.get() }

  private static let schema = TestDatabase.Preparation("cases") { database in
    let before =
      (StoreMigrations.all + AuditSchema.migrations + JobsSchema.migrations + FilesSchema.migrations
      + FerrySchema.migrations
      + IdentitySchema.migrations + MessagingSchema.migrations + CasesSchema.before
      + DefinitionsSchema.migrations + PortalSchema.before).sorted { $0.id < $1.id }
    _ = try await Migrator(log: .silent).run(before, on: database)
    try await SchemaPlan.apply(try catalog.get(), to: database)
    let after = (IdentityGuards.migrations + CasesSchema.after + PapersSchema.after + PortalSchema.after).sorted {
      $0.id < $1.id
    }
    _ = try await Migrator(log: .silent).run(after, on: database)
    try await CaseFixture.populate(database)
  }

  init(services given: ServiceCatalog? = nil) async throws {
    database = try await TestDatabase.make(CaseFixture.schema)
    time = ManualClock(CaseFixture.start)
    catalogs = LiveCatalog(try CaseFixture.catalog.get())
    let keys = KeyRing(random: .seeded(7))
    for purpose in [KeyPurpose.data, .index, .pepper, .document] { try keys.rotate(purpose, at: CaseFixture.start) }
    store = RecordStore(
      database: database, catalogs: catalogs, keys: keys, audit: Audit(clock: time.clock), clock: time.clock,
      hooks: CaseFixture.hooks,
      actorName: { id, session in
        guard id > 0 else { return nil }
        return try await session.query("select name from app_user where id = \(id)").first?.get("name")
      })
    let versions = CaseVersions(try given ?? CaseFixture.services(), catalogs: catalogs)
    try await versions.publish(on: database, at: time.clock.now())
    messages = MessageCenter(
      database: database, templates: MessageTemplates(catalogs.current), keys: keys, clock: time.clock,
      mobile: { _, _ in nil })
    files = FileStore(
      folder: NSTemporaryDirectory() + "lifang-cases-\(UUID().uuidString)", database: database, keys: keys,
      clock: time.clock, threads: 1, random: .seeded(11))
    let office = DocumentOffice(
      store: store, templates: DocumentTemplates(catalogs.current), files: files,
      keys: try SigningKeys(ring: keys, purpose: .document), publicOrigin: "https://lifang.example",
      random: .seeded(13))
    cases = CaseStore(
      store: store, versions: versions, parameters: Parameters(catalogs), messages: messages, office: office)
    people = try await CaseFixture.principals(database, catalogs.current)
  }

  private init(_ other: CaseFixture, cases: CaseStore) {
    (database, time, store, messages) = (other.database, other.time, other.store, other.messages)
    (catalogs, people, files) = (other.catalogs, other.people, other.files)
    self.cases = cases
  }

  /// The same city, which asks the systems of others that `peers` plays.
  func connected(to peers: PeerCity, secret: String) async throws -> CaseFixture {
    let connectors = cases.services.connectors
    try await ConnectorSettings.publish(connectors, in: store)
    let port = try peers.start()
    for connector in connectors.all {
      try await ConnectorSettings.set(
        connector.name, address: "http://127.0.0.1:\(port)", key: "lifang", secret: secret, in: store)
    }
    let client = ConnectorClient(connectors, store: store, random: .seeded(5), pause: { _ in })
    return CaseFixture(
      self,
      cases: CaseStore(
        store: store, versions: cases.versions, parameters: cases.parameters, messages: messages, office: cases.office,
        connectors: client))
  }

  /// The same city on one side of the ferry, with a signing key of its own, or without one.
  func ferrying(_ side: FerrySide, signing: Bool = true) throws -> CaseFixture {
    let ring = KeyRing(random: .seeded(side == .outside ? 31 : 32))
    if signing { try ring.rotate(.document, at: CaseFixture.start) }
    let settings = FerrySettings(side: side, outgoing: "-", incoming: "-")
    let office = DocumentOffice(
      store: store, templates: DocumentTemplates(catalogs.current), files: files,
      keys: try SigningKeys(ring: ring, purpose: .document), publicOrigin: "https://lifang.example",
      random: .seeded(side == .outside ? 33 : 34))
    let ferry = CaseFerry(
      post: FerryPost(keys: store.keys, files: files, clock: time.clock) { settings },
      parts: FerryParts(keys: store.keys, files: files, clock: time.clock), files: files)
    return CaseFixture(
      self,
      cases: CaseStore(
        store: store, versions: cases.versions, parameters: cases.parameters, messages: messages, office: office,
        ferry: ferry))
  }

  /// The same city as a version with another declaration sees it.
  func declaring(_ yaml: String) throws -> CaseFixture {
    let store = RecordStore(
      database: database, catalogs: LiveCatalog(try catalogs.current.adding(yaml: yaml, origin: "version")),
      keys: store.keys, audit: Audit(clock: time.clock), clock: time.clock, hooks: CaseFixture.hooks)
    return CaseFixture(
      self,
      cases: CaseStore(
        store: store, versions: cases.versions, parameters: cases.parameters, messages: messages, office: cases.office))
  }

  static let hooks: RecordHooks = {
    var hooks = RecordHooks.papers + Appointments.hooks
    CaseReadings.addHooks(to: &hooks)
    ArchiveRules.addHooks(to: &hooks)
    SignatureRules.addHooks(to: &hooks)
    HouseholdHooks.addHooks(to: &hooks)
    ReportRules().addHooks(to: &hooks)
    return hooks
  }()

  /// The same registers with other rules.
  func store(hooks: RecordHooks) -> RecordStore {
    RecordStore(
      database: database, catalogs: catalogs, keys: store.keys, audit: Audit(clock: time.clock), clock: time.clock,
      hooks: hooks)
  }

  /// Takes a completed case out of what is completed.
  func hide(_ id: Int64) async throws {
    try await tamper("update service_case set state = 'active' where id = \(id)")
  }

  /// Files of this test alone, in a folder that is new.
  func fileStore() async throws -> FileStore {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lifang-files-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return FileStore(folder: folder, database: database, keys: store.keys, clock: time.clock)
  }

  /// Does to registers with row-level security what somebody with the keys of the database could.
  func tamper(_ statement: SQL, expectingRows: Bool = true) async throws {
    try await database.transaction { transaction in
      for register in ["archive", "archive_item", "archive_version", "hukou_birth", "service_case"] {
        _ = try await transaction.query(
          "select set_config(\("lifang.scope_" + register), '{\"all\":true}', true)")
      }
      guard try await transaction.execute(statement) > 0 || !expectingRows else {
        throw Fault("tampered-with-nothing", "")
      }
    }
  }

  func person(_ account: String) throws -> Principal {
    guard let person = people[account] else { throw Fault("no-such-person", account) }
    return person
  }

  // MARK: The city

  private static let units: [(code: String, name: String, path: String, parent: Int?, division: String)] = [
    ("city", "市公安局", "1.", nil, "5117"), ("county", "通川分局", "1.2.", 1, "511702"),
    ("station", "东城派出所", "1.2.3.", 2, "511702001"), ("room", "荷叶街警务室", "1.2.3.4.", 3, "511702001001"),
    ("other", "西城派出所", "1.2.5.", 2, "511702002"),
  ]

  /// Account, unit and role; `two` shares the auxiliary's pool.
  private static let staff: [(account: String, name: String, unit: Int?, role: String?)] = [
    ("aux", "吴辅警", 3, "hukou_auxiliary"), ("two", "郑辅警", 3, "hukou_auxiliary"),
    ("officer", "王民警", 3, "hukou_officer"), ("chief", "李所长", 3, "station_hukou_chief"),
    ("beat", "赵社区", 4, "beat_officer"), ("county", "陈审批", 2, "county_hukou_approver"),
    ("west", "孙民警", 5, "hukou_officer"), ("resident", "刘芳", nil, nil), ("neighbour", "周邻居", nil, nil),
    ("manager", "钱处长", 1, "city_hukou_manager"),
  ]

  private static func populate(_ database: Database) async throws {
    let standard: SQL = "1, now(), 0, now(), 0"
    for unit in units {
      try await database.execute(
        """
        insert into unit (version, created_at, created_by, updated_at, updated_by, code, name, kind, parent_id, path,
          division_code, active)
        values (\(standard), \(unit.code), \(unit.name), 'police', \(unit.parent.map { Int64($0) }), \(unit.path),
          \(unit.division), true)
        """)
    }
    for role in ["hukou_auxiliary", "hukou_officer", "station_hukou_chief", "beat_officer", "county_hukou_approver"] {
      try await database.execute(
        """
        insert into role (version, created_at, created_by, updated_at, updated_by, code, name, clearance, active)
        values (\(standard), \(role), \(role), 'secret', true)
        """)
      for grant in try catalog.get().role(role)?.grants ?? [] {
        try await database.execute(
          """
          insert into role_grant (version, created_at, created_by, updated_at, updated_by, role_id, subject, action, scope)
          select \(standard), id, \(grant.permission.subject), \(grant.permission.action), 'all' from role
          where code = \(role)
          """)
      }
    }
    for one in staff {
      try await database.execute(
        """
        with person as (
          insert into app_user (version, created_at, created_by, updated_at, updated_by, account, name, unit_id,
            clearance, status)
          values (\(standard), \(one.account), \(one.name), \(one.unit.map { Int64($0) }), 'secret', 'active')
          returning id)
        insert into user_role (version, created_at, created_by, updated_at, updated_by, user_id, role_id)
        select \(standard), person.id, role.id from person join role on role.code = \(one.role)
        """)
    }
  }

  private static func principals(_ database: Database, _ catalog: Catalog) async throws -> [String: Principal] {
    var people: [String: Principal] = [:]
    for row in try await database.query("select id, account, name from app_user") {
      let account: String = try row.get("account")
      guard let one = staff.first(where: { $0.account == account }) else { continue }
      let unit = one.unit.map { number in
        UnitMembership(
          id: Int64(number), name: units[number - 1].name, path: units[number - 1].path,
          division: units[number - 1].division)
      }
      people[account] = Principal(
        kind: .user, id: try row.get("id"), name: one.name, unit: unit,
        grants: Grants(one.role.flatMap { catalog.role($0)?.access } ?? []), clearance: unit == nil ? .open : .secret)
    }
    return people
  }

  // MARK: Doing

  /// An application for a newborn as the item's first golden case fills it in.
  func application(
    _ item: String = "hukou_001", golden: Int = 0, channel: CaseChannel = .online, delivery: String = "courier",
    division: String = "511702001001"
  ) throws -> CaseApplication {
    guard let item = cases.services.item(item) else { throw Fault("no-such-item", item) }
    var content = CaseContent()
    content.form = item.goldenCases[golden].given
    content.values = [
      "applicant_name": .text("刘芳"), "applicant_document": .text("511702199603071223"),
      "applicant_phone": .text("13800138000"), "relation": .text("child"), "subject_name": .text("张小满"),
      "division_code": .text(division), "delivery": .text(delivery),
    ]
    if delivery == "courier" { content.values["recipient_address"] = .text("达州市通川区荷叶街28号") }
    content.materials = item.goldenCases[golden].materials.compactMap { name in
      guard let requirement = item.materials.first(where: { $0.name == name }), let kind = requirement.kinds.first
      else { return nil }
      return HandedMaterial(requirement: name, kind: kind.name, way: kind.isHeld ? .held : .promised)
    }
    return CaseApplication(item: item.code, channel: channel, content: content)
  }

  @discardableResult
  func start(
    _ item: String = "hukou_001", by account: String = "resident", channel: CaseChannel = .online, golden: Int = 0,
    delivery: String = "courier"
  ) async throws -> Int64 {
    try await cases.start(
      try application(item, golden: golden, channel: channel, delivery: delivery), by: try person(account)
    ).id
  }

  func state(_ id: Int64) async throws -> Record {
    try await store.records(as: .system).get(ServiceCase.entity, id)
  }

  /// The numbers of the open tasks of a case that somebody may answer.
  func tasks(_ id: Int64, of account: String) async throws -> [CaseTask] {
    try await cases.view(id, as: try person(account)).mine
  }

  /// Answers the one task that somebody has in a case.
  func answer(
    _ id: Int64, by account: String, _ values: [String: String] = [:], opinion: String? = nil,
    content: CaseContent = CaseContent()
  ) async throws {
    guard let task = try await tasks(id, of: account).first else { throw Fault("no-task", account) }
    try await cases.move(
      id, .complete(task: task.number, values: values.mapValues { .text($0) }), opinion: opinion, content: content,
      by: try person(account))
  }

  func todo(_ account: String) async throws -> [Inbox.Entry] {
    try await Inbox(cases).contents(Inbox.Query(), of: try person(account)).entries
  }

  /// Lets time go by until a moment such as `2026-11-23 10:00`.
  func wait(until text: String) throws {
    guard let moment = Instant(text) else { throw Fault("no-moment", text) }
    time.advance(seconds: moment.seconds - time.clock.now().seconds)
  }

  /// The code of the refusal that `body` ends in, or `none`.
  func refusal(_ body: () async throws -> some Any) async throws -> String {
    do {
      _ = try await body()
      return "none"
    } catch let refusal as Refusal {
      return refusal.code
    }
  }
}
