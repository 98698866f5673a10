import Access
import Addresses
import Audit
import Core
import DemoCity
import Entities
import Geo
import SQL

/// Puts the demo city into an empty database: all of it in one transaction, or nothing.
struct DemoLoader {
  let deployment: Deployment
  let city: DemoCity
  let scale: Double

  /// What was loaded, kept so that a second start does not load it again.
  static let migration = Migration(
    id: "0900-demo-city",
    sql: """
      create table demo_city (
        scale double precision not null,
        rooms bigint not null,
        loaded_at timestamptz not null);
      comment on table demo_city is '已装入的演示城市';
      """)

  /// Whether the database holds a demo city already.
  ///
  /// - Throws: ``Refusal`` `demo-over-data` when it holds other addresses.
  static func isLoaded(_ deployment: Deployment) async throws -> Bool {
    if try await deployment.owner.query("select 1 from demo_city limit 1").first != nil { return true }
    guard try await deployment.owner.query("select 1 from division limit 1").first == nil,
      try await deployment.owner.query("select 1 from address limit 1").first == nil
    else {
      throw Refusal(.conflict, "demo-over-data", "数据库里已有区划或地址，不能再装入演示城市。请换一个数据目录（--data）。")
    }
    return false
  }

  func load() async throws {
    let store = deployment.makeStore()
    let now = deployment.clock.now()
    try await deployment.owner.transaction { transaction in
      try await transaction.execute("set local synchronous_commit = off")
      try await self.dropIndexes(in: transaction)
      try await self.dropReferences(in: transaction)
      let tables = try DemoTables(store)
      try await tables.loadCity(city, in: transaction)
      try await self.loadBatches(tables, in: transaction)
      try await self.settle(in: transaction)
      try await DemoServices.load(city, store, in: transaction)
      try await DemoFaults.sow(store.records(as: .system).within(transaction), in: transaction)
      try await DemoGrids.sow(store.records(as: .system).within(transaction), in: transaction)
      // Nobody follows a city that is only being made.
      try await transaction.execute("truncate record_change")
      try await transaction.execute(
        "insert into demo_city (scale, rooms, loaded_at) values (\(scale), \(Int64(city.roomCount)), \(now))")
      let details: JSON = ["scale": .double(scale), "rooms": .int(Int64(city.roomCount))]
      try await Audit(clock: deployment.clock).append(
        AuditEntry(.system, "demo.load", entity: "division", origin: .inside, details: details), in: transaction)
    }
    let catalog = deployment.catalogs.current
    let indexes = try await SchemaPlan.read(catalog, from: deployment.owner).steps.filter { $0.kind == .index }
    try await sideBySide(indexes.map { SQL(unsafe: $0.statement) })
    try await SchemaPlan.apply(catalog, to: deployment.owner)
    try await sideBySide(DemoTables.names.map { "analyze \(identifier: $0)" })
  }

  /// Runs statements that do not wait for each other, two at a time: as many connections as the owner has.
  private func sideBySide(_ statements: [SQL]) async throws {
    let owner = deployment.owner
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, statement) in statements.enumerated() {
        if index > 1 { try await group.next() }
        group.addTask {
          try await owner.transaction { transaction in
            // Both cores have work already; a worker for each index would only cost its start.
            try await transaction.execute("set local max_parallel_maintenance_workers = 0")
            try await transaction.execute(statement)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  /// Building an index over all rows costs a fraction of keeping it with every row. The plan of the schema makes again
  /// what is missing, after the load or, when that is cut short, at the next start.
  private func dropIndexes(in transaction: Transaction) async throws {
    let indexes = try await transaction.query(
      """
      select c.relname::text as name from pg_index i join pg_class c on c.oid = i.indexrelid
        join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = t.relnamespace
      where n.nspname = 'public' and t.relname::text = any(\(DemoTables.names)) and not i.indisunique
      """)
    for index in indexes {
      try await transaction.execute("drop index \(identifier: try index.get("name", as: String.self))")
    }
  }

  /// The rows refer to each other rightly as they are made; that is checked over all of them at once, after the load.
  private func dropReferences(in transaction: Transaction) async throws {
    let references = try await transaction.query(
      """
      select c.conname::text as name, t.relname::text as "table" from pg_constraint c
        join pg_class t on t.oid = c.conrelid join pg_namespace n on n.oid = t.relnamespace
      where c.contype = 'f' and n.nspname = 'public' and t.relname::text = any(\(DemoTables.names))
      """)
    for reference in references {
      let table = try reference.get("table", as: String.self)
      let name = try reference.get("name", as: String.self)
      try await transaction.execute("alter table \(identifier: table) drop constraint \(identifier: name)")
    }
  }

  /// Communities are made in one task while those before them are written.
  private func loadBatches(_ tables: DemoTables, in transaction: Transaction) async throws {
    var next = 0
    var ready = try DemoGroup(city, from: &next)
    while !ready.isEmpty {
      let start = next
      async let following = Task.detached { [city] in
        var end = start
        let group = try DemoGroup(city, from: &end)
        return (group, end)
      }.value
      try await tables.load(ready, in: transaction)
      (ready, next) = try await following
    }
  }

  /// Identities and code numbers go on behind the loaded rows.
  private func settle(in transaction: Transaction) async throws {
    for table in DemoTables.names {
      try await transaction.execute(
        """
        select setval(pg_get_serial_sequence(\(table), 'id'), (select coalesce(max(id), 0) + 1 from \(identifier: table)),
          false)
        """)
    }
    try await transaction.execute(
      """
      insert into address_code_series (division_code, last)
      select rtrim(left(code, 9), '0'), max(substr(code, 10, 9)::bigint) from address group by left(code, 9)
      on conflict (division_code) do update set last = greatest(address_code_series.last, excluded.last)
      """)
  }
}

/// The rows of some communities, about as many as one COPY should take.
struct DemoGroup: Sendable {
  private(set) var batches: [DemoBatch] = []

  static let addresses = 8000

  /// Takes communities from `next` on and moves it behind them.
  init(_ city: DemoCity, from next: inout Int) throws {
    var count = 0
    while next < city.batchCount, count < DemoGroup.addresses {
      let batch = try city.batch(next)
      next += 1
      count += batch.addresses.count
      batches.append(batch)
    }
  }

  var isEmpty: Bool { batches.isEmpty }
}
