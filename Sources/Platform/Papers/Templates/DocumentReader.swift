import Access
import Core
import Crypto
import Documents
import Entities
import YAML

/// Understands one template (`document: move_in_permit`) and finds what is wrong with it.
struct DocumentReader {
  let document: DeclarationDocument
  let catalog: Catalog
  let collector: FindingCollector
  let reader: MappingReader
  let entity: EntityDeclaration

  private static let keys = [
    "document", "label", "source", "of", "permission", "paper", "series", "valid", "single", "holder",
    "holder_document", "conditions", "with", "from", "body",
  ]

  /// `nil` without a register to read names against.
  init?(_ document: DeclarationDocument, catalog: Catalog, _ collector: FindingCollector) {
    self.document = document
    self.catalog = catalog
    self.collector = collector
    reader = MappingReader(document.node, "文书“\(document.name)”", keys: DocumentReader.keys, collector)
    let name = reader.required("of", limit: 50, fallback: "")
    guard let entity = catalog.entity(name) else {
      if !name.isEmpty {
        let advice = Suggestion.text(for: name, among: catalog.entities.map(\.name))
        collector.error(reader.place("of"), "没有登记表“\(name)”\(advice)")
      }
      return nil
    }
    self.entity = entity
  }

  func template() -> DocumentTemplate? {
    var scope = DocumentScope(entity, parent: entity.attachedTo.flatMap { catalog.entity($0) })
    let lookups = lookups(&scope)
    let series = reader.text("series", limit: 20)
    let holder = reader.node("holder").flatMap { text($0, scope) }
    if !reader.has("holder") { collector.error(reader.position, "\(reader.what)缺少 holder（持证人）") }
    let body = DocumentBodyReader(self, scope: scope, lookups: lookups).blocks(reader.nodes("body"))
    if body.isEmpty { collector.error(reader.place("body"), "\(reader.what)没有内容（body）") }
    if series != nil, !DocumentReader.proves(body) {
      collector.error(reader.place("body"), "\(reader.what)是签发的证照，内容里应有 sign 或 verify，印上验真二维码")
    }
    guard let holder else { return nil }
    let holderDocument = reader.node("holder_document").flatMap { expression($0, scope) }
    let used = DocumentReader.expressions(body) + holder.expressions + [holderDocument].compactMap(\.self)
    var classification = used.map { scope.classification(of: $0) }.max() ?? .open
    for lookup in lookups {
      guard let register = catalog.entity(lookup.register) else { continue }
      var inner = scope
      inner.add(register, prefix: "\(lookup.name)_")
      classification = max(classification, used.map { inner.classification(of: $0) }.max() ?? .open)
    }
    return DocumentTemplate(
      name: document.name, label: reader.label(fallback: document.name), source: reader.texts("source").map(\.text),
      entity: entity.name, permission: permission(), page: page(), series: series,
      validity: reader.integer("valid", in: 1...36500), isSingle: reader.flag("single", default: false),
      holder: holder, holderDocument: holderDocument, conditions: conditions(scope), lookups: lookups,
      origins: origins(), body: body, classification: classification, version: DocumentReader.digest(document.node),
      position: reader.position)
  }

  private func permission() -> Permission? {
    guard let text = reader.text("permission", limit: 120) else { return nil }
    guard let permission = Permission(text) else {
      collector.error(reader.place("permission"), "权限应写成“对象.操作”，却是“\(text)”")
      return nil
    }
    let known = catalog.permission(permission.subject)?.actions.contains { $0.name == permission.action } ?? false
    if !known { collector.error(reader.place("permission"), "没有声明权限“\(text)”，请写在 permissions 文件里") }
    return permission
  }

