import Access
import Core
package import Entities
import YAML

/// Records that come with the product (随产品提供): a file for each register, entered at the start and kept up with later
/// versions until somebody here changes them.
///
/// `register: security_knowledge`, then `records`, each with a `code` and fields by name; a reference names the code of another
/// delivered record. The register has the fields `code`, `delivered` and `adapted`.
package struct DeliveredRecords: Sendable {
  /// The register that they are for.
  package let register: String
  /// In the order of the file; references as the codes of what they name.
  package let records: [[String: Value]]

  /// The registers that records are delivered for.
  package static let registers = ["security_knowledge", "alarm_rule", PromptRule.register]

  /// - Parameter folder: `Resources/platform/delivered`.
  /// - Throws: ``Refusal`` `delivered-wrong` that names file and field.
  package static func read(_ register: String, folder: String, catalog: Catalog) throws -> DeliveredRecords {
    let file = "\(folder)/\(register).yaml"
    let node = try YAMLNode(contentsOf: file)
    guard node["register"]?.text == register, let entity = catalog.entity(register) else {
      throw Refusal(.unprocessable, "delivered-wrong", "\(file) 的 register 应是 \(register)。")
    }
    let records = try (node["records"]?.sequence ?? []).map { record in
      var values: [String: Value] = [:]
      for entry in record.mapping ?? [] {
        guard let field = entity.field(entry.key), field.isStored, let text = entry.value.text else {
          throw Refusal(
            .unprocessable, "delivered-wrong", "\(file) 第 \(entry.keyPosition.line) 行：没有可以写的字段“\(entry.key)”。")
        }
        values[field.name] = field.target == nil ? try catalog.parse(text, for: field) : .text(text)
      }
      guard values["code"]?.text != nil else {
        throw Refusal(.unprocessable, "delivered-wrong", "\(file) 第 \(record.position.line) 行：缺少 code。")
      }
      values["delivered"] = .boolean(true)
      return values
    }
    return DeliveredRecords(register: register, records: records)
  }

  /// Enters what is new and brings up to date what nobody here has changed.
  package func publish(in store: RecordStore) async throws {
    try await store.transaction(as: .system, purpose: "登记随产品提供的记录") { records in
      for delivered in self.records {
        let values = try await resolved(delivered, records)
        let code = values["code"] ?? .null
        guard let known = try await records.find(register, where: "code", equals: code) else {
          try await records.insert(register, values, input: .code)
          continue
        }
        if known["adapted"].boolean == true || values.allSatisfy({ known[$0.key] == $0.value }) { continue }
        try await records.update(register, known.id, version: nil, values, input: .code)
      }
    }
  }
}

extension DeliveredRecords {
  private func resolved(_ values: [String: Value], _ records: Records) async throws -> [String: Value] {
    var values = values
    for field in try records.store.entity(register).fields {
      guard let target = field.target, let code = values[field.name], code.text != nil else { continue }
      guard let known = try await records.find(target, where: "code", equals: code) else {
        throw Refusal(.unprocessable, "delivered-wrong", "随产品提供的\(register)提到的“\(code.text ?? "")”不存在。")
      }
      values[field.name] = .integer(known.id)
    }
    return values
  }
}

/// A delivered record whose content somebody changes is theirs from then on; one that is switched off, on or worked out at once
/// still follows the product.
package struct DeliveredRules: RecordRules {
  package init() {}

  package func addHooks(to hooks: inout RecordHooks) {
    for register in DeliveredRecords.registers {
      hooks.beforeUpdate(register) { changes, records in
        guard records.principal.kind != .system else { return }
        let content = try records.store.entity(register).fields.filter(\.editable).map(\.name)
        for index in changes.indices where changes[index]["delivered"].boolean == true {
          let change = changes[index]
          if content.contains(where: { change.alters($0) }) { changes[index]["adapted"] = .boolean(true) }
        }
      }
    }
  }
}
