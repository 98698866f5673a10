package import Core
import SQL

/// Sign-ins of one day (登录统计).
package struct SignInDay: Sendable, Hashable {
  package let day: CivilDate
  package let succeeded: Int64
  package let refused: Int64
  /// Different users that signed in.
  package let users: Int64
}

extension IdentityService {
  /// Sign-ins by day between two dates, both included.
  package func signInDays(from: CivilDate, to: CivilDate) async throws -> [SignInDay] {
    try await database.query(
      """
      select (occurred_at at time zone 'Asia/Shanghai')::date as day,
        count(*) filter (where outcome = 'success') as succeeded, count(*) filter (where outcome <> 'success') as refused,
        count(distinct user_id) filter (where outcome = 'success') as users
      from login_log where occurred_at >= \(from.start) and occurred_at < \(to.adding(days: 1).start)
      group by 1 order by 1
      """
    ).map { row in
      SignInDay(
        day: try row.get("day"), succeeded: try row.get("succeeded"), refused: try row.get("refused"),
        users: try row.get("users"))
    }
  }
}
