import Access
import Audit
import Core
package import Entities

/// How key objects stand with their visits (重点对象走访情况, A-004), brought up to each day.
package struct KeyObjectDues: Sendable {
  /// So many days ahead a visit is shown as due soon.
  static let soon = 3

  let store: RecordStore

  package init(store: RecordStore) { self.store = store }

  static func state(_ due: CivilDate, on today: CivilDate) -> String {
    due < today ? "overdue" : due <= today.adding(days: soon) ? "soon" : "current"
  }

  /// - Returns: how many stand otherwise than yesterday; doing it twice changes nothing.
  package func refresh() async throws -> Int {
    let today = store.clock.today()
    return try await store.transaction(as: .system, purpose: "更新重点对象走访情况", origin: .inside) { records in
      let filters = [
        ListFilter("state", .oneOf([.text("active"), .text("lifting")])),
        ListFilter("due_on", .range(from: nil, to: .date(today.adding(days: KeyObjectDues.soon)))),
      ]
      let due = try await records.plain.all(
        ListQuery(KeyObjectRules.entity, filters: filters, columns: ["due_on", "visit_state"]))
      var changed = 0
      for key in due {
        guard let day = key["due_on"].date else { continue }
        let state = Value.text(KeyObjectDues.state(day, on: today))
        if key["visit_state"] == state { continue }
        try await records.update(KeyObjectRules.entity, key.id, version: nil, ["visit_state": state], input: .code)
        changed += 1
      }
      return changed
    }
  }
}
