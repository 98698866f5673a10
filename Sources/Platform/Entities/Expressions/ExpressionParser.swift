/// The tree of an expression as written, before names and types are known.
struct ExpressionSyntax {
  indirect enum Kind {
    case integer(Int64)
    case decimal(FixedDecimal)
    case text(String)
    case boolean(Bool)
    case null
    case name(String)
    case negate(ExpressionSyntax)
    case not(ExpressionSyntax)
    /// `or and == != < <= > >= + - * /`.
    case binary(String, ExpressionSyntax, ExpressionSyntax)
    case among(ExpressionSyntax, [ExpressionSyntax], negated: Bool)
    case call(String, [ExpressionSyntax])
  }

  let kind: Kind
  let offset: Int
  let depth: Int
}

/// A Pratt parser: `or` < `and` < `not` < comparison, `in` < `+ -` < `* /` < unary `-`.
struct ExpressionParser {
  /// Deeper trees are refused, so that no later pass runs out of stack.
  static let maximumDepth = 100

  private let tokens: [(token: ExpressionToken, offset: Int)]
  private var position = 0
  private var nesting = 0

  private init(_ tokens: [(token: ExpressionToken, offset: Int)]) { self.tokens = tokens }

  static func parse(_ text: String) throws(ExpressionFault) -> ExpressionSyntax {
    var parser = ExpressionParser(try ExpressionLexer.tokens(text))
    if parser.tokens.count == 1 { throw ExpressionFault(0, "表达式是空的") }
    let syntax = try parser.expression(0)
    if parser.token != .end {
      throw ExpressionFault(parser.offset, "这里多出“\(parser.token.label)”，前面可能缺少运算符或括号")
    }
    return syntax
  }

  private var token: ExpressionToken { tokens[position].token }
  private var offset: Int { tokens[position].offset }
  private mutating func advance() { if position + 1 < tokens.count { position += 1 } }

  private mutating func take(_ symbol: String) -> Bool {
    guard token == .symbol(symbol) else { return false }
    advance()
    return true
  }

  private mutating func expect(_ symbol: String, _ where: String) throws(ExpressionFault) {
    if !take(symbol) { throw ExpressionFault(offset, "\(`where`)应有“\(symbol)”，却是“\(token.label)”") }
  }

  private func node(_ kind: ExpressionSyntax.Kind, _ offset: Int, over children: [ExpressionSyntax] = [])
    throws(ExpressionFault) -> ExpressionSyntax
  {
    let depth = (children.map(\.depth).max() ?? 0) + 1
    if depth > ExpressionParser.maximumDepth { throw ExpressionFault(offset, "表达式嵌套太深，请拆成几个计算字段") }
    return ExpressionSyntax(kind: kind, offset: offset, depth: depth)
  }

  private static func power(_ symbol: String) -> Int? {
    switch symbol {
    case "or": 1
    case "and": 2
    case "==", "!=", "<", "<=", ">", ">=", "in", "not": 4
    case "+", "-": 5
    case "*", "/": 6
    default: nil
    }
  }

  private mutating func expression(_ minimum: Int) throws(ExpressionFault) -> ExpressionSyntax {
    nesting += 1
    defer { nesting -= 1 }
    if nesting > ExpressionParser.maximumDepth { throw ExpressionFault(offset, "表达式嵌套太深，请拆成几个计算字段") }
    var left = try prefix()
    while case .symbol(let symbol) = token, let power = ExpressionParser.power(symbol), power > minimum {
      let start = offset
      advance()
      if symbol == "in" || symbol == "not" {
        if symbol == "not" { try expect("in", "not 后面") }
        left = try among(left, negated: symbol == "not", start)
      } else {
        let right = try expression(power)
        left = try node(.binary(symbol, left, right), start, over: [left, right])
      }
      if power == 4, case .symbol(let next) = token, ExpressionParser.power(next) == 4 {
        throw ExpressionFault(offset, "比较不能连写，请用 and 分开")
      }
    }
    return left
  }

  private mutating func among(_ left: ExpressionSyntax, negated: Bool, _ start: Int) throws(ExpressionFault)
    -> ExpressionSyntax
  {
    try expect("(", "in 后面")
    let items = try arguments()
    if items.isEmpty { throw ExpressionFault(start, "in 的括号里至少要有一个值") }
    return try node(.among(left, items, negated: negated), start, over: [left] + items)
  }

  /// The expressions up to the closing parenthesis, which is taken too.
  private mutating func arguments() throws(ExpressionFault) -> [ExpressionSyntax] {
    var items: [ExpressionSyntax] = []
    if take(")") { return items }
    repeat { items.append(try expression(0)) } while take(",")
    try expect(")", "这里")
    return items
  }

  private mutating func prefix() throws(ExpressionFault) -> ExpressionSyntax {
    let start = offset
    let token = token
    advance()
    switch token {
    case .integer(let value): return try node(.integer(value), start)
    case .decimal(let value): return try node(.decimal(value), start)
    case .text(let value): return try node(.text(value), start)
    case .symbol("true"): return try node(.boolean(true), start)
    case .symbol("false"): return try node(.boolean(false), start)
    case .symbol("null"): return try node(.null, start)
    case .symbol("-"):
      let operand = try expression(6)
      return try node(.negate(operand), start, over: [operand])
    case .symbol("not"):
      let operand = try expression(3)
      return try node(.not(operand), start, over: [operand])
    case .symbol("("):
      let inner = try expression(0)
      try expect(")", "这里")
      return inner
    case .name(let name):
      guard take("(") else { return try node(.name(name), start) }
      let items = try arguments()
      return try node(.call(name, items), start, over: items)
    default: throw ExpressionFault(start, "这里应有一个值，却是“\(token.label)”")
    }
  }
}
