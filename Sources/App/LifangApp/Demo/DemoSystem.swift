import Access
import Audit
import Core
import Crypto
import Entities
import HTTP
import Identity
import SignOn
import Synchronization
import Transport

/// Another system of the demo city (演示业务系统), which signs people in with their account here as systems of others do: over
/// HTTP, knowing nothing but its code, its secret and the issuer.
final class DemoSystem: Sendable {
  /// Somebody who is in.
  struct Session: Sendable {
    let subject: String
    let name: String
    let unit: String?
    let roles: [String]
    let token: String
  }

  static let code = "demo-system"
  static let path = "/demo-system"
  static let name = "演示业务系统"

  let issuer: String
  private let secret: String
  private let clock: WallClock
  private let gateway = GatewayClient(name: "demo-system")
  private let sessions = Mutex<[String: Session]>([:])

  var redirect: String { issuer + DemoSystem.path + "/callback" }
  var home: String { issuer + DemoSystem.path }

  private init(issuer: String, secret: String, clock: WallClock) {
    self.issuer = issuer
    self.secret = secret
    self.clock = clock
  }

  /// Puts it into the register of applications, with a new secret at every start; `nil` where the register would not take
  /// an address below `origin`.
  static func make(_ signOn: SignOn, origin: String) async throws -> DemoSystem? {
    guard (try? ApplicationAddress(origin + path)) != nil else { return nil }
    let values: [String: Value] = [
      "code": .text(code), "name": .text(name), "home": .text(origin + path),
      "redirects": .text(origin + path + "/callback"), "logout_returns": .text(origin + path),
      "logout_address": .text(origin + path + "/over"), "audience": .text("staff"),
    ]
    let records = signOn.store.records(as: .system)
    let id: Int64
    if let known = try await records.find(ClientApplication.entity, where: "code", equals: .text(code)) {
      id = known.id
      try await records.update(ClientApplication.entity, id, version: nil, values, input: .code)
    } else {
      id = try await records.insert(ClientApplication.entity, values, input: .code).id
    }
    let secret = try await signOn.replaceSecret(of: id, by: .system, origin: .inside)
    return DemoSystem(issuer: origin, secret: secret, clock: signOn.store.clock)
  }

  func session(_ sid: String?) -> Session? { sid.flatMap { sid in sessions.withLock { $0[sid] } } }

  func forget(_ sid: String) { _ = sessions.withLock { $0.removeValue(forKey: sid) } }

  /// Redeems a code; the session that it begins, or `nil` when anything is not as it should be.
  func enter(_ code: String, verifier: String, nonce: String) async throws -> String? {
    let fields = [
      ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect), ("code_verifier", verifier),
      ("client_id", DemoSystem.code), ("client_secret", secret),
    ]
    let body = fields.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
    guard
      let answer = try await ask(
        "/oauth/token", ["Content-Type: application/x-www-form-urlencoded"], body: body),
      let token = answer["id_token"]?.string, let access = answer["access_token"]?.string,
      let claims = try await proven(token), claims["nonce"]?.string == nonce, let sid = claims["sid"]?.string,
      let about = try await ask("/oauth/userinfo", ["Authorization: Bearer \(access)"]), about["sub"] == claims["sub"]
    else { return nil }
    let session = Session(
      subject: about["sub"]?.string ?? "", name: about["name"]?.string ?? "", unit: about["unit"]?["name"]?.string,
      roles: (about["roles"]?.array ?? []).compactMap { $0["name"]?.string }, token: token)
    sessions.withLock { $0[sid] = session }
    return sid
  }

  /// Ends the session that a logout token names (OpenID Connect Back-Channel Logout 1.0 §2.6).
  func end(_ token: String) async throws -> Bool {
    guard let claims = try await proven(token, type: "logout+jwt"), claims["nonce"] == nil,
      claims["events"]?["http://schemas.openid.net/event/backchannel-logout"] != nil, let sid = claims["sid"]?.string
    else { return false }
    forget(sid)
    return true
  }

  /// The claims of a token for this system that is signed by the issuer and has not run out.
  private func proven(_ text: String, type: String = "JWT") async throws -> JSON? {
    guard let token = CompactJWS(text), token.header["typ"]?.string == type,
      let keys = try await ask("/oauth/keys", [])?["keys"]?.array,
      let key = keys.first(where: { $0["kid"] == token.header["kid"] }), token.isSigned(by: try JWSPublicKey(jwk: key)),
      token.claims["iss"]?.string == issuer, token.claims["aud"]?.string == DemoSystem.code,
      let expiry = token.claims["exp"]?.int, clock.now().seconds < expiry
    else { return nil }
    return token.claims
  }

  private func ask(_ path: String, _ headers: [String], body: String? = nil) async throws -> JSON? {
    let answer = try await gateway.ask(issuer + path, headers: headers, body: body.map { Array($0.utf8) })
    return answer.status == 200 ? try JSON(parsing: answer.body) : nil
  }
}
