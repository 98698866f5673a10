import Access
import Core
import SQL

extension Records {
  /// One page of records with their number, under the principal's scope and masking.
  ///
  /// - Parameter reveal: shows what is masked otherwise, as ``get(_:_:columns:asOf:reveal:)`` does, with an audit entry for each
  ///   record of the page.
  /// - Throws: ``Refusal`` for a field, order or value that the list does not know or the principal may not use.
  package func list(_ query: ListQuery, reveal: Bool = false) async throws -> Page {
    let entity = try store.entity(query.entity)
    try require(entity, asOf: query.asOf)
    if reveal { try requireReveal(entity) }
    let plan = try ListPlan(query, entity, self, reveal: reveal)
    let (rows, estimate) = try await rows(of: plan)
    let shown = try rows.prefix(plan.limit).map(plan.shape.record)
    let cursor = rows.count > plan.limit ? try plan.cursor(behind: rows[plan.limit - 1]) : nil
    let count = try await count(plan, found: rows.count, estimate: estimate)
    let records = try await named(shown, plan.shape, asOf: query.asOf, in: session)
    if reveal {
      try await inTransaction { inner, transaction in
        for record in records { try await inner.audit("reveal", entity, record.id, in: transaction) }
      }
    } else if entity.personal, !records.isEmpty {
      try await inTransaction { inner, transaction in
        try await inner.audit(
          "list", entity, nil, details: ["count": .int(Int64(records.count))], in: transaction)
      }
    }
    return Page(
      records: records, count: count, offset: plan.offset, limit: plan.limit, next: cursor, columns: plan.shape.columns,
      sort: plan.order)
  }

  /// Every record that the filters leave, read page by page in the order of ids: for rules over registers of some thousand
  /// records, not for lists that people see.
  package func all(_ query: ListQuery) async throws -> [Record] {
    var query = query
    query.sort = [.init(field: "id", descending: false)]
    query.limit = ListQuery.maximumLimit
    var found: [Record] = []
    while true {
      let page = try await list(query)
      found += page.records
      guard let next = page.next else { return found }
      query.start = .after(next)
    }
  }

  /// The rows of a page and one more, with what PostgreSQL expects of finding all.
  private func rows(of plan: ListPlan) async throws -> (rows: Rows, estimate: ListPlan.Estimate) {
    guard let search = plan.search else {
      let results = try await session.pipeline(plan.preparation + [plan.page, plan.explanation])
      return (results[results.count - 2], try ListPlan.estimate(results[results.count - 1]))
    }
    let words = try await session.pipeline(plan.preparation + [search.explanation])
    let most = try ListPlan.estimate(words[words.count - 1])
    if let taken = search.handful(expecting: most.rows) {
      let results = try await session.pipeline(plan.preparation + [taken])
      return (results[results.count - 1], most)
    }
    let explained = try await session.pipeline(plan.preparation + [plan.explanation])
    let estimate = try ListPlan.estimate(explained[explained.count - 1])
    let choice = search.choice(expecting: estimate.rows, otherwise: plan.page)
    if let first = choice.first {
      let results = try await session.pipeline(plan.preparation + [first])
      if let rows = results.last, rows.count > plan.limit { return (rows, estimate) }
    }
    let results = try await session.pipeline(plan.preparation + [choice.page])
    return (results[results.count - 1], estimate)
  }

  /// How many records the filters leave.
  package func count(_ query: ListQuery) async throws -> Count {
    let entity = try store.entity(query.entity)
    try require(entity, asOf: query.asOf)
    let plan = try ListPlan(query, entity, self)
    let results = try await session.pipeline(plan.preparation + [plan.explanation])
    return try await count(plan, found: nil, estimate: try ListPlan.estimate(results[results.count - 1]))
  }

  /// How PostgreSQL would read a page (`explain`), for tests and for administrators who wonder about a slow list.
  package func plan(of query: ListQuery) async throws -> String {
    let entity = try store.entity(query.entity)
    try require(entity, asOf: query.asOf)
    let plan = try ListPlan(query, entity, self)
    let results = try await session.pipeline(plan.preparation + ["explain (costs off) \(plan.page)"])
    return try results[results.count - 1].values(as: String.self).joined(separator: "\n")
  }

  /// Titles that match what was typed, for fields that refer to this entity.
  package func suggest(_ name: String, _ text: String, limit: Int = 20) async throws -> [RecordTitle] {
    let entity = try store.entity(name)
    try require(entity, asOf: nil)
    let plan = try ListPlan(
      ListQuery(name, search: text, columns: [entity.title], limit: limit), entity, self)
    let results = try await session.pipeline(plan.preparation + [plan.page])
    let ids = try results[results.count - 1].prefix(plan.limit).map { try $0.get(0, as: Int64.self) }
    let titles = try await titles(name, ids)
    return ids.compactMap { id in titles[id].map { RecordTitle(id: id, title: $0) } }
  }

