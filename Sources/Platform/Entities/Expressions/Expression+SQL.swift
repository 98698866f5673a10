import Core
package import SQL

/// What `today()`, `now()`, `me()`, `my_unit()` and `my_division()` are in a statement.
package struct ExpressionSurroundings: Sendable {
  let today: SQL
  let now: SQL
  let me: SQL
  let unit: SQL
  let division: SQL

  /// Binds the values of one request, the same that ``Expression/evaluate(in:_:)`` sees.
  package init(_ context: EvaluationContext) {
    today = "\(context.today)::date"
    now = "\(context.now)::timestamptz"
    me = "\(context.user.sqlValue)::bigint"
    unit = "\(context.unit.sqlValue)::bigint"
    division = "\(context.division.sqlValue)::text"
  }

  /// For statements that outlive a request, such as policies: the database's clock, and the given fragments for who is
  /// acting.
  package init(me: SQL = "null::bigint", unit: SQL = "null::bigint", division: SQL = "null::text") {
    today = "(now() at time zone interval '8 hours')::date"
    now = "now()"
    self.me = me
    self.unit = unit
    self.division = division
  }
}

extension Expression {
  /// The expression over the columns of a table, with the same result as in memory: booleans, `text`, `date`,
  /// `timestamptz`, and numbers as `bigint` or `numeric` (money in yuan).
  ///
  /// Every literal is bound. Encrypted fields are null here beyond the question whether they are null, so ask
  /// ``encryptedFields`` first. Both ways agree as long as no intermediate number leaves the range of
  /// ``FixedDecimal``: beyond it, memory refuses and PostgreSQL goes on.
  ///
  /// - Parameter alias: the table's alias, or `nil` when the columns need none.
  package func sql(in context: EvaluationContext, alias: String?) -> SQL {
    sql(in: ExpressionSurroundings(context), alias: alias)
  }

  package func sql(in surroundings: ExpressionSurroundings, alias: String?) -> SQL {
    ExpressionCompiler(surroundings: surroundings, alias: alias).sql(node)
  }

  /// The expression in the column type of `field`, which it ``fits(_:)``: money as `bigint` fen.
  package func sql(storedAs field: FieldDeclaration, in surroundings: ExpressionSurroundings, alias: String?) -> SQL {
    let value = sql(in: surroundings, alias: alias)
    switch field.valueKind {
    case .integer: return "(\(value))::bigint"
    case .decimal: return "(\(value))::numeric(18,6)"
    case .money: return "round((\(value)) * 100)::bigint"
    default: return value
    }
  }
}

/// Turns a typed tree into SQL.
private struct ExpressionCompiler {
  let surroundings: ExpressionSurroundings
  let alias: String?

  func sql(_ node: ExpressionNode) -> SQL {
    switch node {
    case .literal(let value, _): return literal(value)
    case .null(let type): return "null::\(unsafe: type.postgresType)"
    case .field(let symbol): return field(symbol)
    case .widen(let operand): return "(\(sql(operand)))::numeric"
    case .negate(let operand, _): return "(- \(number(operand)))"
    case .arithmetic(let operation, let a, let b, let type): return arithmetic(operation, a, b, type)
    case .join(let a, let b): return "(\(sql(a)) || \(sql(b)))"
    case .compare(let comparison, let a, let b, let type):
      let collation: SQL = type == .text && comparison.needsOrder ? " collate \"C\"" : ""
      return "(\(sql(a))\(collation) \(unsafe: comparison.sqlOperator) \(sql(b)))"
    case .isNull(let operand, let negated): return isNull(operand, negated)
    case .among(let operand, let items, let negated, _):
      return "(\(sql(operand)) \(unsafe: negated ? "not in" : "in") (\(SQL.join(items.map(sql)))))"
    case .and(let a, let b): return "(\(sql(a)) and \(sql(b)))"
    case .or(let a, let b): return "(\(sql(a)) or \(sql(b)))"
    case .not(let operand): return "(not \(sql(operand)))"
    case .call(let function, let arguments, let type): return call(function, arguments, type)
    }
  }

  private func literal(_ value: Value) -> SQL {
    switch value {
    case .text(let text): "\(text)::text"
    case .integer(let number): "\(number)::bigint"
    case .decimal(let number): "\(number.description)::numeric"
    case .boolean(let flag): flag ? "true" : "false"
    case .date(let date): "\(date)::date"
    case .instant(let instant): "\(instant)::timestamptz"
    default: "null"
    }
  }

  private func column(_ name: String) -> SQL {
    guard let alias else { return "\(identifier: name)" }
    return "\(identifier: alias).\(identifier: name)"
  }

