import YAML

/// Reads patterns such as `B{division:6}{year}{seq:6}`.
struct NumberingPattern {
  let fields: FieldSetReader
  /// The field that `{division}` stands for.
  let division: String?

  func parts(_ pattern: String, at position: SourcePosition, _ collector: FindingCollector) -> [NumberingRule.Part]? {
    var parts: [NumberingRule.Part] = []
    var literal = ""
    var rest = pattern[...]
    var failed = false
    func place(_ index: Substring.Index) -> SourcePosition {
      position.advanced(by: pattern.unicodeScalars.distance(from: pattern.startIndex, to: index))
    }
    while let character = rest.first {
      if character == "}" {
        collector.error(place(rest.startIndex), "编号规则里多出“}”")
        return nil
      }
      guard character == "{" else {
        literal.append(character)
        rest.removeFirst()
        continue
      }
      guard let end = rest.firstIndex(of: "}") else {
        collector.error(place(rest.startIndex), "编号规则里“{”没有对应的“}”")
        return nil
      }
      if !literal.isEmpty { parts.append(.literal(literal)) }
      literal = ""
      let body = rest[rest.index(after: rest.startIndex)..<end]
      if let part = part(body, at: place(body.startIndex), collector) { parts.append(part) } else { failed = true }
      rest = rest[rest.index(after: end)...]
    }
    if !literal.isEmpty { parts.append(.literal(literal)) }
    let sequences = parts.count { if case .sequence = $0 { true } else { false } }
    if sequences != 1, !failed {
      collector.error(position, "编号规则应恰好有一个序号，如 {seq:6}")
      return nil
    }
    return failed ? nil : parts
  }

  private func part(_ body: Substring, at position: SourcePosition, _ collector: FindingCollector) -> NumberingRule
    .Part?
  {
    let pieces = body.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(pieces[0])
    var width: Int?
    if pieces.count > 1 {
      guard let number = Int(pieces[1]), (1...30).contains(number) else {
        collector.error(position, "编号规则里“\(body)”的位数应是 1 到 30")
        return nil
      }
      width = number
    }
    switch name {
    case "seq":
      if let width, width <= 15 { return .sequence(digits: width) }
      collector.error(position, "序号要写明位数（1 到 15），如 {seq:6}")
      return nil
    case "year":
      let digits = width ?? 4
      if digits == 2 || digits == 4 { return .year(digits: digits) }
      collector.error(position, "年份只能是 2 位或 4 位")
      return nil
    case "month": return .month
    case "day": return .day
    default:
      let wanted = name == "division" && fields.field("division") == nil ? division ?? name : name
      guard let field = fields.field(wanted, at: position, stored: true, collector) else { return nil }
      guard field.valueKind == .text || field.valueKind == .integer, !field.encrypted else {
        collector.error(position, "字段“\(wanted)”不能用在编号里：\(field.encrypted ? "它是加密的" : "类型是\(field.type.label)")")
        return nil
      }
      return .field(wanted, width: width)
    }
  }
}
