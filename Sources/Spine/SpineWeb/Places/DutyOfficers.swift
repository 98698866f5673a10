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

  /// For a query with an address `a` and its station `s`: the officer of the address's beat, whether by the name of the
  /// beat or by being posted to its police room; `is_listed` says whether the directory knows the station at all.
  static let ofAddress: SQL = """
    left join lateral (
      select true as is_listed,
        (array_agg(u.name order by u.account) filter (where \(answers)))[1] as name,
        (array_agg(u.service_phone order by u.account) filter (where \(answers)))[1] as phone
      from unit o join unit n on starts_with(n.path, o.path) join app_user u on u.unit_id = n.id
      where o.id = s.unit_id and u.status = 'active' and u.beat is not null
      having count(*) > 0) w on s.unit_id is not null
    """

  private static let answers: SQL = """
    u.beat = a.beat or n.id in (
      select r.unit_id from police_station r where r.kind = 'room' and r.parent_id = s.id and r.name = a.beat)
    """

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
