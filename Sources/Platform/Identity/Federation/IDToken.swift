package import Core
package import Crypto

/// Why a token of a provider is not believed; the code goes to the log, the person reads a neutral sentence.
package enum IDTokenFailure: String, Error, Sendable, Hashable {
  case malformed
  /// `none`, a symmetric one, or another than the key is for.
  case algorithm
  case unknownKey = "unknown-key"
  case signature
  case issuer
  case audience
  case expired
  /// Issued in the future.
  case early
  case nonce
  case subject
}

/// A token in which a provider says who signed in (ID Token, OpenID Connect Core 1.0 §2), checked as §3.1.3.7 asks.
package struct IDToken: Sendable {
  /// `sub`: how the provider calls the person, for ever.
  package let subject: String
  package let claims: JSON

  /// Seconds by which clocks may differ.
  package static let leeway: Int64 = 60
  /// Seconds after which even a token that has not expired is too old for a sign-in that was begun just now.
  package static let maximumAge: Int64 = 900

  /// Checks signature and claims.
  ///
  /// - Parameters:
  ///   - keys: those that the provider publishes now.
  ///   - client: our own id at the provider.
  ///   - nonce: what was sent along when the sign-in was begun.
  package init(
    _ text: String, keys: [JWSPublicKey], issuer: String, client: String, nonce: String, now: Instant
  ) throws(IDTokenFailure) {
    guard let token = CompactJWS(text) else { throw .malformed }
    guard let algorithm = token.algorithm else { throw .algorithm }
    let key = try IDToken.key(token.header["kid"]?.string, algorithm, among: keys)
    guard token.isSigned(by: key) else { throw .signature }
    let claims = token.claims
    try IDToken.check(claims, issuer: issuer, client: client, nonce: nonce, now: now)
    guard let subject = claims["sub"]?.string, !subject.isEmpty, subject.utf8.count <= 255 else { throw .subject }
    self.subject = subject
    self.claims = claims
  }

  /// The key a token names; without a name the only one of its algorithm.
  private static func key(
    _ id: String?, _ algorithm: JWSAlgorithm, among keys: [JWSPublicKey]
  ) throws(IDTokenFailure) -> JWSPublicKey {
    if let id {
      guard let key = keys.first(where: { $0.id == id }) else { throw .unknownKey }
      guard key.algorithm == algorithm else { throw .algorithm }
      return key
    }
    let fitting = keys.filter { $0.algorithm == algorithm }
    guard fitting.count == 1 else { throw .unknownKey }
    return fitting[0]
  }

  private static func check(
    _ claims: JSON, issuer: String, client: String, nonce: String, now: Instant
  ) throws(IDTokenFailure) {
    guard claims["iss"]?.string == issuer else { throw .issuer }
    let audiences = claims["aud"]?.string.map { [$0] } ?? claims["aud"]?.array?.compactMap(\.string) ?? []
    guard audiences.contains(client) else { throw .audience }
    let party = claims["azp"]?.string
    guard party == nil ? audiences.count == 1 : party == client else { throw .audience }
    guard let expiry = claims["exp"]?.double, let issued = claims["iat"]?.double else { throw .malformed }
    let time = Double(now.seconds)
    guard time < expiry + Double(leeway), time - issued <= Double(maximumAge) else { throw .expired }
    guard issued <= time + Double(leeway), (claims["nbf"]?.double ?? issued) <= time + Double(leeway) else {
      throw .early
    }
    guard let said = claims["nonce"]?.string, constantTimeEqual(said, nonce) else { throw .nonce }
  }
}
