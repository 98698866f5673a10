enum ExpressionToken: Equatable {
  case integer(Int64)
  case decimal(FixedDecimal)
  case text(String)
  case name(String)
  /// An operator, a parenthesis, a comma or a keyword.
  case symbol(String)
  case end

  /// The token as messages quote it.
  var label: String {
    switch self {
    case .integer(let value): "\(value)"
    case .decimal(let value): "\(value)"
    case .text(let value): "'\(value)'"
    case .name(let name), .symbol(let name): name
    case .end: "结尾"
    }
  }
}

/// Cuts an expression into tokens; offsets count Unicode scalars.
struct ExpressionLexer {
  static let keywords: Set = ["and", "or", "not", "in", "true", "false", "null"]
  static let maximumLength = 4000

  private let scalars: [Unicode.Scalar]
  private var position = 0

  init(_ text: String) throws(ExpressionFault) {
    scalars = Array(text.unicodeScalars)
    if scalars.count > ExpressionLexer.maximumLength {
      throw ExpressionFault(0, "表达式超过 \(ExpressionLexer.maximumLength) 字，请拆成几个计算字段")
    }
  }

  static func tokens(_ text: String) throws(ExpressionFault) -> [(token: ExpressionToken, offset: Int)] {
    var lexer = try ExpressionLexer(text)
    var tokens: [(token: ExpressionToken, offset: Int)] = []
    while true {
      lexer.skipSpace()
      let offset = lexer.position
      let token = try lexer.next()
      tokens.append((token, offset))
      if token == .end { return tokens }
    }
  }

  private var current: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  private mutating func skipSpace() {
    while let scalar = current, scalar == " " || scalar == "\n" || scalar == "\t" || scalar == "\r" { position += 1 }
  }

  private mutating func next() throws(ExpressionFault) -> ExpressionToken {
    guard let scalar = current else { return .end }
    switch scalar {
    case "'": return try text()
    case "0"..."9", ".": return try number()
    case "a"..."z", "A"..."Z", "_": return name()
    case "=", "!", "<", ">": return try comparison(scalar)
    case "+", "-", "*", "/", "(", ")", ",":
      position += 1
      return .symbol(String(scalar))
    default:
      let advice: [Unicode.Scalar: String] = [
        "（": "，请用半角括号 (", "）": "，请用半角括号 )", "，": "，请用半角逗号", "‘": "，请用半角单引号", "’": "，请用半角单引号",
        "\"": "，文本请用单引号", "“": "，文本请用半角单引号", "”": "，文本请用半角单引号", "&": "，请写 and", "|": "，请写 or",
        "＝": "，请写 ==", "＞": "，请用半角 >", "＜": "，请用半角 <",
      ]
      throw ExpressionFault(position, "不认识的字符“\(scalar)”\(advice[scalar] ?? "")")
    }
  }

  /// `'it''s'` is the text it's.
  private mutating func text() throws(ExpressionFault) -> ExpressionToken {
    let start = position
    var text = String.UnicodeScalarView()
    position += 1
    while let scalar = current {
      position += 1
      if scalar == "'" {
        guard current == "'" else { return .text(String(text)) }
        position += 1
      } else if scalar.value < 0x20 && scalar != "\n" && scalar != "\t" {
        throw ExpressionFault(position - 1, "文本里不能有控制字符")
      }
      text.append(scalar)
    }
    throw ExpressionFault(start, "文本缺少结束的单引号")
  }

  private mutating func number() throws(ExpressionFault) -> ExpressionToken {
    let start = position
    var text = ""
    while let scalar = current, ("0"..."9").contains(scalar) || scalar == "." {
      text.unicodeScalars.append(scalar)
      position += 1
    }
    if let scalar = current, scalar == "_" || scalar.properties.isAlphabetic {
      throw ExpressionFault(position, "数字后面不能直接跟“\(scalar)”")
    }
    let points = text.utf8.count(where: { $0 == UInt8(ascii: ".") })
    if points == 0, let value = Int64(text) { return .integer(value) }
    let places = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).dropFirst().first ?? ""
    guard points == 1, text.utf8.last != UInt8(ascii: "."), places.utf8.count <= 6, let value = FixedDecimal(text)
    else { throw ExpressionFault(start, "“\(text)”不是可用的数：最多六位小数，绝对值不超过九万亿") }
    return .decimal(value)
  }

  private mutating func name() -> ExpressionToken {
    var name = ""
    while let scalar = current,
      ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar) || scalar == "_"
    {
      name.unicodeScalars.append(scalar)
      position += 1
    }
    return ExpressionLexer.keywords.contains(name) ? .symbol(name) : .name(name)
  }

  private mutating func comparison(_ first: Unicode.Scalar) throws(ExpressionFault) -> ExpressionToken {
    position += 1
    if current == "=" {
      position += 1
      return .symbol("\(first)=")
    }
    if first == "<" || first == ">" { return .symbol(String(first)) }
    throw ExpressionFault(position - 1, first == "=" ? "比较相等请写 ==" : "“!”不能单独使用，请写 != 或 not")
  }
}
