package import Core
import Crypto
import Synchronization

/// Speaks to providers of identities: their configuration (OpenID Connect Discovery 1.0), their keys, and the exchange of
/// a code for tokens with the proof key (RFC 7636).
package final class OpenIDClient: Sendable {
  /// What a server answered.
  package struct Answer: Sendable {
    package let status: Int
    package let body: [UInt8]

    package init(status: Int, body: [UInt8]) {
      self.status = status
      self.body = body
    }
  }

  /// Asks by `GET`, or with a body by `POST`; does not follow redirects.
  package typealias Fetch = @Sendable (_ url: String, _ headers: [String], _ body: String?) async throws -> Answer

  /// What a provider says of itself.
  struct Configuration: Sendable {
    let authorization: String
    let token: String
    let userInfo: String?
    let keys: String
    /// Whether the client's secret goes into the body rather than into a header.
    let postsSecret: Bool
  }

  private struct Known: Sendable {
    var configuration: Configuration?
    var until = Instant(seconds: 0)
    var keys: [JWSPublicKey] = []
    var keysAt = Instant(seconds: 0)
  }

  private let fetch: Fetch
  private let clock: WallClock
  private let log: Log
  private let known = Mutex<[String: Known]>([:])

  /// Seconds a configuration is kept.
  private static let lifetime: Int64 = 3600
  /// Seconds between two looks at the keys because of a token that names an unknown one.
  private static let keyPause: Int64 = 10

  package init(clock: WallClock, log: Log, fetch: @escaping Fetch) {
    self.clock = clock
    self.log = log
    self.fetch = fetch
  }

  /// - Throws: ``Refusal`` `provider-unreachable`; the cause goes to the log.
  func configuration(of provider: IdentityProvider) async throws -> Configuration {
    let now = clock.now()
    let entry = known.withLock { $0[provider.issuer] }
    if let configuration = entry?.configuration, let until = entry?.until, now < until { return configuration }
    guard IdentityProvider.isSafe(provider.issuer) else { throw unreachable(provider, "the issuer is not https") }
    var base = provider.issuer
    if base.hasSuffix("/") { base.removeLast() }
    let json = try await json(base + "/.well-known/openid-configuration", provider)
    guard json["issuer"]?.string == provider.issuer else { throw unreachable(provider, "another issuer") }
    func endpoint(_ name: String) throws -> String {
      guard let url = json[name]?.string, IdentityProvider.isSafe(url) else {
        throw unreachable(provider, "\(name) is missing or not https")
      }
      return url
    }
    let methods = json["token_endpoint_auth_methods_supported"]?.array?.compactMap(\.string) ?? ["client_secret_basic"]
    let configuration = Configuration(
      authorization: try endpoint("authorization_endpoint"), token: try endpoint("token_endpoint"),
      userInfo: json["userinfo_endpoint"]?.string.flatMap { IdentityProvider.isSafe($0) ? $0 : nil },
      keys: try endpoint("jwks_uri"), postsSecret: !methods.contains("client_secret_basic"))
    known.withLock {
      $0[provider.issuer, default: Known()].configuration = configuration
      $0[provider.issuer, default: Known()].until = now + OpenIDClient.lifetime
    }
    return configuration
  }

  /// The token behind a code, checked; keys are fetched anew when it names one that is not known yet.
  func redeem(
    _ code: String, of provider: IdentityProvider, redirect: String, verifier: String, nonce: String
  ) async throws -> (token: IDToken, access: String?) {
    let configuration = try await configuration(of: provider)
    var fields: [(String, String)] = [
      ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect), ("code_verifier", verifier),
      ("client_id", provider.client),
    ]
    var headers = ["Content-Type: application/x-www-form-urlencoded", "Accept: application/json"]
    if let secret = provider.secret {
      if configuration.postsSecret {
        fields.append(("client_secret", secret))
      } else {
        let pair = "\(FormText.encode(provider.client)):\(FormText.encode(secret))"
        headers.append("Authorization: Basic \(FormText.base64(Array(pair.utf8)))")
      }
    }
    let body = fields.map { "\($0.0)=\(FormText.encode($0.1))" }.joined(separator: "&")
    let json = try await json(configuration.token, provider, headers: headers, body: body)
    guard let text = json["id_token"]?.string else { throw unreachable(provider, "no id_token") }
    return (try await check(text, of: provider, configuration, nonce: nonce), json["access_token"]?.string)
  }

  private func check(
    _ text: String, of provider: IdentityProvider, _ configuration: Configuration, nonce: String
  ) async throws -> IDToken {
    func attempt(_ keys: [JWSPublicKey]) throws(IDTokenFailure) -> IDToken {
      try IDToken(
        text, keys: keys, issuer: provider.issuer, client: provider.client, nonce: nonce, now: clock.now())
    }
    do {
      let keys = try await keys(of: provider, configuration, again: false)
      do throws(IDTokenFailure) {
        return try attempt(keys)
      } catch {
        guard error == .unknownKey else { throw error }
      }
      return try attempt(try await self.keys(of: provider, configuration, again: true))
    } catch let failure as IDTokenFailure {
      log(.warning, "id-token-refused", ["provider": .string(provider.code), "reason": .string(failure.rawValue)])
      throw Refusal(
        .unprocessable, "id-token-\(failure.rawValue)",
        "“\(provider.name)”的答复没有通过校验，没有登录。请重新登录；仍不成功的，请换一种登录方式并告诉我们页面编号。")
    }
  }

  private func keys(
    of provider: IdentityProvider, _ configuration: Configuration, again: Bool
  ) async throws -> [JWSPublicKey] {
    let now = clock.now()
    let entry = known.withLock { $0[provider.issuer] } ?? Known()
    let age = now - entry.keysAt
    if !entry.keys.isEmpty, age < Double(again ? OpenIDClient.keyPause : OpenIDClient.lifetime) { return entry.keys }
    let json = try await json(configuration.keys, provider)
    // A set may hold keys for other uses and of other kinds; they are no fault.
    let keys = (json["keys"]?.array ?? []).prefix(50).compactMap { try? JWSPublicKey(jwk: $0) }
    known.withLock {
      $0[provider.issuer, default: Known()].keys = keys
      $0[provider.issuer, default: Known()].keysAt = now
    }
    return keys
  }

  /// What the provider tells of the person beside the token (UserInfo, OpenID Connect Core 1.0 §5.3).
  func userInfo(_ access: String, of provider: IdentityProvider, subject: String) async throws -> JSON? {
    guard let url = try await configuration(of: provider).userInfo, access.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { return nil }
    let json = try await json(url, provider, headers: ["Accept: application/json", "Authorization: Bearer \(access)"])
    guard json["sub"]?.string == subject else { throw unreachable(provider, "userinfo of another subject") }
    return json
  }

  private func json(
    _ url: String, _ provider: IdentityProvider, headers: [String] = ["Accept: application/json"], body: String? = nil
  ) async throws -> JSON {
    let answer: Answer
    do {
      answer = try await fetch(url, headers, body)
    } catch {
      throw unreachable(provider, "\(error)")
    }
    guard answer.status == 200, let json = try? JSON(parsing: answer.body), json.object != nil else {
      throw unreachable(provider, "status \(answer.status)")
    }
    return json
  }

  private func unreachable(_ provider: IdentityProvider, _ reason: String) -> Refusal {
    log(.warning, "identity-provider", ["provider": .string(provider.code), "reason": .string(reason)])
    return Refusal(
      .unavailable, "provider-unreachable", "“\(provider.name)”暂时连接不上，没有登录。请过几分钟再试，或换一种登录方式。")
  }
}

/// What a form body and a basic header need (RFC 6749 appendix B).
package enum FormText {
  package static func encode(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
        UInt8(ascii: "~"):
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      default: encoded += "%" + Hex.encode([byte]).uppercased()
      }
    }
    return encoded
  }

  static func base64(_ bytes: [UInt8]) -> String {
    let text = String(Base64URL.encode(bytes).map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
    return text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
  }
}
