import Access
import Audit
import Core
import Crypto
import Entities
import Files
import Foundation
import Identity
import Jobs
import Messaging
import Operations
import SQL
import TestSupport

/// The shipped registers in a fresh database, with an operator who may everything of 运维管理 and three colleagues.
struct OperationsFixture: Sendable {
  let database: Database
  let time: ManualClock
  let store: RecordStore
  let messages: MessageCenter
  let catalog: Catalog
  let people: [String: Principal]
  let prompts = PromptRules()

  /// Wednesday 2026-11-18 10:00 in China.
  static let start = Instant("2026-11-18 10:00") ?? Instant(seconds: 0)

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  /// Read once for all tests.
  private static let shipped: Result<Catalog, DeclarationFailure> = Result { () throws(DeclarationFailure) in
    try Catalog.load(resources: root + "/Resources")
  }

  private static let schema = TestDatabase.Preparation("operations") { database in
    let before =
      (StoreMigrations.all + AuditSchema.migrations + JobsSchema.migrations + FilesSchema.migrations
      + IdentitySchema.migrations + MessagingSchema.migrations + OperationsSchema.migrations).sorted { $0.id < $1.id }
    _ = try await Migrator(log: .silent).run(before, on: database)
    try await SchemaPlan.apply(try shipped.get(), to: database)
    let standard: SQL = "1, now(), 0, now(), 0"
    try await database.execute(
      """
      insert into unit (version, created_at, created_by, updated_at, updated_by, code, name, kind, path, division_code,
        active) values (\(standard), 'city', '市公安局', 'police', '1.', '5117', true)
      """)
    for (account, name) in staff {
      try await database.execute(
        """
        insert into app_user (version, created_at, created_by, updated_at, updated_by, account, name, unit_id,
          clearance, status) values (\(standard), \(account), \(name), 1, 'secret', 'active')
        """)
    }
    try await database.execute(
      """
      insert into role (version, created_at, created_by, updated_at, updated_by, code, name, clearance, active)
      values (\(standard), 'system_admin', '系统管理员', 'inner', true)
      """)
    try await database.execute(
      """
      insert into role_grant (version, created_at, created_by, updated_at, updated_by, role_id, subject, action, scope)
      values (\(standard), 1, 'alarm', 'confirm', 'all')
      """)
    try await database.execute(
      """
      insert into user_role (version, created_at, created_by, updated_at, updated_by, user_id, role_id)
      select \(standard), id, 1 from app_user where account = 'admin'
      """)
  }

  private static let staff = [("admin", "管理员"), ("one", "甲"), ("two", "乙"), ("three", "丙")]

  static func isWorkday(_ day: CivilDate) -> Bool { day.weekday < 6 }

  init() async throws {
    database = try await TestDatabase.make(OperationsFixture.schema)
    time = ManualClock(OperationsFixture.start)
    catalog = try OperationsFixture.shipped.get()
    let keys = KeyRing(random: .seeded(7))
    for purpose in [KeyPurpose.data, .index] { try keys.rotate(purpose, at: OperationsFixture.start) }
    var hooks = RecordHooks()
    PlanRules { OperationsFixture.isWorkday($0) }.addHooks(to: &hooks)
    AlarmRules().addHooks(to: &hooks)
    AssetRules().addHooks(to: &hooks)
    DeliveredRules().addHooks(to: &hooks)
    prompts.addHooks(to: &hooks)
    store = RecordStore(
      database: database, catalogs: LiveCatalog(catalog), keys: keys, audit: Audit(clock: time.clock),
      clock: time.clock, hooks: hooks)
    messages = MessageCenter(
      database: database, templates: MessageTemplates(catalog), keys: keys, clock: time.clock,
      mobile: { _, _ in nil })
    let unit = UnitMembership(id: 1, name: "市公安局", path: "1.", division: "5117")
    let grants = catalog.role("system_admin")?.access ?? []
    var people: [String: Principal] = [:]
    for row in try await database.query("select id, account, name from app_user order by id") {
      let account: String = try row.get("account")
      people[account] = Principal(
        kind: .user, id: try row.get("id"), name: try row.get("name"), unit: unit,
        grants: Grants(account == "admin" ? grants : grants.filter { $0.permission.subject == "work_plan" }),
        clearance: .inner)
    }
    self.people = people
  }

  func person(_ account: String) throws -> Principal {
    guard let person = people[account] else { throw Fault("no-such-person", account) }
    return person
  }

  func records(_ account: String = "admin") throws -> Records { store.records(as: try person(account)) }

  /// The same as the system, which sees what nobody enters.
  var system: Records { store.records(as: .system, purpose: "测试") }

  var plans: WorkPlans {
    let people = people
    return WorkPlans(
      store: store, messages: messages, isWorkday: OperationsFixture.isWorkday,
      principal: { id in
        guard let person = people.values.first(where: { $0.id == id }) else { throw Fault("no-such-person", "\(id)") }
        return person
      })
  }

  /// A plan with these facts over those of a daily duty.
  @discardableResult
  func plan(_ changes: [String: Value] = [:]) async throws -> Record {
    try await records().insert(
      WorkPlans.register,
      [
        "name": .text("日常值班"), "register": .text("duty_shift"),
        "content": .text("班次：白班\n值班类别：运维值班\n注意事项：九点前巡看机房。\n温度高于 28 度要上报。"), "rhythm": .text("day"),
        "at_time": .text("08:30"), "hours": .decimal(FixedDecimal(millionths: 9_000_000)),
      ].merging(changes) { $1 })
  }

  func turn(_ plan: Record, _ accounts: [String], part: String = "turn") async throws {
    for (place, account) in accounts.enumerated() {
      try await records().insert(
        WorkPlans.member,
        [
          "work_plan_id": .integer(plan.id), "user_id": .integer(try person(account).id), "part": .text(part),
          "position": .integer(Int64(place + 1)),
        ])
    }
  }

  /// Everything of a register, oldest first.
  func all(_ register: String) async throws -> [Record] {
    let columns = try store.entity(register).storedFields.map(\.name)
    return try await system.all(ListQuery(register, columns: columns))
  }

  /// Somebody on duty now, for eight hours.
  func onDuty(_ account: String) async throws {
    let now = time.clock.now()
    try await records().insert(
      DutyRoster.register,
      [
        "name": .text("白班"), "kind": .text("operator"), "on_date": .date(now.chinaTime.date),
        "starts_at": .instant(now),
        "ends_at": .instant(now + 8 * 3600), "user_id": .integer(try person(account).id),
        "cautions": .text("机房空调检修"),
      ])
  }
}
