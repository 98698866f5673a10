package import Access
package import Audit
import Core
package import Crypto
package import Entities
package import SQL

/// A subscription of another system to the changes of a register (变更订阅), from the register `subscription`.
package struct Subscription: Sendable {
  package static let entity = "subscription"

  package let id: Int64
  package let name: String
  /// Whose rights decide what is seen.
  package let key: Int64
  package let register: String
  package let division: String?
  /// `nil` for all that the key may read.
  package let fields: [String]?
  /// Whether addresses come with their QR code.
  package let withCodes: Bool
  package let address: String
  package let isActive: Bool
  let secret: SecretBytes?

  /// What reads the changes for it (see ``Entities/RecordChanges``).
  package static func reader(_ id: Int64) -> String { "subscription:\(id)" }

  package init(_ record: Record) {
    id = record.id
    name = record["label"].text ?? ""
    key = record["key_id"].integer ?? 0
    register = record["register"].text ?? ""
    division = record["division_code"].text
    fields = record["fields"].text.map(Subscription.names)
    withCodes = record["with_codes"].boolean ?? false
    address = record["address"].text ?? ""
    isActive = record["state"].text == "active"
    secret = record["secret"].text.map { SecretBytes(Array($0.utf8)) }
  }

  /// The subscription with its secret.
  ///
  /// - Throws: ``Refusal`` `record-missing`.
  static func read(_ id: Int64, _ store: RecordStore) async throws -> Subscription {
    Subscription(try await store.records(as: .system, purpose: "变更推送").plain.get(entity, id))
  }

  static func names(_ text: String) -> [String] {
    text.split(whereSeparator: { " ,，、\n".contains($0) }).map(String.init)
  }

  /// Gives a subscription another secret to sign with (更换签名密钥); it is shown once and encrypted in the register.
  ///
  /// - Throws: ``Refusal`` `permission-missing`, `record-missing`.
  package static func replaceSecret(
    of id: Int64, by principal: Principal, origin: Origin, random: RandomSource, in store: RecordStore
  ) async throws -> String {
    try principal.require(Permission(entity, "update"), toDo: "更换签名密钥")
    let secret = random.token()
    try await store.transaction(
      as: principal.entrusted(with: [entity]), purpose: "更换签名密钥", origin: origin
    ) { records in
      try await records.update(entity, id, version: nil, ["secret": .text(secret)], input: .code)
      guard let transaction = records.transaction else { return }
      try await store.audit.append(
        AuditEntry(principal, "subscription.secret", entity: entity, record: id, origin: origin), in: transaction)
    }
    return secret
  }

  /// Lets a subscription begin again (重放): with all that changed since `start`, or with every record.
  ///
  /// - Throws: ``Refusal`` `permission-missing`, `record-missing`.
  package static func replay(
    _ id: Int64, from start: ChangeStart, by principal: Principal, origin: Origin, in store: RecordStore
  ) async throws {
    try principal.require(Permission(entity, "update"), toDo: "重放变更")
    let record = try await store.records(as: principal).get(entity, id)
    let changes = RecordChanges(database: store.database, clock: store.clock)
    var details: JSON = ["from": "everything"]
    if case .since(let time) = start { details = ["from": .string(time.iso8601)] }
    let entry = AuditEntry(
      principal, "subscription.replay", entity: entity, record: id, origin: origin, details: details)
    try await store.database.transaction { transaction in
      try await changes.begin(reader(id), of: record["register"].text ?? "", from: start, in: transaction)
      try await transaction.execute(
        "update push_state set next_at = \(store.clock.now()) where subscription_id = \(id)")
      try await store.audit.append(entry, in: transaction)
    }
  }
}

