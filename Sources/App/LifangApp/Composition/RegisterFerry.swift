import Access
import Cases
import Core
import Entities
import Ferry
import SQL

/// Registers on their way outwards (登记摆渡): windows, policies, the base of addresses and whatever else the parameter
/// `ferry.registers` names, as far as their fields are declared open. Everything once, then what changes, from the change
/// stream that subscriptions follow too.
///
/// The inside is right: what comes from there takes the place of what stands outside, and outside nobody else changes
/// these registers. What the rules of the outside do not let in is kept as a fault and holds nothing up.
final class RegisterFerry: RecordRules {
  static let kind = "register.records"
  /// Records read at one time, and bytes that one envelope carries at most, before it is encrypted.
  static let batch = 100
  private static let largest = 400_000
  /// A value longer than this stays behind: outlines of whole counties.
  private static let longestValue = 90_000

  let way = Later<(post: FerryPost, parameters: Parameters)>("registers")

  static let migrations = [
    Migration(
      id: "0071-ferry-record",
      sql: """
        -- Which record of ours stands for which of the other side's.
        create table ferry_record (
          entity text collate "C" not null,
          remote_id bigint not null,
          local_id bigint not null,
          primary key (entity, remote_id)
        );
        comment on table ferry_record is '摆渡的登记';
        """),
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
        """),
    Migration(
      id: "0076-ferry-register",
      sql: """
        -- There were two ways out: every change of some registers, and the stream of the base.
        alter table ferry_base rename to ferry_register;
        comment on table ferry_register is '摆渡的登记及进度';
        alter table ferry_base_fault rename to ferry_register_fault;
        comment on table ferry_register_fault is '没有采用的登记记录';
        insert into parameter_value (name, value)
        select 'ferry.registers', to_jsonb((value #>> '{}') || ' service_window') from parameter_value
        where name = 'ferry.base' and value #>> '{}' <> '-'
        on conflict (name) do update set
          value = to_jsonb((excluded.value #>> '{}') || ' ' || (parameter_value.value #>> '{}'));
        delete from parameter_value where name = 'ferry.base';
        """),
  ]

  func begin(_ post: FerryPost, _ parameters: Parameters) { way.begin((post, parameters)) }

  /// The published registers, in the order in which they refer to each other.
  func registers(_ catalog: Catalog) -> [EntityDeclaration] {
    guard let parameters = way.value?.parameters, let text = try? parameters.text(PublishedRegisters.parameter)
    else { return [] }
    return PublishedRegisters.names(in: text).compactMap { catalog.entity($0) }
      .filter { $0.notesChanges && !$0.personal }
  }

  static func isOpen(_ field: FieldDeclaration) -> Bool {
    field.isStored && field.classification == .open && !field.encrypted && field.type != .file && field.type != .image
  }

  /// The field by which records of a register are known on both sides.
  static func key(of entity: EntityDeclaration) -> FieldDeclaration? {
    entity.fields.first { $0.unique && ($0.type == .text || $0.type == .division) && $0.isStored && !$0.encrypted }
  }

  func side() -> FerrySide? { way.value?.post.side }

  static func reader(_ entity: String) -> String { "ferry:\(entity)" }

  // MARK: Inside

  /// Puts what changed into the outbox until the task is cancelled.
  func run(_ store: RecordStore, log: Log) async {
    while !Task.isCancelled {
      do {
        if try await send(store) { continue }
      } catch {
        if !Task.isCancelled { log.fault(error, "ferry-registers-failed") }
      }
      try? await Task.sleep(for: .seconds(1))
    }
  }

  /// Sends the next batch of each register; true when there may be more.
  ///
  /// A register is read up to a number that those before it have reached, so that what a record refers to goes ahead of it.
  func send(_ store: RecordStore) async throws -> Bool {
    guard let post = way.value?.post, post.side == .inside else { return false }
    let changes = RecordChanges(database: store.database, clock: store.clock)
    let bound = try await changes.last()
    for entity in registers(store.catalog) {
      let reader = RegisterFerry.reader(entity.name)
      guard let batch = try await changes.next(reader, limit: RegisterFerry.batch, upTo: bound) else {
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
      try await changes.begin(RegisterFerry.reader(entity.name), of: entity.name, from: .everything, in: transaction)
      try await transaction.execute(
        "insert into ferry_register (entity) values (\(entity.name)) on conflict (entity) do update set count = 0")
    }
  }

  /// Sends every record of the published registers again, for an outside that begins anew.
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
    let fields = entity.fields.filter(RegisterFerry.isOpen)
    let seen = try await store.records(as: .system).within(transaction)
      .changed(entity.name, batch.changes, columns: fields.map(\.name))
    let references = try await RegisterFerry.codes(fields, Array(seen.present.values), store.catalog, in: transaction)
    var ids: Set<Int64> = []
    var items: [JSON] = []
    var size = 0
    var count = 0
    for change in batch.changes where ids.insert(change.record).inserted {
      let item = RegisterFerry.item(change.record, seen.present[change.record], fields, references)
      let length = item.text.utf8.count
      if size + length > RegisterFerry.largest, !items.isEmpty {
        try await post.send(RegisterFerry.message(entity, items), in: transaction)
        (items, size) = ([], 0)
      }
      items.append(item)
      size += length
      count += 1
    }
    if !items.isEmpty { try await post.send(RegisterFerry.message(entity, items), in: transaction) }
    try await transaction.execute(
      """
      insert into ferry_register (entity, count, last_at) values (\(entity.name), \(count), \(store.clock.now()))
      on conflict (entity) do update set count = ferry_register.count + excluded.count, last_at = excluded.last_at
      """)
  }

  private static func message(_ entity: EntityDeclaration, _ items: [JSON]) -> FerryMessage {
    FerryMessage(
      kind: kind, subject: "register \(entity.name)",
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
}
