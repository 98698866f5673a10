package import Access
package import Audit
import Core
import Entities
import SQL

/// What a full run did not meet (全量核对): listed, and cancelled when there are no more of them than the feed allows;
/// otherwise the run stops and asks.
extension FeedService {
  func vanish(
    _ feed: Feed, _ run: FeedRun, _ committing: @escaping Committing,
    _ progress: @Sendable (FeedRun) async throws -> Void
  ) async throws -> FeedRun {
    let row = try await database.query(
      """
      select count(*) as known, count(*) filter (where seen_run <> \(run.id)) as missing from feed_link
      where feed = \(feed.name) and not gone
        and not exists (select from feed_pending p where p.feed = feed_link.feed and p.external_key = feed_link.external_key)
      """
    ).first
    let known: Int64 = try row?.get("known") ?? 0
    let missing: Int64 = try row?.get("missing") ?? 0
    if missing == 0 { return run }
    let isConfirmed = run.message == FeedService.confirmed
    // Whoever asks again after a part was cancelled would find fewer of fewer: what was counted first decides.
    let isUnderWay = run.tally[.cancelled] > 0 && run.tally[.vanished] > 0
    if !isConfirmed, !isUnderWay, missing * 100 > known * Int64(feed.vanish) || feed.cancel.isEmpty {
      return try await ask(feed, run, missing, known, committing)
    }
    var run = run
    while true {
      try Task.checkCancellation()
      let held = run
      run = try await step(feed, held, committing) { transaction, after in
        let rows = try await missingRows(feed, held, in: transaction)
        if rows.isEmpty { return FeedTally() }
        let tally = try await FeedBatch(self, feed, held, transaction).leave(rows)
        after.tally = after.tally + tally
        after.tally[.vanished] += rows.count
        return tally
      }
      if run.tally == held.tally { return run }
      try await progress(run)
    }
  }

  static let confirmed = "已确认注销对方没有的记录"

  private func ask(
    _ feed: Feed, _ run: FeedRun, _ missing: Int64, _ known: Int64, _ committing: Committing
  ) async throws -> FeedRun {
    let entity = try store.entity(feed.register)
    let division: SQL = entity.scope.division.map { "r.\(identifier: $0)" } ?? "null"
    let share = missing * 1000 / max(known, 1)
    let message =
      feed.cancel.isEmpty
      ? "对方没有其中 \(missing) 条；这个同步源不自动注销，请逐条核实。"
      : "对方没有其中 \(missing) 条，占 \(share / 10).\(share % 10)%，超过 \(feed.vanish)%，没有注销，等人确认。"
    let asked = try await step(feed, run, committing) { transaction, after in
      let now = clock.now()
      try await transaction.execute(
        """
        insert into feed_row (created_at, created_by, updated_at, updated_by, external_key, label, outcome, reason,
          division_code, run_id, number, register, record_id)
        select \(now), 0, \(now), 0, l.external_key, left(r.\(identifier: entity.title)::text, 200), 'vanished', '全量核对时对方没有这一条',
          \(division), \(run.id), 0, \(feed.register), l.record_id
        from feed_link l join \(identifier: entity.name) r on r.id = l.record_id
        where l.feed = \(feed.name) and not l.gone and l.seen_run <> \(run.id)
          and not exists (select from feed_pending p where p.feed = l.feed and p.external_key = l.external_key)
        """)
      after.tally[.vanished] = Int(missing)
      return FeedTally()
    }
    return try await database.transaction { transaction in
      try await close(asked, .asking, message, in: transaction)
      return try await FeedRun.read(run.id, in: transaction)
    }
  }

  /// The next part of what was not met, locked.
  private func missingRows(_ feed: Feed, _ run: FeedRun, in transaction: Transaction) async throws -> [FeedLink] {
    let keys = try await transaction.query(
      """
      select external_key from feed_link l
      where feed = \(feed.name) and not gone and seen_run <> \(run.id)
        and not exists (select from feed_pending p where p.feed = l.feed and p.external_key = l.external_key)
      order by external_key limit \(feed.page)
      """
    ).values(as: String.self)
    let links = try await FeedLink.read(feed.name, keys, in: transaction)
    return keys.compactMap { links[$0] }
  }

  /// Decides what a full run asks: cancel what the other side has no more, or leave it.
  ///
  /// - Returns: the run; confirmed, it is under way again and ``run(_:committing:progress:)`` goes on with it.
  /// - Throws: ``Refusal`` `permission-missing`, `feed-not-asking`.
  package func decide(_ id: Int64, cancels: Bool, by principal: Principal, origin: Origin) async throws -> FeedRun {
    try principal.require(Permission("feed", "decide"), toDo: "确认全量核对的注销")
    return try await database.transaction { transaction in
      let run = try await FeedRun.read(id, in: transaction)
      let feed = try feed(run.feed)
      try await transaction.execute("select 1 from feed_state where feed = \(feed.name) for update")
      guard run.state == .asking, !cancels || !feed.cancel.isEmpty else {
        throw Refusal(.conflict, "feed-not-asking", "这次同步现在不需要确认，没有改动。请刷新后查看。")
      }
      try await close(
        run, cancels ? .running : .done, cancels ? FeedService.confirmed : "对方没有的 \(run.tally[.vanished]) 条保留，没有注销。",
        in: transaction)
      try await transaction.execute("update feed_run set vanished = 0 where id = \(id) and state = 'running'")
      if !cancels, run.origin == .connector {
        try await transaction.execute("update feed_state set cursor = \(run.position) where feed = \(feed.name)")
      }
      try await store.audit.append(
        AuditEntry(
          principal, "feed.decide", entity: FeedRun.entity, record: id, origin: origin,
          details: [
            "feed": .string(feed.name), "cancels": .bool(cancels), "vanished": .int(Int64(run.tally[.vanished])),
          ]),
        in: transaction)
      return try await FeedRun.read(id, in: transaction)
    }
  }
}

extension FeedBatch {
  /// Cancels records whose row does not come any more.
  func leave(_ links: [FeedLink]) async throws -> FeedTally {
    let works = links.map { link in
      Work(
        row: FeedRow(number: 0, key: link.key, title: "", division: nil, isDeleted: true, values: [:]), digest: [],
        link: link, record: link.record)
    }
    let written = try await FeedWriter(self).cancel(works)
    try await FeedLink.write(written.links, of: feed.name, run: run.id, in: transaction)
    // What could not be cancelled is not asked about again by this run.
    let left = written.lines.filter { $0.outcome == .refused }.map(\.key)
    try await transaction.execute(
      "update feed_link set seen_run = \(run.id) where feed = \(feed.name) and external_key = any(\(left))")
    try await FeedDifferences(self).keep(written)
    return try await FeedReport(self).tell(
      written.lines.map { line in
        var line = line
        if line.outcome == .cancelled { line.reason = "全量核对时对方没有这一条" }
        return line
      })
  }
}
