import Access
package import Core
package import Entities
import Processes
import YAML

/// Applications that say a register or certificate came with an error in it (业务纠错, C-029): within three working days
/// after the old case was completed, plus the days that the post takes.
package enum CorrectionHooks {
  package static let entity = "hukou_correction"
  /// Working days to look at what has come.
  static let days = 3
  /// Working days that the post may take.
  static let postDays = 5

  package static let hooks: RecordHooks = {
    var hooks = RecordHooks()
    hooks.beforeInsert(CorrectionHooks.entity) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        let number = drafts[index]["old_number"].text ?? ""
        let query = ListQuery(
          "service_case", filters: [ListFilter("number", .equals(.text(number)))],
          columns: ["state", "finished_at", "delivery", "applicant_user_id", "item_code"], limit: 1)
        let old = try await records.asSystem.list(query).records.first
        let user = drafts[index]["applicant_user_id"]
        if let refusal = CorrectionHooks.refusal(old, user: user, records) { drafts[index].refuse(refusal) }
      }
    }
    return hooks
  }()

  private static func refusal(_ old: Record?, user: Value, _ records: Records) -> Refusal? {
    guard let old, user.isNull || old["applicant_user_id"] == user else {
      return Refusal(.unprocessable, "correction-case", "没有找到您的这件办件。请核对受理编号，在“我的办件”里可以看到。", field: "old_number")
    }
    guard old["state"].text == "completed", let finished = old["finished_at"].instant else {
      return Refusal(.unprocessable, "correction-open", "这件办件还没有办结，有问题请直接联系受理单位。", field: "old_number")
    }
    let wait = days + (old["delivery"].text == "courier" ? postDays : 0)
    guard let limit = try? calendar(records.store.catalog).deadline(ProcessDuration(days: wait), from: finished),
      records.store.clock.now() <= limit
    else {
      return Refusal(
        .unprocessable, "correction-late",
        "这件办件于 \(finished.display) 办结，已过\(wait) 个工作日的网上纠错期。请带证件到受理窗口更正。", field: "old_number")
    }
    return nil
  }

  /// The calendar that the product declares for cases.
  private static func calendar(_ catalog: Catalog) -> WorkCalendar {
    let name = catalog.parameter("case.calendar")?.defaultValue.text ?? ""
    guard let document = catalog.others.first(where: { $0.kind == .calendar && $0.name == name }) else {
      return .standard
    }
    return (try? WorkCalendar(document.node)) ?? .standard
  }
}
