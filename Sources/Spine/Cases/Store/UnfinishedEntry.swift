import Core
import Entities
import SQL

/// What a completed case could not enter in the registers by itself (常口续办, C-341): it stays on a list of those who may handle
/// the case until somebody has entered it and says so.
enum UnfinishedEntry {
  static let entity = "unfinished_entry"

  /// - Parameters:
  ///   - register: where it has to be entered; `nil` for identification numbers, which the page of the case leads to.
  ///   - record: the case.
  static func note(
    _ label: String, in register: String?, reason: String, of record: Record, case id: Int64, _ records: Records
  ) async throws {
    var values: [String: Value] = [
      "\(ServiceCase.entity)_id": .integer(id), "label": .text(String(label.prefix(100))),
      "reason": .text(String(reason.prefix(500))), "raised_at": .instant(records.store.clock.now()),
      "case_number": record["number"], "item_label": record["item_label"],
    ]
    values["register"] = register.map { .text($0) } ?? .null
    for name in ["division_code", "unit_id", "home_unit_id", "applicant_user_id"] { values[name] = record[name] }
    let fields = try records.store.entity(entity)
    try await records.asSystem.insert(
      entity, values.filter { !$0.value.isNull && fields.field($0.key) != nil }, input: .code)
  }
}
