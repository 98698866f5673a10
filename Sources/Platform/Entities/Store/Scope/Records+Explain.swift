import Access
import Core
import SQL

extension Records {
  /// Why the principal sees this record: one sentence for each way in which a grant reaches it (为什么我能看到).
  ///
  /// - Throws: ``Refusal`` `record-missing` when no grant does.
  package func explain(_ name: String, _ id: Int64, action: String = "view") async throws -> [String] {
    let entity = try store.entity(name)
    let permission = Permission(name, action)
    try principal.require(permission, toDo: "查看\(entity.label)")
    let alternatives = ScopePredicate.alternatives(ScopeTerms(principal, permission), entity, alias: "t")
    guard !alternatives.isEmpty else { throw Records.missing(entity) }
    let columns = alternatives.map { alternative -> SQL in "coalesce(\(alternative.sql), false)" }
    let division: SQL = entity.scope.division.map { "t.\(identifier: $0)" } ?? "null::text"
    let rows = try await scoped(
      session, [(entity, action)],
      "select \(SQL.join(columns)), \(division) from \(identifier: name) t where t.id = \(id)")
    guard let row = rows.first else { throw Records.missing(entity) }
    let code: String? = try row.get(alternatives.count)
    var reasons: [String] = []
    for (index, alternative) in alternatives.enumerated() where try row.get(index, as: Bool.self) {
      let reason = try await sentence(alternative.reason, entity, code)
      if !reasons.contains(reason) { reasons.append(reason) }
    }
    if reasons.isEmpty { throw Records.missing(entity) }
    return reasons
  }

  private func sentence(
    _ reason: ScopeAlternative.Reason, _ entity: EntityDeclaration, _ code: String?
  ) async throws -> String {
    let unit = principal.unit?.name ?? "您的机构"
    func label(_ field: String) -> String { entity.field(field)?.label ?? field }
    switch reason {
    case .all:
      return principal.kind == .system ? "系统身份可以查看全部记录。" : "您的角色对\(entity.label)的数据范围是“全部”。"
    case .maker: return "数据范围“仅本人”：这条记录是您登记的。"
    case .named(let field): return "数据范围“仅本人”：这条记录的\(label(field))是您。"
    case .unit(let field): return "数据范围“本单位”：这条记录的\(label(field))是\(unit)。"
    case .below(let field): return "数据范围“本单位及下级”：这条记录的\(label(field))属于\(unit)及其下级机构。"
    case .division(let field, let prefix): return "数据范围“本辖区”：这条记录的\(label(field)) \(code ?? "") 在 \(prefix) 之内。"
    case .area(let id):
      let name = try await session.query("select name from scope_area where id = \(id)").first?.get(0, as: String.self)
      return "数据范围“地图划定”：这条记录位于区域“\(name ?? "#\(id)")”之内。"
    case .rule(let name): return "数据范围“自定义”：这条记录符合规则“\(name)”。"
    }
  }
}
