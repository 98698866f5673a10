import Access
import Cases
import Core
import Entities
import Ferry
import SQL
import Synchronization

/// The base on its way outwards (基础库摆渡): the registers that the parameter `ferry.base` names, as far as their fields are
/// declared open. Everything once, then what changes, from the change stream that subscriptions follow too.
///
/// The inside is right: what comes from there takes the place of what stands outside, and outside nobody else changes
/// these registers. What the rules of the outside do not let in is kept as a fault and holds nothing up.
final class BaseFerry: RecordRules {
  static let kind = "base.records"
  /// Records read at one time, and bytes that one envelope carries at most, before it is encrypted.
  private static let batch = 100
  private static let largest = 400_000
  /// A value longer than this stays behind: outlines of whole counties.
  private static let longestValue = 90_000

  private let way = Mutex<(post: FerryPost, parameters: Parameters)?>(nil)

  static let migrations = [
    Migration(
      id: "0073-ferry-base",
      sql: """
        create table ferry_base (
          entity text collate "C" primary key,
          count bigint not null default 0,
          last_at timestamptz
        );
        comment on table ferry_base is '摆渡的基础库';

        create table ferry_base_fault (
          entity text collate "C" not null,
          remote_id bigint not null,
          name text not null,
          reason text not null,
          at timestamptz not null,
          primary key (entity, remote_id)
        );
        comment on table ferry_base_fault is '没有采用的基础库记录';
        """)
  ]

  func begin(_ post: FerryPost, _ parameters: Parameters) { way.withLock { $0 = (post, parameters) } }

  /// The registers of the base, in the order in which they refer to each other.
  private func registers(_ catalog: Catalog) -> [EntityDeclaration] {
    guard let parameters = way.withLock({ $0?.parameters }), let text = try? parameters.text("ferry.base") else {
      return []
    }
    return text.split(whereSeparator: { " ,，、".contains($0) }).compactMap { catalog.entity(String($0)) }
      .filter { $0.notesChanges && !$0.personal }
  }

  private static func isOpen(_ field: FieldDeclaration) -> Bool {
    field.isStored && field.classification == .open && !field.encrypted && field.type != .file && field.type != .image
  }

  private func side() -> FerrySide? { way.withLock { $0?.post }?.side }

  private static func reader(_ entity: String) -> String { "ferry:\(entity)" }

  // MARK: Inside

  /// Puts what changed into the outbox until the task is cancelled.
  func run(_ store: RecordStore, log: Log) async {
    while !Task.isCancelled {
      do {
        if try await send(store) { continue }
      } catch {
        if !Task.isCancelled { log.fault(error, "ferry-base-failed") }
      }
      try? await Task.sleep(for: .seconds(1))
    }
  }

  /// Sends the next batch of each register; true when there may be more.
  ///
  /// A register is read up to a number that those before it have reached, so that what a record refers to goes ahead of it.
  func send(_ store: RecordStore) async throws -> Bool {
    guard let post = way.withLock({ $0?.post }), post.side == .inside else { return false }
    let changes = RecordChanges(database: store.database, clock: store.clock)
    let bound = try await changes.last()
    for entity in registers(store.catalog) {
      let reader = BaseFerry.reader(entity.name)
      guard let batch = try await changes.next(reader, limit: BaseFerry.batch, upTo: bound) else {
        try await restart(entity, changes, in: store.database)
        return true
      }
      if batch.changes.isEmpty, batch.from == batch.to { continue }
      try await store.database.transaction { transaction in
        // Who moves the reader is the one that sends: two nodes never send the same.
        guard try await changes.acknowledge(batch, in: transaction) else { return }
        try await send(batch, entity, post, store, in: transaction)
      }
      return true
    }
    return false
  }

  private func restart(_ entity: EntityDeclaration, _ changes: RecordChanges, in database: Database) async throws {
    try await database.transaction { transaction in
      try await changes.begin(BaseFerry.reader(entity.name), of: entity.name, from: .everything, in: transaction)
      try await transaction.execute(
        "insert into ferry_base (entity) values (\(entity.name)) on conflict (entity) do update set count = 0")
    }
  }

