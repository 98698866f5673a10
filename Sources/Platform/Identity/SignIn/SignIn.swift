package import Audit
import Core

/// What somebody typed in to sign in.
package struct SignInAttempt: Sendable, CustomStringConvertible, CustomReflectable {
  package let account: String
  package let password: String
  package let origin: Origin

  package init(account: String, password: String, origin: Origin) {
    self.account = account
    self.password = password
    self.origin = origin
  }

  package var description: String { "SignInAttempt" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// What a right password leads to.
package enum SignInOutcome: Sendable {
  case signedIn(OpenedSession)
  /// A code of the authenticator app, or a recovery code, is asked for; the challenge stands five minutes.
  case secondFactorNeeded(challenge: String)
}

/// Why a sign-in was refused, as the log-in register keeps it (登录日志).
enum SignInReason: String, Sendable {
  case wrongPassword = "wrong_password"
  case unknownAccount = "unknown_account"
  case locked
  case noPassword = "no_password"
  case notAllowed = "not_allowed"
  case wrongCode = "wrong_code"
  case unknownCertificate = "unknown_certificate"
  case revokedCertificate = "revoked_certificate"
}
