package import Access
package import Audit
import Connectors
import Core
import Entities
import SQL

/// Verifying the materials of a running case again, or by hand.
extension CaseStore {
  /// Asks the system that issued a material once more, and proves an electronic licence again; whoever has a task in the case may.
  ///
  /// - Throws: ``Refusal`` `verify-foreign`, `material-unknown`, `material-unverifiable`.
  @discardableResult
  package func verify(
    material: Int64, of id: Int64, by principal: Principal, origin: Origin = .inside
  ) async throws -> MaterialVerification {
    let (view, record, requirement, kind) = try await verifiable(material, of: id, by: principal, origin: origin)
    let known = view.record.values.merging(view.form?.values ?? [:]) { own, _ in own }.filter { !$0.value.isBlank }
    let subject = ConnectorSubject(
      entity: ServiceCase.entity, id: id, label: "办件 \(view.record["number"].text ?? "")")
    let proved = try await proof(of: record, requirement, kind, in: id, form: view.item.form, origin: origin)
    let asked = try await verify(kind, known, about: subject, by: principal)?.0
    guard let found = proved.flatMap({ proved in asked.map(proved.joined) ?? proved }) ?? asked else {
      throw CaseStore.unverifiable(kind.label)
    }
    try await keep(found, record, of: id, by: principal, origin: origin)
    return found
  }

  /// 人工核验: what somebody found who looked at the original.
  ///
  /// - Throws: as ``verify(material:of:by:origin:)``, and `opinion-missing`.
  package func confirm(
    material: Int64, of id: Int64, matches: Bool, note: String, by principal: Principal, origin: Origin = .inside
  ) async throws {
    let (_, record, _, _) = try await verifiable(material, of: id, by: principal, origin: origin)
    let said = String(note.prefix(200))
    guard !said.allSatisfy(\.isWhitespace) else {
      throw Refusal(.invalid, "opinion-missing", "请写明怎样核验的，如“已核对原件”。", field: "opinion")
    }
    let found = MaterialVerification(
      matches ? .match : .mismatch, note: "人工核验：\(said)", at: store.clock.now(), by: principal.name)
    try await keep(found, record, of: id, by: principal, origin: origin)
  }

  /// Verifies, after a supplement, the materials that were handed in anew; all when the form changed too.
  func verifyWhatIsNew(_ id: Int64, form: Bool, origin: Origin) async throws {
    guard connectors != nil else { return }
    let view = try await view(id, as: .system, origin: origin)
    for record in view.materials where form || record["verification"].isNull {
      guard let (_, kind) = kind(of: record, view), kind.check != nil || record.isFromLicence else { continue }
      try await verify(material: record.id, of: id, by: .system, origin: origin)
    }
  }

  private static func unverifiable(_ label: String) -> Refusal {
    Refusal(.unprocessable, "material-unverifiable", "“\(label)”没有可用的核验接口。请对照原件，用“人工核验”登记结果。")
  }

  private func kind(of record: Record, _ view: CaseView) -> (MaterialRequirement, MaterialKind)? {
    guard let requirement = view.item.materials.first(where: { $0.name == record["requirement"].text }),
      let kind = requirement.kinds.first(where: { $0.name == record["material"].text })
    else { return nil }
    return (requirement, kind)
  }

  private func verifiable(
    _ material: Int64, of id: Int64, by principal: Principal, origin: Origin
  ) async throws -> (CaseView, Record, MaterialRequirement, MaterialKind) {
    let view = try await view(id, as: principal, origin: origin)
    guard principal.kind == .system || (view.access != .applicant && !view.mine.isEmpty) else {
      throw Refusal(.forbidden, "verify-foreign", "只有正在办理这件事的人可以核验材料，没有改动。请从待办进入。")
    }
    guard let record = view.materials.first(where: { $0.id == material }),
      let (requirement, kind) = kind(of: record, view)
    else {
      throw Refusal(.notFound, "material-unknown", "没有找到这份材料，可能已被替换。请刷新页面。")
    }
    guard kind.check != nil || record.isFromLicence else { throw CaseStore.unverifiable(kind.label) }
    return (view, record, requirement, kind)
  }

  private func keep(
    _ found: MaterialVerification, _ record: Record, of id: Int64, by principal: Principal, origin: Origin
  ) async throws {
    try await store.database.transaction { transaction in
      let state = try await hold(id, in: transaction)
      let records = store.records(as: acting(for: principal, form: state.form), origin: origin).within(transaction)
      try await records.update(
        ServiceCase.material, record.id, version: nil, MaterialVerification.values(found), input: .code)
      _ = try await transaction.query(
        eventStatement(
          state, CaseStore.event(found, record["label"].text ?? "材料"), by: principal, at: store.clock.now()))
    }
  }
}
