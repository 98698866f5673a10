/// The type of an expression.
package enum ExpressionType: Sendable, Hashable {
  case text, integer
  /// Exact decimals and amounts of money in yuan.
  case decimal
  case boolean, date, instant
  /// Several codes or file keys.
  case list
  /// Geometry and JSON, which can only be compared with null.
  case opaque
  /// The literal `null` before its place gives it a type.
  case null

  package var label: String {
    switch self {
    case .text: "文本"
    case .integer: "整数"
    case .decimal: "小数"
    case .boolean: "是否"
    case .date: "日期"
    case .instant: "日期时间"
    case .list: "多值"
    case .opaque: "图形或结构化数据"
    case .null: "空值"
    }
  }

  var isNumber: Bool { self == .integer || self == .decimal }

  /// Whether values of the type have an order.
  var isOrdered: Bool {
    switch self {
    case .text, .integer, .decimal, .date, .instant: true
    default: false
    }
  }

  /// The type both can be brought to without loss.
  func unified(with other: ExpressionType) -> ExpressionType? {
    if self == other { return self }
    if self == .null { return other }
    if other == .null { return self }
    return isNumber && other.isNumber ? .decimal : nil
  }
}

extension FieldDeclaration {
  /// What the field is in expressions; money counts as a decimal number of yuan.
  package var expressionType: ExpressionType { ExpressionSymbol.type(type, multiple: multiple) }
}

/// A field as expressions see it.
struct ExpressionSymbol: Sendable {
  let name: String
  let label: String
  let type: ExpressionType
  let isMoney: Bool
  /// Ciphertext in the database: usable in memory, and in SQL only to ask for null.
  let encrypted: Bool
  let dictionary: String?

  init(name: String, label: String, type: FieldType, multiple: Bool, encrypted: Bool) {
    self.name = name
    self.label = label
    self.type = ExpressionSymbol.type(type, multiple: multiple)
    self.encrypted = encrypted
    isMoney = type == .money
    if case .code(let dictionary) = type { self.dictionary = dictionary } else { dictionary = nil }
  }

  init(_ field: FieldDeclaration) {
    self.init(
      name: field.name, label: field.label, type: field.type, multiple: field.multiple, encrypted: field.encrypted)
  }

  static func type(_ type: FieldType, multiple: Bool) -> ExpressionType {
    if multiple { return .list }
    switch type.valueKind {
    case .text: return .text
    case .integer: return .integer
    case .decimal, .money: return .decimal
    case .boolean: return .boolean
    case .date: return .date
    case .instant: return .instant
    case .list: return .list
    case .geometry, .json: return .opaque
    }
  }
}

/// The names an expression may use.
struct ExpressionScope {
  /// Stored fields.
  var symbols: [String: ExpressionSymbol]
  /// Computed fields; a use stands for the whole formula.
  var formulas: [String: Expression]

  init(symbols: [String: ExpressionSymbol] = [:], formulas: [String: Expression] = [:]) {
    self.symbols = symbols
    self.formulas = formulas
  }

  init(_ entity: EntityDeclaration) {
    self.init()
    for field in entity.fields + FieldDeclaration.system {
      if let formula = field.computed {
        formulas[field.name] = formula
      } else if field.isStored {
        symbols[field.name] = .init(field)
      }
    }
  }

  /// Adds names that are no fields.
  mutating func add(_ names: [(name: String, label: String, type: FieldType)]) {
    for (name, label, type) in names {
      symbols[name] = ExpressionSymbol(name: name, label: label, type: type, multiple: false, encrypted: false)
    }
  }

  var names: [String] { Array(symbols.keys) + Array(formulas.keys) }
}
