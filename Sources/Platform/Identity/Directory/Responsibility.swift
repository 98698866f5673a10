package import Access
package import Core
package import SQL

/// Finds who answers for something in a place (办理人): holders of roles and posts in the units responsible there.
package struct Responsibility: Sendable {
  /// Somebody who holds what was asked for.
  package struct Holder: Sendable, Hashable {
    package let user: Int64
    package let name: String
    /// The unit for which it is held.
    package let unit: Int64
    package let unitName: String
  }

  /// A role or post in one unit, whose holders share what is to be done (候选办理).
  package struct Pool: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
      case role
      case post
      /// Everybody of the unit.
      case unit
    }

    package let kind: Kind
    /// The code of the role or post; empty for a unit.
    package let code: String
    package let unit: Int64

    package init(_ kind: Kind, _ code: String, unit: Int64) {
      self.kind = kind
      self.code = code
      self.unit = unit
    }
  }

  package let clock: WallClock

  package init(clock: WallClock) { self.clock = clock }

  /// Who is in which pool today.
  private var holdings: SQL {
    let today = clock.now().chinaTime.date
    let active: SQL = "u.status = 'active' and (u.expires_on is null or u.expires_on >= \(today))"
    return """
      select 'role' as kind, r.code, u.id as user_id, u.name, coalesce(h.unit_id, u.unit_id) as unit_id
      from user_role h join role r on r.id = h.role_id join app_user u on u.id = h.user_id
      where \(active) and r.active and (h.effective_on is null or h.effective_on <= \(today))
        and (h.expires_on is null or h.expires_on >= \(today))
        and (r.effective_from is null or r.effective_from <= \(clock.now()))
        and (r.expires_on is null or r.expires_on >= \(today))
      union all
      select 'post', p.code, u.id, u.name, u.unit_id from app_user u join post p on p.id = u.post_id
      where \(active) and p.code is not null
      union all
      select 'unit', n.code, u.id, u.name, u.unit_id from app_user u join unit n on n.id = u.unit_id where \(active)
      """
  }

  /// The holders of each role (or post, or unit by its code), in the nearest unit that has any: the most special one
  /// below `unit` that covers `division`, else `unit` itself, else the first above it.
  ///
  /// - Parameter codes: what is asked for; a unit's code finds that unit's people wherever it is.
  package func nearest(
    _ kind: Pool.Kind, _ codes: [String], to unit: Int64, division: String, in session: some SQLSession
  ) async throws -> [String: [Holder]] {
    guard !codes.isEmpty else { return [:] }
    let rows = try await session.query(
      """
      with place as (select path from unit where id = \(unit)),
      held as (select * from (\(holdings)) a where kind = \(kind.rawValue) and code = any(\(codes))),
      ranked as (
        select held.*, length(n.path) as depth, n.name as unit_name
        from held join unit n on n.id = held.unit_id cross join place
        where \(kind == .unit) or starts_with(place.path, n.path)
          or (starts_with(n.path, place.path) and n.division_code <> '' and starts_with(\(division), n.division_code)))
      select code, user_id, name, unit_id, unit_name from ranked r
      where depth = (select max(depth) from ranked s where s.code = r.code) order by code, unit_id, user_id
      """)
    var found: [String: [Holder]] = [:]
    for row in rows {
      let holder = Holder(
        user: try row.get("user_id"), name: try row.get("name"), unit: try row.get("unit_id"),
        unitName: try row.get("unit_name"))
      // Two units alike deep would be two pools; the first counts.
      let code: String = try row.get("code")
      if let first = found[code]?.first, first.unit != holder.unit { continue }
      found[code, default: []].append(holder)
    }
    return found
  }

  /// The unit that covers `division` most specially and has somebody in one of `roles`; `nil` when none has.
  package func unit(withRoles roles: [String], covering division: String, in session: some SQLSession) async throws
    -> Int64?
  {
    guard !division.isEmpty else { return nil }
    return try await session.query(
      """
      select n.id from unit n
      where n.division_code <> '' and starts_with(\(division), n.division_code) and n.active
        and exists (select 1 from (\(holdings)) a where kind = 'role' and code = any(\(roles)) and a.unit_id = n.id)
      order by length(n.division_code) desc, n.id limit 1
      """
    ).first?.get("id")
  }

  /// The unit that covers `division` most specially, whoever is in it.
  package func unit(covering division: String, in session: some SQLSession) async throws -> Int64? {
    guard !division.isEmpty else { return nil }
    return try await session.query(
      """
      select id from unit where division_code <> '' and starts_with(\(division), division_code) and active
      order by length(division_code) desc, id limit 1
      """
    ).first?.get("id")
  }

  /// Who holds a right in `unit` or above it, the nearest first: who may be asked to decide.
  package func holders(of permission: Permission, near unit: Int64, limit: Int, in session: some SQLSession)
    async throws
    -> [Holder]
  {
    let rows = try await session.query(
      """
      select distinct a.user_id, a.name, a.unit_id, n.name as unit_name, length(n.path) as depth
      from (\(holdings)) a join role r on r.code = a.code join role_grant g on g.role_id = r.id
        join unit n on n.id = a.unit_id
      where a.kind = 'role' and g.subject in (\(permission.subject), '*') and g.action in (\(permission.action), '*')
        and starts_with((select path from unit where id = \(unit)), n.path)
      order by depth desc, a.name limit \(limit)
      """)
    return try rows.map {
      Holder(
        user: try $0.get("user_id"), name: try $0.get("name"), unit: try $0.get("unit_id"),
        unitName: try $0.get("unit_name"))
    }
  }

  /// Everybody who holds a right now, wherever: who is told of what concerns the whole platform.
  package func everyone(with permission: Permission, in session: some SQLSession) async throws -> [Int64] {
    try await session.query(
      """
      select distinct a.user_id from (\(holdings)) a join role r on r.code = a.code join role_grant g on g.role_id = r.id
      where a.kind = 'role' and g.subject in (\(permission.subject), '*') and g.action in (\(permission.action), '*')
      order by 1
      """
    ).map { try $0.get("user_id") }
  }

  /// The unit that covers a division most closely and has somebody who holds a right there.
  package func unit(covering division: String, with permission: Permission, in session: some SQLSession) async throws
    -> Int64?
  {
    try await session.query(
      """
      select u.id from unit u
      where u.active and u.division_code is not null and starts_with(\(division), u.division_code)
        and exists (
          select from (\(holdings)) a join role r on r.code = a.code join role_grant g on g.role_id = r.id
          where a.kind = 'role' and a.unit_id = u.id and g.subject in (\(permission.subject), '*')
            and g.action in (\(permission.action), '*'))
      order by length(u.division_code) desc, length(u.path), u.id limit 1
      """
    ).first?.get("id")
  }

  /// The pools a user is in.
  package func pools(of user: Int64, in session: some SQLSession) async throws -> Set<Pool> {
    let rows = try await session.query(
      "select kind, code, unit_id from (\(holdings)) a where user_id = \(user) and unit_id is not null")
    return Set(
      try rows.compactMap { row in
        guard let kind = Pool.Kind(rawValue: try row.get("kind")) else { return nil }
        return Pool(kind, try row.get("code"), unit: try row.get("unit_id"))
      })
  }

  /// Of `users`, those who may be handed work: active staff of the same administration as `unit`, and none of the three
  /// separated administrators.
  package func staff(of users: [Int64], near unit: Int64, in session: some SQLSession) async throws -> Set<Int64> {
    Set(
      try await session.query(
        """
        select u.id from app_user u join unit n on n.id = u.unit_id
        where u.id = any(\(users.map(String.init))::bigint[]) and u.status = 'active' and u.separation is null
          and starts_with(n.path, (select split_part(path, '.', 1) || '.' from unit where id = \(unit)))
        """
      ).map { try $0.get("id", as: Int64.self) })
  }

  /// The users of a pool.
  package func members(of pool: Pool, in session: some SQLSession) async throws -> [Int64] {
    try await session.query(
      """
      select user_id from (\(holdings)) a
      where kind = \(pool.kind.rawValue) and code = \(pool.code) and unit_id = \(pool.unit) order by user_id
      """
    ).map { try $0.get("user_id") }
  }

  /// Of `roles`, those that a user holds, in the given order.
  package func held(_ roles: [String], by user: Int64, in session: some SQLSession) async throws -> [String] {
    let pools = try await pools(of: user, in: session)
    return roles.filter { role in pools.contains { $0.kind == .role && $0.code == role } }
  }

  /// People that a task may be handed to: active users of `unit` and the units below and beside it, by name.
  package func colleagues(of unit: Int64, matching text: String, limit: Int, in session: some SQLSession) async throws
    -> [Holder]
  {
    let rows = try await session.query(
      """
      select u.id as user_id, u.name, n.id as unit_id, n.name as unit_name
      from app_user u join unit n on n.id = u.unit_id
      where u.status = 'active' and u.separation is null and (\(text) = '' or u.name like '%' || \(text) || '%' or n.name like '%' || \(text) || '%')
        and (starts_with(n.path, (select split_part(path, '.', 1) || '.' from unit where id = \(unit))))
      order by (n.id = \(unit)) desc, n.path, u.name limit \(limit)
      """)
    return try rows.map {
      Holder(
        user: try $0.get("user_id"), name: try $0.get("name"), unit: try $0.get("unit_id"),
        unitName: try $0.get("unit_name"))
    }
  }
}
