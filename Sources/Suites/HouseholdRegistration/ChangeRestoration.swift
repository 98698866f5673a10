import Access
import Core
import Entities
import Households

/// 变动恢复 (C-473): an application names a change of the ledger; what it would put back is looked up when it is handed in,
/// so that nobody waits for the county's approval of what cannot be restored.
enum ChangeRestoration {
  private static let form = "hukou_revert"

  static func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(form) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        do {
          drafts[index].values.merge(try await facts(drafts[index]["change_number"], records)) { _, new in new }
        } catch let refusal as Refusal { drafts[index].refuse(refusal) }
      }
    }
    hooks.beforeUpdate(form) { changes, records in
      for index in changes.indices where changes[index].alters("change_number") {
        do {
          changes[index].changes.merge(try await facts(changes[index]["change_number"], records)) { _, new in new }
        } catch let refusal as Refusal { changes[index].refuse(refusal) }
      }
    }
  }

  /// What the form shows of the change.
  ///
  /// - Throws: ``Refusal`` `change-foreign` for another station's; what ``HouseholdBook/examine(_:)`` refuses.
  private static func facts(_ value: Value, _ records: Records) async throws -> [String: Value] {
    guard let number = value.text else { return [:] }
    let book = HouseholdBook(records, place: .init(division: "", unit: 0, address: nil))
    // Whose it is comes first: what stands in the way of restoring names people.
    if let line = try await records.asSystem.find(HouseholdLedger.entity, where: "number", equals: .text(number)),
      let own = records.principal.unit, let unit = line["unit_id"].integer
    {
      let station = try await records.asSystem.get("unit", unit)
      guard station["path"].text?.hasPrefix(own.path) == true else {
        throw Refusal(
          .unprocessable, "change-foreign", "变动 \(number) 是\(station["name"].text ?? "其他派出所")的，请由它申请恢复。",
          field: "change_number")
      }
    }
    let lines = try await book.examine(number)
    guard let line = lines.first(where: { $0["number"].text == number }) else { return [:] }
    return [
      "changed_name": line["person_name"], "changed_kind": line["kind"], "changed_on": line["changed_on"],
      "changed_case": line["case_number"], "lines": .integer(Int64(lines.count)),
    ]
  }
}