  /// Sends every record of the base again, for an outside that begins anew.
  ///
  /// - Returns: how many registers; 0 anywhere but inside.
  func publishAll(_ store: RecordStore) async throws -> Int {
    guard side() == .inside else { return 0 }
    let changes = RecordChanges(database: store.database, clock: store.clock)
    let registers = registers(store.catalog)
    for entity in registers { try await restart(entity, changes, in: store.database) }
    return registers.count
  }

  private func send(
    _ batch: ChangeBatch, _ entity: EntityDeclaration, _ post: FerryPost, _ store: RecordStore,
    in transaction: Transaction
  ) async throws {
    let fields = entity.fields.filter(BaseFerry.isOpen)
    let seen = try await store.records(as: .system).within(transaction)
      .changed(entity.name, batch.changes, columns: fields.map(\.name))
    let references = try await BaseFerry.codes(fields, Array(seen.present.values), store.catalog, in: transaction)
    var ids: Set<Int64> = []
    var items: [JSON] = []
    var size = 0
    var count = 0
    for change in batch.changes where ids.insert(change.record).inserted {
      let item = BaseFerry.item(change.record, seen.present[change.record], fields, references)
      let length = item.text.utf8.count
      if size + length > BaseFerry.largest, !items.isEmpty {
        try await post.send(BaseFerry.message(entity, items), in: transaction)
        (items, size) = ([], 0)
      }
      items.append(item)
      size += length
      count += 1
    }
    if !items.isEmpty { try await post.send(BaseFerry.message(entity, items), in: transaction) }
    try await transaction.execute(
      """
      insert into ferry_base (entity, count, last_at) values (\(entity.name), \(count), \(store.clock.now()))
      on conflict (entity) do update set count = ferry_base.count + excluded.count, last_at = excluded.last_at
      """)
  }

  private static func message(_ entity: EntityDeclaration, _ items: [JSON]) -> FerryMessage {
    FerryMessage(
      kind: kind, subject: "base \(entity.name)",
      payload: ["register": .string(entity.name), "records": .array(items)])
  }

  private static func item(
    _ id: Int64, _ record: Record?, _ fields: [FieldDeclaration], _ references: [String: [Int64: String]]
  ) -> JSON {
    var plain: [String: Value] = [:]
    var named: [(key: String, value: JSON)] = []
    for field in fields {
      guard let value = record?[field.name], !value.isNull else { continue }
      if let target = field.target {
        guard let id = value.integer, let code = references[target]?[id] else { continue }
        named.append((field.name, .string(code)))
      } else if !field.type.isGeometry || value.ferried.text.utf8.count <= longestValue {
        plain[field.name] = value
      }
    }
    return [
      "id": .int(id), "deleted": .bool(record == nil), "values": plain.ferried, "references": .object(named),
    ]
  }

  /// The codes of what records refer to, by register and id: a record is called by another number over there.
  private static func codes(
    _ fields: [FieldDeclaration], _ records: [Record], _ catalog: Catalog, in transaction: Transaction
  ) async throws -> [String: [Int64: String]] {
    var codes: [String: [Int64: String]] = [:]
    for target in Set(fields.compactMap(\.target)) {
      guard let entity = catalog.entity(target), let key = RegisterFerry.key(of: entity), !entity.personal else {
        continue
      }
      let names = fields.filter { $0.target == target }.map(\.name)
      let ids = Set(records.flatMap { record in names.compactMap { record[$0].integer } })
      guard !ids.isEmpty else { continue }
      let rows = try await transaction.query(
        """
        select id, \(identifier: key.name) as code from \(identifier: target)
        where id = any(\(Array(ids))) and \(identifier: key.name) is not null
        """)
      for row in rows { codes[target, default: [:]][try row.get("id")] = try row.get("code", as: String.self) }
    }
    return codes
  }

  // MARK: Outside

