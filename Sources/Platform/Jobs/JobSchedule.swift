package import Core
import SQL

/// When a scheduled job runs.
package enum JobTrigger: Sendable, Hashable {
  /// Every so many seconds, counted from the first run.
  case every(seconds: Int64)
  /// Every day at this time of China Standard Time.
  case daily(hour: Int, minute: Int)

  /// The first time after `time`, for a schedule that was last due at `due`. Runs that were missed are not made up.
  func next(after time: Instant, due: Instant?) -> Instant {
    switch self {
    case .every(let seconds):
      let step = max(seconds, 1)
      guard let due, due <= time else { return due ?? time }
      let missed = (time.microseconds - due.microseconds) / (step * 1_000_000)
      return due + step * (missed + 1)
    case .daily(let hour, let minute):
      let (date, second) = time.chinaTime
      let wanted = hour * 3600 + minute * 60
      return (second < wanted ? date : date.adding(days: 1)).start + Int64(wanted)
    }
  }

  var json: JSON {
    switch self {
    case .every(let seconds): ["every": .int(seconds)]
    case .daily(let hour, let minute): ["daily": .int(Int64(hour * 60 + minute))]
    }
  }

  init(json: JSON) throws {
    if let seconds = json["every"]?.int {
      self = .every(seconds: seconds)
    } else if let minutes = json["daily"]?.int, (0..<1440).contains(minutes) {
      self = .daily(hour: Int(minutes) / 60, minute: Int(minutes) % 60)
    } else {
      throw Fault("job-trigger", json.text)
    }
  }
}

/// A schedule as the administration page shows it.
package struct JobScheduleView: Sendable, Hashable {
  package let name: String
  package let kind: String
  package let label: String
  package let trigger: JobTrigger
  package let isEnabled: Bool
  package let nextRun: Instant
  package let lastRun: Instant?
}

extension JobQueue {
  /// Sets a schedule up, or changes it; an unchanged one keeps its next run.
  package func schedule<Payload: JobPayload>(
    _ name: String, _ payload: Payload, label: String, _ trigger: JobTrigger
  ) async throws {
    let next = trigger.next(after: clock.now(), due: nil)
    try await database.execute(
      """
      insert into job_schedule (name, kind, label, payload, trigger, next_run)
      values (\(name), \(Payload.kind), \(label), \(payload.json), \(trigger.json), \(next))
      on conflict (name) do update set kind = excluded.kind, label = excluded.label, payload = excluded.payload,
        next_run = case when job_schedule.trigger = excluded.trigger then job_schedule.next_run else excluded.next_run end,
        trigger = excluded.trigger
      """)
  }

  package func schedules() async throws -> [JobScheduleView] {
    try await database.query(
      "select name, kind, label, trigger, enabled, next_run, last_run from job_schedule order by name"
    ).map { row in
      JobScheduleView(
        name: try row.get("name"), kind: try row.get("kind"), label: try row.get("label"),
        trigger: try JobTrigger(json: try row.get("trigger")), isEnabled: try row.get("enabled"),
        nextRun: try row.get("next_run"), lastRun: try row.get("last_run"))
    }
  }

  /// Stops or resumes a schedule; resumed, it waits for its next time.
  package func setSchedule(_ name: String, enabled: Bool) async throws {
    let changed = try await database.execute("update job_schedule set enabled = \(enabled) where name = \(name)")
    guard changed == 1 else { throw Refusal(.notFound, "schedule-missing", "没有名为“\(name)”的定时任务。") }
  }

  /// Queues what is due; however many processes do this, each run is queued once, and none while the last one still runs.
  /// Returns how many jobs were queued.
  @discardableResult
  package func enqueueDue() async throws -> Int {
    let now = clock.now()
    return try await database.transaction { transaction in
      let due = try await transaction.query(
        """
        select name, kind, label, payload, trigger, next_run from job_schedule where enabled and next_run <= \(now)
        order by name for update skip locked
        """)
      for row in due {
        let name: String = try row.get("name")
        _ = try await add(
          kind: try row.get("kind"), payload: try row.get("payload"), label: try row.get("label"), actor: 0, at: now,
          priority: 0, uniqueKey: "schedule:\(name)", schedule: name, in: transaction)
        let next = try JobTrigger(json: try row.get("trigger")).next(after: now, due: try row.get("next_run"))
        try await transaction.execute(
          "update job_schedule set next_run = \(next), last_run = \(now) where name = \(name)")
      }
      return due.count
    }
  }
}
