import Access
import Audit
import Core
import Crypto
import Entities
import Identity
import IdentitySupport
import SQL
import SignOn
import TestSupport

/// The registers of the platform as they are declared, a centre over them, and a clock that is moved by hand.
struct SignOnFixture {
  private let declared: DeclaredIdentity
  let signOn: SignOn

  var database: Database { declared.database }
  var store: RecordStore { declared.store }
  var identity: IdentityService { declared.service }
  var time: ManualClock { declared.time }

  static let password = "Right-horse7"
  static let verifier = String(repeating: "v", count: 43)
  static let redirect = "https://housing.example/callback?from=ban"

  init() async throws {
    declared = try await DeclaredIdentity(
      "sign-on", from: WallClock.system.now(), before: SignOnSchema.before, after: SignOnSchema.after,
      rules: [ClientApplicationRules()])
    signOn = SignOn(identity: declared.service, store: declared.store, origin: "https://ban.example")
  }

  let officer = Principal(
    kind: .user, id: 9000, name: "安全员", unit: nil, grants: Grants([.init(.anything, .all)]), clearance: .secret)

  // MARK: Records

  func insert(_ entity: String, _ values: [String: Value]) async throws -> Int64 {
    try await store.records(as: officer).insert(entity, values).id
  }

  func unit(_ code: String, below parent: Int64? = nil) async throws -> Int64 {
    var values: [String: Value] = ["code": .text(code), "name": .text("机构\(code)")]
    if let parent { values["parent_id"] = .integer(parent) }
    return try await insert("unit", values)
  }

  /// A user with a password that need not be changed.
  func user(_ account: String = "wang", unit: Int64? = nil, roles: [Int64] = []) async throws -> Int64 {
    var values: [String: Value] = ["account": .text(account), "name": .text("王主任")]
    if let unit { values["unit_id"] = .integer(unit) }
    let id = try await insert("app_user", values)
    try await identity.setInitialPassword(SignOnFixture.password, of: id, mustChange: false)
    for role in roles { _ = try await insert("user_role", ["user_id": .integer(id), "role_id": .integer(role)]) }
    return id
  }

  func role(_ code: String) async throws -> Int64 {
    try await insert("role", ["code": .text(code), "name": .text("角色\(code)")])
  }

  func application(
    _ code: String = "housing", audience: String = "everyone", logout: String? = "https://housing.example/logout"
  ) async throws -> ClientApplication {
    var values: [String: Value] = [
      "code": .text(code), "name": .text("住房系统"), "home": .text("https://housing.example/"),
      "redirects": .text("https://other.example/cb\n" + SignOnFixture.redirect),
      "logout_returns": .text("https://housing.example/bye"), "audience": .text(audience),
    ]
    if let logout { values["logout_address"] = .text(logout) }
    _ = try await insert(ClientApplication.entity, values)
    guard let application = try await signOn.application(code) else { throw Fault("application-missing") }
    return application
  }

  func signIn(_ account: String = "wang", replacing old: String? = nil) async throws -> OpenedSession {
    let attempt = SignInAttempt(account: account, password: SignOnFixture.password, origin: .inside)
    guard case .signedIn(let opened) = try await identity.signIn(attempt, replacing: old) else {
      throw Fault("second-factor-asked")
    }
    return opened
  }

  // MARK: Requests

  func request(_ changes: [String: String?] = [:]) -> [(name: String, value: String)] {
    var items: [String: String?] = [
      "client_id": "housing", "redirect_uri": SignOnFixture.redirect, "response_type": "code",
      "scope": "openid profile permissions phone", "state": "s 1", "nonce": "n1",
      "code_challenge": Base64URL.encode(Digest.hash(Array(SignOnFixture.verifier.utf8), .sha256)),
      "code_challenge_method": "S256",
    ]
    items.merge(changes) { $1 }
    return items.sorted { $0.key < $1.key }.compactMap { name, value in value.map { (name: name, value: $0) } }
  }

  func step(_ opened: OpenedSession?, _ changes: [String: String?] = [:]) async throws -> SignOn.Step {
    try await signOn.authorize(
      try await signOn.authorization(request(changes)), session: opened?.session, origin: .inside)
  }

  /// The code that a session gets.
  func code(_ opened: OpenedSession, _ changes: [String: String?] = [:]) async throws -> String {
    guard case .enter(let location) = try await step(opened, changes),
      let start = location.firstRange(of: "code=")?.upperBound
    else { throw Fault("no-code") }
    return String(location[start...].prefix { $0 != "&" })
  }

  func redeem(
    _ code: String, by application: ClientApplication, redirect: String = SignOnFixture.redirect,
    verifier: String = SignOnFixture.verifier
  ) async throws -> JSON? {
    try await signOn.redeem(
      SignOn.Redemption(code: code, redirect: redirect, verifier: verifier), by: application, origin: .inside)
  }

  /// A session in the other system; its `sid`.
  func enter(_ opened: OpenedSession, _ application: ClientApplication) async throws -> String {
    let answer = try await redeem(try await code(opened, ["client_id": application.code]), by: application)
    guard let sid = CompactJWS(answer?["id_token"]?.string ?? "")?.claims["sid"]?.string else { throw Fault("no-sid") }
    return sid
  }

  /// How many statements `body` takes.
  func statements(_ body: () async throws -> Void) async throws -> Int {
    func sent() -> Double {
      if case .histogram(_, let count)? = declared.metrics.reading("lifang_sql_seconds") { count } else { 0 }
    }
    let before = sent()
    try await body()
    return Int(sent() - before)
  }

  /// What waits to be told to other systems: session and reason.
  func notices() async throws -> [String] {
    try await database.query("select sid || ' ' || reason from logout_notice order by id").values()
  }

  /// The code of the refusal that `body` ends in, or `none`.
  func refusal(_ body: () async throws -> some Any) async throws -> String {
    do {
      return try await declared.refusal(body)
    } catch let error as AuthorizationError {
      return error.fault.rawValue
    }
  }
}
