package import Core

extension Expression {
  /// The result for one record, in the kind of value that ``type`` names (money as a decimal number of yuan).
  ///
  /// - Parameter lookup: the value of a stored field; computed fields are worked out here.
  /// - Throws: ``Refusal`` `expression-overflow` when a number leaves the range that can be counted exactly, and
  ///   `expression-value` when `lookup` gives a value of another kind than the field's.
  package func evaluate(in context: EvaluationContext, _ lookup: (String) -> Value) throws(Refusal) -> Value {
    try withoutActuallyEscaping(lookup) { (lookup) throws(Refusal) -> Value in
      try ExpressionEvaluator(context: context, lookup: lookup).value(node)
    }
  }

  /// Whether a condition holds; null counts as not.
  package func holds(in context: EvaluationContext, _ lookup: (String) -> Value) throws(Refusal) -> Bool {
    try evaluate(in: context, lookup) == .boolean(true)
  }

  /// The result as a value of `field`, which it ``fits(_:)``: money is rounded to fen.
  package func stored(as field: FieldDeclaration, in context: EvaluationContext, _ lookup: (String) -> Value)
    throws(Refusal) -> Value
  {
    let value = try evaluate(in: context, lookup)
    switch (value, field.valueKind) {
    case (.integer(let number), .decimal), (.integer(let number), .money):
      guard let decimal = FixedDecimal(number) else { throw ExpressionEvaluator.overflow }
      return field.valueKind == .money ? .money(Money(rounding: decimal)) : .decimal(decimal)
    case (.decimal(let number), .money): return .money(Money(rounding: number))
    default: return value
    }
  }
}

/// Walks a typed tree over the values of one record.
private struct ExpressionEvaluator {
  let context: EvaluationContext
  let lookup: (String) -> Value

  static let overflow = Refusal(
    .unprocessable, "expression-overflow", "计算结果超出可以准确表示的范围（约九万亿），没有保存。请检查参与计算的数值。")

  func value(_ node: ExpressionNode) throws(Refusal) -> Value {
    switch node {
    case .literal(let value, _): return value
    case .null: return .null
    case .field(let symbol): return try field(symbol)
    case .widen(let operand):
      guard case .integer(let value) = try value(operand) else { return .null }
      return .decimal(try exact(FixedDecimal(value)))
    case .negate(let operand, _): return try negate(value(operand))
    case .arithmetic(let operation, let a, let b, _): return try arithmetic(operation, value(a), value(b))
    case .join(let a, let b):
      guard let left = try value(a).text, let right = try value(b).text else { return .null }
      return .text(left + right)
    case .compare(let comparison, let a, let b, _):
      let left = try value(a)
      let right = try value(b)
      guard !left.isNull, !right.isNull else { return .null }
      return .boolean(Value.compare(left, right, comparison))
    case .isNull(let operand, let negated): return .boolean(try value(operand).isNull != negated)
    case .among(let operand, let items, let negated, _): return try among(operand, items, negated)
    case .and(let a, let b):
      let left = try value(a)
      if left == .boolean(false) { return left }
      let right = try value(b)
      return right == .boolean(false) ? right : left.isNull ? left : right
    case .or(let a, let b):
      let left = try value(a)
      if left == .boolean(true) { return left }
      let right = try value(b)
      return right == .boolean(true) ? right : left.isNull ? left : right
    case .not(let operand): return try value(operand).boolean.map { .boolean(!$0) } ?? .null
    case .call(let function, let arguments, _): return try call(function, arguments)
    }
  }

  private func exact(_ value: FixedDecimal?) throws(Refusal) -> FixedDecimal {
    guard let value else { throw ExpressionEvaluator.overflow }
    return value
  }

  private func field(_ symbol: ExpressionSymbol) throws(Refusal) -> Value {
    let value = lookup(symbol.name)
    switch (value, symbol.type) {
    case (.null, _), (.text, .text), (.integer, .integer), (.decimal, .decimal), (.boolean, .boolean), (.date, .date),
      (.instant, .instant), (.list, .list), (.geometry, .opaque), (.json, .opaque):
      return value
    case (.money(let money), .decimal): return .decimal(try exact(money.yuan))
    default:
      throw Refusal(
        .unprocessable, "expression-value", "“\(symbol.label)”的值不是\(symbol.type.label)，无法计算。请改正后再保存。",
        field: symbol.name)
    }
  }

  private func negate(_ value: Value) throws(Refusal) -> Value {
    switch value {
    case .integer(let number):
      guard number > Int64.min else { throw ExpressionEvaluator.overflow }
      return .integer(-number)
    case .decimal(let number): return .decimal(try exact(FixedDecimal.zero.subtracting(number)))
    default: return .null
    }
  }

  private func arithmetic(_ operation: ExpressionNode.Arithmetic, _ left: Value, _ right: Value) throws(Refusal)
    -> Value
  {
    switch (left, right) {
    case (.integer(let a), .integer(let b)):
      let (result, overflow) =
        switch operation {
        case .add: a.addingReportingOverflow(b)
        case .subtract: a.subtractingReportingOverflow(b)
        default: a.multipliedReportingOverflow(by: b)
        }
      if overflow { throw ExpressionEvaluator.overflow }
      return .integer(result)
    case (.decimal(let a), .decimal(let b)):
      switch operation {
      case .add: return .decimal(try exact(a.adding(b)))
      case .subtract: return .decimal(try exact(a.subtracting(b)))
      case .multiply: return .decimal(try exact(a.multiplied(by: b)))
      case .divide: return b == .zero ? .null : .decimal(try exact(a.divided(by: b)))
      }
    default: return .null
    }
  }

