import Core

/// Gives every name a field and every operation a type.
struct ExpressionChecker {
  let scope: ExpressionScope

  func check(_ syntax: ExpressionSyntax) throws(ExpressionFault) -> ExpressionNode {
    switch syntax.kind {
    case .integer(let value): return .literal(.integer(value), .integer)
    case .decimal(let value): return .literal(.decimal(value), .decimal)
    case .text(let value): return .literal(.text(value), .text)
    case .boolean(let value): return .literal(.boolean(value), .boolean)
    case .null: return .null(.null)
    case .name(let name): return try field(name, syntax.offset)
    case .negate(let operand):
      let node = try check(operand)
      guard node.type.isNumber else { throw ExpressionFault(operand.offset, "负号后面应是数，却是\(node.type.label)") }
      return .negate(node, node.type)
    case .not(let operand): return .not(try boolean(operand, "not 后面"))
    case .binary(let symbol, let left, let right): return try binary(symbol, left, right, syntax.offset)
    case .among(let left, let items, let negated):
      return try among(left, items, negated: negated)
    case .call(let name, let arguments): return try call(name, arguments, syntax.offset)
    }
  }

  private func field(_ name: String, _ offset: Int) throws(ExpressionFault) -> ExpressionNode {
    if let symbol = scope.symbols[name] { return .field(symbol) }
    if let formula = scope.formulas[name] { return formula.node }
    let advice = Suggestion.text(for: name, among: scope.names)
    if ExpressionFunction(rawValue: name) != nil { throw ExpressionFault(offset, "“\(name)”是函数，请写 \(name)(…)") }
    throw ExpressionFault(offset, "没有名为“\(name)”的字段\(advice)")
  }

  func boolean(_ syntax: ExpressionSyntax, _ place: String) throws(ExpressionFault) -> ExpressionNode {
    let node = try check(syntax)
    guard node.type == .boolean else {
      throw ExpressionFault(syntax.offset, "\(place)应是条件（是/否），却是\(node.type.label)")
    }
    return node
  }

  // MARK: Operators

  private func binary(_ symbol: String, _ left: ExpressionSyntax, _ right: ExpressionSyntax, _ offset: Int)
    throws(ExpressionFault) -> ExpressionNode
  {
    switch symbol {
    case "and": return .and(try boolean(left, "and 两边"), try boolean(right, "and 两边"))
    case "or": return .or(try boolean(left, "or 两边"), try boolean(right, "or 两边"))
    case "+", "-", "*", "/": return try arithmetic(symbol, left, right, offset)
    default: return try comparison(symbol, left, right, offset)
    }
  }

  private func arithmetic(_ symbol: String, _ left: ExpressionSyntax, _ right: ExpressionSyntax, _ offset: Int)
    throws(ExpressionFault) -> ExpressionNode
  {
    let a = try check(left)
    let b = try check(right)
    if symbol == "+", a.type == .text, b.type == .text { return .join(a, b) }
    guard a.type.isNumber, b.type.isNumber else {
      var advice = ""
      if a.type == .date || b.type == .date { advice = "，日期相差的天数请用 days(起, 止)" }
      throw ExpressionFault(offset, "“\(symbol)”两边应是数，却是\(a.type.label)和\(b.type.label)\(advice)")
    }
    // A quotient of integers is exact, so it is a decimal.
    let type: ExpressionType = symbol == "/" || a.type == .decimal || b.type == .decimal ? .decimal : .integer
    let operation: ExpressionNode.Arithmetic =
      switch symbol {
      case "+": .add
      case "-": .subtract
      case "*": .multiply
      default: .divide
      }
    return .arithmetic(
      operation, try bring(a, to: type, left.offset), try bring(b, to: type, right.offset), type)
  }

