package import Audit
import Core
import SQL

extension IdentityService {
  /// Opens a session for whoever holds the key of a certificate (PKI 登录, C-508): the proxy has proved chain, validity and
  /// the list of revoked ones; here it has to be registered for an account that may sign in now.
  ///
  /// - Throws: ``Refusal`` `certificate-unknown`, `certificate-revoked`, `account-locked`, and what any sign-in is refused by.
  package func signIn(
    certificate: ClientCertificate, origin: Origin, replacing old: String? = nil
  ) async throws -> OpenedSession {
    let address = origin.remoteAddress ?? ""
    if let wait = attempts.count(
      "address " + address, limit: policy.attemptsPerMinutePerAddress, at: clock.now())
    {
      throw Refusal(.tooMany, "sign-in-too-often", "登录太频繁，请 \(wait) 秒后再试。")
    }
    let row = try await database.first(
      "select user_id, state from sign_in_certificate where fingerprint = \(certificate.fingerprint)")
    guard let row, let candidate = try await candidate("u.id = \(row.get("user_id", as: Int64.self))") else {
      try await note(.unknownCertificate, origin, "证书", nil, method: "certificate")
      throw Refusal(
        .forbidden, "certificate-unknown",
        "这张证书（指纹尾号 \(certificate.ending)）没有登记给任何账号，没有登录。请联系安全保密管理员登记，或用账号密码登录。")
    }
    let account = candidate.user.account
    guard try row.get("state", as: String.self) == "on" else {
      try await note(.revokedCertificate, origin, account, candidate.user, method: "certificate")
      throw Refusal(
        .forbidden, "certificate-revoked", "这张证书（指纹尾号 \(certificate.ending)）已停用，没有登录。请换用新证书，或联系安全保密管理员。")
    }
    let digest = fingerprint(account: account)
    if let until = try await lockedUntil(digest) {
      try await note(.locked, origin, account, candidate.user, method: "certificate")
      throw lockedRefusal(until)
    }
    if let refusal = candidate.user.refusal(address: origin.remoteAddress, at: clock.now()) {
      try await note(.notAllowed, origin, account, candidate.user, method: "certificate")
      throw refusal
    }
    // The medium and its PIN are two factors.
    return try await open(
      candidate.user, digest, origin, secondFactor: true, replacing: old, method: "certificate")
  }
}
