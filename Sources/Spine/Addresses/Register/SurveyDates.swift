import Core
import Entities
import SQL

/// The dates that GB/T 30428.3 asks of every place name: 初始日期 (ORDate) always, 变更日期 (CHDate) when its name changes
/// (D3-018 to D3-022).
enum SurveyDates {
  /// The registers, with the field that holds the name.
  private static let registers = [
    ("division", "name"), ("compound", "name"), ("road", "name"), ("public_facility", "name"), ("address", "full_name"),
  ]

  /// Adds the hooks; those that make the name must have been added before.
  static func addHooks(to hooks: inout RecordHooks) {
    for (register, name) in registers {
      hooks.beforeInsert(register) { drafts, records in
        for index in drafts.indices where drafts[index]["surveyed_on"].isNull {
          drafts[index]["surveyed_on"] = .date(records.store.clock.today())
        }
      }
      hooks.beforeUpdate(register) { changes, records in
        for index in changes.indices where changes[index].alters(name) && !changes[index].alters("changed_on") {
          changes[index]["changed_on"] = .date(records.store.clock.today())
        }
        try await fill(&changes, register, records)
      }
    }
  }

  /// The date is never empty again: who clears it keeps the one it had, and what was entered before it was asked for has
  /// that of its entry, from its next change on.
  private static func fill(_ changes: inout [RecordChange], _ register: String, _ records: Records) async throws {
    let missing = changes.indices.filter { changes[$0]["surveyed_on"].isNull }
    guard !missing.isEmpty, let transaction = records.transaction else { return }
    let rows = try await transaction.query(
      """
      select id, coalesce(surveyed_on, (created_at at time zone 'Asia/Shanghai')::date) as known
      from \(identifier: register) where id = any(\(missing.map { changes[$0].id }))
      """)
    let known = Dictionary(
      try rows.map { (try $0.get("id", as: Int64.self), try $0.get("known", as: CivilDate.self)) },
      uniquingKeysWith: { first, _ in first })
    for index in missing { changes[index]["surveyed_on"] = known[changes[index].id].map { .date($0) } ?? .null }
  }
}
