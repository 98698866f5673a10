import Core
package import Identity
import SQL

/// Signing out, begun by another system (OpenID Connect RP-Initiated Logout 1.0).
extension SignOn {
  /// A request to sign out, proven.
  package struct Departure: Sendable {
    /// Who sends it, when it says so and is known.
    package let application: ClientApplication?
    /// Where the browser goes afterwards.
    package let back: ApplicationAddress?
    /// What the system sent along, to be given back.
    package let state: String?
    /// The session in that system, by a token that we signed.
    let sid: String?

    /// Where the browser goes afterwards, with what the system sent along.
    package var location: String? {
      back?.adding(state.map { [(name: "state", value: $0)] } ?? [], encode: FormText.encode)
    }
  }

  /// Reads a request. A token that has run out still tells whose session it was for.
  ///
  /// - Throws: ``Refusal`` `application-return` for an address that is not registered; nobody is sent there.
  package func departure(
    hint: String?, client: String?, back: String?, state: String?
  ) async throws -> Departure {
    var sid: String?
    var code = client
    if let hint, let claims = try await keys.claims(of: hint), claims["iss"]?.string == issuer,
      let audience = claims["aud"]?.string, client == nil || client == audience
    {
      code = audience
      sid = claims["sid"]?.string
    }
    let application = try await self.application(code ?? "")
    var target: ApplicationAddress?
    if let back, !back.isEmpty {
      target = application?.logoutReturns.first { $0.url == back }
      guard target != nil else {
        throw Refusal(
          .invalid, "application-return", "要求退出后返回的地址没有登记，没有退出。请在本系统右上角退出，或告诉该系统的管理员。")
      }
    }
    return Departure(
      application: application, back: target, state: state.flatMap { $0.utf8.count <= 2000 ? $0 : nil }, sid: sid)
  }

  /// Whether the request proves that it comes from a system that this very session was used for: then nobody is asked.
  package func isOwn(_ departure: Departure, _ session: Session) async throws -> Bool {
    guard let sid = departure.sid else { return false }
    return try await database.first(
      "select 1 from client_session where sid = \(sid) and session_id = \(session.id) and user_id = \(session.user.id)"
    ) != nil
  }

  /// The names of the systems that a session is used for now.
  package func entered(from session: Int64) async throws -> [String] {
    try await database.query(
      """
      select a.name from client_session c join client_application a on a.id = c.application_id
      where c.session_id = \(session) and c.ended_at is null order by a.name
      """
    ).values()
  }
}
