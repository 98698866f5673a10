package import YAML

/// A formula or condition of a declaration, parsed and type-checked against the fields of its entity.
///
/// The language: literals `'text' 12 3.5 true null`, field names, `== != < <= > >= + - * / and or not in (…)` and the
/// functions of ``ExpressionFunction``. Null is unknown, as in SQL: an operation over null is null, `and` and `or` follow
/// Kleene, and only `== null` and `!= null` ask for it. `x / 0` is null. Text is compared by bytes. The same expression
/// gives the same result in memory (``evaluate(in:_:)``) and in PostgreSQL (``sql(in:table:)``).
package struct Expression: Sendable {
  package let text: String
  package let position: SourcePosition
  let node: ExpressionNode

  /// A formula may stand for other formulas; their sum is bounded.
  static let maximumNodes = 2000
  static let maximumDepth = 300

  init(parsing text: String, at position: SourcePosition, in scope: ExpressionScope) throws(ExpressionFailure) {
    self.text = text
    self.position = position
    do throws(ExpressionFault) {
      node = try ExpressionChecker(scope: scope).check(try ExpressionParser.parse(text))
      try node.refuseExcess()
    } catch {
      let onOneLine = !text.unicodeScalars.prefix(error.offset).contains("\n")
      throw ExpressionFailure(
        position: onOneLine ? position.advanced(by: error.offset) : position, column: error.offset + 1,
        message: error.message)
    }
  }

  /// Reads an expression that somebody typed against the fields of `entity`.
  package init(parsing text: String, for entity: EntityDeclaration) throws(ExpressionFailure) {
    try self.init(
      parsing: text, at: SourcePosition(file: entity.name, line: 1, column: 1), in: ExpressionScope(entity))
  }

  /// Reads an expression of a declaration over the fields of `entity` and further names, such as facts of a case.
  package init(
    parsing text: String, at position: SourcePosition, for entity: EntityDeclaration,
    and names: [(name: String, label: String, type: FieldType)]
  ) throws(ExpressionFailure) {
    var scope = ExpressionScope(entity)
    scope.add(names)
    try self.init(parsing: text, at: position, in: scope)
  }

  /// Reads an expression over names that are no fields of a register, such as the variables of a process.
  package init(
    parsing text: String, at position: SourcePosition, over names: [(name: String, label: String, type: FieldType)]
  ) throws(ExpressionFailure) {
    var scope = ExpressionScope()
    scope.add(names)
    try self.init(parsing: text, at: position, in: scope)
  }

  package var type: ExpressionType { node.type }

  /// The stored fields it reads, those behind computed fields included.
  package var fields: Set<String> {
    var names: Set<String> = []
    node.walk { if case .field(let symbol) = $0 { names.insert(symbol.name) } }
    return names
  }

  /// The encrypted fields it reads beyond asking for null; such an expression cannot run in PostgreSQL.
  package var encryptedFields: Set<String> { node.encryptedFields }

  /// The dictionary codes that fields are compared with.
  package var codes: [CodeUse] {
    var uses: [CodeUse] = []
    node.walk { uses.append(contentsOf: $0.codes) }
    return uses
  }

  /// Whether the result can be kept in `field`.
  package func fits(_ field: FieldDeclaration) -> Bool {
    switch (type, field.expressionType) {
    case (.null, let wanted): wanted != .opaque
    case (.integer, .decimal): true
    case (let type, let wanted): type == wanted && wanted != .opaque
    }
  }
}

extension ExpressionNode {
  fileprivate func refuseExcess() throws(ExpressionFault) {
    var count = 0
    func depth(_ node: ExpressionNode, _ level: Int) -> Int {
      count += 1
      if level > Expression.maximumDepth || count > Expression.maximumNodes { return level }
      return node.children.map { depth($0, level + 1) }.max() ?? level
    }
    if depth(self, 1) > Expression.maximumDepth || count > Expression.maximumNodes {
      throw ExpressionFault(0, "表达式连同引用的计算字段太大，请简化")
    }
  }

  fileprivate var encryptedFields: Set<String> {
    switch self {
    case .field(let symbol): symbol.encrypted ? [symbol.name] : []
    case .isNull(.field, _): []
    default: children.reduce(into: []) { $0.formUnion($1.encryptedFields) }
    }
  }

  fileprivate var codes: [CodeUse] {
    func use(_ field: ExpressionNode, _ other: ExpressionNode) -> CodeUse? {
      guard case .field(let symbol) = field, let dictionary = symbol.dictionary,
        case .literal(.text(let code), _) = other
      else { return nil }
      return CodeUse(dictionary: dictionary, field: symbol.name, code: code)
    }
    switch self {
    case .compare(.equal, let a, let b, _), .compare(.notEqual, let a, let b, _):
      return [use(a, b) ?? use(b, a)].compactMap(\.self)
    case .among(let a, let items, _, _): return items.compactMap { use(a, $0) }
    case .call(.contains, let arguments, _) where arguments[0].type == .list:
      return [use(arguments[0], arguments[1])].compactMap(\.self)
    default: return []
    }
  }
}