/// What the register of subscriptions refuses and keeps in step by itself, wherever it is written.
package struct SubscriptionRules: Sendable {
  /// What a key may do now.
  private let principal: @Sendable (_ key: Int64) async throws -> Principal
  private let settings: @Sendable () -> PushSettings

  package init(
    settings: @escaping @Sendable () -> PushSettings,
    principal: @escaping @Sendable (_ key: Int64) async throws -> Principal
  ) {
    self.settings = settings
    self.principal = principal
  }

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(Subscription.entity) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        if let refusal = await refusal(drafts[index].values, records.store) { drafts[index].refuse(refusal) }
      }
    }
    hooks.beforeUpdate(Subscription.entity) { changes, records in
      for index in changes.indices {
        let altered = SubscriptionRules.judged.contains(where: changes[index].alters)
        let begins = changes[index].alters("state") && changes[index]["state"].text == "active"
        if altered || begins, let refusal = await refusal(changes[index].after, records.store) {
          changes[index].refuse(refusal)
        }
        if begins, changes[index]["secret"].isBlank { changes[index].refuse(SubscriptionRules.noSecret) }
        if begins { changes[index]["reason"] = .null }
      }
    }
    hooks.after(Subscription.entity) { events, records in
      guard let transaction = records.transaction else { return }
      for event in events { try await follow(event, records.store, in: transaction) }
    }
  }

  private static let judged = ["key_id", "register", "division_code", "fields", "address"]

  static let noSecret = Refusal(
    .conflict, "subscription-secret", "还没有签名密钥，不能开始推送。请先在“运行情况”里生成签名密钥并交给对方。")

  /// Why a subscription cannot be as it is written.
  private func refusal(_ values: [String: Value], _ store: RecordStore) async -> Refusal? {
    do {
      try PushTarget(values["address"]?.text ?? "").require(in: settings())
      guard let name = values["register"]?.text, let entity = store.catalog.entity(name), entity.notesChanges,
        !entity.personal
      else {
        return Refusal(.invalid, "subscription-register", "这张登记表没有开放订阅。请选择列出的登记表。", field: "register")
      }
      guard let key = values["key_id"]?.integer else { return nil }
      let reader = try await principal(key)
      guard reader.may(Permission(name, "view")) else {
        return Refusal(
          .unprocessable, "subscription-key", "所选接口密钥的角色不能查看\(entity.label)。请换一个密钥，或先给它的角色授权。", field: "key_id")
      }
      if values["division_code"]?.text != nil, entity.scope.division == nil {
        return Refusal(
          .invalid, "subscription-division", "\(entity.label)不分区划，请不要填写区划。", field: "division_code")
      }
      for field in Subscription.names(values["fields"]?.text ?? "") {
        guard let known = entity.field(field), !known.hidden else {
          return Refusal(
            .invalid, "subscription-field", "\(entity.label)没有名为“\(field.prefix(60))”的字段。请按接口说明填写字段名，用空格分开。",
            field: "fields")
        }
        guard known.classification <= reader.clearance else {
          return Refusal(
            .forbidden, "subscription-clearance",
            "\(known.label)属于\(known.classification.label)信息，所选密钥看不到。请去掉这个字段。", field: "fields")
        }
      }
      return nil
    } catch let refusal as Refusal {
      return refusal.field == nil ? Refusal(.unprocessable, refusal.code, refusal.message, field: "key_id") : refusal
    } catch {
      return Refusal(.unprocessable, "subscription-key", "所选接口密钥不能使用。请核对密钥的状态。", field: "key_id")
    }
  }

  private func follow(_ event: RecordEvent, _ store: RecordStore, in transaction: Transaction) async throws {
    let changes = RecordChanges(database: store.database, clock: store.clock)
    let reader = Subscription.reader(event.id)
    let now = store.clock.now()
    switch event.kind {
    case .deleted:
      try await changes.end(reader, in: transaction)
      try await transaction.execute("delete from push_state where subscription_id = \(event.id)")
    case .created:
      let start: ChangeStart = event["initial"].boolean == false ? .now : .everything
      try await changes.begin(reader, of: event["register"].text ?? "", from: start, in: transaction)
      try await transaction.execute("insert into push_state (subscription_id, next_at) values (\(event.id), \(now))")
    case .updated:
      if event.before["register"] != event.after["register"] {
        try await changes.begin(reader, of: event["register"].text ?? "", from: .everything, in: transaction)
      }
      guard event["state"].text == "active" else { return }
      try await transaction.execute(
        """
        update push_state set next_at = \(now), failures = 0, failing_since = null where subscription_id = \(event.id)
        """)
    }
  }
}

/// The tables of subscriptions beside their register.
package enum PushSchema {
  package static let migrations = [
    Migration(
      id: "0072-push",
      sql: """
        create table push_state (
          subscription_id bigint primary key,
          next_at timestamptz not null,
          worker text,
          leased_until timestamptz,
          failures bigint not null default 0,
          failing_since timestamptz,
          delivered bigint not null default 0,
          delivered_at timestamptz
        );
        create index push_state_next on push_state (next_at);
        comment on table push_state is '变更推送的进度';
        """)
  ]
}
