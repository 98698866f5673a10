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
    /// 督办 and 延期 that wait for an answer.
    case asked
    case done
    case copied
    case started

    package var label: String {
      switch self {
      case .todo: "待办"
      case .asked: "待答复"
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

    /// Whether the statement for the page tells how many it is a page of.
    var isCountedWithPage: Bool { box == .todo && !text.isEmpty }

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

  /// A page of a box with all that stands around it.
  package struct Contents: Sendable {
    package let entries: [Entry]
    /// How many there are, counted up to ``countLimit``.
    package let count: Int
    package let counts: Counts
    /// The items and steps that wait, for the filters of 待办.
    package let items: [(code: String, label: String)]
    package let steps: [String]
  }

  /// How much waits, how much of that is late, how many copies are unread.
  package struct Counts: Sendable, Hashable {
    package let todo: Int
    package let late: Int
    package let unread: Int
    package let asked: Int
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
      let waiting = waiting(principal, pools)
      let (page, matches) = statements(query, principal, pools, waiting, at: now)
      // The rows of one's own tasks and cases, whatever the data scope.
      // One look at all that waits gives the counts, the choices of the filters and, without words, the number of 待办.
      let rows = try await transaction.pipeline([
        Inbox.openScope, page, matches ?? "select 0 as count",
        """
        select item_code, item_label, step_label, count(*) as todo, count(*) filter (where due_at < \(now)) as late
        from (\(waiting)) t group by 1, 2, 3 order by 2, 3
        """,
        besideStatement(principal, pools),
      ])
      // Where what matches is counted with the page, an empty page is one row without a case.
      let found = try rows[1].filter { try $0.get("case_id", as: Int64?.self) != nil }
      let entries = try found.map { try Inbox.entry($0, query.box, calendar, at: now) }
      var items: [(code: String, label: String)] = []
      var steps: Set<String> = []
      var (todo, late, matching) = (0, 0, 0)
      for row in rows[3] {
        let code: String = try row.get("item_code")
        let step: String = try row.get("step_label")
        let (all, overdue) = (try row.get("todo", as: Int.self), try row.get("late", as: Int.self))
        todo += all
        late += overdue
        if query.item.map({ $0 == code }) ?? true, query.step.map({ $0 == step }) ?? true {
          matching += query.isOverdueOnly ? overdue : all
        }
        if !items.contains(where: { $0.code == code }) { items.append((code, try row.get("item_label"))) }
        steps.insert(step)
      }
      let beside = rows[4].first
      return Contents(
        entries: entries,
        count: try query.isCountedWithPage
          ? rows[1].first?.get("matching") ?? 0
          : matches == nil ? matching : rows[2].first?.get("count") ?? 0,
        counts: Counts(
          todo: todo, late: late, unread: try beside?.get("unread") ?? 0, asked: try beside?.get("asked") ?? 0),
        items: items, steps: steps.sorted())
    }
  }

  package func counts(of principal: Principal) async throws -> Counts {
    guard principal.kind == .user else { return Counts(todo: 0, late: 0, unread: 0, asked: 0) }
    let session = cases.store.database
    let pools = try await cases.responsibility.pools(of: principal.id, in: session)
    return try Inbox.counts(
      try await session.query(
        countsStatement(principal, pools, waiting(principal, pools), at: cases.store.clock.now())))
  }

  private static func counts(_ rows: Rows) throws -> Counts {
    guard let row = rows.first else { return Counts(todo: 0, late: 0, unread: 0, asked: 0) }
    return Counts(
      todo: try row.get("todo"), late: try row.get("late"), unread: try row.get("unread"),
      asked: try row.get("asked"))
  }

  private static func entry(_ row: Row, _ box: Box, _ calendar: WorkCalendar, at now: Instant) throws -> Entry {
    let at: Instant = try row.get("at")
    let due: Instant? = try row.get("due_at")
    let light = box == .todo || box == .asked ? due.map { calendar.light(due: $0, started: at, now: now) } : nil
    return Entry(
      caseID: try row.get("case_id"), number: try row.get("number"), item: try row.get("item_label"),
      applicant: try row.get("applicant_name"), subject: try row.get("subject_name"), state: try row.get("state"),
      task: try row.get("task"), step: try row.get("step_label"), at: at, dueAt: due, light: light,
      result: try row.get("result"), isPooled: try row.get("is_pooled"), isUrged: try row.get("is_urged"),
      isUnread: try row.get("is_unread"))
  }

  // MARK: Queries

  static let openScope: SQL = "select set_config('lifang.scope_service_case', '{\"all\":true}', true)"

  /// The open tasks of a person and of the pools they are in; two parts, each with its index.
  private func waiting(_ principal: Principal, _ pools: Set<Responsibility.Pool>) -> SQL {
    held("case_task", principal, pools)
  }

  /// What is asked of a person beside the process, and has not been answered.
  private func asked(_ principal: Principal, _ pools: Set<Responsibility.Pool>) -> SQL {
    held("case_request", principal, pools)
  }

  private func held(_ table: String, _ principal: Principal, _ pools: Set<Responsibility.Pool>) -> SQL {
    let mine: SQL = "select * from \(identifier: table) where state = 'open' and user_id = \(principal.id)"
    // A part for each pool, so that each is read in the order of its index and no more of it than a page needs.
    let pooled = pools.sorted { ($0.unit, $0.kind.rawValue, $0.code) < ($1.unit, $1.kind.rawValue, $1.code) }.map {
      """
      select * from \(identifier: table) where state = 'open' and user_id is null
        and pool_kind = \($0.kind.rawValue) and pool_code = \($0.code) and pool_unit_id = \($0.unit)
      """ as SQL
    }
    return SQL.join([mine] + pooled, separator: " union all ")
  }

  private func countsStatement(
    _ principal: Principal, _ pools: Set<Responsibility.Pool>, _ waiting: SQL, at now: Instant
  ) -> SQL {
    """
    select count(t.case_id) as todo, count(*) filter (where t.due_at < \(now)) as late, b.unread, b.asked
    from (\(besideStatement(principal, pools))) b left join (\(waiting)) t on true group by b.unread, b.asked
    """
  }

  /// Unread copies and unanswered requests.
  private func besideStatement(_ principal: Principal, _ pools: Set<Responsibility.Pool>) -> SQL {
    """
    select (select count(*) from case_copy c where c.user_id = \(principal.id) and c.read_at is null) as unread,
      (select count(*) from (\(asked(principal, pools))) r) as asked
    """
  }

  /// The page, and how many it is a page of; `nil` where the look at all that waits tells.
  private func statements(
    _ query: Query, _ principal: Principal, _ pools: Set<Responsibility.Pool>, _ waiting: SQL, at now: Instant
  ) -> (SQL, SQL?) {
    let text: SQL? =
      query.text.isEmpty
      ? nil
      : """
      exists (select 1 from service_case c where c.id = t.case_id and (starts_with(c.number, \(query.text))
        or position(\(query.text) in c.applicant_name) > 0 or position(\(query.text) in c.subject_name) > 0))
      """
    let source: SQL
    var conditions = [text].compactMap(\.self)
    var order: SQL = "at desc, case_id desc"
    let flags: SQL = "false as is_pooled, false as is_urged"
    switch query.box {
    case .todo:
      source = """
        select case_id, number as task, step_label, item_code, asked_at as at, due_at, null::text as result,
          user_id is null as is_pooled, urged_at is not null as is_urged, false as is_unread from (\(waiting)) w
        """
      if let step = query.step { conditions.append("t.step_label = \(step)") }
      if query.isOverdueOnly { conditions.append("t.due_at < \(now)") }
      order = Inbox.order(query.order)
    case .asked:
      source = """
        select r.case_id, null::integer as task,
          case r.kind when 'supervision' then '督办' else '延期申请' end as step_label, c.item_code, r.asked_at as at,
          r.due_at, r.note as result, \(flags), false as is_unread
        from (\(asked(principal, pools))) r join service_case c on c.id = r.case_id
        """
    case .done:
      source = """
        select case_id, number as task, step_label, item_code, done_at as at, due_at, result, \(flags),
          false as is_unread from case_task where done_by = \(principal.id)
        """
    case .copied:
      source = """
        select y.case_id, null::integer as task, c.step as step_label, c.item_code, y.sent_at as at, c.due_at,
          y.note as result, \(flags), y.read_at is null as is_unread
        from case_copy y join service_case c on c.id = y.case_id where y.user_id = \(principal.id)
        """
    case .started:
      source = """
        select p.case_id, null::integer as task, c.step as step_label, c.item_code, c.submitted_at as at, c.due_at,
          null::text as result, \(flags), false as is_unread
        from case_process p join service_case c on c.id = p.case_id where p.starter_id = \(principal.id)
        """
    }
    if let item = query.item { conditions.append("t.item_code = \(item)") }
    let filter: SQL = conditions.isEmpty ? "" : " where \(SQL.join(conditions, separator: " and "))"
    let outer = query.box == .todo ? Inbox.order(query.order, of: "t.") : "t.at desc, t.case_id desc"
    let offset = (max(query.page, 1) - 1) * query.size
    if query.isCountedWithPage {
      // Names are looked for in every case that waits: once for the page and its number.
      return (
        """
        with m as materialized (select * from (\(source)) t\(filter)),
          p as (select * from m order by \(order) limit \(query.size) offset \(offset))
        select (select count(*) from m) as matching, t.*, c.number, c.item_label, c.applicant_name, c.subject_name, c.state
        from (select 1) one left join p t on true left join service_case c on c.id = t.case_id order by \(outer)
        """, nil
      )
    }
    let page: SQL = """
      select t.*, c.number, c.item_label, c.applicant_name, c.subject_name, c.state
      from (select * from (\(source)) t\(filter) order by \(order) limit \(query.size) offset \(offset)) t
        join service_case c on c.id = t.case_id order by \(outer)
      """
    if query.box == .todo { return (page, nil) }
    return (page, "select count(*) as count from (select 1 from (\(source)) t\(filter) limit \(Inbox.countLimit)) b")
  }

  private static func order(_ order: Order, of alias: SQL = "") -> SQL {
    switch order {
    case .due: "\(alias)due_at nulls last, \(alias)at, \(alias)case_id"
    case .newest: "\(alias)at desc, \(alias)case_id desc"
    case .oldest: "\(alias)at, \(alias)case_id"
    }
  }
}
