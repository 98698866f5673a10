import Core
import SQL

/// What a runner does with the queue: take a job, keep it, give it back.
extension JobQueue {
  /// Takes the most urgent job that is due, or one whose worker died, for `lease` seconds; `nil` when there is none.
  ///
  /// Workers never wait for one another (`skip locked`). A job that a dying worker has used up all attempts of is failed.
  func claim(kinds names: [String], worker: String, lease: Int64) async throws -> Job? {
    let now = clock.now()
    let rows = try await database.query(
      """
      with spent as (
        update job set state = 'failed', finished_at = \(now), error = '执行任务的进程多次中断，已停止重试。'
        where state = 'running' and lease_until < \(now) and attempt >= maximum_attempts and kind = any(\(names))
        returning id, attempt
      ), spent_attempt as (
        update job_attempt a set outcome = 'lost', finished_at = \(now) from spent s
        where a.job_id = s.id and a.attempt = s.attempt
      ), candidate as (
        select id, attempt, state from job
        where kind = any(\(names)) and (
          (state = 'waiting' and run_at <= \(now))
          or (state = 'running' and lease_until < \(now) and attempt < maximum_attempts))
        order by priority desc, run_at, id
        for update skip locked limit 1
      ), lost as (
        update job_attempt a set outcome = 'lost', finished_at = \(now) from candidate c
        where a.job_id = c.id and a.attempt = c.attempt and c.state = 'running'
      ), claimed as (
        update job j set state = 'running', worker = \(worker), lease_until = \(now + lease), attempt = j.attempt + 1,
          started_at = coalesce(j.started_at, \(now)), error = null
        from candidate c where j.id = c.id
        returning j.*
      ), begun as (
        insert into job_attempt (job_id, attempt, worker, started_at)
        select id, attempt, \(worker), \(now) from claimed
      )
      select \(Job.columns), pg_notify(\(JobQueue.changeChannel), id::text) from claimed
      """)
    return try rows.first.map(Job.init)
  }

  /// How a lease stands when it is renewed.
  enum Lease: Sendable { case kept, cancelled, lost }

  func renew(_ context: JobContext, lease: Int64) async throws -> Lease {
    let rows = try await database.query(
      "update job set lease_until = \(clock.now() + lease) where \(context.mine) returning cancel_requested")
    guard let row = rows.first else { return .lost }
    return try row.get("cancel_requested", as: Bool.self) ? .cancelled : .kept
  }

  /// How an attempt ended.
  enum Ending: Sendable {
    case done(JSON?)
    case cancelled
    /// The runner is shut down; the attempt does not count.
    case released
    case failed(message: String, repeatable: Bool)
  }

  /// Writes down how the attempt ended; nothing happens when the job is no longer this worker's.
  func end(_ context: JobContext, _ ending: Ending) async throws {
    let now = clock.now()
    let job = context.job
    var outcome = "done"
    var attemptError: String?
    let change: SQL
    switch ending {
    case .done(let result):
      change = "state = 'done', finished_at = \(now), result = \(result), done = coalesce(total, done)"
    case .cancelled:
      outcome = "cancelled"
      change = "state = 'cancelled', finished_at = \(now)"
    case .released:
      outcome = "released"
      change = "state = 'waiting', run_at = \(now), maximum_attempts = maximum_attempts + 1"
    case .failed(let message, let repeatable):
      outcome = "failed"
      attemptError = message
      if repeatable && job.attempt < job.maximumAttempts {
        let delay = kinds.policy(of: job.kind).delay(after: job.attempt, job: job.id)
        change = "state = 'waiting', run_at = \(now + delay), error = \(message)"
      } else {
        change = "state = 'failed', finished_at = \(now), error = \(message)"
      }
    }
    try await database.execute(
      """
      with ended as (
        update job set \(change), worker = null, lease_until = null where \(context.mine) returning id, attempt
      )
      update job_attempt a set outcome = \(outcome), finished_at = \(now), error = \(attemptError)
      from ended e where a.job_id = e.id and a.attempt = e.attempt
      """)
    try await announce(job.id)
    if case .released = ending { try await database.execute("select pg_notify(\(JobQueue.readyChannel), '')") }
  }
}