  private func among(_ operand: ExpressionNode, _ items: [ExpressionNode], _ negated: Bool) throws(Refusal) -> Value {
    let left = try value(operand)
    if left.isNull { return .null }
    var sawNull = false
    for item in items {
      let right = try value(item)
      if right.isNull {
        sawNull = true
      } else if Value.compare(left, right, .equal) {
        return .boolean(!negated)
      }
    }
    return sawNull ? .null : .boolean(negated)
  }

  private func call(_ function: ExpressionFunction, _ arguments: [ExpressionNode]) throws(Refusal) -> Value {
    switch function {
    case .today: return .date(context.today)
    case .now: return .instant(context.now)
    case .me: return context.user.map { .integer($0) } ?? .null
    case .myUnit: return context.unit.map { .integer($0) } ?? .null
    case .myDivision: return context.division.map { .text($0) } ?? .null
    case .coalesce:
      for argument in arguments {
        let value = try value(argument)
        if !value.isNull { return value }
      }
      return .null
    case .if: return try value(try value(arguments[0]) == .boolean(true) ? arguments[1] : arguments[2])
    default:
      var values: [Value] = []
      for argument in arguments { values.append(try value(argument)) }
      return Value.apply(function, values)
    }
  }
}

extension Value {
  /// Compares two values of one kind that are not null.
  fileprivate static func compare(_ a: Value, _ b: Value, _ comparison: ExpressionNode.Comparison) -> Bool {
    let order: Int
    switch (a, b) {
    case (.text(let x), .text(let y)): order = bytewise(x, y)
    case (.integer(let x), .integer(let y)): order = x < y ? -1 : x > y ? 1 : 0
    case (.decimal(let x), .decimal(let y)): order = x < y ? -1 : x > y ? 1 : 0
    case (.date(let x), .date(let y)): order = x < y ? -1 : x > y ? 1 : 0
    case (.instant(let x), .instant(let y)): order = x < y ? -1 : x > y ? 1 : 0
    default: order = a == b ? 0 : 1
    }
    switch comparison {
    case .equal: return order == 0
    case .notEqual: return order != 0
    case .less: return order < 0
    case .lessOrEqual: return order <= 0
    case .greater: return order > 0
    case .greaterOrEqual: return order >= 0
    }
  }

  /// Order by UTF-8 bytes, as collation "C" has it; Swift's own order would equate composed and decomposed letters.
  private static func bytewise(_ a: String, _ b: String) -> Int {
    if a.utf8.elementsEqual(b.utf8) { return 0 }
    return a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
  }

  /// The functions that are null when an argument is.
  fileprivate static func apply(_ function: ExpressionFunction, _ values: [Value]) -> Value {
    if function == .contains, case .list(let entries) = values[0] {
      if entries.isEmpty { return .boolean(false) }
      guard let wanted = values[1].text else { return .null }
      return .boolean(entries.contains { $0.utf8.elementsEqual(wanted.utf8) })
    }
    if values.contains(where: \.isNull) { return .null }
    switch (function, values[0]) {
    case (.year, let time): return .integer(Int64(time.chinaDate.year))
    case (.month, let time): return .integer(Int64(time.chinaDate.month))
    case (.day, let time): return .integer(Int64(time.chinaDate.day))
    case (.date, let time): return .date(time.chinaDate)
    case (.days, let from): return .integer(Int64(values[1].chinaDate.daysSinceEpoch - from.chinaDate.daysSinceEpoch))
    case (.years, let from): return .integer(Int64(from.chinaDate.years(until: values[1].chinaDate)))
    case (.length, .text(let text)): return .integer(Int64(text.unicodeScalars.count))
    case (.length, .list(let entries)): return .integer(Int64(entries.count))
    case (.contains, .text(let text)):
      let wanted = Array((values[1].text ?? "").utf8)
      return .boolean(wanted.isEmpty || Array(text.utf8).firstRange(of: wanted) != nil)
    case (.starts, .text(let text)): return .boolean(text.utf8.starts(with: (values[1].text ?? "").utf8))
    case (.lower, .text(let text)):
      let bytes = text.utf8.map { (65...90).contains($0) ? $0 + 32 : $0 }
      return .text(String(decoding: bytes, as: UTF8.self))
    case (.first, .text(let text)):
      guard case .integer(let count) = values[1] else { return .null }
      return .text(String(String.UnicodeScalarView(text.unicodeScalars.prefix(Int(count)))))
    case (.round, .decimal(let number)):
      guard values.count > 1, case .integer(let places) = values[1] else { return .integer(number.integer) }
      return number.rounded(places: Int(places)).map { .decimal($0) } ?? .null
    default: return .null
    }
  }

  /// The calendar date of a date or of an instant in China.
  private var chinaDate: CivilDate {
    switch self {
    case .date(let date): date
    case .instant(let instant): instant.chinaTime.date
    default: CivilDate(daysSinceEpoch: 0)
    }
  }
}
