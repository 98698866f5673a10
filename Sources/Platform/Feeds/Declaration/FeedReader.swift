import Core
import Connectors
import Entities
import YAML

/// Understands one feed (`feed: standard_addresses`) and finds what is wrong with it.
struct FeedReader {
  let document: DeclarationDocument
  let catalog: Catalog
  let connectors: Connectors
  let interpreters: [FeedInterpreterShape]
  let collector: FindingCollector
  let reader: MappingReader

  private static let keys = [
    "feed", "label", "help", "source", "register", "from", "operation", "counts", "key", "title", "division",
    "page", "deleted", "clean", "interpret", "set", "create", "references", "match", "together", "hold", "cancel",
    "vanish",
  ]

  init(
    _ document: DeclarationDocument, catalog: Catalog, connectors: Connectors, interpreters: [FeedInterpreterShape],
    _ collector: FindingCollector
  ) {
    self.document = document
    self.catalog = catalog
    self.connectors = connectors
    self.interpreters = interpreters
    self.collector = collector
    reader = MappingReader(document.node, "同步源“\(document.name)”", keys: FeedReader.keys, collector)
  }

  /// `nil` when register or operation are not there, so that nothing else can be judged.
  func feed() -> Feed? {
    let register = reader.required("register", limit: 50, fallback: "")
    guard let entity = catalog.entity(register) else {
      collector.error(
        reader.place("register"),
        "没有登记表“\(register)”\(Suggestion.text(for: register, among: catalog.entities.map(\.name)))")
      return nil
    }
    guard let (connector, operation, rows) = operation() else { return nil }
    let clean = FeedRuleReader(rows: rows, catalog: catalog, collector).rules(reader.nodes("clean"))
    let interpret = interpretation(entity, rows)
    let set = assignments("set", entity, rows)
    let create = assignments("create", entity, rows)
    let references = references(entity, rows)
    let cancel = assignments("cancel", entity, rows)
    let followed = (interpret?.shape.fields ?? []) + set.map(\.field) + references.map(\.field)
    var seen: Set<String> = []
    for name in followed + create.map(\.field) where !seen.insert(name).inserted {
      collector.error(reader.position, "字段“\(name)”被填了两次")
    }
    if followed.isEmpty { collector.error(reader.position, "\(reader.what)没有写填哪些字段（set、interpret 或 references）") }
    let deleted = condition(reader, "deleted", rows)
    if deleted != nil, cancel.isEmpty {
      collector.error(reader.place("deleted"), "写了 deleted，就应写 cancel：对方删除的，本系统的记录变成什么样")
    }
    let key = member("key", rows) ?? ""
    return Feed(
      name: document.name, label: reader.label(fallback: document.name), help: reader.text("help", limit: 500),
      source: reader.texts("source").map(\.text), register: entity.name, connector: connector.name,
      operation: operation.name, rows: rows, counts: counts(connector), key: key,
      title: member("title", rows) ?? key, division: reader.has("division") ? member("division", rows) : nil,
      page: reader.integer("page", in: 10...5000) ?? 2000, deleted: deleted, clean: clean, interpret: interpret,
      set: set, create: create, references: references,
      match: match(entity, known: Set(followed + create.map(\.field))),
      together: together(Set(followed)), hold: hold(entity), cancel: cancel,
      vanish: reader.integer("vanish", in: 0...100) ?? 5, text: document.node.json.text, position: reader.position)
  }

  // MARK: Where rows come from

  private func operation() -> (Connector, ConnectorOperation, [ConnectorField])? {
    let name = reader.required("from", limit: 50, fallback: "")
    guard let connector = connectors.connector(name) else {
      collector.error(
        reader.place("from"),
        "没有对接系统“\(name)”\(Suggestion.text(for: name, among: connectors.all.map(\.name)))")
      return nil
    }
    let wanted = reader.required("operation", limit: 50, fallback: "")
    guard let operation = connector.operation(wanted), let rows = operation.rows, operation.use == .feed else {
      let names = connector.operations.filter { $0.use == .feed }.map(\.name)
      collector.error(
        reader.place("operation"), "对接系统“\(name)”没有同步接口“\(wanted)”\(Suggestion.text(for: wanted, among: names))")
      return nil
    }
    let asked = Dictionary(operation.request.map { ($0.name, $0.type) }, uniquingKeysWith: { $1 })
    let answered = Dictionary(operation.response.map { ($0.name, $0.type) }, uniquingKeysWith: { $1 })
    if asked["cursor"] != .text || asked["size"] != .integer {
      collector.error(reader.place("operation"), "同步接口的请求应有 cursor（文字）和 size（整数）")
    }
    if answered["cursor"] != .text || answered["more"] != .boolean {
      collector.error(reader.place("operation"), "同步接口的答复应有 cursor（文字）和 more（是否）")
    }
    return (connector, operation, rows.fields)
  }

