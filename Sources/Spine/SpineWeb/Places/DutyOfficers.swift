package import SQL

/// Who answers for a beat, as the directory of the police has it (社区民警, A-159): accounts with a beat (责任区) in the unit of
/// a police station or below it. What is typed by hand at a station counts only where the directory has nobody at all.
///
/// Their numbers (警号) are the accounts they sign in with and no part of this: it stands on public pages.
package struct DutyOfficers: Sendable {
  /// Whoever answers for a beat, as anybody may know them: name, beat and service telephone.
  package struct Officer: Sendable, Hashable {
    package let name: String
    package let beat: String
    package let phone: String?
  }

  let session: any SQLSession

  package init(_ session: any SQLSession) { self.session = session }

  /// All of a unit and below it, by beat.
  package func of(unit: Int64) async throws -> [Officer] {
    try await session.query(
      """
      select u.name, u.beat, u.service_phone
      from unit o join unit n on starts_with(n.path, o.path) join app_user u on u.unit_id = n.id
      where o.id = \(unit) and u.status = 'active' and u.beat is not null order by u.beat, u.account limit 30
      """
    ).map {
      Officer(
        name: try $0.get("name"), beat: try $0.get("beat"), phone: try $0.get("service_phone"))
    }
  }

  /// Whether a change of these accounts may change what public pages show.
  package func concern(_ users: [Int64]) async throws -> Bool {
    let rows = try await session.query(
      """
      select 1 from app_user where id = any(\(users)) and beat is not null
      union all select 1 from app_user_history where id = any(\(users)) and beat is not null limit 1
      """)
    return !rows.isEmpty
  }
}
