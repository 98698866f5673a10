import Access
import Core
import SQL

extension QueryCompiler {
  /// The records of `gathering` that the principal may view and that count; the table is called `t` there too.
  ///
  /// - Returns: what to read from, and the conditions; `nil` when the register is gone.
  func belonging(_ gathering: Gathering) -> (source: SQL, conditions: [SQL])? {
    guard let register = catalog.entity(gathering.register) else { return nil }
    let view = Permission(register.name, "view")
    let inner = QueryCompiler(
      entity: register, principal: principal, permission: view,
      codec: FieldCodec(entity: register, keys: codec.keys), asOf: asOf, catalog: catalog)
    var conditions = [ScopePredicate.any(of: inner.scope)].filter { $0.text != "true" }
    if let rule = gathering.rule {
      // A rule that is gone counts nothing rather than everything.
      let holds = register.scope.rules[rule]?.sql(
        in: ScopeTerms(principal, view).surroundings, alias: QueryCompiler.alias)
      conditions.append(holds.map { (holds: SQL) -> SQL in "(\(holds))" } ?? "false")
    }
    return (inner.source, conditions)
  }

  /// Records that have one of the gathered values, or none.
  func gathered(_ test: ListFilter.Test, _ field: FieldDeclaration, _ gathering: Gathering) throws -> SQL {
    guard field.isOpen(to: principal), !field.hidden else {
      throw Refusal(.forbidden, "filter-hidden", "您没有查看\(field.label)的权限，不能按它筛选。", field: field.name)
    }
    try requireClearUnlessLong(field)
    guard let belonging = belonging(gathering) else { throw unsupported(field, "筛选") }
    let column: SQL = "\(identifier: QueryCompiler.alias).\(identifier: gathering.shown)"
    func having(_ conditions: [SQL]) -> SQL {
      let owner: SQL = "\(identifier: QueryCompiler.alias).\(identifier: gathering.field)"
      let all = belonging.conditions + conditions + ["\(owner) is not null"]
      return "t.id in (select \(owner) from \(belonging.source)\(ListPlan.whereClause(all)))"
    }
    switch test {
    case .equals(.integer(let id)): return having(["\(column) = \(id)"])
    case .oneOf(let values): return having(["\(column) = any(\(values.compactMap(\.integer)))"])
    case .empty(let empty): return empty ? "not (\(having([])))" : having([])
    default: throw unsupported(field, "这样查找")
    }
  }
}
