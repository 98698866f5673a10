import Access
package import Core
import Entities
import SQL

/// Looks at the figures of this process by the rules in force, raises alarms and takes them back (C-614).
///
/// An alarm belongs to the node that raised it. When that node has stopped looking, whichever looks next takes it over, so
/// that a machine that is gone or has another name leaves no alarm that nobody takes back and that keeps its rule silent.
package actor AlarmWatch {
  let desk: AlarmDesk
  let metrics: Metrics
  let node: String
  /// Brings the figures up to date that are not counted as things happen.
  let refresh: @Sendable () async throws -> Void
  /// What is wrong with the ferry, in words; `nil` when nothing is.
  let ferry: @Sendable () async throws -> String?
  private var judge = AlarmJudge()

  /// Seconds after its last look for which a node counts as being there; it looks twice a minute.
  package static let absence: Int64 = 300
  /// Seconds more before an alarm of a node that is gone is closed, in which others that see the same take it over.
  package static let respite: Int64 = 60
  /// Seconds for which it is kept in mind that a node was there.
  private static let memory: Int64 = 30 * 86_400

  package init(
    desk: AlarmDesk, metrics: Metrics, node: String, refresh: @escaping @Sendable () async throws -> Void,
    ferry: @escaping @Sendable () async throws -> String?
  ) {
    self.desk = desk
    self.metrics = metrics
    // As the register keeps it: a longer name would never be found again.
    self.node = String(node.prefix(60))
    self.refresh = refresh
    self.ferry = ferry
  }

  /// Looks once.
  package func look() async throws {
    try await refresh()
    let store = desk.store
    let now = store.clock.now()
    let system = store.records(as: .system, purpose: "判断告警")
    let rules = try await system.list(
      ListQuery(
        AlarmRule.register, filters: [ListFilter("active", .equals(.boolean(true)))],
        columns: AlarmWatch.columns, limit: 500)
    ).records.compactMap { AlarmRule($0) }
    judge.keep(Set(rules.map(\.id)))
    try await store.database.execute(
      """
      insert into alarm_watch (node, looked_at) values (\(node), \(now))
      on conflict (node) do update set looked_at = excluded.looked_at
      """)
    try await store.database.execute("delete from alarm_watch where looked_at < \(now + -AlarmWatch.memory)")
    let standing = try await standing(at: now, in: store.database)
    // One rule that cannot be followed keeps no other from it.
    var fault: (any Error)?
    for rule in rules {
      do { try await follow(rule, standing, at: now) } catch { fault = error }
    }
    if let fault { throw fault }
    guard standing.contains(where: { $0.key == "ferry" }), try await ferry() == nil else { return }
    for alarm in standing where alarm.key == "ferry" { try await close(alarm, nil) }
  }

  private func follow(_ rule: AlarmRule, _ standing: [Standing], at now: Instant) async throws {
    let store = desk.store
    let known = standing.filter { $0.key == "rule \(rule.id)" }
    let reading = metrics.reading(rule.metric, rule.labels)
    switch judge.judge(rule, reading, at: now) {
    case .open:
      // What no node measures any more, nobody can call fine later.
      guard reading == nil else { break }
      for alarm in known where alarm.isForsaken { try await close(alarm, "，它的这项指标不再有人监测。") }
    case .alarm(let value):
      let open = known.filter(\.isOpen)
      for alarm in open where alarm.isOrphan {
        try await store.database.transaction { [desk, node] transaction in
          try await desk.adopt(alarm.id, by: node, in: transaction)
        }
      }
      if !open.isEmpty { break }
      let detail = words(rule, value)
      try await store.database.transaction { [desk, node] transaction in
        try await desk.raise(
          .rule(rule, value: value, node: node), named: rule.name, level: rule.level, detail, in: transaction)
      }
    case .fine:
      for alarm in known {
        if alarm.isForsaken {
          try await close(alarm, "，节点 \(node) 的这项指标正常。")
        } else if alarm.node == node {
          try await close(alarm, nil)
        }
      }
    }
  }

  /// - Parameter rest: what is said of an alarm whose node is gone, behind its name.
  private func close(_ alarm: Standing, _ rest: String?) async throws {
    let note = rest.map { "节点 \(alarm.node ?? "") 已停止监测\($0)" }
    try await desk.store.database.transaction { [desk] transaction in
      try await desk.recover(alarm.id, saying: note, in: transaction)
    }
  }

  private static let columns = [
    "name", "metric", "labels", "measure", "comparison", "threshold", "minutes", "quiet_minutes", "level", "responses",
    "duty_kind", "within_hours", "advice_id",
  ]

  private struct Standing: Sendable {
    let id: Int64
    let key: String
    let node: String?
    let isOpen: Bool
    /// Whether the node that raised it has stopped looking.
    let isOrphan: Bool
    /// Whether no other has taken it over since either.
    let isForsaken: Bool
  }

  private func standing(at now: Instant, in session: any SQLSession) async throws -> [Standing] {
    try await session.query(
      """
      select a.id, a.key, a.node, a.state in ('raised', 'confirmed') as is_open,
        a.origin = 'metric' and not exists (
          select 1 from alarm_watch w where w.node = a.node and w.looked_at > \(now + -AlarmWatch.absence)) as is_orphan,
        a.origin = 'metric' and not exists (
          select 1 from alarm_watch w
          where w.node = a.node and w.looked_at > \(now + -(AlarmWatch.absence + AlarmWatch.respite))) as is_forsaken
      from alarm a where a.recovered_at is null and a.origin in ('metric', 'ferry')
      """
    ).map {
      Standing(
        id: try $0.get("id"), key: try $0.get("key"), node: try $0.get("node"), isOpen: try $0.get("is_open"),
        isOrphan: try $0.get("is_orphan"), isForsaken: try $0.get("is_forsaken"))
    }
  }

  private func words(_ rule: AlarmRule, _ value: Double) -> String {
    let label = desk.store.catalog.dictionary("alarm_metric")?.label(of: rule.metric) ?? rule.metric
    let series = rule.labels.isEmpty ? "" : "（\(rule.labels)）"
    let lasting = rule.seconds > 0 ? "持续 \(rule.seconds / 60) 分钟" : ""
    let (now, threshold) = (AlarmDesk.decimal(value).plainText, AlarmDesk.decimal(rule.threshold).plainText)
    return "节点 \(node)：\(label)\(series)为 \(now)，\(lasting)\(rule.comparison.word)阈值 \(threshold)。"
  }

  /// Looks twice a minute, until the task is cancelled.
  package func run(_ rounds: Rounds) async {
    await rounds.every(.seconds(30), "alarm-watch-failed") { try await look() }
  }
}