  /// Nobody but the ferry changes these registers outside.
  func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(RecordHooks.anyEntity) { [self] drafts, records in
      guard isForeign(drafts.first?.entity, records) else { return }
      for index in drafts.indices { drafts[index].refuse(BaseFerry.foreign) }
    }
    hooks.beforeUpdate(RecordHooks.anyEntity) { [self] changes, records in
      guard isForeign(changes.first?.entity, records) else { return }
      for index in changes.indices { changes[index].refuse(BaseFerry.foreign) }
    }
    hooks.beforeDelete(RecordHooks.anyEntity) { [self] leaving, records in
      if isForeign(leaving.first?.entity, records) { throw BaseFerry.foreign }
    }
  }

  private func isForeign(_ entity: String?, _ records: Records) -> Bool {
    guard let entity, records.principal.kind != .system, side() == .outside else { return false }
    return registers(records.store.catalog).contains { $0.name == entity }
  }

  private static let foreign = Refusal(
    .conflict, "base-foreign", "这张登记由公安网侧维护，本侧只接收，没有改动。有错误请通过纠错上报，由公安网侧核实修改。")

  func receiver(_ store: RecordStore) -> FerryReceiver {
    let record = FerryShape.members([
      ("id", .integer(1...Int64.max)), ("deleted", .boolean), ("values", .map(.value, max: 200)),
      ("references", .map(.text(max: 100), max: 100)),
    ])
    return FerryReceiver(
      BaseFerry.kind, "基础库", from: .inside,
      .members([("register", .text(max: 60)), ("records", .list(record, max: BaseFerry.batch))])
    ) { [self] message, transaction in try await take(message.payload, store, in: transaction) }
  }

  private func take(_ payload: JSON, _ store: RecordStore, in transaction: Transaction) async throws {
    guard let name = payload["register"]?.string,
      let entity = registers(store.catalog).first(where: { $0.name == name })
    else { throw Refusal(.unprocessable, "ferry-register", "本侧没有开放接收这张登记。请核对参数“网间摆渡”里发布的基础库。") }
    let records = store.records(as: .system, purpose: "网间摆渡").plain
    let now = store.clock.now()
    for item in payload["records"]?.array ?? [] {
      guard let remote = item["id"]?.int else { continue }
      do {
        try await transaction.savepoint { inner in
          try await take(item, remote, entity, records.within(inner), in: inner)
        }
        try await transaction.execute(
          "delete from ferry_base_fault where entity = \(name) and remote_id = \(remote)")
      } catch let refusal as Refusal {
        let title = item["values"]?["code"]?["text"]?.string ?? String(remote)
        let reason = ([refusal] + refusal.others).map(\.message).joined(separator: " ")
        try await transaction.execute(
          """
          insert into ferry_base_fault (entity, remote_id, name, reason, at)
          values (\(name), \(remote), \(title), \(String(reason.prefix(500))), \(now))
          on conflict (entity, remote_id) do update set name = excluded.name, reason = excluded.reason, at = excluded.at
          """)
      }
    }
    try await transaction.execute(
      """
      insert into ferry_base (entity, count, last_at)
      values (\(name), (select count(*) from ferry_record where entity = \(name)), \(now))
      on conflict (entity) do update set count = excluded.count, last_at = excluded.last_at
      """)
  }

  private func take(
    _ item: JSON, _ remote: Int64, _ entity: EntityDeclaration, _ records: Records, in transaction: Transaction
  ) async throws {
    let name = entity.name
    var known: Int64? = try await transaction.query(
      "select local_id from ferry_record where entity = \(name) and remote_id = \(remote)"
    ).first?.get("local_id")
    if item["deleted"]?.bool == true {
      guard let local = known else { return }
      try await records.delete(name, local, version: nil)
      try await transaction.execute("delete from ferry_record where entity = \(name) and remote_id = \(remote)")
      return
    }
    let values = try await BaseFerry.values(item, entity, records.store.catalog, in: transaction)
    if known == nil, let key = RegisterFerry.key(of: entity), let code = values[key.name]?.text {
      // The same thing, entered here before it came: the inside's takes its place.
      known = try await transaction.query(
        "select id from \(identifier: name) where \(identifier: key.name) = \(code)"
      ).first?.get("id")
      if let known { try await note(name, remote, known, in: transaction) }
    }
    guard let local = known else {
      let made = try await makeWay(for: values, entity, records, in: transaction) { records in
        try await records.insert(name, values.filter { !$0.value.isNull }, input: .code).id
      }
      return try await note(name, remote, made, in: transaction)
    }
    let standing = try await records.get(name, local, columns: Array(values.keys))
    let changed = values.filter { standing[$0.key] != $0.value }
    guard !changed.isEmpty else { return }
    _ = try await makeWay(for: values, entity, records, in: transaction) { records in
      try await records.update(name, local, version: nil, changed, input: .code).id
    }
  }

  private func note(_ name: String, _ remote: Int64, _ local: Int64, in transaction: Transaction) async throws {
    try await transaction.execute(
      """
      insert into ferry_record (entity, remote_id, local_id) values (\(name), \(remote), \(local))
      on conflict (entity, remote_id) do update set local_id = excluded.local_id
      """)
  }

  /// Writes a record; one of this side's own that stands for the same under another code makes way for it.
  private func makeWay(
    for values: [String: Value], _ entity: EntityDeclaration, _ records: Records, in transaction: Transaction,
    _ write: @Sendable (Records) async throws -> Int64
  ) async throws -> Int64 {
    do {
      return try await transaction.savepoint { inner in try await write(records.within(inner)) }
    } catch let refusal as Refusal where refusal.kind == .conflict {
      guard let division = entity.scope.division, let title = values[entity.title]?.text,
        let code = values[division]?.text
      else { throw refusal }
      let own: Int64? = try await transaction.query(
        """
        select t.id from \(identifier: entity.name) t
        where \(identifier: entity.title) = \(title) and \(identifier: division) = \(code) and not exists (
          select from ferry_record f where f.entity = \(entity.name) and f.local_id = t.id)
        """
      ).first?.get("id")
      guard let own else { throw refusal }
      try await records.delete(entity.name, own, version: nil)
      return try await write(records)
    }
  }

  private static func values(
    _ item: JSON, _ entity: EntityDeclaration, _ catalog: Catalog, in transaction: Transaction
  ) async throws -> [String: Value] {
    let given = try [String: Value](ferried: item["values"])
    var values: [String: Value] = [:]
    for field in entity.fields where isOpen(field) {
      guard let target = field.target else {
        // A field that is not among them is empty over there, or too long to travel.
        if !field.type.isGeometry || given[field.name] != nil { values[field.name] = given[field.name] ?? .null }
        continue
      }
      guard let code = item["references"]?[field.name]?.string else {
        if !field.required { values[field.name] = .null }
        continue
      }
      guard let register = catalog.entity(target), let key = RegisterFerry.key(of: register) else { continue }
      let found: Int64? = try await transaction.query(
        "select id from \(identifier: target) where \(identifier: key.name) = \(code)"
      ).first?.get("id")
      if found == nil, field.required {
        throw Refusal(.conflict, "ferry-reference", "本侧的\(register.label)里没有 \(code)。")
      }
      values[field.name] = found.map { .integer($0) } ?? .null
    }
    return values
  }

  // MARK: Watching

  func status(_ store: RecordStore) async throws -> (rows: [FerryBaseStatus], faults: [FerryBaseFault]) {
    let changes = RecordChanges(database: store.database, clock: store.clock)
    var rows: [FerryBaseStatus] = []
    for entity in registers(store.catalog) {
      let row = try await store.database.query(
        """
        select b.count, b.last_at,
          (select count(*) from ferry_base_fault f where f.entity = \(entity.name)) as faults
        from (select 1) one left join ferry_base b on b.entity = \(entity.name)
        """
      ).first
      let lag = side() == .inside ? try await changes.lag(of: BaseFerry.reader(entity.name)) : nil
      rows.append(
        FerryBaseStatus(
          register: entity.name, label: entity.label, waiting: lag?.changes ?? 0,
          isScanning: side() == .inside && lag?.isScanning ?? true,
          count: try row?.get("count", as: Int64?.self) ?? 0, faults: try row?.get("faults") ?? 0,
          lastAt: try row?.get("last_at", as: Instant?.self)))
    }
    let faults = try await store.database.query(
      "select entity, name, reason, at from ferry_base_fault order by at desc limit 50"
    ).map { row in
      FerryBaseFault(
        register: store.catalog.entity(try row.get("entity"))?.label ?? "", name: try row.get("name"),
        reason: try row.get("reason"), at: try row.get("at"))
    }
    return (rows, faults)
  }
}