  private func counts(_ connector: Connector) -> FeedCounts? {
    guard let counts = reader.mapping("counts", "\(reader.what)的 counts", keys: ["operation", "division", "count"])
    else { return nil }
    let name = counts.required("operation", limit: 50, fallback: "")
    guard let rows = connector.operation(name)?.rows else {
      collector.error(counts.place("operation"), "对接系统“\(connector.name)”没有带逐条数据的接口“\(name)”")
      return nil
    }
    let division = counts.required("division", limit: 50, fallback: "")
    let count = counts.required("count", limit: 50, fallback: "")
    if rows.field(division) == nil { collector.error(counts.place("division"), "接口“\(name)”没有字段“\(division)”") }
    if rows.field(count)?.type != .integer { collector.error(counts.place("count"), "接口“\(name)”没有整数字段“\(count)”") }
    return FeedCounts(operation: name, division: division, count: count)
  }

  private func member(_ key: String, _ rows: [ConnectorField]) -> String? {
    let name = reader.required(key, limit: 50, fallback: "")
    guard let field = rows.first(where: { $0.name == name }) else {
      collector.error(
        reader.place(key), "每条数据里没有字段“\(name)”\(Suggestion.text(for: name, among: rows.map(\.name)))")
      return nil
    }
    if field.type != .text { collector.error(reader.place(key), "\(key) 应是文字字段") }
    return name
  }

  // MARK: What becomes of them

  func condition(_ from: MappingReader, _ key: String, _ rows: [ConnectorField]) -> Expression? {
    guard let expression = expression(from, key, rows) else { return nil }
    if expression.type == .boolean { return expression }
    collector.error(from.place(key), "\(key) 得到的是\(expression.type.label)，应能判断是否成立")
    return nil
  }

  private func expression(_ from: MappingReader, _ key: String, _ rows: [ConnectorField]) -> Expression? {
    guard let node = from.node(key) else { return nil }
    return FeedReader.expression(node, rows, collector)
  }

  static func expression(_ node: YAMLNode, _ rows: [ConnectorField], _ collector: FindingCollector) -> Expression? {
    guard let text = node.text else {
      collector.error(node.position, "这里应是一个表达式")
      return nil
    }
    do throws(ExpressionFailure) {
      return try Expression(parsing: text, at: node.textPosition, over: rows.map { ($0.name, $0.label, $0.type) })
    } catch {
      collector.error(error.position, error.message)
      return nil
    }
  }

  private func assignments(_ key: String, _ entity: EntityDeclaration, _ rows: [ConnectorField]) -> [FeedAssignment] {
    guard let node = reader.node(key) else { return [] }
    guard let entries = node.mapping else {
      collector.error(node.position, "\(key) 应写成“我们的字段: 表达式”")
      return []
    }
    return entries.compactMap { entry in
      guard let field = entity.field(entry.key), field.isStored, !FieldDeclaration.systemNames.contains(field.name)
      else {
        collector.error(
          entry.keyPosition,
          "登记表“\(entity.name)”没有可填的字段“\(entry.key)”\(Suggestion.text(for: entry.key, among: entity.storedFields.map(\.name)))"
        )
        return nil
      }
      if field.type == .file || field.type == .image || field.target != nil {
        collector.error(entry.keyPosition, "字段“\(entry.key)”是文件或关联，不能这样填；关联请写在 references 里")
        return nil
      }
      return FeedReader.expression(entry.value, rows, collector).map {
        FeedAssignment(field: field.name, value: $0, position: entry.keyPosition)
      }
    }
  }

