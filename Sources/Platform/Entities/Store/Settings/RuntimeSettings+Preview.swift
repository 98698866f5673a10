package import Access
import Core
import SQL
import YAML

/// What a declaration would do, before anybody decides (预览).
package struct DeclarationPreview: Sendable {
  /// What the check says of the text; errors forbid its use.
  package let findings: [Finding]
  /// What would be done to the tables; `nil` while there are errors.
  package let plan: SchemaPlan?

  package init(findings: [Finding], plan: SchemaPlan?) {
    self.findings = findings
    self.plan = plan
  }

  /// Whether ``RuntimeSettings/declare(_:as:by:owner:origin:)`` would take it.
  package var isUsable: Bool { plan.map(\.obstacles.isEmpty) ?? false }
}

/// What taking a declaration back would take from sight (撤回).
package struct Withdrawal: Sendable {
  package struct Loss: Sendable {
    package let entity: EntityDeclaration
    /// `nil` when the whole register goes.
    package let field: FieldDeclaration?
    /// Records that hold something of it, counted up to ``RuntimeSettings/countLimit``; the data stay in the database.
    package let records: Int
  }

  package let losses: [Loss]
  /// Dictionaries that go.
  package let dictionaries: [DictionaryDeclaration]
  /// Why it cannot be taken back; empty when it can.
  package let blockers: [Finding]
}

extension RuntimeSettings {
  /// Checks `yaml` as ``declare(_:as:by:owner:origin:)`` would and plans its tables; changes nothing.
  package func preview(_ yaml: String, as name: String, by principal: Principal) async throws -> DeclarationPreview {
    try principal.require(Permission("entity", "update"), toDo: "维护登记表")
    try await catalogs.refresh(from: database)
    let current = catalogs.current
    let findings = current.findings(adding: yaml, origin: name)
    // Reminders about what stands already are somebody else's.
    let own = findings.filter { $0.severity == .error || $0.position.file == name }
    if findings.hasErrors { return DeclarationPreview(findings: own, plan: nil) }
    let plan = try await SchemaPlan.read(try current.adding(yaml: yaml, origin: name), from: database)
    return DeclarationPreview(findings: own, plan: plan)
  }

  /// What ``withdraw(_:by:origin:)`` would take from sight.
  ///
  /// - Throws: ``Refusal`` `declaration-missing`.
  package func withdrawal(of name: String, by principal: Principal) async throws -> Withdrawal {
    try principal.require(Permission("entity", "update"), toDo: "维护登记表")
    try RuntimeSettings.refuseKept(name)
    try await catalogs.refresh(from: database)
    guard try await declarations().contains(where: { $0.name == name }) else {
      throw Refusal(.notFound, "declaration-missing", "没有名为“\(name)”的运行期声明，可能已被撤回。请返回登记表列表。")
    }
    let current = catalogs.current
    let rest: Catalog
    do throws(DeclarationFailure) {
      rest = try current.removing(origin: name)
    } catch {
      return Withdrawal(losses: [], dictionaries: [], blockers: error.errors)
    }
    var losses: [Withdrawal.Loss] = []
    for entity in current.entities {
      guard let left = rest.entity(entity.name) else {
        losses.append(Withdrawal.Loss(entity: entity, field: nil, records: try await records(of: entity)))
        continue
      }
      for field in entity.fields where left.field(field.name) == nil {
        losses.append(
          Withdrawal.Loss(entity: entity, field: field, records: try await records(of: entity, with: field)))
      }
    }
    return Withdrawal(
      losses: losses, dictionaries: current.dictionaries.filter { rest.dictionary($0.name) == nil }, blockers: [])
  }
}
