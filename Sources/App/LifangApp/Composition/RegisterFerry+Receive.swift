import Access
import Cases
import Core
import Entities
import Ferry
import SQL

/// The outside takes what the inside published.
extension RegisterFerry {
  /// Nobody but the ferry changes these registers outside.
  func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(RecordHooks.anyEntity) { [self] drafts, records in
      guard isForeign(drafts.first?.entity, records) else { return }
      for index in drafts.indices { drafts[index].refuse(RegisterFerry.foreign) }
    }
    hooks.beforeUpdate(RecordHooks.anyEntity) { [self] changes, records in
      guard isForeign(changes.first?.entity, records) else { return }
      // What is not published is this side's own, such as how much of an hour is booked.
      let published =
        records.store.catalog.entity(changes.first?.entity ?? "")?.fields.filter(RegisterFerry.isOpen) ?? []
      for index in changes.indices where published.contains(where: { changes[index].alters($0.name) }) {
        changes[index].refuse(RegisterFerry.foreign)
      }
    }
    hooks.beforeDelete(RecordHooks.anyEntity) { [self] leaving, records in
      if isForeign(leaving.first?.entity, records) { throw RegisterFerry.foreign }
    }
  }

  private func isForeign(_ entity: String?, _ records: Records) -> Bool {
    guard let entity, records.principal.kind != .system, side() == .outside else { return false }
    return registers(records.store.catalog).contains { $0.name == entity }
  }

  private static let foreign = Refusal(
    .conflict, "register-foreign", "这张登记由公安网侧维护，本侧只接收，没有改动。有错误请通过纠错上报，由公安网侧核实修改。")

  func receiver(_ store: RecordStore) -> FerryReceiver {
    let record = FerryShape.members([
      ("id", .integer(1...Int64.max)), ("deleted", .boolean), ("values", .map(.value, max: 200)),
      ("references", .map(.text(max: 100), max: 100)),
    ])
    return FerryReceiver(
      RegisterFerry.kind, "发布的登记", from: .inside,
      .members([("register", .text(max: 60)), ("records", .list(record, max: RegisterFerry.batch))])
    ) { [self] message, transaction in try await take(message.payload, store, in: transaction) }
  }

  private func take(_ payload: JSON, _ store: RecordStore, in transaction: Transaction) async throws {
    guard let name = payload["register"]?.string,
      let entity = registers(store.catalog).first(where: { $0.name == name })
    else { throw Refusal(.unprocessable, "ferry-register", "本侧没有开放接收这张登记。请核对参数“网间摆渡”里发布的登记。") }
    let records = store.records(as: .system, purpose: "网间摆渡").plain
    let now = store.clock.now()
    for item in payload["records"]?.array ?? [] {
      guard let remote = item["id"]?.int else { continue }
      do {
        try await transaction.savepoint { inner in
          try await take(item, remote, entity, records.within(inner), in: inner)
        }
        try await transaction.execute(
          "delete from ferry_register_fault where entity = \(name) and remote_id = \(remote)")
      } catch let refusal as Refusal {
        let title = item["values"]?["code"]?["text"]?.string ?? String(remote)
        let reason = ([refusal] + refusal.others).map(\.message).joined(separator: " ")
        try await transaction.execute(
          """
          insert into ferry_register_fault (entity, remote_id, name, reason, at)
          values (\(name), \(remote), \(title), \(String(reason.prefix(500))), \(now))
          on conflict (entity, remote_id) do update set name = excluded.name, reason = excluded.reason, at = excluded.at
          """)
      }
    }
    try await transaction.execute(
      """
      insert into ferry_register (entity, count, last_at)
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
    let values = try await RegisterFerry.values(item, entity, records.store.catalog, in: transaction)
    if known == nil, let standing = try await own(values, entity, in: transaction) {
      // The same thing, entered here before it came: the inside's takes its place.
      try await note(name, remote, standing, in: transaction)
      known = standing
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

  /// The record of this side that is the same thing: of the same code, or of the same name where the register has no code.
  private func own(_ values: [String: Value], _ entity: EntityDeclaration, in transaction: Transaction) async throws
    -> Int64?
  {
    let key = RegisterFerry.key(of: entity)
    let field = key?.name ?? entity.title
    guard let value = values[field]?.text else { return nil }
    return try await transaction.query(
      """
      select t.id from \(identifier: entity.name) t where t.\(identifier: field) = \(value) and (\(key != nil) or not exists (
        select from ferry_record f where f.entity = \(entity.name) and f.local_id = t.id))
      order by t.id limit 1
      """
    ).first?.get("id")
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
}
