import Core
import SQL
import Site

/// Figures that are read when somebody asks for them, beside those that are counted as things happen: `/metrics` and the
/// rules of alarms see the same (C-614).
struct RunGauges: Sendable {
  let deployment: Deployment

  /// Brings them up to date. What the database cannot tell stays as it was.
  func refresh() async throws {
    let metrics = deployment.metrics
    let now = deployment.clock.now()
    deployment.database.reportGauges()
    let disk = RunSampler.disk(deployment.configuration.data)
    if disk.whole > 0 {
      metrics.set("lifang_disk_free_percent", to: Double(disk.free) * 100 / Double(disk.whole))
    }
    for backlog in try await Backlog.all(in: deployment.database, at: now) where backlog.code != "ferry" {
      metrics.set("lifang_\(backlog.code)_oldest_seconds", to: backlog.oldest.map { max(0, now - $0) } ?? 0)
      if backlog.code == "messages" { metrics.set("lifang_messages_failed_day", to: Double(backlog.failed)) }
    }
    let row = try await deployment.owner.query(
      """
      select (select count(*) from run_event where level = 'error' and at > \(now + -3600)) as errors,
        (select min(e.occurred_at) from audit_pending p join audit_entry e on e.id = p.entry_id) as unsealed
      """
    ).first
    guard let row else { return }
    metrics.set("lifang_errors_hour", to: Double(try row.get("errors", as: Int64.self)))
    let unsealed = try row.get("unsealed", as: Instant?.self)
    metrics.set("lifang_audit_unsealed_seconds", to: unsealed.map { max(0, now - $0) } ?? 0)
  }

  /// How full this node is (B5-282).
  static func report(_ load: ServerLoad, in metrics: Metrics) {
    let figures = load.figures
    metrics.set("lifang_requests_working", to: Double(figures.working))
    metrics.set("lifang_requests_waiting", to: Double(figures.waiting))
    metrics.set("lifang_requests_refused", to: Double(figures.refused))
  }

  static func describe(_ metrics: Metrics) {
    metrics.describe("lifang_requests_working", "Requests of known users and keys that are worked on")
    metrics.describe("lifang_requests_waiting", "Requests that wait because the node is full")
    metrics.describe("lifang_requests_refused", "Requests turned away since the start because too many waited")
    metrics.describe("lifang_disk_free_percent", "Space left on the disk of the data folder, in percent")
    metrics.describe("lifang_jobs_oldest_seconds", "For how long the oldest job that is due has waited")
    metrics.describe("lifang_messages_oldest_seconds", "For how long the oldest message that is due has waited")
    metrics.describe("lifang_messages_failed_day", "Messages that failed within 24 hours")
    metrics.describe("lifang_timers_oldest_seconds", "For how long the oldest deadline of a case has been due")
    metrics.describe("lifang_errors_hour", "Faults in the log within the last hour")
    metrics.describe("lifang_audit_unsealed_seconds", "For how long the oldest entry of the audit has not been sealed")
  }
}
