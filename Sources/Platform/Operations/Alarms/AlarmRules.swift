import Access
import Core
package import Entities

/// What the registers of alarms do by themselves: a rule is proved before it is kept; an order that is carried out, and a
/// look at access that is settled, settle their alarms; a warning of access enters the register of alarms as well.
package struct AlarmRules: RecordRules {
  package init() {}

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(AlarmRule.register) { drafts, _ in
      for index in drafts.indices where drafts[index].refusal == nil {
        let draft = drafts[index]
        if let refusal = AlarmRules.refusal({ draft[$0] }) { drafts[index].refuse(refusal) }
      }
    }
    hooks.beforeUpdate(AlarmRule.register) { changes, _ in
      for index in changes.indices {
        let change = changes[index]
        if let refusal = AlarmRules.refusal({ change[$0] }) { changes[index].refuse(refusal) }
      }
    }
    hooks.after("incident_order") { events, records in
      for event in events
      where event.kind == .updated && event["state"].text == "resolved" && event.before["state"]?.text != "resolved" {
        try await AlarmRules.settle("order_id", event.id, event["handling"].text ?? "工单已处置", records)
      }
    }
    hooks.after("access_warning") { events, records in
      for event in events {
        if event.kind == .created { try await AlarmRules.enter(event, records) }
        if event.kind == .updated, event["state"].text != "open", event.before["state"]?.text == "open" {
          // What was found speaks of people; it stays with the warning.
          try await AlarmRules.settle("access_warning_id", event.id, "已核查，见访问预警", records)
        }
      }
    }
  }

  private static func refusal(_ values: (String) -> Value) -> Refusal? {
    guard let labels = values("labels").text, !labels.isEmpty, !AlarmRule.areLabels(labels) else { return nil }
    return Refusal(
      .unprocessable, "alarm-labels", "标签应写成 名称=\"值\"，几个之间用逗号，例如 status=\"500\"。请改正后再提交。", field: "labels")
  }

  private static func settle(_ field: String, _ id: Int64, _ result: String, _ records: Records) async throws {
    let system = records.asSystem
    let alarms = try await system.list(
      ListQuery(
        AlarmDesk.register,
        filters: [
          ListFilter(field, .equals(.integer(id))),
          ListFilter("state", .oneOf([.text("raised"), .text("confirmed"), .text("recovered")])),
        ], columns: ["state"], limit: 100)
    ).records
    for alarm in alarms {
      try await system.update(
        AlarmDesk.register, alarm.id, version: nil,
        [
          "state": .text("handled"), "handling": .text(String(result.prefix(2000))),
          "handled_at": .instant(records.store.clock.now()),
        ], input: .code)
    }
  }

  /// Without the name of whom it is about, which stands in the warning.
  private static func enter(_ event: RecordEvent, _ records: Records) async throws {
    let label = records.store.catalog.dictionary("access_warning_kind")?.label(of: event["kind"].text ?? "") ?? ""
    let (amount, minutes) = (event["amount"].integer ?? 0, event["minutes"].integer ?? 0)
    try await records.asSystem.insert(
      AlarmDesk.register,
      [
        "name": .text("访问预警：\(label)"), "origin": .text("access"), "key": .text("access \(event.id)"),
        "level": .text("serious"),
        "detail": .text("\(minutes) 分钟内 \(amount) 次，超过阈值 \(event["threshold"].integer ?? 0)。"),
        "raised_at": event["found_at"], "access_warning_id": .integer(event.id),
      ], input: .code)
  }
}
