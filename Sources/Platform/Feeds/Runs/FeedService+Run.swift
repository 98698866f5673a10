import Access
import Audit
import Core
import Entities
package import SQL

extension FeedService {
  /// Called with every commit, before it: the place for a job to note its checkpoint, which also makes sure that only one
  /// worker commits.
  package typealias Committing = @Sendable (FeedRun, Transaction) async throws -> Void

  /// Does a run to its end, from where it stands: rows that wait for another try, then page after page, each one
  /// transaction with its cursor, then what a full run did not meet, then the counts of both sides.
  ///
  /// - Throws: ``Refusal`` `feed-source` when the other side gives no rows, `feed-elsewhere` when another process does
  ///   the same run.
  package func run(
    _ id: Int64, committing: @escaping Committing = { _, _ in },
    progress: @Sendable (FeedRun) async throws -> Void = { _ in }
  ) async throws -> FeedRun {
    var run = try await FeedRun.read(id, in: database)
    guard run.state == .running else { return run }
    let feed = try feed(run.feed)
    if run.position == nil { run = try await retry(feed, run, committing) }
    if run.message != FeedService.confirmed {
      switch run.origin {
      case .connector: run = try await readConnector(feed, run, committing, progress)
      case .file: run = try await readFile(feed, run, committing, progress)
      }
    }
    if run.mode == .full {
      run = try await vanish(feed, run, committing, progress)
      if run.state == .asking { return run }
    }
    return try await finish(feed, run)
  }

  private func readConnector(
    _ feed: Feed, _ run: FeedRun, _ committing: @escaping Committing,
    _ progress: @Sendable (FeedRun) async throws -> Void
  ) async throws -> FeedRun {
    var run = run
    let isFull = run.mode == .full
    let start =
      isFull
      ? nil
      : try await database.query("select cursor from feed_state where feed = \(feed.name)").first?
        .get("cursor", as: String?.self)
    var page = try await page(feed, behind: run.position ?? start ?? nil, isFull: isFull, from: run.tally.total + 1)
    while true {
      try Task.checkCancellation()
      let (this, known) = (page, run)
      if this.isLast {
        run = try await commit(feed, this, known, committing)
        try await progress(run)
        return run
      }
      // The next page is asked for while this one is written; a crash asks for it again.
      async let next = self.page(
        feed, behind: this.position, isFull: isFull, from: known.tally.total + this.rows.count + 1)
      run = try await commit(feed, this, known, committing)
      try await progress(run)
      page = try await next
    }
  }

  private func readFile(
    _ feed: Feed, _ run: FeedRun, _ committing: @escaping Committing,
    _ progress: @Sendable (FeedRun) async throws -> Void
  ) async throws -> FeedRun {
    guard let path = run.path else { throw Fault("feed-file", "run \(run.id) has no file") }
    var run = run
    let file = try FeedFile(feed, path: path)
    let done = run.position.flatMap { Int($0) } ?? 0
    while true {
      try Task.checkCancellation()
      let page = try file.page(behind: done)
      if !page.rows.isEmpty {
        run = try await commit(feed, page, run, committing)
        try await progress(run)
      }
      if page.isLast { return run }
    }
  }

  /// One page in one transaction.
  private func commit(
    _ feed: Feed, _ page: FeedPage, _ run: FeedRun, _ committing: Committing
  ) async throws -> FeedRun {
    try await step(feed, run, committing) { transaction, after in
      let tally = try await FeedBatch(self, feed, run, transaction).take(page.rows)
      after.tally = after.tally + tally
      after.position = page.position
      if run.origin == .connector, run.mode == .incremental {
        try await transaction.execute("update feed_state set cursor = \(page.position) where feed = \(feed.name)")
      }
      return tally
    }
  }

  /// Rows that were refused before, once more: what they lacked may have come.
  private func retry(_ feed: Feed, _ run: FeedRun, _ committing: Committing) async throws -> FeedRun {
    let keys = try await database.query(
      "select external_key from feed_pending where feed = \(feed.name) and run_id < \(run.id) order by external_key"
    ).values(as: String.self)
    var run = run
    for start in stride(from: 0, to: keys.count, by: feed.page) {
      let part = Array(keys[start..<min(start + feed.page, keys.count)])
      let held = run
      run = try await step(feed, held, committing) { transaction, after in
        let rows = try await FeedPending(self, feed).rows(part, in: transaction)
        let tally = try await FeedBatch(self, feed, held, transaction).take(rows)
        after.tally = after.tally + tally
        return tally
      }
    }
    return run
  }

