import Core
package import Entities
import SQL

/// Sends what templates with a trigger say, when records begin to fulfil their conditions, and to whoever takes the place of
/// somebody who was told; in the transaction of the write, so that nobody hears of what did not happen.
package struct MessageTriggers: RecordRules {
  let line: MessageLine

  package init(line: MessageLine) { self.line = line }

  /// In place of what has been labelled as sensitive since the template was written.
  static let untold = "（见记录）"

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.after(RecordHooks.anyEntity) { events, records in
      guard let center = line.center, let first = events.first, let transaction = records.transaction else { return }
      for template in center.templates.triggered(by: first.entity) {
        guard let trigger = template.trigger else { continue }
        for event in events where begins(trigger, event, records) {
          try await send(template, trigger, event, records, center, transaction)
        }
      }
    }
  }

  /// Whether the condition holds and did not before, or somebody else is the one to tell. One that cannot be judged of a
  /// record does not.
  private func begins(_ trigger: MessageTrigger, _ event: RecordEvent, _ records: Records) -> Bool {
    if event.kind == .deleted || event.entity != trigger.register { return false }
    let context = EvaluationContext(now: records.store.clock.now(), principal: records.principal)
    // When it is sent would tell what has been labelled since.
    guard let entity = records.store.catalog.entity(trigger.register),
      trigger.when.map({ MessageTrigger.mayTell($0, of: entity, records.store.catalog) }) ?? true
    else { return false }
    func holds(_ values: [String: Value]) -> Bool {
      guard let when = trigger.when else { return true }
      return (try? when.holds(in: context) { values[$0] ?? .null }) ?? false
    }
    guard holds(event.after) else { return false }
    if event.kind == .created || !holds(event.before) { return true }
    // Without a condition it is told of records that are made, whoever is named in them later.
    guard trigger.when != nil, case .user(let field) = trigger.audience else { return false }
    return event.before[field] != event.after[field]
  }

  private func send(
    _ template: MessageTemplate, _ trigger: MessageTrigger, _ event: RecordEvent, _ records: Records,
    _ center: MessageCenter, _ transaction: Transaction
  ) async throws {
    let recipients = try await recipients(trigger.audience, event, center, transaction)
    if recipients.isEmpty { return }
    // With what references and codes are called.
    let record = try await records.asSystem.get(event.entity, event.id)
    let context = EvaluationContext(now: records.store.clock.now(), principal: records.principal)
    let entity = try records.store.entity(event.entity)
    var values: [String: String] = [:]
    for (name, expression) in trigger.values {
      guard MessageTrigger.mayTell(expression, of: entity, records.store.catalog) else {
        values[name] = MessageTriggers.untold
        continue
      }
      let value = try expression.evaluate(in: context) { record[$0] }
      let only = expression.fields.count == 1 ? expression.fields.first : nil
      let title = only.flatMap { record[$0] == value ? record.titles[$0] : nil }
      values[name] = title ?? (value.instant?.display ?? value.plainText)
    }
    // A condition may begin to hold again: the version of the record tells the occasions apart.
    try await center.send(
      template.name, to: recipients, values, link: "\(event.id)",
      key: "\(event.entity) \(event.id) \(record.version)", in: transaction)
  }

  private func recipients(
    _ audience: MessageTrigger.Audience, _ event: RecordEvent, _ center: MessageCenter, _ transaction: Transaction
  ) async throws -> [MessageRecipient] {
    switch audience {
    case .user(let field): return event[field].integer.map { [.user($0)] } ?? []
    case .phone(let field):
      return event[field].text.flatMap { PhoneNumber($0) }.map { [.phone($0)] } ?? []
    case .unit(let field, let role):
      guard let unit = event[field].integer else { return [] }
      let today = center.clock.today()
      return try await transaction.query(
        """
        select u.id from app_user u where u.unit_id = \(unit) and u.status = 'active'
          and (\(role)::text is null or exists (
            select 1 from user_role h join role r on r.id = h.role_id where h.user_id = u.id and r.code = \(role)
              and (h.effective_on is null or h.effective_on <= \(today))
              and (h.expires_on is null or h.expires_on >= \(today))))
        order by u.id limit 500
        """
      ).values(of: "id", as: Int64.self).map { .user($0) }
    }
  }
}
