extension ExpressionChecker {
  func call(_ name: String, _ arguments: [ExpressionSyntax], _ offset: Int) throws(ExpressionFault) -> ExpressionNode {
    guard let function = ExpressionFunction(rawValue: name) else {
      let advice = Suggestion.text(for: name, among: ExpressionFunction.allCases.map(\.rawValue))
      throw ExpressionFault(offset, "没有名为“\(name)”的函数\(advice)")
    }
    let counts = ExpressionChecker.counts(function)
    guard counts.contains(arguments.count) else {
      let wanted =
        counts.upperBound > 50
        ? "至少 \(counts.lowerBound) 个"
        : counts.count == 1 ? "\(counts.lowerBound) 个" : "\(counts.lowerBound) 到 \(counts.upperBound) 个"
      throw ExpressionFault(offset, "函数 \(name) 需要\(wanted)参数，这里有 \(arguments.count) 个")
    }
    switch function {
    case .today: return .call(function, [], .date)
    case .now: return .call(function, [], .instant)
    case .me, .myUnit: return .call(function, [], .integer)
    case .myDivision: return .call(function, [], .text)
    case .year, .month, .day: return .call(function, [try time(arguments[0], name)], .integer)
    case .date: return .call(function, [try operand(arguments[0], [.instant, .date], name)], .date)
    case .days, .years: return .call(function, [try time(arguments[0], name), try time(arguments[1], name)], .integer)
    case .length: return .call(function, [try operand(arguments[0], [.text, .list], name)], .integer)
    case .contains:
      return .call(
        function, [try operand(arguments[0], [.text, .list], name), try operand(arguments[1], [.text], name)], .boolean)
    case .starts:
      return .call(
        function, [try operand(arguments[0], [.text], name), try operand(arguments[1], [.text], name)], .boolean)
    case .lower: return .call(function, [try operand(arguments[0], [.text], name)], .text)
    case .first: return try first(arguments)
    case .coalesce: return try alternatives(function, nil, arguments, offset)
    case .if:
      return try alternatives(
        function, try boolean(arguments[0], "if 的第一个参数"), Array(arguments.dropFirst()), offset)
    case .round: return try round(arguments)
    }
  }

  private static func counts(_ function: ExpressionFunction) -> ClosedRange<Int> {
    switch function {
    case .today, .now, .me, .myUnit, .myDivision: 0...0
    case .year, .month, .day, .date, .length, .lower: 1...1
    case .days, .years, .contains, .starts, .first: 2...2
    case .round: 1...2
    case .if: 3...3
    case .coalesce: 2...100
    }
  }

  /// A date or an instant; a text literal is read as a date.
  private func time(_ syntax: ExpressionSyntax, _ name: String) throws(ExpressionFault) -> ExpressionNode {
    if case .text = syntax.kind { return try bring(try check(syntax), to: .date, syntax.offset) }
    return try operand(syntax, [.date, .instant], name)
  }

  private func operand(_ syntax: ExpressionSyntax, _ types: [ExpressionType], _ name: String) throws(ExpressionFault)
    -> ExpressionNode
  {
    let node = try check(syntax)
    guard types.contains(node.type) else {
      let wanted = types.map(\.label).joined(separator: "或")
      throw ExpressionFault(syntax.offset, "函数 \(name) 的参数应是\(wanted)，却是\(node.type.label)")
    }
    return node
  }

  /// `coalesce` and `if`: the alternatives take one type.
  private func alternatives(
    _ function: ExpressionFunction, _ condition: ExpressionNode?, _ syntaxes: [ExpressionSyntax], _ offset: Int
  ) throws(ExpressionFault) -> ExpressionNode {
    let nodes = try nodes(syntaxes)
    let type = try unify(Array(zip(nodes, syntaxes.map(\.offset))), offset, "函数 \(function.rawValue) 的各个值")
    if type == .opaque { throw ExpressionFault(offset, "\(type.label)不能用在函数 \(function.rawValue) 里") }
    var arguments = condition.map { [$0] } ?? []
    for (node, syntax) in zip(nodes, syntaxes) { arguments.append(try bring(node, to: type, syntax.offset)) }
    return .call(function, arguments, type)
  }

  private func first(_ syntaxes: [ExpressionSyntax]) throws(ExpressionFault) -> ExpressionNode {
    let text = try operand(syntaxes[0], [.text], "first")
    guard case .integer(let count) = syntaxes[1].kind, (1...100).contains(count) else {
      throw ExpressionFault(syntaxes[1].offset, "first 的字数应是 1 到 100 的整数")
    }
    return .call(.first, [text, .literal(.integer(count), .integer)], .text)
  }

  private func round(_ syntaxes: [ExpressionSyntax]) throws(ExpressionFault) -> ExpressionNode {
    let number = try operand(syntaxes[0], [.integer, .decimal], "round")
    let decimal = try bring(number, to: .decimal, syntaxes[0].offset)
    guard syntaxes.count == 2 else { return number.type == .integer ? number : .call(.round, [decimal], .integer) }
    guard case .integer(let places) = syntaxes[1].kind, (0...6).contains(places) else {
      throw ExpressionFault(syntaxes[1].offset, "round 的小数位数应是 0 到 6 的整数")
    }
    return .call(.round, [decimal, .literal(.integer(places), .integer)], .decimal)
  }
}
