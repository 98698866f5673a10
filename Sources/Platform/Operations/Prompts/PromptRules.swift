import Access
import Core
package import Entities
import Identity

/// What rules of analysis (研判规则) and their prompts (研判预警) do by themselves: a rule is proved before it is kept, its author
/// has to be allowed to read what it reads, and it is worked out as soon as somebody changes it, behind the request where there
/// are jobs; rules that one record decides are worked out when it is written.
package final class PromptRules: RecordRules {
  /// Has a rule worked out once the transaction is committed.
  package typealias Queue = @Sendable (_ rule: Int64, _ records: Records) async throws -> Void

  private let queue = Later<Queue>("prompt-rules")

  package init() {}

  /// From now on what reads a whole register is left to `queue`; commands without jobs do it at once.
  package func begin(_ queue: @escaping Queue) { self.queue.begin(queue) }

  private static let proved: Set<String> = [
    "name", "register", "condition", "group_field", "distinct_field", "at_least", "beside_register", "beside_field",
    "beside_condition", "beside_missing", "occasion_field", "officer_field", "restricted", "level", "within_days",
    "advice",
  ]

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(PromptRule.register) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        let draft = drafts[index]
        do throws(Refusal) {
          let rule = try PromptRule(id: 0, { draft[$0] }, records.store.catalog)
          try rule.admit(records.principal)
          drafts[index]["restricted"] = .boolean(rule.isRestricted)
          for (place, field) in rule.named { drafts[index][place] = .text(field.name) }
        } catch { drafts[index].refuse(error) }
      }
    }
    hooks.beforeUpdate(PromptRule.register) { changes, records in
      for index in changes.indices where changes[index].refusal == nil {
        let change = changes[index]
        // A rule can be stopped whatever has become of its registers, by whoever may read them or not.
        let isStarted = change.alters("active") && change["active"].boolean == true
        guard isStarted || PromptRules.proved.contains(where: { change.alters($0) }) else { continue }
        do throws(Refusal) {
          let rule = try PromptRule(id: change.id, { change[$0] }, records.store.catalog)
          try rule.admit(records.principal)
          if rule.isRestricted, change["restricted"].boolean != true { changes[index]["restricted"] = .boolean(true) }
          for (place, field) in rule.named where change[place].text != field.name {
            changes[index][place] = .text(field.name)
          }
        } catch { changes[index].refuse(error) }
      }
    }
    hooks.beforeUpdate(PromptSweep.register) { changes, records in
      guard records.principal.kind != .system else { return }
      for index in changes.indices where changes[index].refusal == nil && changes[index].alters("officer_id") {
        if try await !PromptRules.mayAct(changes[index]["officer_id"].integer, records) {
          changes[index].refuse(PromptRules.nobody)
        }
      }
    }
    hooks.after(PromptRule.register) { [self] events, records in
      for event in events where event.kind != .deleted { try await work(event, records) }
    }
    hooks.after(RecordHooks.anyEntity) { events, records in try await PromptRules.judge(events, records) }
  }

  private static let nobody = Refusal(
    .unprocessable, "prompt-officer-unknown", "处置人应是本系统在职的工作人员，没有转交。请重新选择。", field: "officer_id")

  /// Whether a prompt may be passed on to somebody: staff who work now, of the same administration.
  private static func mayAct(_ officer: Int64?, _ records: Records) async throws -> Bool {
    guard let transaction = records.transaction else { throw Fault("prompt-without-transaction") }
    guard let officer, let unit = records.principal.unit?.id else { return false }
    return try await Responsibility(clock: records.store.clock).staff(of: [officer], near: unit, in: transaction)
      .contains(officer)
  }

  /// A rule that somebody made, changed or asked for; what the product delivers and the night works out is the job's.
  private func work(_ event: RecordEvent, _ records: Records) async throws {
    guard records.principal.kind != .system else { return }
    let occasions = PromptRules.proved.union(["active", "swept_at"])
    guard event.kind == .created || occasions.contains(where: { event.before[$0] != event.after[$0] }) else { return }
    if event["active"].boolean == true {
      if let later = queue.value { return try await later(event.id, records) }
      _ = try await PromptSweep.sweep(event.id, records)
    } else {
      try await PromptSweep.end(event.id, records)
    }
  }

  /// Works out those rules again that a write may have changed the answer of.
  private static func judge(_ events: [RecordEvent], _ records: Records) async throws {
    guard let register = events.first?.entity,
      records.store.catalog.dictionary(PromptRule.subjects)?.label(of: register) != nil
    else { return }
    let rules = try await records.asSystem.plain.list(
      ListQuery(
        PromptRule.register,
        filters: [
          ListFilter("active", .equals(.boolean(true))), ListFilter("register", .equals(.text(register))),
          ListFilter("group_field", .empty(true)), ListFilter("beside_register", .empty(true)),
        ], columns: try records.store.entity(PromptRule.register).storedFields.map(\.name), limit: 200)
    ).records
    if rules.isEmpty { return }
    let context = EvaluationContext(now: records.store.clock.now(), principal: .system)
    for record in rules {
      // One that the registers have left behind says so when the night comes to it.
      guard let rule = try? PromptRule(id: record.id, { record[$0] }, records.store.catalog), rule.isImmediate else {
        continue
      }
      let concerned = events.filter { rule.concerns($0, in: context) }.map(\.id)
      if !concerned.isEmpty { try await PromptSweep.settle(rule, only: concerned, records) }
    }
  }
}
