import Access
import Core
import Entities
import SQL

/// What a completed case could not enter in the registers by itself (常口续办, C-341): it stays on a list of those who may handle
/// the case until somebody has entered it and says so.
struct UnfinishedEntry: Sendable, Hashable {
  static let entity = "unfinished_entry"

  /// What has to be entered: the label of the register, or 公民身份号码.
  let label: String
  /// Where it has to be entered; `nil` for identification numbers, which the page of the case leads to.
  let register: String?
  let reason: String

  init(_ label: String, in register: String?, reason: String) {
    self.label = String(label.prefix(100))
    self.register = register
    self.reason = String(reason.prefix(500))
  }

  /// Puts on the list what this completion of a case left over, and takes off what an earlier one did and this one has entered,
  /// or what need not be entered any more.
  ///
  /// - Parameters:
  ///   - record: the case.
  ///   - principal: who completed it.
  static func keep(
    _ left: [UnfinishedEntry], of record: Record, by principal: Principal, _ records: Records,
    in transaction: Transaction
  ) async throws {
    // Hardly any case leaves or left anything, and a list is planned anew each time.
    if left.isEmpty {
      let open = try await transaction.pipeline([
        "select set_config('lifang.scope_unfinished_entry', '{\"all\":true}', true)",
        "select 1 from unfinished_entry where service_case_id = \(record.id) and state = 'open' limit 1",
      ])[1]
      if open.isEmpty { return }
    }
    let (system, now) = (records.asSystem.plain, records.store.clock.now())
    var known = try await system.all(
      ListQuery(
        entity,
        filters: [
          ListFilter("\(ServiceCase.entity)_id", .equals(.integer(record.id))),
          ListFilter("state", .equals(.text("open"))),
        ], columns: ["label", "reason"]))
    for one in left {
      if let index = known.firstIndex(where: { $0["label"].text == one.label }) {
        let old = known.remove(at: index)
        guard old["reason"].text != one.reason else { continue }
        try await system.update(
          entity, old.id, version: nil, ["reason": .text(one.reason), "raised_at": .instant(now)], input: .code)
      } else {
        try await system.insert(entity, one.values(of: record, at: now), input: .code)
      }
    }
    let done: [String: Value] = [
      "state": .text("done"), "note": .text("办件重新办结：已登记，或不再需要登记。"), "settled_at": .instant(now),
      "settled_by": principal.kind == .user ? .integer(principal.id) : .null,
    ]
    for one in known { try await system.update(entity, one.id, version: nil, done, input: .code) }
  }

  private func values(of record: Record, at time: Instant) -> [String: Value] {
    var values: [String: Value] = [
      "\(ServiceCase.entity)_id": .integer(record.id), "label": .text(label), "reason": .text(reason),
      "raised_at": .instant(time), "case_number": record["number"], "item_label": record["item_label"],
      "register": register.map { .text($0) } ?? .null,
    ]
    for name in ["division_code", "unit_id", "applicant_user_id"] { values[name] = record[name] }
    return values.filter { !$0.value.isNull }
  }
}
