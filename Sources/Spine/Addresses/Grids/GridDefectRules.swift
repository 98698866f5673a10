import Access
import Core
package import Entities
import SQL

/// What the register of grid defects does by itself: mending boundaries as officers decide, and settling what a changed
/// grid has mended (D3-005 to D3-009).
package enum GridDefectRules {
  package static func addHooks(to hooks: inout RecordHooks) {
    hooks.after(GridDefect.entity) { events, records in
      for event in events
      where event.kind == .updated && !event["kept_id"].isNull && event.before["kept_id"] != event.after["kept_id"] {
        try await mend(event, records)
      }
    }
    hooks.after("grid") { events, records in
      let changed = events.filter { $0.kind != .deleted && isConcerned($0) }.map(\.id)
      if !changed.isEmpty { try await follow(changed, records) }
    }
    hooks.beforeDelete("grid") { leaving, records in
      guard let transaction = records.transaction else { return }
      let ids = leaving.map(\.id)
      // What was said of a grid that is gone is no longer true; the next inspection says what is true without it.
      try await transaction.execute(
        """
        update grid_defect set version = version + 1, updated_at = \(records.store.clock.now()),
          state = case when state = 'open' and kind <> 'gap' then 'gone' else state end,
          settled_at = coalesce(settled_at, case when kind <> 'gap' then \(records.store.clock.now()) end),
          grid_id = case when grid_id = any(\(ids)) then null else grid_id end,
          other_id = case when other_id = any(\(ids)) then null else other_id end,
          kept_id = case when kept_id = any(\(ids)) then null else kept_id end
        where grid_id = any(\(ids)) or other_id = any(\(ids)) or kept_id = any(\(ids))
        """)
    }
  }

  private static func isConcerned(_ event: RecordEvent) -> Bool {
    event.kind == .created
      || ["boundary", "kind", "status", "division_code"].contains {
        event.before[$0] ?? .null != event.after[$0] ?? .null
      }
  }

  // MARK: Mending

  /// Whose boundary changes, and to what.
  private struct Remedy {
    let grid: Int64
    let shape: SQL
  }

  /// Gives a gap to a grid, shared ground to one of two, or cuts off what lies outside; with the rights, and within the
  /// scope, of whoever decided.
  private static func mend(_ event: RecordEvent, _ records: Records) async throws {
    guard let transaction = records.transaction, let kept = event["kept_id"].integer,
      let kind = event["kind"].text.flatMap(GridDefect.Kind.init(rawValue:))
    else { return }
    try records.principal.require(Permission("grid", "update"), toDo: "调整网格的范围")
    let concerned = Set([event["grid_id"].integer, event["other_id"].integer, kept].compactMap(\.self)).sorted()
    let rows = try await transaction.query(
      """
      select id, name from grid where id = any(\(concerned)) and status = 'active' and boundary is not null
        and kind = \(event["grid_kind"].text ?? "") order by id for no key update
      """)
    let names = Dictionary(
      try rows.map { (try $0.get("id", as: Int64.self), try $0.get("name", as: String.self)) },
      uniquingKeysWith: { first, _ in first })
    guard names[kept] != nil else {
      throw Refusal(
        .conflict, "grid-defect-other-kind", "选出的网格没有启用、没有范围，或不是同一类网格，没有改动。请另选一个。", field: "kept_id")
    }
    guard let remedy = try await choose(kind, event, kept, names, transaction) else {
      throw Refusal(.conflict, "grid-defect-gone", "涉及的网格已经停用或改了类型，没有改动。请重新检查后再看。")
    }
    guard try await records.reaches("grid", remedy.grid, action: "update") else {
      throw Refusal(
        .forbidden, "grid-defect-foreign",
        "要改的是“\(names[remedy.grid] ?? "")”的范围，它不归您管，没有改动。请由对方让出，或由管两边的上级定。")
    }
    let row = try await transaction.query(
      """
      select st_isempty(s.shape) as empty, st_asgeojson(s.shape, 12) as shape, round(st_area(s.shape::geography)::numeric, 1)::text as metres,
        (select area is not null from grid where id = \(remedy.grid)) as measured
      from (select st_multi(st_collectionextract(st_reduceprecision(\(remedy.shape), 0.00000001), 3)) as shape) s
      """
    ).first
    guard let row, try row.get("empty", as: Bool?.self) == false else {
      throw Refusal(.conflict, "grid-defect-nothing-left", "裁去之后“\(names[remedy.grid] ?? "网格")”什么也不剩，没有改动。请改为停用其中一个网格。")
    }
    var changes: [String: Value] = ["boundary": .geometry(try JSON(parsing: try row.get("shape", as: String.self)))]
    if try row.get("measured", as: Bool.self), let metres = FixedDecimal(try row.get("metres", as: String.self)) {
      changes["area"] = .decimal(metres)
    }
    try await records.update("grid", remedy.grid, version: nil, changes, input: .code)
  }

  /// - Returns: `nil` when one of the grids is no longer what it was.
  private static func choose(
    _ kind: GridDefect.Kind, _ event: RecordEvent, _ kept: Int64, _ names: [Int64: String], _ transaction: Transaction
  ) async throws -> Remedy? {
    func boundary(_ id: Int64) -> SQL { "(select boundary from grid where id = \(id))" }
    switch kind {
    case .overlap:
      guard let first = event["grid_id"].integer, let second = event["other_id"].integer,
        kept == first || kept == second
      else { return nil }
      let giving = kept == first ? second : first
      guard names[giving] != nil else { return nil }
      return Remedy(grid: giving, shape: "st_difference(\(boundary(giving)), \(boundary(kept)))")
    case .gap:
      let elsewhere = try await transaction.query(
        """
        select v.name from grid g join division v on v.code = \(event["division_code"].text ?? "") and v.code <> g.division_code
        where g.id = \(kept) and v.boundary is not null
        """
      ).first
      if let elsewhere {
        throw Refusal(
          .conflict, "grid-defect-elsewhere",
          "缺漏的部分属于“\(try elsewhere.get("name", as: String.self))”，“\(names[kept] ?? "")”属于别的区划，并入会使它越出区划，没有改动。请选本区划里相接的网格；没有时，先新增一个网格。",
          field: "kept_id")
      }
      let rest: SQL = "lifang_ground_pieces(lifang_grid_fault(\(event.id)))"
      let touching = try await transaction.query(
        """
        select st_length(st_intersection(st_boundary(st_collect(p.piece)), st_buffer(\(boundary(kept)), 0.0000002))) as shared
        from \(rest) p
        """
      ).first?.get("shared", as: Double?.self)
      guard let touching else { return nil }
      guard touching > GridDefect.contact else {
        throw Refusal(
          .conflict, "grid-defect-apart", "“\(names[kept] ?? "")”与缺漏的部分没有共同的边，没有改动。请选相接的网格。", field: "kept_id")
      }
      return Remedy(
        grid: kept,
        shape: "st_union(\(boundary(kept)), (select st_union(p.piece) from \(rest) p))")
    case .outside:
      guard kept == event["grid_id"].integer else { return nil }
      let division = try await transaction.query(
        """
        select d.code from division d join grid g on g.division_code = d.code
        where g.id = \(kept) and d.boundary is not null
        """
      ).first
      guard let division else { return nil }
      let code: String = try division.get("code")
      return Remedy(
        grid: kept,
        shape: "st_intersection(\(boundary(kept)), (select boundary from division where code = \(code)))")
    }
  }

  // MARK: Grids

  /// Settles the open defects that the changed grids have mended, however they were changed.
  private static func follow(_ grids: [Int64], _ records: Records) async throws {
    guard let transaction = records.transaction else { return }
    let mended = try await transaction.query(
      """
      select d.id from grid_defect d
      where d.state = 'open' and d.place is not null
        and (d.grid_id = any(\(grids)) or d.other_id = any(\(grids))
          or (d.kind = 'gap' and exists (
            select from grid g where g.id = any(\(grids)) and g.kind = d.grid_kind and g.boundary && d.place)))
        and not exists (select from lifang_ground_pieces(lifang_grid_fault(d.id)))
      order by d.id
      """)
    for row in mended {
      try await records.asSystem.update(
        GridDefect.entity, try row.get("id"), version: nil,
        [
          "state": .text("fixed"), "reason": .text("网格范围已修改"), "settled_at": .instant(records.store.clock.now()),
          "settled_by": records.principal.kind == .user ? .integer(records.principal.id) : .null,
        ], input: .code)
    }
  }
}
