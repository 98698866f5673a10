import Access
package import Core
import Entities
import SQL

/// Looks at the figures of this process by the rules in force, raises alarms and takes them back (C-614).
package actor AlarmWatch {
  let desk: AlarmDesk
  let metrics: Metrics
  let node: String
  /// Brings the figures up to date that are not counted as things happen.
  let refresh: @Sendable () async throws -> Void
  /// What is wrong with the ferry, in words; `nil` when nothing is.
  let ferry: @Sendable () async throws -> String?
  private var judge = AlarmJudge()

  package init(
    desk: AlarmDesk, metrics: Metrics, node: String, refresh: @escaping @Sendable () async throws -> Void,
    ferry: @escaping @Sendable () async throws -> String?
  ) {
    self.desk = desk
    self.metrics = metrics
    self.node = node
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
    let standing = try await standing(in: store.database)
    // One rule that cannot be followed keeps no other from it.
    var fault: (any Error)?
    for rule in rules {
      do { try await follow(rule, standing, at: now) } catch { fault = error }
    }
    if let fault { throw fault }
    guard standing.contains(where: { $0.key == "ferry" }), try await ferry() == nil else { return }
    for alarm in standing where alarm.key == "ferry" {
      try await store.database.transaction { [desk] transaction in
        try await desk.recover(alarm.id, in: transaction)
      }
    }
  }

  private func follow(_ rule: AlarmRule, _ standing: [Standing], at now: Instant) async throws {
    let store = desk.store
    switch judge.judge(rule, metrics.reading(rule.metric, rule.labels), at: now) {
    case .open: break
    case .alarm(let value):
      if standing.contains(where: { $0.key == "rule \(rule.id)" && $0.isOpen }) { break }
      let detail = words(rule, value)
      try await store.database.transaction { [desk, node] transaction in
        try await desk.raise(
          .rule(rule, value: value, node: node), named: rule.name, level: rule.level, detail, in: transaction)
      }
    case .fine:
      for alarm in standing where alarm.key == "rule \(rule.id)" && alarm.node == node {
        try await store.database.transaction { [desk] transaction in
          try await desk.recover(alarm.id, in: transaction)
        }
      }
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
  }

  private func standing(in session: any SQLSession) async throws -> [Standing] {
    try await session.query(
      """
      select id, key, node, state in ('raised', 'confirmed') as is_open from alarm
      where recovered_at is null and origin in ('metric', 'ferry')
      """
    ).map {
      Standing(id: try $0.get("id"), key: try $0.get("key"), node: try $0.get("node"), isOpen: try $0.get("is_open"))
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
  package func run(log: Log) async {
    while !Task.isCancelled {
      do { try await look() } catch {
        if !Task.isCancelled { log.fault(error, "alarm-watch-failed") }
      }
      try? await Task.sleep(for: .seconds(30))
    }
  }
}