  private func field(_ symbol: ExpressionSymbol) -> SQL {
    if symbol.encrypted { return "null::\(unsafe: symbol.type.postgresType)" }
    // A fen is a hundredth, exactly.
    return symbol.isMoney ? "(\(column(symbol.name)) * 0.01)" : column(symbol.name)
  }

  private func isNull(_ operand: ExpressionNode, _ negated: Bool) -> SQL {
    let test: SQL = negated ? "is not null" : "is null"
    if case .field(let symbol) = operand { return "(\(column(symbol.name)) \(test))" }
    return "(\(sql(operand)) \(test))"
  }

  /// An operand of arithmetic as `numeric`, which does not overflow.
  private func number(_ node: ExpressionNode) -> SQL { "(\(sql(node)))::numeric" }

  private func arithmetic(
    _ operation: ExpressionNode.Arithmetic, _ a: ExpressionNode, _ b: ExpressionNode, _ type: ExpressionType
  ) -> SQL {
    switch operation {
    case .add: return "(\(number(a)) + \(number(b)))"
    case .subtract: return "(\(number(a)) - \(number(b)))"
    case .multiply:
      let product: SQL = "(\(number(a)) * \(number(b)))"
      return type == .integer ? product : "round(\(product), 6)"
    case .divide:
      // Thirty places first: fewer could fall on a half that the exact quotient does not reach.
      return "round((\(sql(a)))::numeric(60,30) / nullif(\(number(b)), 0), 6)"
    }
  }

  private func call(_ function: ExpressionFunction, _ arguments: [ExpressionNode], _ type: ExpressionType) -> SQL {
    switch function {
    case .today: return surroundings.today
    case .now: return surroundings.now
    case .me: return surroundings.me
    case .myUnit: return surroundings.unit
    case .myDivision: return surroundings.division
    case .year, .month, .day: return "extract(\(unsafe: function.rawValue) from \(day(arguments[0])))::bigint"
    case .date: return day(arguments[0])
    case .days: return "(\(day(arguments[1])) - \(day(arguments[0])))::bigint"
    case .years:
      // As numbers such as 20261121, whole years are the difference without its last four digits.
      return """
        floor((to_char(\(day(arguments[1])), 'YYYYMMDD')::numeric \
        - to_char(\(day(arguments[0])), 'YYYYMMDD')::numeric) / 10000)::bigint
        """
    case .length:
      let name = arguments[0].type == .list ? "cardinality" : "char_length"
      return "\(unsafe: name)(\(sql(arguments[0])))::bigint"
    case .contains:
      if arguments[0].type == .list { return "(\(sql(arguments[1])) = any(\(sql(arguments[0]))))" }
      return "(strpos(\(sql(arguments[0])), \(sql(arguments[1]))) > 0)"
    case .starts: return "starts_with(\(sql(arguments[0])), \(sql(arguments[1])))"
    case .coalesce: return "coalesce(\(SQL.join(arguments.map(sql))))"
    case .if:
      return "(case when \(sql(arguments[0])) then \(sql(arguments[1])) else \(sql(arguments[2])) end)"
    case .lower: return "lower(\(sql(arguments[0])) collate \"C\")"
    case .first:
      guard case .literal(.integer(let count), _) = arguments[1] else { return sql(arguments[0]) }
      return "left(\(sql(arguments[0])), \(unsafe: String(count)))"
    case .round:
      guard arguments.count > 1, case .literal(.integer(let places), _) = arguments[1] else {
        return "round(\(sql(arguments[0])))"
      }
      return "round(\(sql(arguments[0])), \(unsafe: String(places)))"
    }
  }

  /// The calendar date of a date or of an instant in China Standard Time.
  private func day(_ node: ExpressionNode) -> SQL {
    node.type == .instant ? "(\(sql(node)) at time zone interval '8 hours')::date" : sql(node)
  }
}

extension ExpressionNode.Comparison {
  fileprivate var sqlOperator: String {
    switch self {
    case .equal: "="
    case .notEqual: "<>"
    case .less: "<"
    case .lessOrEqual: "<="
    case .greater: ">"
    case .greaterOrEqual: ">="
    }
  }

  fileprivate var needsOrder: Bool { self != .equal && self != .notEqual }
}

extension ExpressionType {
  fileprivate var postgresType: String {
    switch self {
    case .text, .null, .opaque: "text"
    case .integer: "bigint"
    case .decimal: "numeric"
    case .boolean: "boolean"
    case .date: "date"
    case .instant: "timestamptz"
    case .list: "text[]"
    }
  }
}
