import Access
import Core
package import Entities
import Identity
package import Messaging
package import SQL

/// Enters alarms (告警), tells of them and hands them out (C-614, C-615).
///
/// One origin has one alarm that stands: while it lasts, and for as long as its rule is quiet, nothing is added. Alarm, order
/// and messages are one transaction.
package struct AlarmDesk: Sendable {
  /// The register of alarms (告警).
  package static let register = "alarm"

  let store: RecordStore
  let messages: MessageCenter

  package init(store: RecordStore, messages: MessageCenter) {
    self.store = store
    self.messages = messages
  }

  /// Where an alarm comes from; one that stands bars another of the same.
  package enum Origin: Sendable, Hashable {
    case rule(AlarmRule, value: Double, node: String)
    case ferry

    var code: String {
      switch self {
      case .rule: "metric"
      case .ferry: "ferry"
      }
    }

    var key: String {
      switch self {
      case .rule(let rule, _, _): "rule \(rule.id)"
      case .ferry: "ferry"
      }
    }
  }

  /// Raises an alarm, unless one of this origin stands or is too fresh.
  ///
  /// - Returns: its number in the register.
  @discardableResult
  package func raise(
    _ origin: Origin, named name: String, level: String, _ detail: String, in transaction: Transaction
  ) async throws -> Int64? {
    let now = store.clock.now()
    // Nodes that see the same at once raise it one after the other.
    _ = try await transaction.query("select pg_advisory_xact_lock(hashtextextended(\("alarm " + origin.key), 0))")
    var quiet: Int64 = 0
    if case .rule(let rule, _, _) = origin { quiet = rule.quiet }
    let standing = try await transaction.query(
      """
      select 1 from alarm where key = \(origin.key)
        and (state in ('raised', 'confirmed') or raised_at > \(now + -quiet)) limit 1
      """)
    guard standing.isEmpty else { return nil }
    let system = store.records(as: .system, purpose: "登记告警").within(transaction)
    var values: [String: Value] = [
      "name": .text(String(name.prefix(100))), "origin": .text(origin.code), "key": .text(origin.key),
      "level": .text(level), "detail": .text(String(detail.prefix(2000))), "raised_at": .instant(now),
    ]
    var responses: Set<AlarmRule.Response> = []
    var officers: [DutyRoster.Officer] = []
    if case .rule(let rule, let value, let node) = origin {
      values["rule_id"] = .integer(rule.id)
      values["value"] = AlarmDesk.decimal(value)
      values["node"] = .text(String(node.prefix(60)))
      responses = rule.responses
      officers = try await DutyRoster(store: store).officers(rule.duty, at: now, in: transaction)
      if responses.contains(.order) {
        let order = try await order(rule, name, detail, officers.first, system, in: transaction)
        values["order_id"] = order.map { .integer($0) } ?? .null
      }
    }
    let alarm = try await system.insert(AlarmDesk.register, values, input: .code)
    try await tell(alarm, responses, officers, in: transaction)
    return alarm.id
  }

  /// Notes that what was alarming is fine again (已恢复); one that is handled already keeps its result.
  ///
  /// - Parameter note: why, where the figure itself does not say it.
  package func recover(_ alarm: Int64, saying note: String? = nil, in transaction: Transaction) async throws {
    let system = store.records(as: .system, purpose: "告警恢复").within(transaction)
    let now = store.clock.now()
    let state = try await transaction.query(
      "select state from alarm where id = \(alarm) and recovered_at is null for update"
    ).first?.get("state", as: String.self)
    guard let state else { return }
    var values: [String: Value] = ["recovered_at": .instant(now)]
    if state != "handled" {
      values["state"] = .text("recovered")
      if let note { values["handling"] = .text(note) }
    }
    try await system.update(AlarmDesk.register, alarm, version: nil, values, input: .code)
  }

  /// Another node takes over an alarm that it sees too, whose own node is gone.
  func adopt(_ alarm: Int64, by node: String, in transaction: Transaction) async throws {
    try await store.records(as: .system, purpose: "接替监测").within(transaction).update(
      AlarmDesk.register, alarm, version: nil, ["node": .text(String(node.prefix(60)))], input: .code)
  }

  /// Two places are enough for everybody who reads it.
  static func decimal(_ value: Double) -> Value {
    guard value.isFinite, abs(value) < 1_000_000_000_000 else { return .null }
    return .decimal(FixedDecimal(millionths: Int64((value * 100).rounded()) * 10_000))
  }

  /// An order for whoever is on duty; while nobody is, it waits to be dispatched.
  private func order(
    _ rule: AlarmRule, _ name: String, _ detail: String, _ officer: DutyRoster.Officer?, _ system: Records,
    in transaction: Transaction
  ) async throws -> Int64? {
    let root = try await transaction.query("select id from unit where parent_id is null and active order by id limit 1")
      .first?.get("id", as: Int64.self)
    guard let unit = officer?.unit ?? root else { return nil }
    let now = store.clock.now()
    var values: [String: Value] = [
      "name": .text(String(name.prefix(100))), "origin": .text("alarm"), "level": .text(rule.level),
      "description": .text(detail), "occurred_at": .instant(now), "unit_id": .integer(unit),
      "due_at": .instant(now + rule.limit), "known_solution": rule.advice.map { .integer($0) } ?? .null,
    ]
    if let officer {
      values["handler_id"] = .integer(officer.user)
      values["state"] = .text("handling")
      values["dispatched_at"] = .instant(now)
    }
    return try await system.insert("incident_order", values, input: .code).id
  }

  /// Who is on duty, else everybody who may confirm alarms.
  private func tell(
    _ alarm: Record, _ responses: Set<AlarmRule.Response>, _ officers: [DutyRoster.Officer], in transaction: Transaction
  ) async throws {
    let templates: [(AlarmRule.Response, String)] = [
      (.site, "alarm_raised"), (.email, "alarm_mail"), (.sms, "alarm_sms"),
    ]
    guard !responses.isDisjoint(with: templates.map(\.0)) else { return }
    var people = officers.map(\.user)
    if people.isEmpty {
      people = try await Responsibility(clock: store.clock).everyone(
        with: Permission(AlarmDesk.register, "confirm"), in: transaction)
    }
    let level = store.catalog.dictionary("incident_level")?.label(of: alarm["level"].text ?? "") ?? ""
    for (response, template) in templates where responses.contains(response) {
      try await messages.send(
        template, to: people.map { .user($0) },
        [
          "alarm": alarm["name"].text ?? "", "level": level, "detail": alarm["detail"].text ?? "",
          "time": (alarm["raised_at"].instant ?? store.clock.now()).display,
        ], link: "\(alarm.id)", key: "alarm \(alarm.id)", in: transaction)
    }
  }
}
