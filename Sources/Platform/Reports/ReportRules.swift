import Access
import Core
package import Entities
import YAML

/// What the registers of reports do by themselves: a definition is proved before it is kept, and names its report; the
/// recipients of a plan are chosen by those who may change the plan, since its reports are mailed to them.
package struct ReportRules: RecordRules {
  package init() {}

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(ReportOffice.register) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        do throws(Refusal) {
          drafts[index].values.merge(try facts(drafts[index]["definition"], records)) { _, new in new }
        } catch { drafts[index].refuse(error) }
      }
    }
    hooks.beforeUpdate(ReportOffice.register) { changes, records in
      for index in changes.indices where changes[index].alters("definition") {
        do throws(Refusal) {
          let facts = try facts(changes[index]["definition"], records)
          if let name = facts["name"], changes[index].before["name"] != name {
            throw Refusal(
              .unprocessable, "report-name", "代号是“\(changes[index].before["name"]?.text ?? "")”，不能改。请恢复第一行的 report:。",
              field: "definition")
          }
          changes[index].changes.merge(facts) { _, new in new }
          if records.principal.kind == .user { changes[index]["adapted"] = .boolean(true) }
        } catch { changes[index].refuse(error) }
      }
    }
    hooks.beforeInsert(ReportPlans.recipient) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        do {
          drafts[index]["unit_id"] = try await unit(of: drafts[index]["report_plan_id"], records)
        } catch let refusal as Refusal { drafts[index].refuse(refusal) }
      }
    }
    hooks.beforeUpdate(ReportPlans.recipient) { changes, records in
      for index in changes.indices where changes[index].refusal == nil {
        do {
          _ = try await unit(of: changes[index].before["report_plan_id"] ?? .null, records)
          changes[index]["unit_id"] = try await unit(of: changes[index]["report_plan_id"], records)
        } catch let refusal as Refusal { changes[index].refuse(refusal) }
      }
    }
  }

  /// The unit of a plan whose recipients somebody chooses.
  ///
  /// - Throws: ``Refusal`` `report-plan-foreign` when they may not change the plan.
  private func unit(of plan: Value, _ records: Records) async throws -> Value {
    guard let id = plan.integer else { return .null }
    return try await records.unit(
      governing: ReportPlans.register, id,
      otherwise: Refusal(
        .forbidden, "report-plan-foreign", "这个报表计划不归您管理，不能设置它的接收人。请联系计划的编制单位添加。", field: "report_plan_id"))
  }

  private func facts(_ definition: Value, _ records: Records) throws(Refusal) -> [String: Value] {
    let (report, findings) = ReportReader.read(definition.text ?? "", in: records.store.catalog)
    guard let report else {
      let said = findings.filter { $0.severity == .error }.prefix(3).map { "第 \($0.position.line) 行：\($0.message)" }
      throw Refusal(
        .unprocessable, "report-wrong", "报表定义有误，没有保存。\(said.joined(separator: "；"))。", field: "definition")
    }
    return [
      "name": .text(report.name), "label": .text(report.label), "form": .text(report.form.rawValue),
      "period": .text(report.period.rawValue),
      "content": .text(String(report.columns.map(\.label).joined(separator: "、").prefix(1000))),
    ]
  }
}
