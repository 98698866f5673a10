import Access
import Audit
import Core
import Entities
import SQL

extension AddressInspection {
  /// Brings the register in line with what was found.
  func settle(
    _ kinds: Set<AddressDefect.Kind>, by principal: Principal, in transaction: Transaction
  ) async throws -> Outcome {
    let names = kinds.map(\.rawValue)
    let now = store.clock.now()
    // Several things wrong in one way are one defect, with all that speaks for it.
    try await transaction.execute(
      """
      create temp table defect_now on commit drop as
      select kind || ':' || address_id || coalesce(':' || other_id, '') as key, kind, address_id, other_id,
        left(string_agg(distinct evidence, '；'), 1000) as evidence
      from defect_found where kind = any(\(names)) group by kind, address_id, other_id
      """)
    try await transaction.execute("create unique index on defect_now (key)")
    var outcome = Outcome()
    outcome.addresses =
      try await transaction.query("select count(*) as n from address where status <> 'cancelled'").first?.get("n") ?? 0
    for row in try await transaction.query("select kind, count(*) as n from defect_now group by kind") {
      if let kind = AddressDefect.Kind(rawValue: try row.get("kind")) { outcome.found[kind] = try row.get("n") }
    }
    let actor = principal.actor
    outcome.gone = Int64(
      try await transaction.execute(
        """
        update address_defect d set state = 'gone', settled_at = \(now), version = version + 1, updated_at = \(now),
          updated_by = \(actor)
        where d.state = 'open' and d.source = 'inspection' and d.kind = any(\(names))
          and not exists (select from defect_now n where n.key = d.key)
        """))
    outcome.reopened = Int64(
      try await transaction.execute(
        """
        update address_defect d set state = 'open', evidence = n.evidence, settled_at = null, settled_by = null,
          kept_id = null, reason = null, version = version + 1, updated_at = \(now), updated_by = \(actor)
        from defect_now n where n.key = d.key and d.state in ('gone', 'fixed')
        """))
    try await transaction.execute(
      """
      update address_defect d set evidence = n.evidence, version = version + 1, updated_at = \(now), updated_by = \(actor)
      from defect_now n where n.key = d.key and d.state = 'open' and d.evidence <> n.evidence
      """)
    outcome.new = try await insert(at: now, in: transaction)
    try await store.audit.append(
      AuditEntry(principal, "inspect", entity: AddressDefect.entity, origin: .inside, details: outcome.json),
      in: transaction)
    transaction.notify("lifang_change", "\(AddressDefect.entity):0")
    return outcome
  }

  private func insert(at now: Instant, in transaction: Transaction) async throws -> Int64 {
    let loader = try BulkLoader(
      store, AddressDefect.entity,
      fields: [
        "subject", "kind", "state", "evidence", "address_id", "other_id", "division_code", "police_station_id",
        "source",
        "found_at", "key",
      ])
    var count: Int64 = 0
    while true {
      let page = try await transaction.query(
        """
        select nextval(pg_get_serial_sequence('address_defect', 'id')) as id, n.*, a.full_name, a.division_code,
          a.police_station_id
        from (
          select n.* from defect_now n where not exists (select from address_defect d where d.key = n.key)
          order by n.key limit \(AddressInspection.page)) n
        join address a on a.id = n.address_id
        """)
      if page.isEmpty { return count }
      try await loader.load(
        try page.map { row in
          BulkLoader.Row(
            try row.get("id"),
            [
              .text(try row.get("full_name")), .text(try row.get("kind")), .text("open"),
              .text(try row.get("evidence")), .integer(try row.get("address_id")), .integer(try row.get("other_id")),
              .text(try row.get("division_code")), .integer(try row.get("police_station_id")), .text("inspection"),
              .value(.instant(now)), .text(try row.get("key")),
            ])
        }, in: transaction)
      count += Int64(page.count)
    }
  }
}