  /// Runs `body` in a transaction that holds the feed, and keeps what it made of the run.
  func step(
    _ feed: Feed, _ run: FeedRun, _ committing: Committing,
    _ body: @Sendable (Transaction, inout FeedRun) async throws -> FeedTally
  ) async throws -> FeedRun {
    try await database.transaction { transaction in
      let held = try await transaction.query("select run_id from feed_state where feed = \(feed.name) for update").first
      let now = try await FeedRun.read(run.id, in: transaction)
      guard try held?.get("run_id", as: Int64?.self) == run.id, now.state == .running, now.position == run.position,
        now.tally == run.tally
      else {
        throw Refusal(.conflict, "feed-elsewhere", "这次同步已经停止，或正由另一个进程继续；本进程已停止。数据没有重复。")
      }
      var after = run
      let tally = try await body(transaction, &after)
      try await keep(after, in: transaction)
      if tally.total + tally[.vanished] > 0 {
        try await store.audit.append(
          AuditEntry(
            .system, "feed.sync", entity: feed.register,
            details: ["run": .int(run.id), "feed": .string(feed.name), "outcome": tally.json]), in: transaction)
      }
      try await committing(after, transaction)
      return after
    }
  }

  private func keep(_ run: FeedRun, in transaction: Transaction) async throws {
    let tally = run.tally
    let now = clock.now()
    try await transaction.execute(
      """
      update feed_run set received = \(tally.total), created = \(tally[.created]), updated = \(tally[.updated]),
        unchanged = \(tally[.unchanged]), cancelled = \(tally[.cancelled]), held = \(tally[.held]),
        refused = \(tally[.refused]), dropped = \(tally[.dropped]), vanished = \(tally[.vanished]),
        position = \(run.position), state = \(run.state.rawValue), version = version + 1, updated_at = \(now),
        updated_by = 0
      where id = \(run.id)
      """)
  }

  // MARK: The end

  /// Counts both sides and closes the run; the cursor of a full run becomes where the next incremental one begins.
  private func finish(_ feed: Feed, _ run: FeedRun) async throws -> FeedRun {
    let theirs = run.origin == .connector ? (try? await counts(feed)) ?? [:] : [:]
    let now = clock.now()
    return try await database.transaction { transaction in
      let ours = try await ours(feed, in: transaction)
      let divisions = Set(theirs.keys.map { FeedService.county($0) }).union(ours.keys).sorted()
      let counts = JSON.array(
        divisions.map { division in
          let sum = theirs.filter { FeedService.county($0.key) == division }.values.reduce(0, +)
          return [
            "division": .string(division), "ours": .int(ours[division] ?? 0),
            "theirs": theirs.isEmpty ? .null : .int(sum),
          ]
        })
      try await transaction.execute(
        """
        update feed_run set state = 'done', finished_at = \(now), counts = \(counts), version = version + 1,
          updated_at = \(now), updated_by = 0
        where id = \(run.id)
        """)
      try await transaction.execute(
        """
        update feed_state set synced_at = \(now),
          cursor = case when \(run.mode == .full && run.origin == .connector) then \(run.position)::text else cursor end
        where feed = \(feed.name)
        """)
      return try await FeedRun.read(run.id, in: transaction)
    }
  }

  private static func county(_ division: String) -> String { String(division.prefix(6)) }

  /// The records of ours that stand for theirs, by county.
  private func ours(_ feed: Feed, in transaction: Transaction) async throws -> [String: Int64] {
    let entity = try store.entity(feed.register)
    let division: SQL = entity.scope.division.map { "coalesce(left(r.\(identifier: $0), 6), '')" } ?? "''"
    var counts: [String: Int64] = [:]
    for row in try await transaction.query(
      """
      select \(division) as division, count(*) as count from feed_link l
      join \(identifier: entity.name) r on r.id = l.record_id
      where l.feed = \(feed.name) and not l.gone group by 1
      """)
    {
      counts[try row.get("division")] = try row.get("count")
    }
    return counts
  }
}
