import Core

/// A typed expression tree; operands of one operation have one type.
indirect enum ExpressionNode: Sendable {
  enum Arithmetic: Sendable { case add, subtract, multiply, divide }
  enum Comparison: Sendable { case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual }

  case literal(Value, ExpressionType)
  case null(ExpressionType)
  case field(ExpressionSymbol)
  /// An integer as a decimal.
  case widen(ExpressionNode)
  case negate(ExpressionNode, ExpressionType)
  case arithmetic(Arithmetic, ExpressionNode, ExpressionNode, ExpressionType)
  /// Two texts joined.
  case join(ExpressionNode, ExpressionNode)
  case compare(Comparison, ExpressionNode, ExpressionNode, ExpressionType)
  case isNull(ExpressionNode, negated: Bool)
  case among(ExpressionNode, [ExpressionNode], negated: Bool, ExpressionType)
  case and(ExpressionNode, ExpressionNode)
  case or(ExpressionNode, ExpressionNode)
  case not(ExpressionNode)
  case call(ExpressionFunction, [ExpressionNode], ExpressionType)

  var type: ExpressionType {
    switch self {
    case .literal(_, let type), .null(let type), .negate(_, let type), .arithmetic(_, _, _, let type),
      .call(_, _, let type):
      type
    case .field(let symbol): symbol.type
    case .widen: .decimal
    case .join: .text
    case .compare, .isNull, .among, .and, .or, .not: .boolean
    }
  }

  var children: [ExpressionNode] {
    switch self {
    case .literal, .null, .field: []
    case .widen(let a), .negate(let a, _), .isNull(let a, _), .not(let a): [a]
    case .arithmetic(_, let a, let b, _), .join(let a, let b), .compare(_, let a, let b, _), .and(let a, let b),
      .or(let a, let b):
      [a, b]
    case .among(let a, let items, _, _): [a] + items
    case .call(_, let arguments, _): arguments
    }
  }

  /// Visits every node, parents first.
  func walk(_ visit: (ExpressionNode) -> Void) {
    visit(self)
    for child in children { child.walk(visit) }
  }
}

/// The functions of the expression language.
enum ExpressionFunction: String, Sendable, CaseIterable {
  case today, now
  /// The acting user's id, unit and division code.
  case me
  case myUnit = "my_unit"
  case myDivision = "my_division"
  /// Parts of a date, or of an instant in China Standard Time.
  case year, month, day
  /// The date of an instant in China Standard Time.
  case date
  /// `days(a, b)`: days from a to b.
  case days
  /// `years(a, b)`: whole years from a to b, as an age is counted.
  case years
  /// Characters (Unicode scalars) of a text, entries of a list.
  case length
  /// `contains(a, b)`: the text b occurs in a; the list a has the entry b.
  case contains
  /// `starts(a, b)`: the text a begins with b.
  case starts
  /// The first argument that is not null.
  case coalesce
  /// `if(c, a, b)`: a when c holds, b otherwise and when c is null.
  case `if`
  /// Small letters for A to Z.
  case lower
  /// `first(x, n)`: the first n characters (Unicode scalars) of a text, 1 to 100; all of a shorter one.
  case first
  /// `round(x)`: the nearest integer; `round(x, n)`: n places, 0 to 6. Halves go away from zero (四舍五入).
  case round
}

/// A dictionary code that an expression compares a field with.
package struct CodeUse: Sendable, Hashable {
  package let dictionary: String
  package let field: String
  package let code: String
}
