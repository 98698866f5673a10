import Access
package import Cases
import Core
package import Entities
import Processes

/// Applications that say a register or certificate came with an error in it (业务纠错, C-029): within three working days
/// after the old case was completed, plus the days that the post takes.
package final class CorrectionRule: RecordRules {
  package static let entity = "hukou_correction"
  /// Working days to look at what has come.
  static let days = 3
  /// Working days that the post may take.
  static let postDays = 5

  /// Made after the rules of the registers.
  private let cases = Later<CaseStore>("corrections")

  package init() {}

  /// Counts from now on by the calendar of these cases.
  package func begin(_ cases: CaseStore) { self.cases.begin(cases) }

  /// Judges applications as they are made.
  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(CorrectionRule.entity) { [self] drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        let number = drafts[index]["old_number"].text ?? ""
        let query = ListQuery(
          ServiceCase.entity, filters: [ListFilter("number", .equals(.text(number)))],
          columns: ["state", "finished_at", "delivery", "applicant_user_id", "item_code"], limit: 1)
        let old = try await records.asSystem.list(query).records.first
        do throws(Refusal) {
          try judge(old, user: drafts[index]["applicant_user_id"], now: records.store.clock.now())
        } catch { drafts[index].refuse(error) }
      }
    }
  }

  private func judge(_ old: Record?, user: Value, now: Instant) throws(Refusal) {
    guard let old, user.isNull || old["applicant_user_id"] == user else {
      throw Refusal(.unprocessable, "correction-case", "没有找到您的这件办件。请核对受理编号，在“我的办件”里可以看到。", field: "old_number")
    }
    guard old["state"].text == "completed", let finished = old["finished_at"].instant else {
      throw Refusal(.unprocessable, "correction-open", "这件办件还没有办结，有问题请直接联系受理单位。", field: "old_number")
    }
    let wait = CorrectionRule.days + (old["delivery"].text == "courier" ? CorrectionRule.postDays : 0)
    let calendar = cases.value?.calendar ?? .standard
    let limit: Instant
    do throws(WorkCalendarFailure) {
      limit = try calendar.deadline(ProcessDuration(days: wait), from: finished)
    } catch { throw error.refusal }
    guard now <= limit else {
      throw Refusal(
        .unprocessable, "correction-late",
        "这件办件于 \(finished.display) 办结，已过\(wait) 个工作日的网上纠错期。请带证件到受理窗口更正。", field: "old_number")
    }
  }
}
