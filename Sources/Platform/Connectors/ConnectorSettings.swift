package import Access
package import Audit
import Core
import Crypto
package import Entities
import SQL

/// Where a system is and with which key it is asked, from the register `connector` (对接系统); the secret is encrypted there.
package struct ConnectorSettings: Sendable {
  package static let entity = "connector"

  let id: Int64
  /// Without a slash at the end.
  let address: String
  /// The name by which the other side knows us.
  let key: String
  let secret: SecretBytes

  var secretText: String { String(decoding: secret.bytes, as: UTF8.self) }

  /// The settings of a connector that may be called; `nil` when it is switched off or has no address or secret.
  static func read(_ name: String, _ store: RecordStore) async throws -> ConnectorSettings? {
    let records = store.records(as: .system, purpose: "调用对接系统")
    guard let record = try await records.find(entity, where: "name", equals: .text(name)),
      record["enabled"].boolean == true, let address = record["address"].text, let secret = record["secret"].text
    else { return nil }
    let isPlain = secret.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    guard isPlain, address.hasPrefix("http://") || address.hasPrefix("https://") else { return nil }
    return ConnectorSettings(
      id: record.id, address: address.hasSuffix("/") ? String(address.dropLast()) : address,
      key: record["key_name"].text ?? "lifang", secret: SecretBytes(Array(secret.utf8)))
  }

  /// Enters every declared connector into the register, so that administrators only fill in address and key.
  package static func publish(_ connectors: Connectors, in store: RecordStore) async throws {
    try await store.transaction(as: .system, purpose: "登记对接系统") { records in
      for connector in connectors.all {
        let declared: [String: Value] = [
          "label": .text(connector.label), "system": .text(connector.system),
          "help": connector.help.map { .text($0) } ?? .null,
        ]
        if let known = try await records.find(entity, where: "name", equals: .text(connector.name)) {
          let changed = declared.filter { known[$0.key] != $0.value }
          if !changed.isEmpty { try await records.update(entity, known.id, version: nil, changed, input: .code) }
        } else {
          let made = declared.merging(["name": .text(connector.name), "enabled": .boolean(false)]) { old, _ in old }
          try await records.insert(entity, made.filter { !$0.value.isNull }, input: .code)
        }
      }
    }
  }

  /// Sets where a system is and with which key it is asked (设置对接系统).
  ///
  /// - Parameter secret: `nil` keeps the one that is there.
  /// - Throws: ``Refusal`` `permission-missing`, `connector-unknown`, `secret-form`, `secret-missing`; what the register
  ///   says of the address.
  package static func change(
    _ name: String, address: String, key: String, secret: String?, enabled: Bool, by principal: Principal,
    origin: Origin, in store: RecordStore
  ) async throws {
    try principal.require(Permission(entity, "update"), toDo: "设置对接系统")
    if let secret, !(6...200).contains(secret.utf8.count) || !secret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
      throw Refusal(.invalid, "secret-form", "密钥应为 6 至 200 个英文字母、数字或符号，中间没有空格。请从对方的通知里原样复制。", field: "secret")
    }
    // Whoever may set a key need not be cleared to read one.
    let records = store.records(as: principal.entrusted(with: [entity]), purpose: "设置对接系统", origin: origin)
    guard let known = try await records.find(entity, where: "name", equals: .text(name)) else {
      throw Refusal(.notFound, "connector-unknown", "没有这个对接系统。请从列表重新进入。")
    }
    if enabled, secret == nil, try await !hasSecret(name, in: store) {
      throw Refusal(.invalid, "secret-missing", "启用前请先填写密钥。", field: "secret")
    }
    var changes: [String: Value] = [
      "address": address.isEmpty ? .null : .text(address), "key_name": key.isEmpty ? .null : .text(key),
      "enabled": .boolean(enabled),
    ]
    if let secret { changes["secret"] = .text(secret) }
    try await records.update(entity, known.id, version: nil, changes, input: .code)
  }

  /// Whether a key is set.
  package static func hasSecret(_ name: String, in store: RecordStore) async throws -> Bool {
    let records = store.records(as: .system, purpose: "设置对接系统")
    let known = try await records.find(entity, where: "name", equals: .text(name))
    return known?["secret"].isBlank == false
  }

  /// Sets where a system is; for the demo city and for tests.
  package static func set(
    _ name: String, address: String, key: String, secret: String, in store: RecordStore
  ) async throws {
    let records = store.records(as: .system, purpose: "设置对接系统")
    guard let known = try await records.find(entity, where: "name", equals: .text(name)) else {
      throw Refusal(.notFound, "connector-unknown", "没有名为“\(name)”的对接系统。请核对名称。")
    }
    try await records.update(
      entity, known.id, version: nil,
      [
        "address": .text(address), "key_name": .text(key), "secret": .text(secret), "enabled": .boolean(true),
      ], input: .code)
  }
}
