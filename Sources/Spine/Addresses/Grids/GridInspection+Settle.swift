import Access
import Audit
import Core
import Entities
import SQL

extension GridInspection {
  /// Rows that are written at once.
  private static let page = 5000

  /// Brings the register in line with what was found.
  ///
  /// - Parameter began: when the inspection began to look; what was settled since is left as it is.
  func settle(began: Instant, by principal: Principal, in transaction: Transaction) async throws -> Outcome {
    let now = store.clock.now()
    let actor = principal.actor
    try await name(in: transaction)
    var outcome = Outcome()
    outcome.grids =
      try await transaction.query(
        "select count(*) as n from grid where status = 'active' and boundary is not null"
      ).first?.get("n") ?? 0
    let ledger = DefectLedger(entity: GridDefect.entity, began: began)
    let settled = try await ledger.settle(
      GridDefect.Kind.allCases.map(\.rawValue), at: now, by: actor, in: transaction)
    for (name, count) in settled.found { if let kind = GridDefect.Kind(rawValue: name) { outcome.found[kind] = count } }
    outcome.gone = settled.gone
    // What was judged to be right as it is has grown since.
    outcome.reopened =
      try await settled.reopened
      + ledger.reopen(
        "d.state = 'kept' and exists (select from lifang_ground_pieces(st_difference(n.place, d.place)))", at: now,
        by: actor, in: transaction)
    outcome.new = try await insert(at: now, in: transaction)
    try await transaction.execute(
      """
      update grid_defect d set place = n.place, metres = round(n.metres::numeric, 1), grid_id = n.grid_id,
        division_code = n.division_code, other_division = n.other_division,
        version = version + case when d.place is null then 0 else 1 end, updated_at = \(now), updated_by = \(actor)
      from defect_now n
      where n.key = d.key and d.state = 'open' and (d.place is null or st_asbinary(d.place) <> st_asbinary(n.place)
        or (d.division_code, d.other_division) is distinct from (n.division_code, n.other_division))
      """)
    try await store.audit.append(
      AuditEntry(principal, "inspect", entity: GridDefect.entity, origin: .inside, details: outcome.json),
      in: transaction)
    transaction.notify("lifang_change", "\(GridDefect.entity):0")
    return outcome
  }

  /// `defect_now`: what was found, with the key of its row.
  ///
  /// A gap and the listed one that are most like one another are the same: by what they share of all that either covers.
  /// Of gaps that lie wholly in one that was judged right as it is, the likeliest goes on with its row and the others are
  /// no faults, so that it may fall apart without being listed anew.
  private func name(in transaction: Transaction) async throws {
    try await transaction.execute(
      """
      create temp table defect_now on commit drop as
      with shared as (
        select n.number, d.key, s.share / (st_area(n.place) + st_area(d.place) - s.share) as likeness,
          d.state = 'kept' and not exists (
            select from lifang_ground_pieces(st_difference(n.place, d.place))) as is_kept
        from grid_found n join grid_defect d on d.kind = 'gap' and d.grid_kind = n.grid_kind
          and d.division_code = n.division_code and d.place && n.place
          cross join lateral (select st_area(st_intersection(n.place, d.place)) as share) s
        where n.kind = 'gap' and s.share > 0),
      judged as (select *, bool_or(is_kept) over (partition by number) as is_known from shared),
      ranked as (
        select number, key, is_known, row_number() over (partition by number order by likeness desc, key) as of_found,
          row_number() over (partition by key order by is_kept desc, likeness desc, number) as of_listed
        from judged where is_kept or not is_known)
      select f.*, case f.kind
          when 'overlap' then 'overlap:' || f.grid_id || ':' || f.other_id
          when 'outside' then 'outside:' || f.grid_id
          else coalesce(case when r.of_listed = 1 then r.key end, 'gap:' || nextval('grid_gap_number')) end as key
      from grid_found f left join ranked r on r.number = f.number and r.of_found = 1
      where not coalesce(r.is_known and r.of_listed > 1, false)
      """)
    try await transaction.execute("create unique index on defect_now (key)")
  }

  private func insert(at now: Instant, in transaction: Transaction) async throws -> Int64 {
    let loader = try BulkLoader(
      store, GridDefect.entity,
      fields: [
        "subject", "kind", "grid_kind", "state", "evidence", "grid_id", "other_id", "division_code", "found_at", "key",
      ])
    var count: Int64 = 0
    while true {
      let page = try await transaction.query(
        """
        select nextval(pg_get_serial_sequence('grid_defect', 'id')) as id, n.*
        from (
          select subject, kind, grid_kind, evidence, grid_id, other_id, division_code, key from defect_now n
          where not exists (select from grid_defect d where d.key = n.key)
          order by n.number limit \(GridInspection.page)) n
        """)
      if page.isEmpty { return count }
      try await loader.load(
        try page.map { row in
          BulkLoader.Row(
            try row.get("id"),
            [
              .text(try row.get("subject")), .text(try row.get("kind")), .text(try row.get("grid_kind")), .text("open"),
              .text(try row.get("evidence")), .integer(try row.get("grid_id")), .integer(try row.get("other_id")),
              .text(try row.get("division_code")), .value(.instant(now)), .text(try row.get("key")),
            ])
        }, in: transaction)
      count += Int64(page.count)
    }
  }
}