  private func comparison(_ symbol: String, _ left: ExpressionSyntax, _ right: ExpressionSyntax, _ offset: Int)
    throws(ExpressionFault) -> ExpressionNode
  {
    let a = try check(left)
    let b = try check(right)
    let equality = symbol == "==" || symbol == "!="
    if a.type == .null || b.type == .null {
      guard equality else { throw ExpressionFault(offset, "与 null 只能用 == 或 != 比较") }
      return .isNull(a.type == .null ? b : a, negated: symbol == "!=")
    }
    let type = try unify([(a, left.offset), (b, right.offset)], offset, "“\(symbol)”两边")
    guard equality ? type != .opaque && type != .list : type.isOrdered else {
      throw ExpressionFault(offset, "\(type.label)不能用“\(symbol)”比较")
    }
    let operation: ExpressionNode.Comparison =
      switch symbol {
      case "==": .equal
      case "!=": .notEqual
      case "<": .less
      case "<=": .lessOrEqual
      case ">": .greater
      default: .greaterOrEqual
      }
    return .compare(operation, try bring(a, to: type, left.offset), try bring(b, to: type, right.offset), type)
  }

  private func among(_ left: ExpressionSyntax, _ items: [ExpressionSyntax], negated: Bool) throws(ExpressionFault)
    -> ExpressionNode
  {
    let all = try nodes([left] + items)
    if let index = all.firstIndex(where: { $0.type == .null }) {
      throw ExpressionFault(index == 0 ? left.offset : items[index - 1].offset, "in 里不能写 null，请另用 == null")
    }
    let offsets = [left.offset] + items.map(\.offset)
    let type = try unify(Array(zip(all, offsets)), left.offset, "in 两边")
    guard type != .opaque, type != .list else {
      throw ExpressionFault(left.offset, "\(type.label)不能用 in 比较\(type == .list ? "，请用 contains(字段, 值)" : "")")
    }
    var brought: [ExpressionNode] = []
    for (node, offset) in zip(all, offsets) { brought.append(try bring(node, to: type, offset)) }
    return .among(brought[0], Array(brought.dropFirst()), negated: negated, type)
  }

  // MARK: Types

  func nodes(_ syntaxes: [ExpressionSyntax]) throws(ExpressionFault) -> [ExpressionNode] {
    var nodes: [ExpressionNode] = []
    for syntax in syntaxes { nodes.append(try check(syntax)) }
    return nodes
  }

  /// The one type of several operands; a text literal beside dates is a date.
  func unify(_ operands: [(ExpressionNode, Int)], _ offset: Int, _ place: String) throws(ExpressionFault)
    -> ExpressionType
  {
    let times = operands.first { $0.0.type == .date || $0.0.type == .instant }?.0.type
    var type = ExpressionType.null
    for (node, at) in operands {
      if let times, case .literal(.text, _) = node {
        type = type == .null ? times : type
        continue
      }
      guard let unified = type.unified(with: node.type) else {
        let advice =
          type == .instant && node.type == .date || type == .date && node.type == .instant
          ? "，日期时间可用 date(…) 取日期" : ""
        throw ExpressionFault(at, "\(place)类型不同：\(type.label)与\(node.type.label)\(advice)")
      }
      type = unified
    }
    if type == .null { throw ExpressionFault(offset, "\(place)不能都是 null") }
    return type
  }

  /// `node` as a value of `type`, which it unifies with.
  func bring(_ node: ExpressionNode, to type: ExpressionType, _ offset: Int) throws(ExpressionFault) -> ExpressionNode {
    switch (node, type) {
    case (.null, _): return .null(type)
    case (.literal(.text(let text), _), .date):
      guard let date = CivilDate(text) else { throw ExpressionFault(offset, "“\(text)”不是日期，请写成 '2026-11-21'") }
      return .literal(.date(date), .date)
    case (.literal(.text(let text), _), .instant):
      guard let instant = Instant(text) ?? CivilDate(text)?.start else {
        throw ExpressionFault(offset, "“\(text)”不是日期时间，请写成 '2026-11-21 14:05'")
      }
      return .literal(.instant(instant), .instant)
    case (.literal(.integer(let value), _), .decimal):
      guard let decimal = FixedDecimal(value) else { throw ExpressionFault(offset, "\(value) 超出小数的范围") }
      return .literal(.decimal(decimal), .decimal)
    default: return node.type == .integer && type == .decimal ? .widen(node) : node
    }
  }
}
