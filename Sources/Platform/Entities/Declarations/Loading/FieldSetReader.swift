import Access
import YAML

/// Understands the fields of one entity and resolves their names for everything else in its document.
struct FieldSetReader {
  /// In declared order.
  let fields: [FieldDeclaration]
  private let index: [String: FieldDeclaration]
  private let scope: ExpressionScope

  init(_ reader: MappingReader) {
    let collector = reader.collector
    var drafts: [FieldDraft] = []
    var scope = ExpressionScope()
    for field in FieldDeclaration.system { scope.symbols[field.name] = ExpressionSymbol(field) }
    var labels: [String: String] = [:]
    for node in reader.nodes("fields") {
      guard let draft = FieldDraft(node, collector) else { continue }
      if drafts.contains(where: { $0.name == draft.name }) {
        collector.error(draft.reader.place("name"), "字段“\(draft.name)”重复")
        continue
      }
      if let other = labels.updateValue(draft.name, forKey: draft.label) {
        collector.error(draft.reader.place("label"), "字段“\(draft.name)”与“\(other)”同名：\(draft.label)")
      }
      drafts.append(draft)
      if !draft.isComputed, !draft.isGathered { scope.symbols[draft.name] = draft.symbol }
    }
    if drafts.isEmpty { collector.error(reader.place("fields"), "\(reader.what)至少要有一个字段") }
    let resolver = FormulaResolver(drafts, scope, collector)
    for draft in drafts where draft.isComputed { resolver.resolve(draft.name) }
    self.scope = resolver.scope
    let full = resolver.scope
    fields = drafts.map { $0.declaration(in: full) }
    index = Dictionary(
      (fields + FieldDeclaration.system).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The fields that pages show.
  var visible: [FieldDeclaration] { fields.filter { !$0.hidden } }

  func field(_ name: String) -> FieldDeclaration? { index[name] }

  /// The field of this name; a finding when there is none, or when it is computed or gathered where a column is needed.
  func field(_ name: String, at position: SourcePosition, stored: Bool = false, _ collector: FindingCollector)
    -> FieldDeclaration?
  {
    guard let field = index[name] else {
      collector.error(position, "没有名为“\(name)”的字段\(Suggestion.text(for: name, among: index.keys))")
      return nil
    }
    if stored, !field.isStored {
      collector.error(position, "“\(name)”是计算或汇集的字段，不能用在这里")
      return nil
    }
    return field
  }

  /// The field that `key` names.
  func name(
    _ reader: MappingReader, _ key: String, stored: Bool = false, kinds: Set<ValueKind>? = nil, required: Bool = false
  ) -> String? {
    guard let text = reader.text(key) else {
      if required, !reader.has(key) { reader.collector.error(reader.position, "\(reader.what)缺少 \(key)") }
      return nil
    }
    guard let field = field(text, at: reader.place(key), stored: stored, reader.collector) else { return nil }
    if let kinds, !kinds.contains(field.valueKind) || field.encrypted {
      let reason = field.encrypted ? "它是加密的" : "它的类型是\(field.type.label)"
      reader.collector.error(reader.place(key), "\(reader.what)的 \(key) 不能用字段“\(text)”：\(reason)")
      return nil
    }
    return text
  }

  /// The fields that the list at `key` names, without repetitions; with `shown` hidden ones are left out silently.
  func names(_ reader: MappingReader, _ key: String, stored: Bool = false, shown: Bool = false) -> [String] {
    guard let node = reader.node(key) else { return [] }
    let names = names(node, "\(reader.what)的 \(key)", stored: stored, reader.collector)
    var seen: Set<String> = []
    return names.filter { name in
      if !seen.insert(name).inserted {
        reader.collector.error(reader.place(key), "\(reader.what)的 \(key) 里“\(name)”重复")
        return false
      }
      return !shown || index[name]?.hidden != true
    }
  }

  func names(_ node: YAMLNode, _ what: String, stored: Bool = false, _ collector: FindingCollector) -> [String] {
    guard let items = node.sequence else {
      collector.error(node.position, "\(what)应是字段名的列表")
      return []
    }
    return items.compactMap { item in
      guard let name = item.text else {
        collector.error(item.position, "\(what)应是字段名的列表")
        return nil
      }
      return field(name, at: item.position, stored: stored, collector)?.name
    }
  }

  // MARK: Expressions

  func condition(_ reader: MappingReader, _ key: String, required: Bool = false) -> Expression? {
    guard let node = reader.node(key) else {
      if required { reader.collector.error(reader.position, "\(reader.what)缺少 \(key)") }
      return nil
    }
    return condition(node, "\(reader.what)的 \(key)", reader.collector)
  }

  func condition(_ node: YAMLNode, _ what: String, _ collector: FindingCollector) -> Expression? {
    ExpressionReader.condition(node, what, scope, collector)
  }

  /// An expression whose result can be kept in `field`.
  func value(_ node: YAMLNode, for field: FieldDeclaration, _ what: String, _ collector: FindingCollector)
    -> Expression?
  {
    guard let expression = ExpressionReader.expression(node, what, scope, collector) else { return nil }
    if !expression.fits(field) {
      collector.error(
        node.position, "\(what)是\(expression.type.label)，不能存入\(field.type.label)字段“\(field.name)”")
    }
    return expression
  }

  func refuseEncrypted(_ expression: Expression, _ what: String, _ collector: FindingCollector) {
    ExpressionReader.refuseEncrypted(expression, what, collector)
  }
}

/// Turns YAML scalars into expressions with findings at the right column.
enum ExpressionReader {
  static func expression(_ node: YAMLNode, _ what: String, _ scope: ExpressionScope, _ collector: FindingCollector)
    -> Expression?
  {
    guard let text = node.text else {
      collector.error(node.position, "\(what)应是表达式，却是\(node.kindLabel)")
      return nil
    }
    do throws(ExpressionFailure) {
      return try Expression(parsing: text, at: node.textPosition, in: scope)
    } catch {
      collector.error(error.position, "\(what)：\(error.message)")
      return nil
    }
  }

  static func condition(_ node: YAMLNode, _ what: String, _ scope: ExpressionScope, _ collector: FindingCollector)
    -> Expression?
  {
    guard let expression = expression(node, what, scope, collector) else { return nil }
    guard expression.type == .boolean else {
      collector.error(node.position, "\(what)：应是条件（是/否），却是\(expression.type.label)")
      return nil
    }
    return expression
  }

  /// For expressions that PostgreSQL evaluates.
  static func refuseEncrypted(_ expression: Expression, _ what: String, _ collector: FindingCollector) {
    for name in expression.encryptedFields.sorted() {
      collector.error(expression.position, "\(what)不能用加密字段“\(name)”的内容，只能判断它是否为 null")
    }
  }
}

/// Checks computed fields in the order of their dependencies.
private final class FormulaResolver {
  private(set) var scope: ExpressionScope
  private let drafts: [String: FieldDraft]
  private let collector: FindingCollector
  private var state: [String: Bool] = [:]

  init(_ drafts: [FieldDraft], _ scope: ExpressionScope, _ collector: FindingCollector) {
    self.drafts = Dictionary(drafts.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    self.scope = scope
    self.collector = collector
  }

  func resolve(_ name: String) {
    guard state[name] == nil, let draft = drafts[name], let node = draft.reader.node("computed") else { return }
    state[name] = false
    for used in ExpressionParser.names(node.text ?? "") where drafts[used]?.isComputed == true {
      if state[used] == false {
        collector.error(node.position, used == name ? "计算字段“\(name)”用到了它自己" : "计算字段“\(name)”与“\(used)”互相引用")
        // Both keep a type, so that nothing else is reported for them.
        scope.symbols[used] = drafts[used]?.symbol
      } else {
        resolve(used)
      }
    }
    state[name] = true
    guard let formula = ExpressionReader.expression(node, "计算字段“\(name)”", scope, collector) else {
      scope.symbols[name] = draft.symbol
      return
    }
    ExpressionReader.refuseEncrypted(formula, "计算字段", collector)
    if scope.symbols[name] == nil { scope.formulas[name] = formula }
  }
}

extension ExpressionParser {
  /// The names an expression uses other than as functions; nothing for a text that cannot be read.
  static func names(_ text: String) -> [String] {
    var tokens: [(token: ExpressionToken, offset: Int)] = []
    do throws(ExpressionFault) { tokens = try ExpressionLexer.tokens(text) } catch { return [] }
    return zip(tokens, tokens.dropFirst()).compactMap { pair in
      guard case .name(let name) = pair.0.token, pair.1.token != .symbol("(") else { return nil }
      return name
    }
  }
}
