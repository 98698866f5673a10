package import SQL

/// Where grids of one kind (同类网格) leave ground out, share ground or leave their division, as the register `grid_defect`
/// keeps it (D3-005 to D3-009).
package enum GridDefect {
  package static let entity = "grid_defect"

  /// The raw values are codes of the dictionary `grid_defect_kind`.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// 缺漏: ground of a division that has grids of the kind, in none of them.
    case gap
    /// 重叠: ground in two grids of the kind, of whichever divisions.
    case overlap
    /// 越出区划: ground of a grid outside its division.
    case outside

    package var label: String {
      switch self {
      case .gap: "缺漏"
      case .overlap: "重叠"
      case .outside: "越出区划"
      }
    }
  }

  /// Degrees along which ground and a grid have to touch for the one to be given to the other: some half a metre, which
  /// is more than a corner.
  static let contact = 0.000005

  /// What the inspection's statements are written with.
  ///
  /// Boundaries are compared as they are stored, with straight edges between degrees, which leaves nothing between grids
  /// that share their vertices. A connected piece counts from 1 ㎡ on, and where a circle of half a metre fits into it:
  /// boundaries surveyed twice, or cut at a rounded vertex, differ by less. Pieces have eight decimals, which is a millimetre, so
  /// that no hair hangs on them where a vertex lies beside its line.
  package static let migration = Migration(
    id: "0350-grid-quality",
    sql: """
      create function lifang_ground_pieces(shape geometry) returns table (piece geometry, metres double precision)
        language sql immutable parallel safe as
        $$
          select p.piece, p.metres
          from (select d.geom as piece, st_area(d.geom::geography) as metres
            from st_dump(st_collectionextract(
              st_reduceprecision(st_collectionextract(shape, 3), 0.00000001), 3)) d) p
          where p.metres >= 1 and not st_isempty(st_buffer(
            st_scale(p.piece, 111320 * cos(radians(st_y(st_centroid(p.piece)))), 110950), -0.25, 'join=mitre'))
        $$;

      -- What of a listed defect is still there.
      create function lifang_grid_fault(defect bigint) returns geometry language sql stable parallel safe as
        $$
          select case d.kind
            when 'overlap' then (select st_intersection(a.boundary, b.boundary) from grid a, grid b
              where a.id = d.grid_id and b.id = d.other_id and a.kind = b.kind and a.status = 'active'
                and b.status = 'active')
            when 'outside' then (select st_difference(g.boundary, v.boundary) from grid g
              join division v on v.code = g.division_code where g.id = d.grid_id and g.status = 'active')
            else st_difference(d.place, coalesce((select st_union(g.boundary) from grid g
              where g.kind = d.grid_kind and g.status = 'active' and g.boundary && d.place),
              'srid=4490;polygon empty'::geometry)) end
          from grid_defect d where d.id = defect
        $$;

      -- Gaps have no names: each is numbered when it is first found.
      create sequence grid_gap_number;
      """)
}