  /// A page that did not fill says the number itself; many records, or some among very many, are not worth counting.
  private func count(_ plan: ListPlan, found: Int?, estimate: ListPlan.Estimate) async throws -> Count {
    if let found, let offset = plan.offset, found <= plan.limit, found > 0 || offset == 0 {
      return Count(offset + found)
    }
    let isLong = estimate.rows > Count.shortLimit && estimate.cost > Count.costLimit
    if estimate.rows > 2 * Count.exactLimit || isLong {
      return Count(max(estimate.rows, (plan.offset ?? 0) + (found ?? 0)), isEstimate: true)
    }
    let results = try await session.pipeline(plan.preparation + [plan.count])
    let exact: Int = try results[results.count - 1][0].get(0)
    return exact > Count.exactLimit ? Count(max(estimate.rows, exact), isEstimate: true) : Count(exact)
  }
}

/// The statements of one list.
struct ListPlan {
  let entity: EntityDeclaration
  let shape: RecordShape
  let order: [ListView.Sort]
  let limit: Int
  /// `nil` behind a cursor.
  let offset: Int?
  /// Statements to send first: the scope for row-level security, and plans made for the values at hand.
  let preparation: [SQL]
  let page: SQL
  /// Other ways to the page when words are searched for.
  let search: SearchPlan?
  let count: SQL
  let explanation: SQL
  /// Sort fields that are selected behind the record's own columns, for the cursor.
  private let codec: FieldCodec

  init(
    _ query: ListQuery, _ entity: EntityDeclaration, _ records: Records, action: String = "view", reveal: Bool = false
  ) throws {
    self.entity = entity
    let compiler = records.compiler(entity, asOf: query.asOf, action: action)
    codec = compiler.codec
    order = try compiler.order(query.sort)
    limit = min(max(query.limit ?? entity.list.page, 1), ListQuery.maximumLimit)
    shape = records.shape(
      of: entity, columns: try records.fields(query.columns ?? entity.list.columns, of: entity), reveal: reveal)
    var conditions = try compiler.conditions(query.filters, search: query.search)
    if let except = query.except { conditions.append("t.id <> \(except)") }
    let scope = compiler.scope
    let matching = conditions
    let scoped = conditions + [ScopePredicate.any(of: scope)].filter { $0.text != "true" }
    let matches: SQL = "select 1 from \(compiler.source)\(ListPlan.whereClause(scoped))"
    count = "select count(*) from (\(matches) limit \(Count.exactLimit + 1)) as found"
    explanation = "explain (format json) \(matches)"
    switch query.start {
    case .offset(let rows): offset = min(max(rows, 0), ListQuery.maximumOffset)
    case .after(let cursor):
      offset = nil
      conditions.append(try compiler.behind(cursor, order))
    }
    let selection: SQL = "\(shape.selection()), \(SQL.join(order.map { "t.\(identifier: $0.field)" }))"
    let end = (offset ?? 0) + limit + 1
    let orderBy = compiler.orderClause(order)
    let cut: SQL = "limit \(limit + 1) offset \(offset ?? 0)"
    let rest: SQL = "order by \(orderBy) \(cut)"
    if scope.count > 1, query.asOf == nil, end <= 2000 {
      // Each alternative is read from its own end of its own index; one `or` over them could use none.
      let parts = scope.map { alternative -> SQL in
        "(select t.id from \(compiler.source)\(ListPlan.whereClause(conditions + [alternative])) order by \(orderBy) limit \(end))"
      }
      page = """
        select \(selection) from \(compiler.source)
        where t.id in (\(SQL.join(parts, separator: " union all "))) \(rest)
        """
    } else {
      let all = conditions + [ScopePredicate.any(of: scope)].filter { $0.text != "true" }
      page = "select \(selection) from \(compiler.source)\(ListPlan.whereClause(all)) \(rest)"
    }
    search =
      query.search?.isEmpty ?? true || query.asOf != nil
      ? nil
      : SearchPlan(
        source: compiler.source, selection: selection, matching: matching, conditions: conditions,
        scope: ScopePredicate.any(of: scope),
        orderFields: order.map(\.field), orderBy: orderBy, limit: cut, end: end,
        bounds: query.searchBounds, hasHead: query.sort.isEmpty && offset != nil, isOneScope: scope.count == 1)
    let settings =
      [TransactionSettings.setting("plan_cache_mode", "force_custom_plan")] + records.scopeSettings([(entity, action)])
    preparation = ["select \(SQL.join(settings))"]
  }

  static func whereClause(_ conditions: [SQL]) -> SQL {
    conditions.isEmpty ? "" : " where \(SQL.join(conditions, separator: " and "))"
  }

  /// The place behind `row` of ``page``.
  func cursor(behind row: Row) throws -> ListCursor {
    let first = StoredColumn.standard.count + shape.selected.count
    let values = try order.enumerated().map { index, sort -> Value in
      guard let field = entity.field(sort.field) else { return .null }
      return try codec.value(of: field, in: row.cell(at: first + index))
    }
    return ListCursor(values: values)
  }

  /// What PostgreSQL expects of finding all records.
  struct Estimate {
    let rows: Int
    /// In the planner's units, of which a thousand take about a millisecond when the pages are in memory.
    let cost: Double
  }

  /// The expectation in `explain (format json)`.
  static func estimate(_ rows: Rows) throws -> Estimate {
    guard let row = rows.first else { return Estimate(rows: 0, cost: 0) }
    let plan = try JSON(parsing: try row.get(0, as: String.self)).array?.first?["Plan"]
    return Estimate(rows: Int(plan?["Plan Rows"]?.double ?? 0), cost: plan?["Total Cost"]?.double ?? 0)
  }
}
