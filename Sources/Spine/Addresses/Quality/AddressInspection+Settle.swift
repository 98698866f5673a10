import Access
import Audit
import Core
import Entities
import SQL

extension AddressInspection {
  /// Brings the register in line with what was found.
  ///
  /// - Parameter began: when the inspection began to look; what was settled since is left as it is.
  func settle(
    _ kinds: Set<AddressDefect.Kind>, began: Instant, by principal: Principal, in transaction: Transaction
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
    let ledger = DefectLedger(entity: AddressDefect.entity, began: began, own: "d.source = 'inspection'")
    let settled = try await ledger.settle(names, at: now, by: principal.actor, in: transaction)
    for (name, count) in settled.found {
      if let kind = AddressDefect.Kind(rawValue: name) { outcome.found[kind] = count }
    }
    outcome.gone = settled.gone
    outcome.reopened = settled.reopened
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
