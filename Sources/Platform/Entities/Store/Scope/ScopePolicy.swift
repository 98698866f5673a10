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
      terms.append(
        "(\(literal(rule)) = any ((select lifang_scope_texts(\(name), 'rules'))::text[]) and "
          + "(\(expression.sql(in: surroundings, alias: nil).inlined)))")
    }
    return terms.joined(separator: " or ")
  }
}

extension SQL {
  /// The text with its values written into it as constants, for statements that take no parameters. Only for
  /// fragments made from declarations.
  var inlined: String {
    var text = ""
    var rest = self.text[...]
    while let dollar = rest.firstIndex(of: "$") {
      text += rest[..<dollar]
      let digits = rest[rest.index(after: dollar)...].prefix { $0.isASCII && $0.isNumber }
      rest = rest[digits.endIndex...]
      guard let number = Int(digits), values.indices.contains(number - 1) else {
        text += "$" + digits
        continue
      }
      text += SQL.constant(values[number - 1])
    }
    return text + rest
  }

  private static func constant(_ value: SQLValue) -> String {
    switch value {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .int(let value): value < 0 ? "(\(value))::bigint" : "\(value)::bigint"
    case .double(let value): "(\(value))::double precision"
    case .text(let value): literal(value)
    case .bytes(let bytes):
      "'\\x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "'::bytea"
    case .instant(let value): literal(value.iso8601) + "::timestamptz"
    case .date(let value): literal(value.description) + "::date"
    case .json(let value): literal(value) + "::jsonb"
    case .textArray(let values): "array[" + values.map(literal).joined(separator: ", ") + "]::text[]"
    case .intArray(let values): "array[" + values.map { "\($0)" }.joined(separator: ", ") + "]::bigint[]"
    }
  }
}
