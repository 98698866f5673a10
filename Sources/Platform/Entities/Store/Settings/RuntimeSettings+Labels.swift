package import Access
package import Audit
import Core
import SQL
import YAML

/// A sensitive label (敏感标记): a field that counts as more sensitive here than it is declared.
package struct SensitiveLabel: Sendable, Hashable {
  /// The name of the field, in the register whose labels these are.
  package let field: String
  /// The level it counts as here (敏感级别), above the declared one.
  package let level: Classification
  /// `nil`: the declared one.
  package let mask: FieldDeclaration.Mask?

  var yaml: String {
    "  - {field: \(field), level: \(level.name)\(mask.map { ", mask: \($0.rawValue)" } ?? "")}"
  }
}

/// Sensitive labels of fields (敏感标记, D2-570): the security officer raises the level of a field, and masks, exports,
/// searches, interfaces and what is audited follow at once, since all of them ask the declaration in force.
///
/// The labels of a register are one declaration made at run time; they raise and never lower (see `labels` of overlays).
extension RuntimeSettings {
  private static let prefix = "labels."

  /// Whether a declaration made at run time holds labels, which are the security officer's.
  package static func isLabels(_ origin: String) -> Bool { origin.hasPrefix(prefix) }

  /// What has pages of its own is not changed as a whole.
  static func refuseKept(_ origin: String) throws(Refusal) {
    if origin == ownParameters {
      throw Refusal(.conflict, "parameters-apart", "自建参数请在“系统参数”里逐个修改和删除。")
    }
    guard isLabels(origin) else { return }
    throw Refusal(.forbidden, "label-not-yours", "敏感标记由安全保密管理员在“敏感标记”里维护，不能在这里改动。")
  }

  /// When the labels of each register were last changed, and by whom.
  package func labelChanges() async throws -> [String: SettingChange] {
    var changes: [String: SettingChange] = [:]
    let rows = try await database.query(
      "select origin, updated_at, updated_by from runtime_declaration where starts_with(origin, \(RuntimeSettings.prefix))"
    )
    for row in rows {
      let register = String(try row.get("origin", as: String.self).dropFirst(RuntimeSettings.prefix.count))
      changes[register] = SettingChange(at: try row.get("updated_at"), by: try row.get("updated_by"))
    }
    return changes
  }

  /// Gives a field another level, at or above the declared one.
  ///
  /// - Parameters:
  ///   - level: the declared one takes the label away.
  ///   - mask: how it is hidden; needed from 敏感 on for texts that declare none.
  ///   - reason: why, for the audit.
  /// - Throws: ``Refusal`` `field-unknown`, `label-below-declared`, `label-mask`, `label-reason`, `label-unfit`.
  package func label(
    _ field: String, of register: String, _ level: Classification, mask: FieldDeclaration.Mask? = nil, reason: String,
    by principal: Principal, origin: Origin = .inside
  ) async throws {
    try principal.require(Permission("policy", "update"), toDo: "调整敏感标记")
    try await catalogs.refresh(from: database)
    let current = catalogs.current
    guard let entity = current.entity(register), let declared = entity.fields.first(where: { $0.name == field }) else {
      throw Refusal(.notFound, "field-unknown", "没有这个字段，可能已被撤回。请返回敏感标记重新选择。")
    }
    let reason = TextForms.trimmed(reason)
    let mask = try RuntimeSettings.mask(mask, declared, level)
    var refusals: [Refusal] = []
    if level < declared.declaredClassification {
      refusals.append(
        Refusal(
          .invalid, "label-below-declared",
          "“\(declared.label)”声明为\(declared.declaredClassification.label)，级别只能提高，不能低于它。", field: "level"))
    }
    if reason.isEmpty || reason.unicodeScalars.count > 200 {
      refusals.append(Refusal(.invalid, "label-reason", "请写明原因，最多 200 个字，会记入审计。", field: "reason"))
    }
    if let refusal = Refusal(all: refusals) { throw refusal }
    let label = level > declared.declaredClassification ? SensitiveLabel(field: field, level: level, mask: mask) : nil
    try await write(label, declared, entity, reason, principal, origin)
    try await catalogs.refresh(from: database)
  }

