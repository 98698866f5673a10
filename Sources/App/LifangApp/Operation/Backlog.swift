import Core
import SQL

/// A queue of the platform: how much waits in it and for how long, for the page and for the figures.
struct Backlog: Sendable {
  /// What figures call it.
  let code: String
  let name: String
  let waiting: Int64
  let oldest: Instant?
  /// Of the last 24 hours.
  let failed: Int64
  let path: String?

  static func all(in database: Database, at now: Instant) async throws -> [Backlog] {
    let dayAgo = now + -86_400
    let results = try await database.pipeline([
      """
      select (select count(*) from job where state in ('waiting', 'running')) as waiting,
        (select min(run_at) from job where state = 'waiting' and run_at <= \(now)) as oldest,
        (select count(*) from job where state = 'failed' and finished_at > \(dayAgo)) as failed
      """,
      """
      select (select count(*) from message_delivery where state = 'queued') as waiting,
        (select min(run_at) from message_delivery where state = 'queued' and run_at <= \(now)) as oldest,
        (select count(*) from message_delivery where state = 'failed' and finished_at > \(dayAgo)) as failed
      """,
      """
      select (select count(*) from case_timer where due_at <= \(now)) as waiting,
        (select min(due_at) from case_timer where due_at <= \(now)) as oldest, 0::bigint as failed
      """,
      """
      select (select count(*) from ferry_outbox where acknowledged_at is null) as waiting,
        (select min(created_at) from ferry_outbox where acknowledged_at is null) as oldest,
        (select count(*) from ferry_inbox where state = 'held') as failed
      """,
    ])
    let names: [(code: String, label: String, path: String?)] = [
      ("jobs", "后台任务", nil), ("messages", "消息发送", "/messages/log?state=failed"), ("timers", "办件时限", nil),
      ("ferry", "网间摆渡", "/ferry"),
    ]
    return try zip(names, results).compactMap { name, rows in
      guard let row = rows.first else { return nil }
      return Backlog(
        code: name.code, name: name.label, waiting: try row.get("waiting"), oldest: try row.get("oldest"),
        failed: try row.get("failed"), path: name.path)
    }
  }
}
