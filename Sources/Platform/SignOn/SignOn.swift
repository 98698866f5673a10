package import Access
package import Audit
package import Core
package import Crypto
package import Entities
package import Identity
import SQL

/// The unified account centre (统一账号中心): other systems let people sign in with their account here, by OpenID Connect
/// with the authorization code flow and proof key, and are told when a session is over (B1-307, B1-308, B1-309, C-605).
///
/// There is no page that asks for consent: applications are the city's own, registered by the security officer, and get
/// personal data only where their record says so.
package struct SignOn: Sendable {
  /// Who people are.
  package let identity: IdentityService
  /// Where the registers stand.
  package let store: RecordStore
  /// What tokens are signed with.
  package let keys: TokenKeys
  /// `iss`: the origin of this site.
  package let issuer: String
  let random: RandomSource

  /// Seconds that a code waits to be redeemed.
  static let codeLifetime: Int64 = 60
  /// Seconds that a token for UserInfo is good for.
  static let accessLifetime: Int64 = 600
  /// Seconds that an ID token is good for.
  static let tokenLifetime: Int64 = 300
  /// Seconds in which a forced sign-in has to be finished.
  package static let patience: Int64 = 600

  /// - Parameters:
  ///   - origin: of this site, such as `https://ban.example.gov.cn`.
  ///   - keyDays: days that a key signs.
  package init(
    identity: IdentityService, store: RecordStore, origin: String, random: RandomSource = .system,
    keyDays: @escaping @Sendable () -> Int64 = { 90 }
  ) {
    self.identity = identity
    self.store = store
    self.random = random
    issuer = origin
    keys = TokenKeys(
      database: store.database, ring: store.keys, clock: store.clock, random: random, days: keyDays)
  }

  var database: Database { store.database }
  var now: Instant { store.clock.now() }

  func hash(_ text: String) -> [UInt8] { Digest.sm3(Array(text.utf8)) }

  // MARK: Applications

  /// The application with this code (`client_id`), if it is in use.
  package func application(_ code: String) async throws -> ClientApplication? {
    guard (3...40).contains(code.utf8.count) else { return nil }
    let found = try await store.records(as: .system).plain
      .find(ClientApplication.entity, where: "code", equals: .text(code)).map { ClientApplication($0) }
    return found.flatMap { $0.isOn ? $0 : nil }
  }

  /// The applications in use, by name.
  ///
  /// - Parameter code: that one alone.
  func applicationsInUse(_ code: String? = nil, in records: Records) async throws -> [ClientApplication] {
    var filters = [ListFilter("state", .equals(.text("on")))]
    if let code { filters.append(ListFilter("code", .equals(.text(code)))) }
    let query = ListQuery(
      ClientApplication.entity, filters: filters,
      columns: store.catalog.entity(ClientApplication.entity)?.fields.filter(\.isStored).map(\.name))
    return try await records.plain.all(query).map { ClientApplication($0) }
      .sorted { ($0.name, $0.code) < ($1.name, $1.code) }
  }

  /// Whether somebody may sign in to an application.
  package func admits(_ standing: AccountStanding, to application: ClientApplication) async throws -> Bool {
    try await admission(of: standing, to: [application], in: database).admits(to: application)
  }

  /// What decides to which of these applications somebody may sign in, read at once for all of them.
  func admission(
    of standing: AccountStanding, to applications: [ClientApplication], in session: any SQLSession
  ) async throws -> ApplicationAdmission {
    let listed = applications.filter { $0.audience == .listed }.map(\.id)
    var rows: [Int64: [ApplicationAccess]] = [:]
    if !listed.isEmpty {
      let found = try await session.query(
        "select application_id, role_id, unit_id from application_access where application_id = any(\(listed))")
      for row in found {
        rows[try row.get("application_id"), default: []].append(
          ApplicationAccess(role: try row.get("role_id"), unit: try row.get("unit_id")))
      }
    }
    var isOutside = false
    if applications.contains(where: { $0.audience == .staff }) {
      // People from outside belong to units too: makers, suppliers, enterprises.
      isOutside =
        try await !session.query(
          "select 1 from role where external and id = any(\(standing.roles.map(\.id))::bigint[]) limit 1"
        ).isEmpty
    }
    return ApplicationAdmission(
      standing: standing, isUsable: standing.user.isUsable(on: now.chinaTime.date), isOutside: isOutside, rows: rows)
  }

  /// Whether an application is for those that are listed, and nobody is.
  package func isShut(_ application: ClientApplication) async throws -> Bool {
    guard application.audience == .listed else { return false }
    return try await database.first(
      "select 1 from application_access where application_id = \(application.id) limit 1") == nil
  }

  /// The applications that somebody may open, by name (可用的系统).
  package func applications(for user: Int64, session: Int64) async throws -> [ClientApplication] {
    guard let standing = try await identity.standing(of: user, session: session) else { return [] }
    let known = try await applicationsInUse(in: store.records(as: .system)).filter { $0.home != nil }
    let admission = try await admission(of: standing, to: known, in: database)
    return known.filter { admission.admits(to: $0) }
  }

  /// The permissions of its own that somebody has in an application (应用权限), by code.
  package func permissions(of roles: [HeldRole], in application: Int64) async throws -> [String] {
    try await database.query(
      """
      select distinct p.code from application_permission p join application_grant g on g.permission_id = p.id
      where p.application_id = \(application) and g.role_id = any(\(roles.map(\.id))::bigint[]) order by p.code
      """
    ).values()
  }

  /// How somebody is called towards other systems (`sub`): random, for ever, and no number of ours.
  func subject(of user: Int64, in session: any SQLSession) async throws -> String {
    // The second statement sees what another one entered meanwhile.
    try await session.execute(
      """
      insert into sign_on_subject (user_id, subject) values (\(user), \(random.token(bytes: 18)))
      on conflict (user_id) do nothing
      """)
    guard
      let row = try await session.query("select subject from sign_on_subject where user_id = \(user)").first
    else { throw Fault("sign-on-subject") }
    return try row.get("subject")
  }

  // MARK: Secrets and keys

  /// Gives an application another secret (更换应用密钥); it is shown once, and only its digest is kept.
  ///
  /// - Throws: ``Refusal`` `permission-missing`, `record-missing`.
  package func replaceSecret(of id: Int64, by principal: Principal, origin: Origin) async throws -> String {
    try principal.require(Permission(ClientApplication.entity, "update"), toDo: "更换应用密钥")
    _ = try await store.records(as: principal, origin: origin).get(ClientApplication.entity, id)
    let secret = random.token()
    try await database.transaction { transaction in
      try await transaction.execute(
        """
        insert into client_secret (application_id, secret_hash, changed_at)
        values (\(id), \(self.hash(secret)), \(self.now))
        on conflict (application_id) do update set secret_hash = excluded.secret_hash, changed_at = excluded.changed_at
        """)
      try await self.store.audit.append(
        AuditEntry(
          principal, "client_application.secret", entity: ClientApplication.entity, record: id, origin: origin),
        in: transaction)
    }
    return secret
  }

  /// When the secret of an application was made; `nil` while there is none.
  package func secretTime(of id: Int64) async throws -> Instant? {
    try await database.first("select changed_at from client_secret where application_id = \(id)")?.get("changed_at")
  }

  /// The application that knows its secret.
  func authenticate(client: String, secret: String) async throws -> ClientApplication? {
    guard let application = try await self.application(client),
      let row = try await database.first(
        "select secret_hash from client_secret where application_id = \(application.id)"),
      constantTimeEqual(hash(secret), try row.get("secret_hash"))
    else { return nil }
    return application
  }

  /// Signs with a new key from now on and forgets all others, when one may have leaked (立即更换签名密钥).
  ///
  /// - Throws: ``Refusal`` `permission-missing`.
  package func replaceKeys(by principal: Principal, origin: Origin) async throws {
    try principal.require(Permission("key_ring", "rotate"), toDo: "更换签名密钥")
    try await database.transaction { transaction in
      try await self.keys.replace(in: transaction)
      try await self.store.audit.append(AuditEntry(principal, "token_key.rotate", origin: origin), in: transaction)
    }
    keys.forget()
  }

  // MARK: Upkeep

  /// Follows notifications, makes keys that are due and clears what is over, until the task is cancelled.
  package func run(_ rounds: Rounds) async {
    await withDiscardingTaskGroup { group in
      group.addTask { for await _ in self.database.listen(TokenKeys.channel) { self.keys.forget() } }
      group.addTask {
        await rounds.every(.seconds(60), "sign-on-maintenance-failed") { try await self.maintain() }
      }
    }
  }

  /// One round of what ``run(_:)`` does. Used codes are kept for an hour, so that a second use is known for what it is.
  package func maintain() async throws {
    try await keys.renew()
    let now = now
    try await database.execute("delete from authorization_code where expires_at < \(now + -3600)")
    try await database.execute("delete from access_token where expires_at < \(now)")
    try await database.execute("delete from client_session where begun_at < \(now + -30 * TokenKeys.day)")
    try await database.execute("delete from logout_notice where ended_at < \(now + -90 * TokenKeys.day)")
  }
}
