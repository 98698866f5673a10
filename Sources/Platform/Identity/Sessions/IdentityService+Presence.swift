package import Access
import Core
import SQL

/// How many users of a unit and everything below it are on line (在线人数, C-549).
package struct UnitPresence: Sendable, Hashable {
  package let id: Int64
  package let name: String
  /// Active accounts.
  package let users: Int64
  /// Of these, with a session that was used a short while ago.
  package let online: Int64
}

extension IdentityService {
  /// The units down to the stations, each with all below it, in the order of the tree.
  ///
  /// - Throws: ``Refusal`` without the right `session.view`.
  package func onlineByUnit(by principal: Principal, limit: Int = 300) async throws -> [UnitPresence] {
    try principal.require(Permission("session", "view"), toDo: "查看在线用户")
    let now = clock.now()
    return try await database.query(
      """
      with present as (
        select u.id, n.path, exists (
            select 1 from session s where s.user_id = u.id and s.ended_at is null and s.expires_at > \(now)
              and s.last_seen_at > \(now + -idleSeconds)) as online
        from app_user u join unit n on n.id = u.unit_id where u.status = 'active')
      select n.id, n.name, count(p.id) as users, count(p.id) filter (where p.online) as online
      from unit n join present p on starts_with(p.path, n.path)
      where n.active group by n.id, n.name, n.path order by n.path limit \(limit)
      """
    ).map {
      UnitPresence(
        id: try $0.get("id"), name: try $0.get("name"), users: try $0.get("users"), online: try $0.get("online"))
    }
  }
}
