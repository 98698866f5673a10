package import Access
package import Core
package import Entities
package import SQL

/// 网格检查: compares the grids in use, kind by kind, with each other and with their divisions, and keeps the register of
/// defects as it is (D3-005 to D3-009).
///
/// All is found by statements over sets in one transaction, as in ``AddressInspection``. A gap found again is known by the
/// ground it shares with what was listed, since nothing else names it.
package struct GridInspection: Sendable {
  let store: RecordStore
  /// Works as the owner of the tables.
  let owner: Database

  package init(store: RecordStore, owner: Database) {
    self.store = store
    self.owner = owner
  }

  /// What an inspection came to.
  package struct Outcome: Sendable, Hashable {
    /// Grids in use that have a boundary, that is were looked at.
    package var grids: Int64 = 0
    /// What is wrong now, by kind, whether listed before or not.
    package var found: [GridDefect.Kind: Int64] = [:]
    package var new: Int64 = 0
    package var reopened: Int64 = 0
    package var gone: Int64 = 0

    package var json: JSON {
      [
        "grids": .int(grids), "new": .int(new), "reopened": .int(reopened), "gone": .int(gone),
        "found": .object(
          GridDefect.Kind.allCases.compactMap { kind in found[kind].map { (kind.rawValue, .int($0)) } }),
      ]
    }
  }

  /// - Parameter report: told before each step which it is, with the number of steps; what it throws ends the inspection,
  ///   and nothing has changed.
  @discardableResult package func run(
    by principal: Principal = .system,
    report: @Sendable (_ step: Int, _ of: Int, _ what: String) async throws -> Void = { _, _, _ in }
  ) async throws -> Outcome {
    let outcome = try await owner.transaction { transaction in
      // Two inspections take turns.
      try await transaction.execute("select pg_advisory_xact_lock(hashtext('lifang.grid-inspection'))")
      let began = store.clock.now()
      try await transaction.execute("set local work_mem = '64MB'")
      // Pairs are looked for by the index of boundaries, whatever the planner believes of how many there are.
      try await transaction.execute("set local enable_hashjoin = off")
      try await transaction.execute("set local enable_mergejoin = off")
      try await transaction.execute(
        """
        create temp table grid_found (
          number bigint generated always as identity, kind text not null, grid_kind text not null,
          division_code text not null, other_division text, subject text not null, evidence text not null,
          grid_id bigint, other_id bigint, place geometry(MultiPolygon, 4490) not null, metres double precision not null
        ) on commit drop
        """)
      try await report(0, 4, "查找重叠")
      try await findOverlaps(in: transaction)
      try await report(1, 4, "查找缺漏")
      try await findGaps(in: transaction)
      try await report(2, 4, "核对所属区划")
      try await findOutside(in: transaction)
      try await report(3, 4, "登记")
      try await transaction.execute("set local enable_hashjoin = on")
      try await transaction.execute("set local enable_mergejoin = on")
      return try await settle(began: began, by: principal, in: transaction)
    }
    try await report(1, 1, "完成")
    return outcome
  }

  /// 重叠: one row for two grids, however many places they share; where these belong to two divisions, it names both, so that
  /// each of them sees it.
  private func findOverlaps(in transaction: Transaction) async throws {
    try await transaction.execute(
      """
      insert into grid_found (
        kind, grid_kind, division_code, other_division, subject, evidence, grid_id, other_id, place, metres)
      select 'overlap', a.kind, a.division_code, nullif(b.division_code, a.division_code), a.name || '与' || b.name,
        '重叠 ' || to_char(round(sum(p.metres)), 'FM999,999,999,990') || ' ㎡'
          || case when count(*) > 1 then '，共 ' || count(*) || ' 处' else '' end,
        a.id, b.id, st_multi(st_collect(p.piece)), sum(p.metres)
      from grid a join grid b on b.kind = a.kind and b.id > a.id and b.boundary && a.boundary
        cross join lateral lifang_ground_pieces(st_intersection(a.boundary, b.boundary)) p
      where a.status = 'active' and b.status = 'active'
      group by a.id, b.id
      """)
  }

  /// 缺漏: one row for each connected piece of a division's ground in no grid of the kind. Of a division without boundary
  /// only what its grids enclose is known to be its ground; grids of others in there leave no gap.
  ///
  /// Each is told with the grid it may be given to: one of the division, since any other would leave its own with it.
  private func findGaps(in transaction: Transaction) async throws {
    try await transaction.execute(
      """
      insert into grid_found (kind, grid_kind, division_code, subject, evidence, grid_id, place, metres)
      with laid as (
        select distinct kind, division_code from grid where status = 'active' and boundary is not null),
      hull as materialized (
        select l.kind, l.division_code, coalesce(d.name, l.division_code) as name, d.boundary is not null as is_drawn,
          coalesce(d.boundary, (
            select st_union(st_makepolygon(st_exteriorring(c.geom)))
            from st_dump((select st_union(g.boundary) from grid g
              where g.kind = l.kind and g.status = 'active' and g.division_code = l.division_code)) c)) as whole
        from laid l left join division d on d.code = l.division_code),
      ground as materialized (
        select h.*, (select st_union(g.boundary) from grid g
          where g.kind = h.kind and g.status = 'active' and g.boundary && h.whole) as covered
        from hull h)
      select 'gap', g.kind, g.division_code, g.name,
        to_char(round(p.metres), 'FM999,999,999,990') || ' ㎡ 没有网格' || coalesce('，与“' || n.name || '”相接最长', ''),
        n.id, st_multi(p.piece), p.metres
      from ground g
        cross join lateral lifang_ground_pieces(
          st_difference(g.whole, coalesce(g.covered, 'srid=4490;polygon empty'::geometry))) p
        left join lateral (
          select o.id, o.name
          from grid o
            cross join lateral (select st_length(
              st_intersection(st_boundary(p.piece), st_buffer(o.boundary, 0.0000002))) as shared) s
          where o.kind = g.kind and o.status = 'active' and o.boundary && st_expand(p.piece, 0.0000002)
            and (o.division_code = g.division_code or not g.is_drawn) and s.shared > \(GridDefect.contact)
          order by (o.division_code = g.division_code) desc, s.shared desc, o.id limit 1) n on true
      """)
  }

  /// 越出区划: one row a grid.
  private func findOutside(in transaction: Transaction) async throws {
    try await transaction.execute(
      """
      insert into grid_found (kind, grid_kind, division_code, subject, evidence, grid_id, place, metres)
      select 'outside', g.kind, g.division_code, g.name,
        '在“' || d.name || '”之外 ' || to_char(round(sum(p.metres)), 'FM999,999,999,990') || ' ㎡'
          || case when count(*) > 1 then '，共 ' || count(*) || ' 处' else '' end,
        g.id, st_multi(st_collect(p.piece)), sum(p.metres)
      from grid g join division d on d.code = g.division_code and not st_covers(d.boundary, g.boundary)
        cross join lateral lifang_ground_pieces(st_difference(g.boundary, d.boundary)) p
      where g.status = 'active'
      group by g.id, d.id
      """)
  }
}
