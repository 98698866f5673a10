package import Core
package import SQL

/// Accounts of residents (群众账号), as sums.
package enum ResidentAccounts {
  /// How many there are: counted, since lists only estimate what is many.
  ///
  /// - Throws: what the query throws.
  package static func all(_ session: some SQLSession) async throws -> Int {
    try await session.query("select count(*)::int as count from app_user where unit_id is null").first?.get("count")
      ?? 0
  }

  /// How many were opened on each day (China Standard Time) between two dates, both included; days without any are missing.
  ///
  /// - Throws: what the query throws.
  package static func opened(
    from: CivilDate, to: CivilDate, _ session: some SQLSession
  ) async throws -> [(day: CivilDate, count: Int64)] {
    try await session.query(
      """
      select (created_at at time zone 'Asia/Shanghai')::date as day, count(*) as count from app_user
      where unit_id is null and created_at >= \(from.start) and created_at < \(to.adding(days: 1).start) group by 1
      """
    ).map { (try $0.get("day"), try $0.get("count")) }
  }
}
