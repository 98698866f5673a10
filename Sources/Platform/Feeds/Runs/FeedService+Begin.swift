package import Access
package import Audit
import Core
import Entities
package import Jobs
package import SQL

extension FeedService {
  /// What a run reads.
  package enum Source: Sendable, Hashable {
    case connector
    /// A file on this machine, and what people call it.
    case file(path: String, name: String)
  }

  /// Enters a run; ``run(_:committing:progress:)`` does it. One of the same kind that was broken off while it read from
  /// the connector is given back, to go on where it stood.
  ///
  /// - Throws: ``Refusal`` `permission-missing`, `feed-unknown`, `feed-busy` while another run of the feed is under way.
  package func begin(
    _ name: String, _ mode: FeedRun.Mode, from source: Source, by principal: Principal, origin: Origin = .inside,
    on jobs: JobQueue
  ) async throws -> FeedRun {
    try principal.require(Permission("feed", "run"), toDo: "同步数据")
    let feed = try feed(name)
    let now = clock.now()
    return try await database.transaction { transaction in
      try await transaction.execute(
        "insert into feed_state (feed) values (\(feed.name)) on conflict (feed) do nothing")
      let state = try await transaction.query("select run_id from feed_state where feed = \(feed.name) for update")
        .first
      if let under = try state?.get("run_id", as: Int64?.self) {
        let run = try await FeedRun.read(under, in: transaction)
        if run.state == .running {
          if try await isAlive(run, on: jobs) {
            throw Refusal(.conflict, "feed-busy", "“\(feed.label)”正在同步，没有重复开始。请等它结束，或在任务里停止后再试。")
          }
          if source == .connector, run.origin == .connector, run.mode == mode { return run }
          try await close(run, .failed, "中途停止，由后来的同步接着", in: transaction)
        }
        if run.state == .asking {
          throw Refusal(.conflict, "feed-asking", "“\(feed.label)”上一次全量核对还在等待确认。请先在对账报告里确认或放弃注销。")
        }
      }
      let path: String? = if case .file(let path, _) = source { path } else { nil }
      let file: String? = if case .file(_, let name) = source { String(name.suffix(200)) } else { nil }
      let row = try await transaction.query(
        """
        insert into feed_run (created_at, created_by, updated_at, updated_by, label, feed, mode, origin, state, started_at,
          started_by, received, created, updated, unchanged, cancelled, held, refused, dropped, vanished, file, path)
        values (\(now), \(principal.actor), \(now), \(principal.actor), \(feed.label), \(feed.name), \(mode.rawValue),
          \(path == nil ? "connector" : "file"), 'running', \(now), \(String(principal.name.prefix(60))), 0, 0, 0, 0, 0, 0, 0, 0,
          0, \(file), \(path))
        returning \(FeedRun.columns)
        """
      ).first
      guard let row else { throw Fault("feed-run", "no row came back") }
      let run = try FeedRun(row)
      try await transaction.execute("update feed_state set run_id = \(run.id) where feed = \(feed.name)")
      try await store.audit.append(
        AuditEntry(
          principal, "feed.run", entity: FeedRun.entity, record: run.id, origin: origin,
          details: [
            "feed": .string(feed.name), "mode": .string(mode.rawValue), "origin": .string(run.origin.rawValue),
          ]), in: transaction)
      return run
    }
  }

  /// Whether somebody is at a run: its job has not ended, or a command committed within the last minutes.
  private func isAlive(_ run: FeedRun, on jobs: JobQueue) async throws -> Bool {
    guard let job = run.job else { return clock.now() - run.changedAt < 300 }
    do { return try await !jobs.get(job).state.isFinal } catch is Refusal { return false }
  }

  /// Ends a run in `state`.
  func close(_ run: FeedRun, _ state: FeedRun.State, _ message: String?, in transaction: Transaction) async throws {
    let now = clock.now()
    try await transaction.execute(
      """
      update feed_run set state = \(state.rawValue), message = \(message.map { String($0.prefix(500)) }),
        finished_at = \(state == .running ? nil : now), version = version + 1, updated_at = \(now), updated_by = 0
      where id = \(run.id)
      """)
  }

  /// Ends a run that cannot go on, saying why.
  package func fail(_ run: Int64, _ state: FeedRun.State, _ message: String?) async throws {
    try await database.transaction { transaction in
      let held = try await FeedRun.read(run, in: transaction)
      if held.state == .running { try await close(held, state, message, in: transaction) }
    }
  }

  /// Notes which job does a run, so that pages show how far it is.
  package func assign(_ job: Int64, to run: Int64, in session: any SQLSession) async throws {
    try await session.execute("update feed_run set job_id = \(job) where id = \(run)")
  }

  /// The feeds whose time has come: set up, synchronised before by somebody, and not within the parameter's minutes.
  package func due() async throws -> [Feed] {
    let minutes = (try? parameters.integer("feed.minutes")) ?? 30
    if minutes == 0 { return [] }
    let before = clock.now() + -minutes * 60
    let names: Set<String> = Set(
      try await database.query(
        """
        select s.feed from feed_state s join feed_run r on r.id = s.run_id
        where s.cursor is not null and r.state in ('done', 'failed') and r.started_at <= \(before)
        """
      ).values(as: String.self))
    var due: [Feed] = []
    for feed in feeds.all where names.contains(feed.name) {
      if try await isConnected(feed) { due.append(feed) }
    }
    return due
  }

  /// Whether the connector of a feed has an address and is switched on.
  package func isConnected(_ feed: Feed) async throws -> Bool {
    let rows = try await database.query(
      "select 1 from connector where name = \(feed.connector) and enabled and address is not null")
    return !rows.isEmpty
  }
}
