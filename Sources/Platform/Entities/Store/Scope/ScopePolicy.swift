import SQL

/// The same scope as row-level security: a second wall for tables that hold personal data.
///
/// A transaction states the terms in a setting of its own (``ScopeTerms/setting``); without one no row is visible. The
/// settings are read once a statement: each stands in a subquery of its own, which PostgreSQL runs before the scan.
enum ScopePolicy {
  static func condition(for entity: EntityDeclaration) -> String {
    let name = literal(entity.name)
    let scope = entity.scope
    var terms = [
      "(select lifang_scope_all(\(name)))",
      "\"created_by\" = (select lifang_scope_own(\(name)))",
    ]
    if let owner = scope.owner, owner != "created_by" {
      terms.append("\(quoted(owner)) = (select lifang_scope_own(\(name)))")
    }
    if let unit = scope.unit { terms.append("\(quoted(unit)) = any ((select lifang_scope_units(\(name)))::bigint[])") }
    if let division = scope.division {
      terms.append("\(quoted(division)) ^@ any ((select lifang_scope_texts(\(name), 'divisions'))::text[])")
    }
    if let point = scope.point {
      let place =
        entity.field(point)?.type == .point ? quoted(point) : "st_pointonsurface(\(quoted(point)))"
      terms.append("st_covers((select lifang_scope_area(\(name))), \(place))")
    }
    let surroundings = ExpressionSurroundings(
      me: "(select lifang_scope_text(\(unsafe: name), 'me'))::bigint",
      unit: "(select lifang_scope_text(\(unsafe: name), 'unit'))::bigint",
      division: "(select lifang_scope_text(\(unsafe: name), 'division'))")
    for (rule, expression) in scope.rules.sorted(by: { $0.key < $1.key }) {
      // A literal that no statement can hold closes the rule rather than opening it.
      let condition = (try? expression.sql(in: surroundings, alias: nil).inlined()) ?? "false"
      terms.append(
        "(\(literal(rule)) = any ((select lifang_scope_texts(\(name), 'rules'))::text[]) and (\(condition)))")
    }
    return terms.joined(separator: " or ")
  }
}
