import Access
import Core
package import Entities
import YAML

/// What the register of reports does by itself: a definition is proved before it is kept, and names its report.
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
