package import Core
package import SQL

/// How many identities of platforms were bound to accounts and taken off again, as sums (C-260).
package enum IdentityBindings {
  package struct Day: Sendable {
    package let day: CivilDate
    /// 绑定 (关注).
    package let bound: Int64
    /// 解绑 (取消关注).
    package let unbound: Int64
    /// Accounts of residents that were opened, and were bound to the platform that is asked about.
    package let registered: Int64
  }

  /// Each day (China Standard Time) between two dates, both included; days without any are missing. What was bound and taken
  /// off again counts as both.
  ///
  /// Reads past the data scope: nothing of it says who.
  ///
  /// - Parameter provider: one platform; `nil` for all, where every opened account counts.
  /// - Throws: what the query throws.
  package static func daily(
    from: CivilDate, to: CivilDate, provider: Int64? = nil, in database: Database
  ) async throws -> [Day] {
    let (since, until) = (from.start, to.adding(days: 1).start)
    let one: SQL = provider.map { "and b.provider_id = \($0)" } ?? ""
    let owned: SQL = provider == nil ? "" : "and exists (select from every b where b.user_id = u.id \(one))"
    return try await database.transaction { transaction in
      try await transaction.execute("select set_config('lifang.scope_identity_binding', '{\"all\":true}', true)")
      return try await transaction.query(
        """
        with every as (
          select user_id, provider_id, created_at, null::timestamptz as ended_at from identity_binding
          union all
          select user_id, provider_id, created_at, valid_to from identity_binding_history where operation = 'delete'),
        happened as (
          select b.created_at as at, 'bound' as what from every b
            where b.created_at >= \(since) and b.created_at < \(until) \(one)
          union all
          select b.ended_at, 'unbound' from every b where b.ended_at >= \(since) and b.ended_at < \(until) \(one)
          union all
          select u.created_at, 'registered' from app_user u
            where u.unit_id is null and u.created_at >= \(since) and u.created_at < \(until) \(owned))
        select (at at time zone 'Asia/Shanghai')::date as day, count(*) filter (where what = 'bound') as bound,
          count(*) filter (where what = 'unbound') as unbound, count(*) filter (where what = 'registered') as registered
        from happened group by 1
        """
      ).map {
        Day(
          day: try $0.get("day"), bound: try $0.get("bound"), unbound: try $0.get("unbound"),
          registered: try $0.get("registered"))
      }
    }
  }

  /// Accounts of residents that are bound to a platform now.
  ///
  /// - Throws: what the query throws.
  package static func accounts(of provider: Int64, in database: Database) async throws -> Int {
    try await database.transaction { transaction in
      try await transaction.execute("select set_config('lifang.scope_identity_binding', '{\"all\":true}', true)")
      return try await transaction.first(
        """
        select count(distinct u.id)::int as count from app_user u join identity_binding b on b.user_id = u.id
        where u.unit_id is null and b.provider_id = \(provider)
        """
      )?.get("count") ?? 0
    }
  }
}