  private func page() -> PDFPage {
    guard let paper = reader.mapping("paper", "纸张", keys: ["size", "width", "height", "orientation", "margin"]) else {
      return .a4
    }
    enum Size: String, CaseIterable { case a4, a5, register, card }
    enum Orientation: String, CaseIterable { case portrait, landscape }
    var page: PDFPage
    switch paper.choice("size", Size.self) {
    case .a5: page = PDFPage(width: 148, height: 210)
    // 居民户口簿内页 and a card of the size of an identity card (GB/T 14916).
    case .register: page = PDFPage(width: 143, height: 105, margin: 8)
    case .card: page = PDFPage(width: 85.6, height: 54, margin: 4)
    default: page = .a4
    }
    if let width = paper.integer("width", in: 30...1200) { page.width = Double(width) }
    if let height = paper.integer("height", in: 30...1200) { page.height = Double(height) }
    if paper.choice("orientation", Orientation.self) == .landscape {
      (page.width, page.height) = (max(page.width, page.height), min(page.width, page.height))
    }
    if let margin = paper.integer("margin", in: 0...60).map({ Double($0) }) {
      (page.top, page.bottom, page.left, page.right) = (margin, margin, margin, margin)
    }
    return page
  }

  private func conditions(_ scope: DocumentScope) -> [(check: Expression, message: String)] {
    reader.nodes("conditions").compactMap { node in
      let condition = MappingReader(node, "出具条件", keys: ["check", "message"], collector)
      let message = condition.required("message", limit: 300, fallback: "")
      guard let check = condition.node("check").flatMap({ self.condition($0, scope) }) else {
        if !condition.has("check") { collector.error(node.position, "出具条件缺少 check") }
        return nil
      }
      return (check, message)
    }
  }

  // MARK: Records

  private func lookups(_ scope: inout DocumentScope) -> [DocumentLookup] {
    var lookups: [DocumentLookup] = []
    for node in reader.nodes("with") {
      let item = MappingReader(
        node, "关联记录", keys: ["name", "register", "where", "many", "keep", "except", "first", "of"], collector)
      var outer = scope
      let of = item.text("of", limit: 50)
      if let of {
        guard let parent = lookups.first(where: { $0.name == of && $0.isMany && $0.of == nil }),
          let above = catalog.entity(parent.register)
        else {
          collector.error(item.place("of"), "of 应是前面一项 many 的关联记录，没有“\(of)”")
          continue
        }
        outer.add(above, prefix: "\(of)_")
      }
      guard let name = item.name("name"), let register = register(item), let pair = pair(item, "where", register, outer)
      else { continue }
      let isMany = item.flag("many", default: false) || of != nil
      var inner = outer
      let clashes = inner.add(register, prefix: "\(name)_")
      if let clash = clashes.min() { collector.error(node.position, "关联记录的字段“\(clash)”与已有的名称相同，请换一个 name") }
      lookups.append(
        DocumentLookup(
          name: name, register: register.name, field: pair.field, value: pair.value, isMany: isMany,
          keep: item.node("keep").flatMap { condition($0, inner) },
          except: exception(item, inner), first: item.node("first").flatMap { condition($0, inner) }, of: of))
      if isMany { scope.add("\(name)_count", "\(register.label)数", .integer) } else { scope = inner }
    }
    return lookups
  }

  /// `except: {register: change_print_rule, find: {field: change_field}, when: "printed == false"}`.
  private func exception(_ item: MappingReader, _ scope: DocumentScope) -> DocumentException? {
    guard item.has("except"), let rule = item.mapping("except", "除外", keys: ["register", "find", "when"]),
      let register = register(rule), let pair = pair(rule, "find", register, scope)
    else { return nil }
    return DocumentException(
      register: register.name, field: pair.field, value: pair.value,
      when: rule.node("when").flatMap { condition($0, DocumentScope(register, parent: nil)) })
  }

  private func origins() -> [DocumentOrigin] {
    reader.nodes("from").compactMap { node in
      let item = MappingReader(node, "来源", keys: ["register", "find"], collector)
      guard let register = register(item),
        let pair = pair(item, "find", entity, DocumentScope(register, parent: nil))
      else { return nil }
      return DocumentOrigin(register: register.name, field: pair.field, value: pair.value)
    }
  }

  private func register(_ item: MappingReader) -> EntityDeclaration? {
    let name = item.required("register", limit: 50, fallback: "")
    if let register = catalog.entity(name) { return register }
    if !name.isEmpty {
      let advice = Suggestion.text(for: name, among: catalog.entities.map(\.name))
      collector.error(item.place("register"), "没有登记表“\(name)”\(advice)")
    }
    return nil
  }

