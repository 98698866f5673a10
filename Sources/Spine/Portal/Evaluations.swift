package import Access
package import Audit
package import Cases
import Core
package import Entities
import Identity
import Messaging
import Processes
import SQL

/// How citizens judge the handling of their cases (好差评): once a case, one to five stars with tags and words.
///
/// A bad one becomes a task of rectification (整改) for the unit. An anonymous one names neither the person nor the case
/// to the unit; which case it was stands in a table that no page shows, so that the answer still reaches whoever gave it.
package struct Evaluations: Sendable {
  package static let entity = "service_evaluation"

  /// What somebody says.
  package struct Opinion: Sendable {
    package var stars: Int
    package var tags: [String]
    package var words: String
    package var isAnonymous: Bool

    package init(stars: Int, tags: [String], words: String, isAnonymous: Bool) {
      self.stars = stars
      self.tags = tags
      self.words = words
      self.isAnonymous = isAnonymous
    }
  }

  /// At most so many stars are bad.
  static let bad = 2
  /// Working days within which a bad evaluation is answered.
  static let answerDays = 5

  let cases: CaseStore

  package init(cases: CaseStore) { self.cases = cases }

  private var store: RecordStore { cases.store }

  /// The evaluation of a case, for its applicant; `nil` while there is none.
  package func evaluation(of id: Int64) async throws -> Record? {
    let row = try await store.database.first("select evaluation_id from case_evaluated where case_id = \(id)")
    guard let evaluation = try row?.get("evaluation_id", as: Int64?.self) else { return nil }
    return try await store.records(as: .system, purpose: "本人查看评价").get(Evaluations.entity, evaluation)
  }

  /// The finished case of an applicant.
  ///
  /// - Throws: ``Refusal`` `evaluation-foreign`, `evaluation-early`.
  package func evaluable(_ id: Int64, by principal: Principal, origin: Origin) async throws -> CaseView {
    let view = try await cases.view(id, as: principal, origin: origin)
    guard view.access == .applicant else {
      throw Refusal(.forbidden, "evaluation-foreign", "只有申请人本人可以评价这件办件。")
    }
    guard view.instance.state == .finished else {
      throw Refusal(.conflict, "evaluation-early", "这件事还没有办结，办结后再来评价。")
    }
    return view
  }

  /// Gives an evaluation.
  ///
  /// - Throws: ``Refusal`` `evaluation-once`, and what is wrong with the opinion.
  package func give(_ opinion: Opinion, of id: Int64, by principal: Principal, origin: Origin) async throws {
    let view = try await evaluable(id, by: principal, origin: origin)
    guard (1...5).contains(opinion.stars) else {
      throw Refusal(.invalid, "stars-missing", "请选择一到五星。", field: "stars")
    }
    let words = String(opinion.words.drop { $0.isWhitespace }.prefix(500))
    let isBad = opinion.stars <= Evaluations.bad
    if isBad, words.isEmpty, opinion.tags.isEmpty {
      throw Refusal(.invalid, "words-missing", "请选一个原因或写几句话，好让我们改进。", field: "words")
    }
    let now = store.clock.now()
    var values: [String: Value] = [
      "item_code": view.record["item_code"], "item_label": view.record["item_label"],
      "unit_id": view.record["unit_id"], "division_code": view.record["division_code"],
      "stars": .integer(Int64(opinion.stars)), "words": .text(words),
      "anonymous": .boolean(opinion.isAnonymous), "state": .text(isBad ? "pending" : "received"),
      "evaluated_on": .date(now.chinaTime.date),
    ]
    if !opinion.tags.isEmpty { values["tags"] = .list(opinion.tags) }
    if let handler = view.tasks.last(where: { $0.state == .done && $0.user != nil && $0.user != principal.id })?.user {
      values["handler_id"] = .integer(handler)
    }
    if isBad {
      do throws(WorkCalendarFailure) {
        let due = try cases.calendar.deadline(ProcessDuration(days: Evaluations.answerDays), from: now)
        values["due_on"] = .date(due.chinaTime.date)
      } catch { throw error.refusal }
    }
    if !opinion.isAnonymous { values["service_case_id"] = .integer(id) }
    let filled = values.filter { !$0.value.isBlank }
    try await store.database.transaction { transaction in
      let once = try await transaction.query(
        "insert into case_evaluated (case_id, at) values (\(id), \(now)) on conflict do nothing returning 1")
      guard !once.isEmpty else {
        throw Refusal(.conflict, "evaluation-once", "这件事您已经评价过了，每件事只能评价一次。")
      }
      // As the system: who gave an anonymous evaluation stands neither in it nor in its history.
      let record = try await self.store.records(as: .system, origin: .inside).within(transaction).insert(
        Evaluations.entity, filled, input: .code)
      try await transaction.execute(
        "update case_evaluated set evaluation_id = \(record.id) where case_id = \(id)")
      guard isBad, let unit = view.record["unit_id"].integer else { return }
      let asked = try await self.cases.responsibility.holders(
        of: Permission(Evaluations.entity, "rectify"), near: unit, limit: 5, in: transaction)
      try await self.cases.messages.send(
        "evaluation_bad", to: asked.map { .user($0.user) },
        [
          "item": view.item.label, "stars": String(opinion.stars), "number": record["number"].text ?? "",
          "due": record["due_on"].date?.description ?? "",
        ], link: String(record.id), key: "evaluation \(record.id)", in: transaction)
    }
  }
}
