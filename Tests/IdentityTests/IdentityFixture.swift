import Access
import Audit
import Core
import Crypto
import Identity
import SQL
import TestSupport

/// A fresh database with the registers and tables of Identity, a service over it and a clock that stands still.
struct IdentityFixture {
  let database: Database
  let ring: KeyRing
  let time: ManualClock
  let service: IdentityService
  let metrics = Metrics()
  let origin = Origin(remoteAddress: "10.1.2.3", requestID: "r-1", userAgent: "Test")

  /// Wednesday 2026-11-18 10:00 in China.
  static let start = Instant("2026-11-18 10:00") ?? Instant(seconds: 0)

  init(policy: IdentityPolicy = IdentityPolicy()) async throws {
    let metrics = metrics
    database = try await TestDatabase.make(IdentityFixture.schema) { $0.metrics = metrics }
    time = ManualClock(IdentityFixture.start)
    ring = KeyRing(random: .seeded(1))
    for purpose in [KeyPurpose.data, .index, .pepper] { try ring.rotate(purpose, at: time.clock.now()) }
    service = try IdentityFixture.service(database, ring, time, policy)
  }

  private static let schema = TestDatabase.Preparation("identity") { database in
    _ = try await Migrator(log: .silent).run(AuditSchema.migrations + IdentitySchema.migrations, on: database)
    try await database.transaction { try await $0.execute(unsafe: registers) }
    _ = try await Migrator(log: .silent).run(IdentityGuards.migrations, on: database)
  }

  /// Another node on the same database.
  func secondNode() throws -> IdentityService {
    try IdentityFixture.service(database, ring, time, service.policy)
  }

  private static func service(
    _ database: Database, _ ring: KeyRing, _ time: ManualClock, _ policy: IdentityPolicy
  ) throws -> IdentityService {
    var configuration = IdentityService.Configuration(
      database: database, ring: ring, registers: TableWriter(ring: ring, clock: time.clock))
    configuration.clock = time.clock
    configuration.log = .silent
    configuration.passwordCost = PasswordHash.Cost(logN: 4)
    configuration.commonPasswords = CommonPasswords(["password", "admin", "woaini"])
    return try IdentityService(configuration, policy: policy)
  }

  // MARK: Records

  static let password = "Right-horse7"

  /// A user with a password that need not be changed.
  @discardableResult
  func user(
    _ account: String = "wang", name: String = "王主任", unit: Int64? = nil, separation: String? = nil,
    clearance: String = "sensitive", addresses: String? = nil, hours: String? = nil
  ) async throws -> Int64 {
    let id: Int64 = try await database.value(
      """
      insert into app_user (version, created_at, created_by, updated_at, updated_by, account, name, unit_id, separation,
        clearance, status, allowed_addresses, allowed_hours)
      values (1, now(), 0, now(), 0, \(account), \(name), \(unit), \(separation), \(clearance), 'active', \(addresses),
        \(hours)) returning id
      """)
    try await service.setInitialPassword(IdentityFixture.password, of: id, mustChange: false)
    return id
  }

  @discardableResult
  func unit(_ name: String, parent: Int64? = nil, division: String? = nil) async throws -> Int64 {
    try await database.value(
      """
      insert into unit (version, created_at, created_by, updated_at, updated_by, code, name, kind, parent_id,
        division_code, active)
      values (1, now(), 0, now(), 0, \(name), \(name), 'police', \(parent), \(division), true) returning id
      """)
  }

  /// A role with grants such as `address.view/unit`.
  @discardableResult
  func role(
    _ code: String, separation: String? = nil, clearance: String = "inner", external: Bool = false,
    from: Instant? = nil, grants: [String] = []
  ) async throws -> Int64 {
    let id: Int64 = try await database.value(
      """
      insert into role (version, created_at, created_by, updated_at, updated_by, code, name, separation, clearance,
        external, effective_from, active)
      values (1, now(), 0, now(), 0, \(code), \(code), \(separation), \(clearance), \(external), \(from), true)
      returning id
      """)
    for text in grants { try await grant(text, to: id) }
    return id
  }

