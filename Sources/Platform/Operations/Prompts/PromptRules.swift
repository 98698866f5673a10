import Access
import Core
package import Entities

/// What rules of analysis (研判规则) and their prompts (研判预警) do by themselves: a rule is proved before it is kept and worked
/// out as soon as somebody changes it; rules that one record decides are worked out when it is written.
package struct PromptRules: RecordRules {
  package init() {}

  private static let proved: Set<String> = [
    "name", "register", "condition", "group_field", "distinct_field", "at_least", "beside_register", "beside_field",
    "beside_condition", "beside_missing", "occasion_field", "officer_field", "restricted", "active", "level",
    "within_days", "advice",
  ]

  /// The dictionary of the registers that rules may be about.
  private static let registers = "prompt_register"

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(PromptRule.register) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        let draft = drafts[index]
        do throws(Refusal) { _ = try PromptRule(id: 0, { draft[$0] }, records.store.catalog) } catch {
          drafts[index].refuse(error)
        }
      }
    }
    hooks.beforeUpdate(PromptRule.register) { changes, records in
      for index in changes.indices where changes[index].refusal == nil {
        let change = changes[index]
        // A rule can be stopped whatever has become of its registers.
        guard change["active"].boolean == true, PromptRules.proved.contains(where: { change.alters($0) }) else {
          continue
        }
        do throws(Refusal) { _ = try PromptRule(id: change.id, { change[$0] }, records.store.catalog) } catch {
          changes[index].refuse(error)
        }
      }
    }
    hooks.after(PromptRule.register) { events, records in
      for event in events where event.kind != .deleted { try await PromptRules.work(event, records) }
    }
    hooks.after(RecordHooks.anyEntity) { events, records in try await PromptRules.judge(events, records) }
  }

  /// A rule that somebody made, changed or asked for; what the product delivers and the night works out is the job's.
  private static func work(_ event: RecordEvent, _ records: Records) async throws {
    guard records.principal.kind != .system else { return }
    let isAsked = event.before["swept_at"] != event.after["swept_at"]
    guard event.kind == .created || isAsked || proved.contains(where: { event.before[$0] != event.after[$0] }) else {
      return
    }
    if event["active"].boolean == true {
      _ = try await PromptSweep.sweep(event.id, records)
    } else {
      try await PromptSweep.settle(
        try PromptRule(id: event.id, { event[$0] }, records.store.catalog), only: nil, records)
    }
  }

  /// Works out those rules again that a write may have changed the answer of.
  private static func judge(_ events: [RecordEvent], _ records: Records) async throws {
    guard let register = events.first?.entity,
      records.store.catalog.dictionary(registers)?.label(of: register) != nil
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
