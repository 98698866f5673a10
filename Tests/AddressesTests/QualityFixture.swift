import Access
import Addresses
import Audit
import Cases
import Core
import Crypto
import Definitions
import Entities
import Files
import Foundation
import Identity
import Jobs
import Messaging
import Papers
import Portal
import SQL
import Search
import TestSupport

/// The shipped declarations in a fresh database with one community and one straight road of 1 km from west to east.
struct QualityFixture: Sendable {
  let database: Database
  let store: RecordStore
  let inspection: AddressInspection
  let road: Int64
  let time: ManualClock

  static let division = "511702001001"
  private static let now = Instant("2026-11-18 10:00") ?? Instant(seconds: 0)

  private static let catalog: Result<Catalog, DeclarationFailure> = Result { () throws(DeclarationFailure) in
    try Catalog.load(resources: Fixtures.root + "/Resources")
  }

  private static let schema = TestDatabase.Preparation("addresses") { database in
    let before =
      (StoreMigrations.all + AuditSchema.migrations + JobsSchema.migrations + FilesSchema.migrations
      + IdentitySchema.migrations + MessagingSchema.migrations + CasesSchema.before + DefinitionsSchema.migrations
      + PortalSchema.before + AddressImport.migrations + [AddressCodeLedger.migration]).sorted { $0.id < $1.id }
    _ = try await Migrator(log: .silent).run(before, on: database)
    try await SchemaPlan.apply(try catalog.get(), to: database)
    let after =
      (IdentityGuards.migrations + CasesSchema.after + PapersSchema.after + PortalSchema.after
      + [AddressCodeLedger.triggers, AddressDefect.migration, GridDefect.migration]).sorted { $0.id < $1.id }
    _ = try await Migrator(log: .silent).run(after, on: database)
  }

  static func likeness() throws -> CharacterLikeness {
    CharacterLikeness(
      pinyin: try PinyinTable(
        try String(contentsOfFile: Fixtures.root + "/Resources/search/pinyin.tsv", encoding: .utf8)))
  }

  init() async throws {
    database = try await TestDatabase.make(QualityFixture.schema)
    let clock = ManualClock(QualityFixture.now)
    time = clock
    let keys = KeyRing(random: .seeded(7))
    for purpose in [KeyPurpose.data, .index, .pepper, .document] { try keys.rotate(purpose, at: QualityFixture.now) }
    var hooks = SpineHooks.all(gazetteer: try Fixtures.gazetteer.get())
    AddressDefectRules.addHooks(to: &hooks)
    GridDefectRules.addHooks(to: &hooks)
    store = RecordStore(
      database: database, catalogs: LiveCatalog(try QualityFixture.catalog.get()), keys: keys,
      audit: Audit(clock: clock.clock), clock: clock.clock, hooks: hooks)
    inspection = AddressInspection(store: store, owner: database, likeness: try QualityFixture.likeness())
    let records = store.records(as: .system)
    try await records.insert(
      "division",
      [
        "code": .text(QualityFixture.division), "name": .text("荷叶街社区"), "level": .text("community"),
        "boundary": .geometry([
          "type": "Polygon",
          "coordinates": [
            [
              [107.49, 31.19], [107.52, 31.19], [107.52, 31.21], [107.49, 31.21], [107.49, 31.19],
            ]
          ],
        ]),
      ], input: .code)
    road = try await records.insert(
      "road",
      [
        "name": .text("朝阳路"), "kind": .text("road"), "division_code": .text(QualityFixture.division),
        "alias": .text("解放路"), "largest_number": .text("60号"),
        "line": .geometry(["type": "LineString", "coordinates": [[107.5, 31.2], [107.5105, 31.2]]]),
      ], input: .code
    ).id
  }

  /// An address at `metres` along the road, `aside` to its left; the plate that `number` names unless changed.
  @discardableResult
  func add(
    _ number: String? = nil, at metres: Double, aside: Double = 10, _ changes: [String: Value] = [:]
  ) async throws -> Int64 {
    var values: [String: Value] = [
      "division_code": .text(QualityFixture.division), "community": .text("荷叶街社区"), "road": .text("朝阳路"),
      "road_id": .integer(road), "status": .text("confirmed"),
      "location": .geometry(
        ["type": "Point", "coordinates": [.double(107.5 + metres / 95_300), .double(31.2 + aside / 110_900)]]),
    ]
    if let number { values["house_number"] = .text(number) }
    values.merge(changes) { $1 }
    return try await store.records(as: .system).insert("address", values.filter { !$0.value.isNull }, input: .code).id
  }

  /// Ten even plates on the north side and ten odd ones on the south, in order.
  func addRow() async throws {
    for index in 1...10 {
      try await add("\(index * 2)号", at: Double(index) * 40)
      try await add("\(index * 2 - 1)号", at: Double(index) * 40, aside: -10)
    }
  }

  /// The defects that are in `state`: kind and, with a colon, how often.
  func defects(_ state: String = "open") async throws -> [String] {
    try await database.query(
      "select kind || ':' || count(*) as line from address_defect where state = \(state) group by kind order by kind"
    ).map { try $0.get("line") }
  }

  func defect(of kind: AddressDefect.Kind) async throws -> Int64 {
    let row = try await database.query("select id from address_defect where kind = \(kind.rawValue) order by id").first
    guard let row else { throw Fault("no-such-defect", kind.rawValue) }
    return try row.get("id")
  }
}