  private func write(
    _ label: SensitiveLabel?, _ field: FieldDeclaration, _ entity: EntityDeclaration, _ reason: String,
    _ principal: Principal, _ origin: Origin
  ) async throws {
    let name = RuntimeSettings.prefix + entity.name
    let now = clock.now()
    try await database.transaction { transaction in
      // Two officers at once: the later one sees the labels of the first.
      try await transaction.execute("select pg_advisory_xact_lock(hashtext(\(name)))")
      let held = try await transaction.first("select yaml from runtime_declaration where origin = \(name)")
      var labels = try RuntimeSettings.labels(in: try held?.get("yaml") ?? "", name).filter { $0.field != field.name }
      if let label { labels.append(label) }
      if let label { try RuntimeSettings.prove(label, of: entity, catalogs.current) }
      if labels.isEmpty {
        try await transaction.execute("delete from runtime_declaration where origin = \(name)")
      } else {
        let yaml = RuntimeSettings.yaml(labels, entity.name)
        try await transaction.execute(
          """
          insert into runtime_declaration (origin, yaml, updated_at, updated_by)
          values (\(name), \(yaml), \(now), \(principal.actor))
          on conflict (origin) do update set yaml = excluded.yaml, updated_at = excluded.updated_at,
            updated_by = excluded.updated_by
          """)
      }
      try await audit.append(
        AuditEntry(
          principal, "policy.label", entity: entity.name, purpose: reason, origin: origin,
          details: [
            "field": .string(field.name), "before": .string(field.classification.name),
            "level": .string(label?.level.name ?? field.declaredClassification.name),
            "declared": .string(field.declaredClassification.name),
            "mask": label?.mask.map { .string($0.rawValue) } ?? .null,
          ]), in: transaction)
      transaction.notify(RecordChangeFeed.channel, "declaration:\(name)")
    }
  }

  private static func yaml(_ labels: [SensitiveLabel], _ entity: String) -> String {
    "extend_entity: \(entity)\nlabels:\n" + labels.map(\.yaml).joined(separator: "\n") + "\n"
  }

  /// What is wrong with the catalog under a new label is told in words, without lines of a text that nobody wrote. Those
  /// that are there already hold whatever they meet.
  private static func prove(_ label: SensitiveLabel, of entity: EntityDeclaration, _ catalog: Catalog) throws {
    do throws(DeclarationFailure) {
      _ = try catalog.adding(yaml: yaml([label], entity.name), origin: prefix + entity.name + ".new")
    } catch {
      let why = error.errors.prefix(3).map(\.message).joined(separator: "；")
      throw Refusal(.unprocessable, "label-unfit", "不能这样标记，没有改动：\(why)。", field: "level")
    }
  }

  private static func mask(
    _ wanted: FieldDeclaration.Mask?, _ field: FieldDeclaration, _ level: Classification
  ) throws(Refusal) -> FieldDeclaration.Mask? {
    guard level >= .sensitive, level > field.declaredClassification else { return nil }
    // What is no text has no part that could be shown.
    guard field.type.valueKind == .text, !field.multiple else { return .all }
    guard let mask = wanted ?? field.mask else {
      throw Refusal(.invalid, "label-mask", "敏感和机密的字段要选择怎样脱敏。", field: "mask")
    }
    return mask
  }

  private static func labels(in yaml: String, _ name: String) throws -> [SensitiveLabel] {
    guard !yaml.isEmpty else { return [] }
    let node: YAMLNode
    do throws(YAMLFailure) { node = try YAMLNode(parsing: yaml, file: name) } catch {
      throw Fault("labels-unreadable", "\(name): \(error.message)")
    }
    return (node["labels"]?.sequence ?? []).compactMap { item in
      guard let field = item["field"]?.text, let level = item["level"]?.text.flatMap(Classification.init(name:)) else {
        return nil
      }
      return SensitiveLabel(
        field: field, level: level, mask: item["mask"]?.text.flatMap(FieldDeclaration.Mask.init(rawValue:)))
    }
  }
}
