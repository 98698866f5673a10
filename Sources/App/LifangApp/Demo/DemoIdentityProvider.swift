import Access
import Core
import Crypto
import HTTP
import Synchronization

/// A provider of identities for the demo and the tests (演示身份认证): OpenID Connect with invented citizens and no
/// passwords at all, so anybody may sign in as any of them.
final class DemoIdentityProvider: Sendable {
  /// Somebody of the demo city.
  struct Citizen: Sendable {
    let subject: String
    let name: String
    let document: String
    let phone: String?
  }

  struct Client: Sendable {
    let id: String
    let secret: String
    let redirect: String
  }

  /// What a code stands for, until it is redeemed.
  private struct Grant: Sendable {
    let citizen: Citizen
    let level: String
    let nonce: String
    let challenge: String
    let expires: Instant
  }

  /// `iss`; everything else stands below it.
  let issuer: String
  /// The path of the issuer on its server, such as `/demo-identity`.
  let prefix: String
  let client: Client
  let citizens: @Sendable () async throws -> [Citizen]
  private let key: JWSPrivateKey
  private let clock: WallClock
  private let grants = Mutex<[String: Grant]>([:])
  private let accesses = Mutex<[String: Grant]>([:])

  init(
    issuer: String, prefix: String, client: Client, clock: WallClock = .system,
    citizens: @escaping @Sendable () async throws -> [Citizen]
  ) throws {
    self.issuer = issuer
    self.prefix = prefix
    self.client = client
    self.clock = clock
    self.citizens = citizens
    key = try JWSPrivateKey.generate(id: RandomSource.system.token(bytes: 8))
  }

  /// What it says of itself at `/.well-known/openid-configuration`.
  var configuration: JSON {
    [
      "issuer": .string(issuer), "authorization_endpoint": .string(issuer + "/authorize"),
      "token_endpoint": .string(issuer + "/token"), "userinfo_endpoint": .string(issuer + "/userinfo"),
      "jwks_uri": .string(issuer + "/jwks"), "response_types_supported": ["code"],
      "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
      "code_challenge_methods_supported": ["S256"],
      "token_endpoint_auth_methods_supported": ["client_secret_basic"],
      "scopes_supported": ["openid", "profile", "phone"],
    ]
  }

  func keys() throws -> JSON { ["keys": [try key.jwk()]] }

  /// A code for a citizen who agreed.
  ///
  /// - Parameter level: `L1` telephone, `L2` name, `L3` face.
  func grant(_ citizen: Citizen, level: String, nonce: String, challenge: String) -> String {
    let code = RandomSource.system.token()
    let now = clock.now()
    let grant = Grant(citizen: citizen, level: level, nonce: nonce, challenge: challenge, expires: now + 60)
    grants.withLock { grants in
      grants = grants.filter { $0.value.expires > now }
      grants[code] = grant
    }
    return code
  }

  /// The answer of the token endpoint; `nil` for a code that is unknown, used or old, or a proof that does not fit.
  func redeem(_ code: String, verifier: String) throws -> JSON? {
    let now = clock.now()
    guard let grant = grants.withLock({ $0.removeValue(forKey: code) }), grant.expires > now,
      constantTimeEqual(Base64URL.encode(Digest.hash(Array(verifier.utf8), .sha256)), grant.challenge)
    else { return nil }
    let access = RandomSource.system.token()
    accesses.withLock { accesses in
      accesses = accesses.filter { $0.value.expires + 600 > now }
      accesses[access] = grant
    }
    let token = try key.token([
      "iss": .string(issuer), "sub": .string(grant.citizen.subject), "aud": .string(client.id),
      "nonce": .string(grant.nonce), "acr": .string(grant.level), "iat": .int(now.seconds),
      "exp": .int(now.seconds + 300),
    ])
    return [
      "access_token": .string(access), "token_type": "Bearer", "expires_in": 300, "id_token": .string(token),
    ]
  }

  func userInfo(_ access: String) -> JSON? {
    accesses.withLock { $0[access] }.map { grant in
      [
        "sub": .string(grant.citizen.subject), "name": .string(grant.citizen.name),
        "id_number": .string(grant.citizen.document),
        "phone_number": grant.citizen.phone.map { .string($0) } ?? .null,
      ]
    }
  }
}
