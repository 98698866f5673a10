import Core
import Entities
import Ferry
import SQL

extension RegisterFerry {
  /// How the published registers fare, and the records that were not taken.
  func status(_ store: RecordStore) async throws -> (rows: [PublishedRegister], faults: [PublishedFault]) {
    let changes = RecordChanges(database: store.database, clock: store.clock)
    var rows: [PublishedRegister] = []
    for entity in registers(store.catalog) {
      let row = try await store.database.query(
        """
        select b.count, b.last_at,
          (select count(*) from ferry_register_fault f where f.entity = \(entity.name)) as faults
        from (select 1) one left join ferry_register b on b.entity = \(entity.name)
        """
      ).first
      let lag = side() == .inside ? try await changes.lag(of: RegisterFerry.reader(entity.name)) : nil
      rows.append(
        PublishedRegister(
          register: entity.name, label: entity.label, waiting: lag?.changes ?? 0,
          isScanning: side() == .inside && lag?.isScanning ?? true,
          count: try row?.get("count", as: Int64?.self) ?? 0, faults: try row?.get("faults") ?? 0,
          lastAt: try row?.get("last_at", as: Instant?.self)))
    }
    let faults = try await store.database.query(
      "select entity, name, reason, at from ferry_register_fault order by at desc limit 50"
    ).map { row in
      PublishedFault(
        register: store.catalog.entity(try row.get("entity"))?.label ?? "", name: try row.get("name"),
        reason: try row.get("reason"), at: try row.get("at"))
    }
    return (rows, faults)
  }
}