  private func references(_ entity: EntityDeclaration, _ rows: [ConnectorField]) -> [FeedReference] {
    (reader.node("references")?.mapping ?? []).compactMap { entry in
      let item = MappingReader(entry.value, "关联“\(entry.key)”", keys: ["feed", "key", "once"], collector)
      guard entity.field(entry.key)?.target != nil else {
        collector.error(entry.keyPosition, "登记表“\(entity.name)”没有关联字段“\(entry.key)”")
        return nil
      }
      let key = item.required("key", limit: 50, fallback: "")
      if !rows.contains(where: { $0.name == key }) {
        collector.error(item.place("key"), "每条数据里没有字段“\(key)”\(Suggestion.text(for: key, among: rows.map(\.name)))")
      }
      return FeedReference(
        field: entry.key, feed: item.required("feed", limit: 50, fallback: ""), key: key,
        isOnce: item.flag("once", default: false))
    }
  }

  private func interpretation(_ entity: EntityDeclaration, _ rows: [ConnectorField]) -> FeedInterpretation? {
    guard let node = reader.mapping("interpret", "\(reader.what)的 interpret", keys: ["by", "from"]) else { return nil }
    let name = node.required("by", limit: 50, fallback: "")
    guard let shape = interpreters.first(where: { $0.name == name }) else {
      collector.error(
        node.place("by"), "没有解释器“\(name)”\(Suggestion.text(for: name, among: interpreters.map(\.name)))")
      return nil
    }
    if shape.register != entity.name {
      collector.error(node.place("by"), "解释器“\(name)”填的是“\(shape.register)”，不是“\(entity.name)”")
    }
    var inputs: [String: String] = [:]
    for entry in node.node("from")?.mapping ?? [] {
      let member = entry.value.text ?? ""
      if !shape.inputs.contains(entry.key) {
        collector.error(
          entry.keyPosition, "解释器“\(name)”不认识“\(entry.key)”\(Suggestion.text(for: entry.key, among: shape.inputs))")
      } else if !rows.contains(where: { $0.name == member }) {
        collector.error(
          entry.value.position, "每条数据里没有字段“\(member)”\(Suggestion.text(for: member, among: rows.map(\.name)))")
      } else {
        inputs[entry.key] = member
      }
    }
    for required in shape.required where inputs[required] == nil {
      collector.error(node.position, "解释器“\(name)”需要“\(required)”")
    }
    return FeedInterpretation(shape: shape, inputs: inputs)
  }

  private func match(_ entity: EntityDeclaration, known: Set<String>) -> [String] {
    reader.texts("match").compactMap { name, position in
      guard let field = entity.field(name), field.unique, field.valueKind == .text, !field.encrypted else {
        collector.error(position, "“\(name)”不是不重复的文字字段，不能用来认出已有的记录")
        return nil
      }
      if !known.contains(name) { collector.error(position, "“\(name)”没有值（set 或 create），不能用来认出已有的记录") }
      return name
    }
  }

  private func together(_ followed: Set<String>) -> Set<String> {
    Set(
      reader.texts("together").compactMap { name, position in
        if followed.contains(name) { return name }
        collector.error(position, "“\(name)”不随对方变化，不应写在 together 里")
        return nil
      })
  }

  private func hold(_ entity: EntityDeclaration) -> FeedHold? {
    guard let hold = reader.mapping("hold", "\(reader.what)的 hold", keys: ["register", "field", "when"]) else {
      return nil
    }
    let name = hold.required("register", limit: 50, fallback: "")
    guard let other = catalog.entity(name) else {
      collector.error(
        hold.place("register"), "没有登记表“\(name)”\(Suggestion.text(for: name, among: catalog.entities.map(\.name)))")
      return nil
    }
    let field = hold.required("field", limit: 50, fallback: "")
    if other.field(field)?.target != entity.name {
      collector.error(hold.place("field"), "“\(name).\(field)”不是指向“\(entity.name)”的关联字段")
    }
    guard let node = hold.node("when"), let text = node.text else {
      collector.error(hold.position, "hold 应写 when：什么时候不覆盖")
      return nil
    }
    do throws(ExpressionFailure) {
      let when = try Expression(parsing: text, at: node.textPosition, for: other, and: [])
      if when.type != .boolean || !when.encryptedFields.isEmpty {
        collector.error(node.position, "when 应是能在数据库里判断的条件")
      }
      return FeedHold(register: name, field: field, when: when)
    } catch {
      collector.error(error.position, error.message)
      return nil
    }
  }
}
