import Core

/// Why a request to sign in goes back to the system that sent it, in the words of the specifications (RFC 6749 §4.1.2.1,
/// OpenID Connect Core 1.0 §3.1.2.6).
package enum AuthorizationFault: String, Sendable, Hashable {
  case invalidRequest = "invalid_request"
  case unsupportedResponseType = "unsupported_response_type"
  case invalidScope = "invalid_scope"
  case requestNotSupported = "request_not_supported"
  case requestURINotSupported = "request_uri_not_supported"
  case loginRequired = "login_required"
  case interactionRequired = "interaction_required"
  case accessDenied = "access_denied"
}

/// An answer that says no, to the registered address of the system that asked.
package struct AuthorizationError: Error, Sendable {
  /// What the other system is told.
  package let fault: AuthorizationFault
  /// For the developers of the other system, in plain ASCII as the specification demands.
  package let detail: String
  /// Where the browser takes it to.
  package let redirect: ApplicationAddress
  /// What the request sent along, to be given back.
  package let state: String?
}

/// What an application may ask to know.
package enum SignOnScope: String, Sendable, Hashable, CaseIterable {
  case openid
  /// Name, account, unit and roles.
  case profile
  /// The mobile number; only for applications whose record allows it.
  case phone
  /// The application's own permissions.
  case permissions
}

/// A request of another system to sign somebody in (OpenID Connect Core 1.0 §3.1.2.1), proven.
package struct AuthorizationRequest: Sendable {
  /// Who asks.
  package let application: ClientApplication
  /// Where the browser returns to, one of its registered addresses.
  package let redirect: ApplicationAddress
  /// What it sent along, to be given back.
  package let state: String?
  /// Comes back in the ID token, so that it passes for no other request.
  package let nonce: String?
  /// What it may know, as far as it asked for it.
  package let scopes: [SignOnScope]
  /// RFC 7636, S256.
  let challenge: String
  /// `prompt=none`: nobody may be shown anything.
  package let isSilent: Bool
  let asksSignIn: Bool
  let maximumAge: Int64?
  /// When a forced sign-in was asked for by this site (``SignOn/freshness(of:)``), as it came back.
  let fresh: String?

  private static let names: Set = [
    "client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
    "prompt", "max_age", "response_mode", "request", "request_uri",
  ]

  /// Reads the parameters of a request whose client and address are known to belong together.
  ///
  /// - Throws: ``AuthorizationError`` that goes back to the client.
  init(
    _ items: [(name: String, value: String)], application: ClientApplication, redirect: ApplicationAddress
  ) throws(AuthorizationError) {
    func first(_ name: String) -> String? { items.first { $0.name == name && !$0.value.isEmpty }?.value }
    let state = first("state")
    func wrong(_ fault: AuthorizationFault, _ detail: String) -> AuthorizationError {
      AuthorizationError(fault: fault, detail: detail, redirect: redirect, state: state)
    }
    let known = items.map { $0.name }.filter(AuthorizationRequest.names.contains)
    guard Set(known).count == known.count else { throw wrong(.invalidRequest, "a parameter occurs more than once") }
    if first("request") != nil { throw wrong(.requestNotSupported, "request objects are not supported") }
    if first("request_uri") != nil { throw wrong(.requestURINotSupported, "request_uri is not supported") }
    guard let type = first("response_type") else { throw wrong(.invalidRequest, "response_type is missing") }
    guard type == "code" else { throw wrong(.unsupportedResponseType, "only response_type=code is supported") }
    guard ["query", nil].contains(first("response_mode")) else {
      throw wrong(.invalidRequest, "only response_mode=query is supported")
    }
    let scopes = (first("scope") ?? "").split(separator: " ").compactMap { SignOnScope(rawValue: String($0)) }
    guard scopes.contains(.openid) else { throw wrong(.invalidScope, "scope must contain openid") }
    guard first("code_challenge_method") == "S256", let challenge = first("code_challenge"),
      challenge.utf8.count == 43, challenge.utf8.allSatisfy(AuthorizationRequest.isOfProof)
    else { throw wrong(.invalidRequest, "code_challenge with code_challenge_method=S256 is required") }
    guard (state ?? "").utf8.count <= 2000, (first("nonce") ?? "").utf8.count <= 500 else {
      throw wrong(.invalidRequest, "state or nonce is too long")
    }
    let prompts = Set((first("prompt") ?? "").split(separator: " "))
    guard !prompts.contains("none") || prompts.count == 1 else {
      throw wrong(.invalidRequest, "prompt=none stands alone")
    }
    var maximumAge: Int64?
    if let text = first("max_age") {
      guard let age = Int64(text), (0...1_000_000_000).contains(age) else {
        throw wrong(.invalidRequest, "max_age is a number of seconds")
      }
      maximumAge = age
    }
    self.application = application
    self.redirect = redirect
    self.state = state
    nonce = first("nonce")
    self.scopes = SignOnScope.allCases.filter(scopes.contains)
    self.challenge = challenge
    isSilent = prompts.contains("none")
    asksSignIn = prompts.contains("login") || prompts.contains("select_account")
    self.maximumAge = maximumAge
    fresh = first("fresh")
  }

  /// The letters of a verifier and of a challenge (RFC 7636 §4.1).
  static func isOfProof(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122, 45, 46, 95, 126: true
    default: false
    }
  }

  /// An answer of no to this very request.
  package func error(_ fault: AuthorizationFault, _ detail: String) -> AuthorizationError {
    AuthorizationError(fault: fault, detail: detail, redirect: redirect, state: state)
  }

  /// Whether somebody who signed in at `time` has to do so again.
  ///
  /// - Parameter asked: when this site demanded it for this very request: a later sign-in is new enough.
  func needsSignIn(signedInAt time: Instant, asked: Instant?, now: Instant) -> Bool {
    if let asked, now - asked <= Double(SignOn.patience), time >= asked { return false }
    if asksSignIn { return true }
    return maximumAge.map { now - time > Double($0) } ?? false
  }
}
