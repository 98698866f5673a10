import Access
import Core
import Entities
import Identity
import Messaging
import Processes
import SQL

/// 全城通办: a case that another station accepted than the one where the household is registered.
extension CaseStore {
  /// Keeps the register of such cases in step with a move, and tells the home station of acceptance and outcome (C-044,
  /// C-226, C-538, C-539).
  ///
  /// - Parameter caseState: as the register of cases has it after the move.
  func follow(
    _ state: CaseState, before: ProcessInstance?, caseState: String, _ records: Records, in transaction: Transaction
  ) async throws {
    guard let home = state.home, home != state.unit else { return }
    let reader = store.records(as: .system, purpose: "通办业务").within(transaction)
    let isOver = state.instance.state == .finished || state.instance.state == .void
    var known: Record?
    if before != nil {
      known = try await reader.find(ServiceCase.cityWide, where: "case_id", equals: .integer(state.id))
    }
    if let known, known["state"] == .text(caseState) { return }
    let record = try await reader.get(ServiceCase.entity, state.id)
    var values: [String: Value] = [
      "state": .text(caseState), "finished_at": isOver ? .instant(store.clock.now()) : .null,
      "follow_up": .text(isOver && caseState != "completed" ? "none" : "waiting"),
    ]
    let entry: Int64
    if let known {
      try await records.update(ServiceCase.cityWide, known.id, version: nil, values, input: .code)
      entry = known.id
    } else {
      let shared: [String: Value] = [
        "case_id": .integer(state.id), "unit_id": .integer(home), "accepting_unit_id": .integer(state.unit),
        "division_code": .text(state.division), "accepted_at": record["submitted_at"],
      ]
      for name in ["number", "item_label", "category", "subject_name"] { values[name] = record[name] }
      values.merge(shared) { _, shared in shared }
      entry = try await records.insert(ServiceCase.cityWide, values.filter { !$0.value.isNull }, input: .code).id
    }
    try await announce(entry, state, record, isCompleted: isOver && caseState == "completed", records, reader)
    guard isOver || before == nil else { return }
    var words: [String: String] = [
      "item": state.item.label, "number": record["number"].text ?? "",
      "accepting": record.titles["unit_id"] ?? "其他派出所", "time": store.clock.now().display,
    ]
    if isOver {
      words["result"] = store.catalog.dictionary("case_state")?.label(of: caseState) ?? caseState
    }
    // Whoever may note the follow-up is told: at the station itself, or the first office above that has somebody.
    let holders = try await responsibility.holders(
      of: Permission(ServiceCase.cityWide, "settle"), near: home, limit: 50, in: transaction)
    let nearest = holders.first?.unit
    try await messages.send(
      isOver ? "city_wide_finished" : "city_wide_accepted",
      to: Set(holders.filter { $0.unit == nearest }.map(\.user)).sorted().map { .user($0) }, words,
      link: String(state.id), key: "city-wide \(state.id) \(caseState) \(state.instance.visits.count)", in: transaction)
  }

  /// Enters a completed case for whoever subscribed (通办业务数据推送, C-540), without anybody's name; takes it back when the
  /// case goes on after all.
  private func announce(
    _ entry: Int64, _ state: CaseState, _ record: Record, isCompleted: Bool, _ records: Records, _ reader: Records
  ) async throws {
    let known = try await reader.find(ServiceCase.cityWideResult, where: "number", equals: record["number"])
    if !isCompleted {
      if let known { try await records.delete(ServiceCase.cityWideResult, known.id, version: nil) }
      return
    }
    guard known == nil else { return }
    var values: [String: Value] = [
      "city_wide_case_id": .integer(entry), "unit_id": state.home.map { .integer($0) } ?? .null,
      "accepting_unit_id": .integer(state.unit), "division_code": .text(state.division),
      "accepted_at": record["submitted_at"], "finished_at": .instant(store.clock.now()),
    ]
    for name in ["number", "item_code", "item_label", "category"] { values[name] = record[name] }
    try await records.insert(ServiceCase.cityWideResult, values, input: .code)
  }
}
