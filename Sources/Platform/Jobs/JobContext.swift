package import Core
package import SQL

/// What a running job knows of itself and may tell others.
package struct JobContext: Sendable {
  /// The job as it stood when this attempt began; its checkpoint is where to go on.
  package let job: Job
  package let database: Database
  package let clock: WallClock
  let worker: String

  /// Says how far the job has come. Reports are cheap; followers hear of them at once.
  ///
  /// - Throws: `CancellationError` when the job was cancelled or another worker has taken it over; the job must end then.
  package func report(done: Int64, total: Int64? = nil, message: String? = nil) async throws {
    try Task.checkCancellation()
    let rows = try await database.query(
      """
      update job set done = \(done), total = coalesce(\(total)::bigint, total),
        message = coalesce(\(message)::text, message)
      where \(mine)
      returning cancel_requested, pg_notify(\(JobQueue.changeChannel), id::text)
      """)
    guard let row = rows.first, try !row.get("cancel_requested", as: Bool.self) else { throw CancellationError() }
  }

  /// Notes where to go on, in the transaction of the work itself: after a crash the next attempt finds in
  /// ``Job/checkpoint`` exactly what was committed.
  ///
  /// - Throws: `CancellationError`, which undoes the transaction, when the job is no longer this worker's: work that
  ///   another worker has taken over is never done twice.
  package func checkpoint(_ state: JSON, done: Int64? = nil, in transaction: Transaction) async throws {
    let rows = try await transaction.query(
      """
      update job set checkpoint = \(state), done = coalesce(\(done)::bigint, done) where \(mine)
      returning cancel_requested, pg_notify(\(JobQueue.changeChannel), id::text)
      """)
    guard let row = rows.first, try !row.get("cancel_requested", as: Bool.self) else { throw CancellationError() }
  }

  /// This attempt of this worker, and no later one.
  var mine: SQL {
    "id = \(job.id) and state = 'running' and worker = \(worker) and attempt = \(job.attempt)"
  }
}
