import Access
import Audit
import Core
package import Entities
import SQL

/// The households that have to be visited (走访户, A-032): every address where somebody lives, with when it was visited last.
package struct VisitHouseholds: Sendable {
  package static let entity = "visit_household"

  /// Addresses that one transaction looks at.
  private static let page = 500

  let store: RecordStore

  package init(store: RecordStore) { self.store = store }

  /// Takes down the last visit at which somebody was met, after one was entered or corrected.
  static func recount(_ address: Int64, _ event: RecordEvent, period: Int, _ records: Records) async throws {
    let last = try await records.plain.list(
      ListQuery(
        VisitRules.entity,
        filters: [
          ListFilter("address_id", .equals(.integer(address))), ListFilter("result", .equals(.text("met"))),
          ListFilter("is_corrected", .equals(.boolean(false))),
        ], sort: [.init(field: "visited_at", descending: true)], columns: ["visited_at", "officer_id"], limit: 1)
    ).records.first
    let known = try await records.find(entity, where: "code", equals: event.after["code"] ?? .null)
    guard last != nil || known != nil else { return }
    let day = last?["visited_at"].instant?.chinaTime.date
    let due = day?.adding(days: period)
    var state = due.map { $0 < records.store.clock.today() ? "overdue" : "current" } ?? "never"
    // Nobody was met who would say that somebody lives there again.
    if known?["state"].text == "gone", event.after["result"]?.text != "met" { state = "gone" }
    var values: [String: Value] = [
      "visited_on": day.map { .date($0) } ?? .null, "officer_id": last?["officer_id"] ?? .null,
      "due_on": due.map { .date($0) } ?? .null, "state": .text(state),
      "coverage": .integer(state == "current" ? 100 : 0),
    ]
    if let known {
      try await records.update(entity, known.id, version: nil, values, input: .code)
    } else {
      for name in ["code", "full_name", "division_code", "police_station_id", "beat"] {
        values[name] = event.after[name] ?? .null
      }
      values["address_id"] = .integer(address)
      try await records.insert(entity, values.filter { !$0.value.isNull }, input: .code)
    }
  }

  /// Brings the list up to who lives where and to today; doing it twice changes nothing.
  ///
  /// - Returns: how many rows were entered or changed.
  package func refresh(period: Int) async throws -> Int {
    var (count, last) = (0, Int64(0))
    while let (reached, changed) = try await step(period, after: last) {
      count += changed
      last = reached
    }
    return count
  }

  /// Looks at the next page of addresses; `nil` behind the last.
  ///
  /// - Returns: the last address of the page, and how many rows were entered or changed.
  private func step(_ period: Int, after last: Int64) async throws -> (reached: Int64, changed: Int)? {
    let today = store.clock.today()
    return try await store.transaction(as: .system, purpose: "更新走访户", origin: .inside) { records in
      guard let transaction = records.transaction else { throw Fault("visits-without-transaction") }
      try await TransactionSettings.apply(
        .system,
        [(entity: try store.entity("residence"), permission: Permission("residence", "view"))], in: transaction)
      let end = try await transaction.query(
        """
        select max(id) as last from (
          select id from address where id > \(last) order by id limit \(VisitHouseholds.page)) p
        """
      ).first
      guard let reached = try end?.get("last", as: Int64?.self) else { return nil }
      // The limit keeps the search for residents an index scan an address: all residences once a page take a second each.
      let rows = try await transaction.query(
        """
        select h.id, a.id as address, a.code, a.full_name, a.division_code, a.police_station_id, a.beat,
          (h.visited_on + \(period)::int)::text as due, w.state
        from address a left join visit_household h on h.address_id = a.id
          left join lateral (
            select true as found from residence r
            where r.address_id = a.id and r.until is null and r.state = 'confirmed' limit 1) r on true
          cross join lateral (select a.status <> 'cancelled' and r.found is not null as lived) l
          cross join lateral (select case when not l.lived then 'gone' when h.visited_on is null then 'never'
            when h.visited_on + \(period)::int < \(today) then 'overdue' else 'current' end as state) w
        where a.id > \(last) and a.id <= \(reached) and case when h.id is null then l.lived
          else h.state <> w.state or h.full_name is distinct from a.full_name or h.beat is distinct from a.beat
            or h.police_station_id is distinct from a.police_station_id
            or h.due_on is distinct from h.visited_on + \(period)::int end
        order by a.id
        """)
      guard !rows.isEmpty else { return (reached, 0) }
      let batch = try RecordBatch(records, VisitHouseholds.entity)
      let held = try await batch.hold(try rows.compactMap { try $0.get("id", as: Int64?.self) })
      let items = try rows.enumerated().map { number, row in
        func text(_ name: String) throws -> Value { try row.get(name, as: String?.self).map { .text($0) } ?? .null }
        let state: String = try row.get("state")
        let values: [String: Value] = [
          "address_id": .integer(try row.get("address")), "code": try text("code"), "full_name": try text("full_name"),
          "division_code": try text("division_code"), "beat": try text("beat"), "state": .text(state),
          "police_station_id": try row.get("police_station_id", as: Int64?.self).map { .integer($0) } ?? .null,
          "due_on": try row.get("due", as: String?.self).flatMap { CivilDate($0) }.map { Value.date($0) }
            ?? .null,
          "coverage": .integer(state == "current" ? 100 : 0),
        ]
        let known = try row.get("id", as: Int64?.self).flatMap { held[$0] }
        return RecordBatch.Item(number: number, held: known, values: values)
      }
      let written = try await batch.write(items)
      let refused = written.filter { $0.result == .rejected }
      if let first = refused.first { throw Fault("visit-household-refused", first.reason ?? "") }
      return (reached, rows.count)
    }
  }
}