  /// `{field: expression}`.
  private func pair(_ item: MappingReader, _ key: String, _ register: EntityDeclaration, _ scope: DocumentScope) -> (
    field: String, value: Expression
  )? {
    guard let entries = item.node(key)?.mapping, entries.count == 1 else {
      collector.error(item.place(key), "\(item.what)的 \(key) 应是一个字段和它的值")
      return nil
    }
    guard let field = register.field(entries[0].key), field.isStored else {
      let advice = Suggestion.text(for: entries[0].key, among: register.fields.map(\.name))
      collector.error(entries[0].keyPosition, "“\(register.label)”没有字段“\(entries[0].key)”\(advice)")
      return nil
    }
    guard let value = expression(entries[0].value, scope) else { return nil }
    if !value.fits(field) {
      collector.error(entries[0].value.position, "“\(field.label)”要\(field.type.label)，公式得到的是\(value.type.label)")
    }
    return (field.name, value)
  }

  // MARK: Expressions and texts

  func expression(_ node: YAMLNode, _ scope: DocumentScope) -> Expression? {
    guard let text = node.text else {
      collector.error(node.position, "这里应是一个公式")
      return nil
    }
    return expression(text, at: node.textPosition, scope)
  }

  func expression(_ text: String, at position: SourcePosition, _ scope: DocumentScope) -> Expression? {
    do throws(ExpressionFailure) {
      return try Expression(parsing: text, at: position, over: scope.names)
    } catch {
      collector.error(error.position, error.message)
      return nil
    }
  }

  func condition(_ node: YAMLNode, _ scope: DocumentScope) -> Expression? {
    guard let expression = expression(node, scope) else { return nil }
    if expression.type == .boolean || expression.type == .null { return expression }
    collector.error(node.position, "条件得到的是\(expression.type.label)，应能判断是否成立")
    return nil
  }

  func text(_ node: YAMLNode, _ scope: DocumentScope) -> DocumentText? {
    guard let text = node.text else {
      collector.error(node.position, "这里应是文字")
      return nil
    }
    guard let pieces = DocumentTextPieces(text) else {
      collector.error(node.position, "文字里的花括号不成对；字段写成 {名称}")
      return nil
    }
    var parts: [DocumentText.Part] = []
    for piece in pieces.pieces {
      switch piece {
      case .text(let text): parts.append(.text(text))
      case .place(let alternatives, let form):
        let expressions = alternatives.compactMap { expression($0, at: node.textPosition, scope) }
        if expressions.count < alternatives.count { return nil }
        var chosen: DocumentText.Form?
        if let form {
          chosen = DocumentText.Form(rawValue: form)
          if chosen == nil {
            let names = DocumentText.Form.allCases.map(\.rawValue)
            collector.error(
              node.position,
              "没有写法“\(form)”（可用：\(names.joined(separator: "、"))）\(Suggestion.text(for: form, among: names))")
          } else if !expressions.allSatisfy({ [.date, .instant, .null].contains($0.type) }) {
            collector.error(node.position, "写法“\(form)”只用于日期")
          }
        }
        parts.append(.value(expressions, chosen))
      }
    }
    return DocumentText(parts)
  }

  // MARK: Parts

  private static func proves(_ blocks: [DocumentBlock]) -> Bool {
    blocks.contains { block in
      switch block.kind {
      case .sign, .verify: true
      case .pages(_, let inner): proves(inner)
      default: false
      }
    }
  }

  private static func expressions(_ blocks: [DocumentBlock]) -> [Expression] {
    blocks.flatMap { block -> [Expression] in
      switch block.kind {
      case .title(let text), .text(let text, _, _), .cut(let text): text.expressions
      case .grid(let grid): grid.rows.flatMap { $0.flatMap(\.text.expressions) }
      case .table(let table): table.columns.flatMap(\.text.expressions)
      case .sign(let sign): sign.unit.expressions + sign.date.expressions + (sign.officer?.expressions ?? [])
      case .pages(_, let inner): expressions(inner)
      case .verify, .space, .newPage, .slot, .signature: []
      }
    }
  }

  /// The first eight digits of the SM3 digest of the content.
  private static func digest(_ node: YAMLNode) -> String {
    String(Hex.encode(Digest.sm3(Array(node.write().utf8))).prefix(8))
  }
}
