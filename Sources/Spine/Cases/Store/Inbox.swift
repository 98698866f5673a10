package import Access
package import Core
import Entities
import Identity
package import Processes
import SQL

/// What waits for somebody and what has been through their hands (待办、已办、抄送、我发起).
package struct Inbox: Sendable {
  package enum Box: String, Sendable, Hashable, CaseIterable {
    case todo
    case done
    case copied
    case started

    package var label: String {
      switch self {
      case .todo: "待办"
      case .done: "已办"
      case .copied: "抄送"
      case .started: "我发起"
      }
    }
  }

  package enum Order: String, Sendable, Hashable, CaseIterable {
    /// What is due first.
    case due
    case newest
    case oldest

    package var label: String {
      switch self {
      case .due: "先到期"
      case .newest: "最近收到"
      case .oldest: "最早收到"
      }
    }
  }

  package struct Query: Sendable, Hashable {
    package var box = Box.todo
    /// In the number and the names of applicant and subject.
    package var text = ""
    /// The code of an item.
    package var item: String?
    /// The label of a step.
    package var step: String?
    package var isOverdueOnly = false
    package var order = Order.due
    package var page = 1
    package var size = 50

    package init() {}
  }

  package struct Entry: Sendable, Hashable {
    package let caseID: Int64
    package let number: String
    package let item: String
    package let applicant: String
    package let subject: String?
    package let state: String
    /// The task; `nil` in boxes of whole cases.
    package let task: Int?
    package let step: String?
    package let at: Instant
    package let dueAt: Instant?
    package let light: WorkCalendar.Light?
    package let result: String?
    /// Whether several share it and nobody has taken it.
    package let isPooled: Bool
    package let isUrged: Bool
    package let isUnread: Bool
  }

  package struct Contents: Sendable {
    package let entries: [Entry]
    /// How many there are, counted up to ``countLimit``.
    package let count: Int
  }

  package static let countLimit = 10_000

  let cases: CaseStore

  package init(_ cases: CaseStore) { self.cases = cases }

  /// One page of a box.
  package func contents(_ query: Query, of principal: Principal) async throws -> Contents {
    let now = cases.store.clock.now()
    let calendar = cases.calendar
    return try await cases.store.database.transaction { transaction in
      let pools = try await cases.responsibility.pools(of: principal.id, in: transaction)
      let source = source(query, principal, pools, at: now)
      let offset = (max(query.page, 1) - 1) * query.size
      // The rows of one's own tasks and cases, whatever the data scope.
      let rows = try await transaction.pipeline([
        Inbox.openScope,
        """
        select * from (\(source.rows)) a order by \(source.order) limit \(query.size) offset \(offset)
        """,
        "select count(*) as count from (select 1 from (\(source.rows)) a limit \(Inbox.countLimit)) b",
      ])
      let entries = try rows[1].map { row -> Entry in
        let at: Instant = try row.get("at")
        let due: Instant? = try row.get("due_at")
        let light = query.box == .todo ? due.map { calendar.light(due: $0, started: at, now: now) } : nil
        return Entry(
          caseID: try row.get("case_id"), number: try row.get("number"), item: try row.get("item_label"),
          applicant: try row.get("applicant_name"), subject: try row.get("subject_name"),
          state: try row.get("state"), task: try row.get("task"), step: try row.get("step_label"), at: at, dueAt: due,
          light: light, result: try row.get("result"), isPooled: try row.get("is_pooled"),
          isUrged: try row.get("is_urged"), isUnread: try row.get("is_unread"))
      }
      return Contents(entries: entries, count: try rows[2].first?.get("count") ?? 0)
    }
  }

  /// How much waits, and how much of that is late.
  package func counts(of principal: Principal) async throws -> (todo: Int, late: Int, unread: Int) {
    guard principal.kind == .user else { return (0, 0, 0) }
    let now = cases.store.clock.now()
    let session = cases.store.database
    let pools = try await cases.responsibility.pools(of: principal.id, in: session)
    let row = try await session.query(
      """
      select count(*) as todo, count(*) filter (where t.due_at < \(now)) as late,
        (select count(*) from case_copy c where c.user_id = \(principal.id) and c.read_at is null) as unread
      from case_task t where t.state = 'open' and \(held(by: principal, pools))
      """
    ).first
    return (try row?.get("todo") ?? 0, try row?.get("late") ?? 0, try row?.get("unread") ?? 0)
  }

  /// The items and steps that a box holds, for its filters.
  package func choices(of principal: Principal) async throws -> (
    items: [(code: String, label: String)], steps: [String]
  ) {
    try await cases.store.database.transaction { transaction in
      let pools = try await cases.responsibility.pools(of: principal.id, in: transaction)
      let rows = try await transaction.pipeline([
        Inbox.openScope,
        """
        select c.item_code, c.item_label, t.step_label from case_task t join service_case c on c.id = t.case_id
        where t.state = 'open' and \(held(by: principal, pools)) group by 1, 2, 3 order by 2, 3 limit 500
        """,
      ])[1]
      var items: [(code: String, label: String)] = []
      var steps: [String] = []
      for row in rows {
        let code: String = try row.get("item_code")
        if !items.contains(where: { $0.code == code }) { items.append((code, try row.get("item_label"))) }
        let step: String = try row.get("step_label")
        if !steps.contains(step) { steps.append(step) }
      }
      return (items, steps.sorted())
    }
  }

  // MARK: Queries

  static let openScope: SQL = "select set_config('lifang.scope_service_case', '{\"all\":true}', true)"

  private func held(by principal: Principal, _ pools: Set<Responsibility.Pool>) -> SQL {
    let pools = pools.sorted { ($0.unit, $0.kind.rawValue, $0.code) < ($1.unit, $1.kind.rawValue, $1.code) }
    return """
      (t.user_id = \(principal.id) or (t.user_id is null and (t.pool_kind, t.pool_code, t.pool_unit_id) in (
        select * from unnest(\(pools.map(\.kind.rawValue))::text[], \(pools.map(\.code))::text[],
          \(pools.map { String($0.unit) })::bigint[]))))
      """
  }

  private func source(
    _ query: Query, _ principal: Principal, _ pools: Set<Responsibility.Pool>, at now: Instant
  ) -> (rows: SQL, order: SQL) {
    var conditions: [SQL] = []
    if !query.text.isEmpty {
      conditions.append(
        """
        (c.number like \(query.text) || '%' or c.applicant_name like '%' || \(query.text) || '%'
          or c.subject_name like '%' || \(query.text) || '%')
        """)
    }
    if let item = query.item { conditions.append("c.item_code = \(item)") }
    let columns: SQL = "c.id as case_id, c.number, c.item_label, c.applicant_name, c.subject_name, c.state"
    switch query.box {
    case .todo:
      conditions.append("t.state = 'open' and \(held(by: principal, pools))")
      if let step = query.step { conditions.append("t.step_label = \(step)") }
      if query.isOverdueOnly { conditions.append("t.due_at < \(now)") }
      let rows: SQL = """
        select \(columns), t.number as task, t.step_label, t.asked_at as at, t.due_at, null::text as result,
          t.user_id is null as is_pooled, t.urged_at is not null as is_urged, false as is_unread
        from case_task t join service_case c on c.id = t.case_id where \(SQL.join(conditions, separator: " and "))
        """
      return (rows, order(query.order))
    case .done:
      conditions.append("t.done_by = \(principal.id)")
      let rows: SQL = """
        select \(columns), t.number as task, t.step_label, t.done_at as at, t.due_at, t.result, false as is_pooled,
          false as is_urged, false as is_unread
        from case_task t join service_case c on c.id = t.case_id where \(SQL.join(conditions, separator: " and "))
        """
      return (rows, "at desc, case_id desc")
    case .copied:
      conditions.append("y.user_id = \(principal.id)")
      let rows: SQL = """
        select \(columns), null::integer as task, c.step as step_label, y.sent_at as at, c.due_at, y.note as result,
          false as is_pooled, false as is_urged, y.read_at is null as is_unread
        from case_copy y join service_case c on c.id = y.case_id where \(SQL.join(conditions, separator: " and "))
        """
      return (rows, "at desc, case_id desc")
    case .started:
      conditions.append("p.starter_id = \(principal.id)")
      let rows: SQL = """
        select \(columns), null::integer as task, c.step as step_label, c.submitted_at as at, c.due_at,
          null::text as result, false as is_pooled, false as is_urged, false as is_unread
        from case_process p join service_case c on c.id = p.case_id where \(SQL.join(conditions, separator: " and "))
        """
      return (rows, "at desc, case_id desc")
    }
  }

  private func order(_ order: Order) -> SQL {
    switch order {
    case .due: "due_at nulls last, at, case_id"
    case .newest: "at desc, case_id desc"
    case .oldest: "at, case_id"
    }
  }
}
