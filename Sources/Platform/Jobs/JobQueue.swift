package import Access
package import Core
package import SQL

/// The queue as everybody sees it: add jobs, follow them, cancel them.
package struct JobQueue: Sendable {
  package let database: Database
  package let clock: WallClock
  package let kinds: JobKinds

  /// Tells runners that a job is due; the payload is its kind.
  static let readyChannel = "lifang_job_ready"
  /// Tells followers that a job has changed; the payload is its id.
  package static let changeChannel = "lifang_job"

  package init(database: Database, kinds: JobKinds, clock: WallClock = .system) {
    self.database = database
    self.kinds = kinds
    self.clock = clock
  }

  /// Adds a job. In a transaction it stands in the queue exactly when that commits.
  ///
  /// - Parameters:
  ///   - label: what people call it.
  ///   - at: not before this time; `nil` for now.
  ///   - priority: higher goes first.
  ///   - uniqueKey: while a job with this key waits or runs, no second one is added and the id of the first is returned.
  package func add<Payload: JobPayload>(
    _ payload: Payload, label: String, by principal: Principal, at: Instant? = nil, priority: Int = 0,
    uniqueKey: String? = nil, in session: (any SQLSession)? = nil
  ) async throws -> Int64 {
    try await add(
      kind: Payload.kind, payload: payload.json, label: label, actor: principal.actor, at: at,
      priority: priority, uniqueKey: uniqueKey, schedule: nil, in: session ?? database)
  }

  func add(
    kind: String, payload: JSON, label: String, actor: Int64, at: Instant?, priority: Int, uniqueKey: String?,
    schedule: String?, in session: any SQLSession
  ) async throws -> Int64 {
    let now = clock.now()
    let runAt = at ?? now
    // The update of nothing makes the existing row come back, and locks it against ending meanwhile.
    let rows = try await session.query(
      """
      insert into job (kind, label, payload, state, priority, run_at, maximum_attempts, unique_key, schedule,
        created_at, created_by)
      values (\(kind), \(label), \(payload), 'waiting', \(priority), \(runAt), \(kinds.policy(of: kind).maximumAttempts),
        \(uniqueKey), \(schedule), \(now), \(actor))
      on conflict (unique_key) where state in ('waiting', 'running') do update set unique_key = excluded.unique_key
      returning id, pg_notify(\(JobQueue.readyChannel), kind)
      """)
    guard let row = rows.first else { throw Fault("job-not-added", kind) }
    return try row.get("id")
  }

  package func get(_ id: Int64) async throws -> Job {
    guard let row = try await database.query("select \(Job.columns) from job where id = \(id)").first else {
      throw Refusal(.notFound, "job-missing", "没有找到编号为 \(id) 的任务，可能已过保留期。")
    }
    return try Job(row)
  }

  /// The latest jobs first.
  ///
  /// - Parameter creator: only the jobs of this actor.
  package func list(
    states: Set<Job.State> = Set(Job.State.allCases), kind: String? = nil, creator: Int64? = nil, limit: Int = 50,
    before: Int64? = nil
  ) async throws -> [Job] {
    var conditions: [SQL] = ["state = any(\(states.map(\.rawValue)))"]
    if let kind { conditions.append("kind = \(kind)") }
    if let creator { conditions.append("created_by = \(creator)") }
    if let before { conditions.append("id < \(before)") }
    return try await database.query(
      """
      select \(Job.columns) from job where \(SQL.join(conditions, separator: " and ")) order by id desc limit \(limit)
      """
    ).map(Job.init)
  }

  /// Every run of a job, the first one first.
  package func attempts(of id: Int64) async throws -> [JobAttempt] {
    try await database.query(
      """
      select attempt, worker, started_at, finished_at, outcome, error from job_attempt where job_id = \(id)
      order by attempt
      """
    ).map { row in
      JobAttempt(
        number: try row.get("attempt"), worker: try row.get("worker"), startedAt: try row.get("started_at"),
        finishedAt: try row.get("finished_at"), outcome: try row.get("outcome"), error: try row.get("error"))
    }
  }

  /// Cancels a job: a waiting one at once, a running one at its next report; one that has ended stays as it is.
  ///
  /// - Returns: the job as it stands then.
  @discardableResult
  package func cancel(_ id: Int64) async throws -> Job {
    try await database.execute(
      """
      update job set cancel_requested = true,
        state = case state when 'waiting' then 'cancelled' else state end,
        finished_at = case state when 'waiting' then \(clock.now())::timestamptz end
      where id = \(id) and state in ('waiting', 'running')
      """)
    try await announce(id)
    return try await get(id)
  }

  /// Puts a failed or cancelled job back, from its last checkpoint.
  package func restart(_ id: Int64) async throws {
    let changed = try await database.execute(
      """
      update job set state = 'waiting', run_at = \(clock.now()), maximum_attempts = attempt + 1, cancel_requested = false,
        error = null, finished_at = null
      where id = \(id) and state in ('failed', 'cancelled')
      """)
    guard changed == 1 else {
      throw Refusal(.conflict, "job-not-ended", "只有失败或已取消的任务可以重新执行。请刷新后查看它的状态。")
    }
    try await database.execute("select pg_notify(\(JobQueue.readyChannel), '')")
    try await announce(id)
  }

  /// Deletes jobs that ended before `time`, with their history; returns how many.
  @discardableResult
  package func prune(before time: Instant) async throws -> Int {
    try await database.execute(
      "delete from job where state in ('done', 'failed', 'cancelled') and finished_at < \(time)")
  }

  /// The job now and after each change, until it has ended. Ends quietly when the job disappears.
  package func follow(_ id: Int64) -> AsyncStream<Job> {
    let changes = database.listen(JobQueue.changeChannel)
    return AsyncStream(bufferingPolicy: .bufferingNewest(8)) { continuation in
      let task = Task {
        defer { continuation.finish() }
        guard let first = try? await get(id) else { return }
        continuation.yield(first)
        if first.state.isFinal { return }
        // An empty payload says that notifications may have been missed.
        for await payload in changes where payload == String(id) || payload.isEmpty {
          guard let job = try? await get(id) else { return }
          continuation.yield(job)
          if job.state.isFinal { return }
        }
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }

  func announce(_ id: Int64) async throws {
    try await database.execute("select pg_notify(\(JobQueue.changeChannel), \(String(id)))")
  }
}
