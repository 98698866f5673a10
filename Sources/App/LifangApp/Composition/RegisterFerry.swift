import Access
import Cases
import Core
import Entities
import Ferry
import SQL
import Synchronization

/// Registers that the inside publishes to the outside (发布信息摆渡): windows, notices and whatever else the parameter
/// `ferry.registers` names. Registers with personal data never leave.
final class RegisterFerry: RecordRules {
  static let kind = "register.record"

  /// Made after the store whose changes are sent.
  private let way = Mutex<(post: FerryPost, parameters: Parameters)?>(nil)

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
        """)
  ]

  func begin(_ post: FerryPost, _ parameters: Parameters) { way.withLock { $0 = (post, parameters) } }

  /// The registers that are published, as far as nobody's personal data stands in them.
  private func registers(_ catalog: Catalog) -> [EntityDeclaration] {
    guard let parameters = way.withLock({ $0?.parameters }), let text = try? parameters.text("ferry.registers") else {
      return []
    }
    return text.split(whereSeparator: { " ,，、".contains($0) }).compactMap { catalog.entity(String($0)) }
      .filter { !$0.personal && $0.attachedTo == nil }
  }

  private static func isPublished(_ field: FieldDeclaration) -> Bool {
    field.isStored && field.classification <= .inner && !field.encrypted && field.type != .file && field.type != .image
  }

  /// The field by which records of a register are known on both sides.
  static func key(of entity: EntityDeclaration) -> FieldDeclaration? {
    entity.fields.first { $0.unique && ($0.type == .text || $0.type == .division) && $0.isStored && !$0.encrypted }
  }

  // MARK: Inside

  func addHooks(to hooks: inout RecordHooks) {
    hooks.after(RecordHooks.anyEntity) { [self] events, records in
      guard let transaction = records.transaction, let post = way.withLock({ $0?.post }), post.side == .inside,
        let name = events.first?.entity,
        let entity = registers(records.store.catalog).first(where: { $0.name == name })
      else { return }
      for event in events {
        try await send(
          entity, event.id, event.kind == .deleted ? nil : event.after, post, records.store.catalog, in: transaction)
      }
    }
  }

  private func send(
    _ entity: EntityDeclaration, _ id: Int64, _ values: [String: Value]?, _ post: FerryPost, _ catalog: Catalog,
    in transaction: Transaction
  ) async throws {
    var plain: [String: Value] = [:]
    var references: [(key: String, value: JSON)] = []
    for field in entity.fields where RegisterFerry.isPublished(field) {
      guard let value = values?[field.name], !value.isNull else { continue }
      guard field.target != nil else {
        plain[field.name] = value
        continue
      }
      // A record is called by another number over there; its code is the same.
      guard let target = field.target.flatMap({ catalog.entity($0) }), let key = RegisterFerry.key(of: target),
        let number = value.integer
      else { continue }
      let code: String? = try await transaction.query(
        "select \(identifier: key.name) as code from \(identifier: target.name) where id = \(number)"
      ).first?.get("code")
      if let code { references.append((field.name, .string(code))) }
    }
    try await post.send(
      FerryMessage(
        kind: RegisterFerry.kind, subject: "\(entity.name) \(id)",
        payload: [
          "register": .string(entity.name), "id": .int(id), "deleted": .bool(values == nil), "values": plain.ferried,
          "references": .object(references),
        ]), in: transaction)
  }

  /// Sends every record of the published registers, for an outside that begins.
  ///
  /// - Returns: how many.
  /// - Throws: ``Refusal`` `ferry-idle` anywhere but inside.
  func publishAll(_ store: RecordStore) async throws -> Int {
    guard let post = way.withLock({ $0?.post }), post.side == .inside else {
      throw Refusal(.conflict, "ferry-idle", "只有公安网侧发布登记。请先设置参数“网间摆渡”。")
    }
    var count = 0
    for entity in registers(store.catalog) {
      let fields = entity.fields.filter(RegisterFerry.isPublished).map(\.name)
      let ids: [Int64] = try await store.database.query("select id from \(identifier: entity.name) order by id").map {
        try $0.get("id")
      }
      for id in ids {
        try await store.database.transaction { [self] transaction in
          let record = try await store.records(as: .system).within(transaction).get(entity.name, id, columns: fields)
          let values = Dictionary(uniqueKeysWithValues: fields.map { ($0, record[$0]) })
          try await send(entity, id, values, post, store.catalog, in: transaction)
        }
        count += 1
      }
    }
    return count
  }

  // MARK: Outside

  func receiver(_ store: RecordStore) -> FerryReceiver {
    let name = FerryShape.text(max: 60)
    return FerryReceiver(
      RegisterFerry.kind, "发布信息", from: .inside,
      .members([
        ("register", name), ("id", .integer(1...Int64.max)), ("deleted", .boolean), ("values", .map(.value, max: 200)),
        ("references", .map(.text(max: 100), max: 100)),
      ])
    ) { [self] message, transaction in try await take(message.payload, store, in: transaction) }
  }

  private func take(_ payload: JSON, _ store: RecordStore, in transaction: Transaction) async throws {
    guard let name = payload["register"]?.string, let remote = payload["id"]?.int,
      let entity = registers(store.catalog).first(where: { $0.name == name })
    else { throw Refusal(.unprocessable, "ferry-register", "本侧没有开放接收这张登记。请核对参数“网间摆渡”里发布的登记。") }
    let records = store.records(as: .system, purpose: "网间摆渡").within(transaction)
    let local: Int64? = try await transaction.query(
      "select local_id from ferry_record where entity = \(name) and remote_id = \(remote)"
    ).first?.get("local_id")
    if payload["deleted"]?.bool == true {
      guard let local else { return }
      try await records.delete(name, local, version: nil)
      try await transaction.execute("delete from ferry_record where entity = \(name) and remote_id = \(remote)")
      return
    }
    let given = try [String: Value](ferried: payload["values"])
    var values: [String: Value] = [:]
    for field in entity.fields where RegisterFerry.isPublished(field) {
      guard field.target != nil else {
        values[field.name] = given[field.name] ?? .null
        continue
      }
      guard let code = payload["references"]?[field.name]?.string,
        let target = field.target.flatMap({ store.catalog.entity($0) }), let key = RegisterFerry.key(of: target)
      else { continue }
      let found: Int64? = try await transaction.query(
        "select id from \(identifier: target.name) where \(identifier: key.name) = \(code)"
      ).first?.get("id")
      if found == nil, field.required {
        throw Refusal(.conflict, "ferry-reference", "本侧的\(target.label)里没有 \(code)。补上后请重新处理这一条。")
      }
      values[field.name] = found.map { .integer($0) } ?? .null
    }
    if let local {
      try await records.update(name, local, version: nil, values, input: .code)
    } else {
      let made = try await records.insert(name, values.filter { !$0.value.isNull }, input: .code)
      try await transaction.execute(
        "insert into ferry_record (entity, remote_id, local_id) values (\(name), \(remote), \(made.id))")
    }
  }
}