  func grant(_ text: String, to role: Int64) async throws {
    let parts = text.split(whereSeparator: { "./".contains($0) }).map(String.init)
    try await database.execute(
      """
      insert into role_grant (version, created_at, created_by, updated_at, updated_by, role_id, subject, action, scope,
        scope_value)
      values (1, now(), 0, now(), 0, \(role), \(parts[0]), \(parts[1]), \(parts[2]), \(parts.count > 3 ? parts[3] : nil))
      """)
  }

  func give(_ role: Int64, to user: Int64, unit: Int64? = nil) async throws {
    try await database.execute(
      """
      insert into user_role (version, created_at, created_by, updated_at, updated_by, user_id, role_id, unit_id)
      values (1, now(), 0, now(), 0, \(user), \(role), \(unit))
      """)
  }

  // MARK: Doing

  func signIn(
    _ account: String = "wang", _ password: String = IdentityFixture.password, from address: String = "10.1.2.3",
    replacing old: String? = nil
  ) async throws -> OpenedSession {
    let attempt = SignInAttempt(
      account: account, password: password, origin: Origin(remoteAddress: address, userAgent: "Test"))
    guard case .signedIn(let session) = try await service.signIn(attempt, replacing: old) else {
      throw Fault("second-factor-asked")
    }
    return session
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

  func officer(_ permissions: String...) -> Principal {
    Principal(
      kind: .user, id: 9000, name: "安全员", unit: nil,
      grants: Grants(permissions.compactMap { Permission($0) }.map { .init($0, .all) }), clearance: .inner)
  }

  func auditActions() async throws -> [String] {
    try await database.query("select action || ' ' || outcome from audit_entry order by id").values()
  }

  /// The tables that Entities makes from `Resources/platform/entities`, as far as Identity reads them.
  private static let registers: String = {
    let standard = """
      id bigint generated always as identity primary key, version bigint not null, created_at timestamptz not null,
      created_by bigint not null, updated_at timestamptz not null, updated_by bigint not null
      """
    return """
      create table unit (\(standard), code text not null unique, name text not null, short_name text, kind text not null,
        parent_id bigint references unit, path text, division_code text, phone text, address text, description text,
        position bigint, active boolean, external_source text, external_code text);
      create table post (\(standard), name text not null, code text, unit_id bigint, description text, position bigint);
      create table app_user (\(standard), account text not null unique, name text not null, phone bytea,
        phone_index bytea, unit_id bigint references unit, post_id bigint references post, status text not null,
        separation text, clearance text not null, expires_on date, allowed_addresses text, allowed_hours text,
        remark text, external_source text, external_code text);
      create table role (\(standard), code text not null unique, name text not null, description text, separation text,
        clearance text not null, external boolean, effective_from timestamptz, expires_on date, active boolean,
        builtin boolean, shipped_grants text);
      create table role_grant (\(standard), role_id bigint not null references role, subject text not null,
        action text not null, scope text not null, scope_value text);
      create table user_role (\(standard), user_id bigint not null references app_user, role_id bigint not null references role,
        unit_id bigint references unit, effective_on date, expires_on date);
      create table menu_entry (\(standard), name text not null, parent_id bigint, kind text not null, path text,
        permission text, icon text, position bigint, active boolean, shipped text unique, description text);
      create table api_key (\(standard), name text not null, unit_id bigint references unit, role_id bigint references role,
        status text not null, expires_on date, allowed_addresses text, daily_quota bigint, minute_quota bigint,
        contact text, remark text);
      create table login_log (\(standard), occurred_at timestamptz not null, account text not null, user_id bigint,
        user_name text, outcome text not null, reason text, method text, remote_address text, user_agent text);
      """
  }()
}
