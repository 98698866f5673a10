import Access
import Entities
import YAML

/// Understands one connector (`connector: birth_certificate`) and finds what is wrong with it.
struct ConnectorReader {
  private let document: DeclarationDocument
  private let catalog: Catalog
  private let collector: FindingCollector
  private let reader: MappingReader

  private static let keys = [
    "connector", "label", "system", "help", "source", "authentication", "limits", "operations",
    "permission", "purposes",
  ]

  init(_ document: DeclarationDocument, catalog: Catalog, _ collector: FindingCollector) {
    self.document = document
    self.catalog = catalog
    self.collector = collector
    reader = MappingReader(document.node, "对接系统“\(document.name)”", keys: ConnectorReader.keys, collector)
  }

  func connector() -> Connector {
    var names: Set<String> = []
    let operations = reader.nodes("operations").compactMap { operation($0, &names) }
    if operations.isEmpty { collector.error(reader.place("operations"), "\(reader.what)没有接口（operations）") }
    proveOpenings(operations)
    if operations.filter({ $0.use == .verify }).count > 1 {
      collector.error(reader.place("operations"), "\(reader.what)只能有一个核验接口（use: verify）")
    }
    return Connector(
      name: document.name, label: reader.label(fallback: document.name),
      system: reader.required("system", limit: 100, fallback: document.name), help: reader.text("help", limit: 500),
      source: reader.texts("source").map(\.text),
      authentication: reader.choice("authentication", ConnectorAuthentication.self) ?? .signature, limits: limits(),
      operations: operations, permission: permission(), purposes: reader.texts("purposes").map(\.text),
      position: reader.position)
  }

  private func permission() -> Permission? {
    guard let text = reader.text("permission", limit: 130) else { return nil }
    guard let permission = Permission(text),
      catalog.permission(permission.subject)?.actions.contains(where: { $0.name == permission.action }) == true
    else {
      collector.error(reader.place("permission"), "\(reader.what)的权限“\(text)”没有声明（permissions）")
      return nil
    }
    return permission
  }

  private func limits() -> ConnectorLimits {
    var limits = ConnectorLimits()
    guard
      let given = reader.mapping(
        "limits", "\(reader.what)的 limits", keys: ["timeout", "attempts", "delay", "quota", "failures", "pause"])
    else { return limits }
    limits.timeout = given.integer("timeout", in: 1...60) ?? limits.timeout
    limits.attempts = given.integer("attempts", in: 1...5) ?? limits.attempts
    limits.delay = given.integer("delay", in: 0...10_000) ?? limits.delay
    limits.quota = given.integer("quota", in: 1...100_000) ?? limits.quota
    limits.failures = given.integer("failures", in: 1...100) ?? limits.failures
    limits.pause = given.integer("pause", in: 1...600) ?? limits.pause
    // Whoever hands an application in waits for it.
    if limits.timeout * limits.attempts > 60 {
      collector.error(given.position, "\(reader.what)最多会等 \(limits.timeout * limits.attempts) 秒；时限乘以次数不应超过 60 秒")
    }
    return limits
  }

  // MARK: Operations

  private func operation(_ node: YAMLNode, _ names: inout Set<String>) -> ConnectorOperation? {
    let item = MappingReader(
      node, "接口",
      keys: [
        "name", "label", "use", "path", "request", "response", "rows", "yes", "no", "reason", "owners", "fills",
      ], collector)
    guard let name = item.name("name") else { return nil }
    if !names.insert(name).inserted { collector.error(item.place("name"), "接口“\(name)”重复") }
    let use = item.choice("use", ConnectorOperation.Use.self) ?? .call
    let request = fields(item, "request", takesSources: true)
    let response = fields(item, "response", takesSources: false)
    if response.isEmpty { collector.error(node.position, "接口“\(name)”没有写答复（response）") }
    let yes = condition(item, "yes", over: response)
    let rows = rows(item)
    let hasFile = use == .query && response.contains { $0.type == .file }
    if use == .feed || use == .query, rows == nil, !hasFile {
      collector.error(
        node.position,
        "接口“\(name)”用于\(use.label)（use: \(use.rawValue)），应写 rows\(use == .query ? "，或在答复里带文件（type: file）" : "")")
    }
    if ![.call, .feed, .query].contains(use), !item.has("yes") {
      collector.error(node.position, "接口“\(name)”没有写怎样算“是”（yes）")
    }
    let reason = known(item, "reason", among: response).first
    let owners = known(item, "owners", among: response)
    let fills = fills(item, request, response)
    if use == .fill {
      if fills.isEmpty { collector.error(node.position, "接口“\(name)”用于带入（use: fill），应写 fills") }
    } else if item.has("fills") {
      collector.error(item.place("fills"), "接口“\(name)”不用于带入，不应有 fills；请改 use: fill")
    }
    return ConnectorOperation(
      name: name, label: item.label(fallback: name), use: use, path: path(item), request: request, response: response,
      rows: rows, yes: yes, no: condition(item, "no", over: response), reason: reason, owners: owners, fills: fills,
      position: node.position)
  }

  private func path(_ item: MappingReader) -> String {
    let path = item.required("path", limit: 200, fallback: "/")
    let isPlain = path.utf8.allSatisfy { byte in
      (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte) || "/-_.".utf8.contains(byte)
    }
    if !path.hasPrefix("/") || path.hasPrefix("//") || !isPlain || path.contains("..") {
      collector.error(item.place("path"), "path 应以 / 开头，只用字母、数字和 - _ .")
    }
    return path
  }

  private func rows(_ item: MappingReader) -> ConnectorRows? {
    guard let rows = item.mapping("rows", "逐条数据（rows）", keys: ["name", "fields", "opens"]),
      let name = rows.name("name")
    else { return nil }
    let fields = fields(rows, "fields", takesSources: false)
    if fields.isEmpty { collector.error(rows.position, "逐条数据（rows）没有写字段（fields）") }
    return ConnectorRows(name: name, fields: fields, opens: opens(rows, fields))
  }

  /// Whether its operation is there, and asks for these fields, is checked with all operations.
  private func opens(_ rows: MappingReader, _ fields: [ConnectorField]) -> ConnectorOpening? {
    guard let opens = rows.mapping("opens", "逐条打开（opens）", keys: ["label", "operation", "with"]),
      let operation = opens.name("operation")
    else { return nil }
    var values: [(field: String, from: String)] = []
    for entry in opens.node("with")?.mapping ?? [] {
      let from = entry.value.text ?? ""
      if !fields.contains(where: { $0.name == from }) {
        collector.error(
          entry.value.position, "逐条数据里没有字段“\(from)”\(Suggestion.text(for: from, among: fields.map(\.name)))")
      }
      values.append((entry.key, from))
    }
    return ConnectorOpening(label: opens.label(fallback: "查看"), operation: operation, values: values)
  }

  /// What rows lead to are queries of the same system, given all that they require.
  private func proveOpenings(_ operations: [ConnectorOperation]) {
    for operation in operations {
      guard let opens = operation.rows?.opens else { continue }
      guard let target = operations.first(where: { $0.name == opens.operation && $0.use == .query }) else {
        collector.error(
          operation.position,
          "没有可以打开的查询“\(opens.operation)”\(Suggestion.text(for: opens.operation, among: operations.map(\.name)))")
        continue
      }
      for value in opens.values where !target.request.contains(where: { $0.name == value.field }) {
        collector.error(operation.position, "接口“\(target.name)”的请求没有字段“\(value.field)”")
      }
      for field in target.request where field.isRequired && !opens.values.contains(where: { $0.field == field.name }) {
        collector.error(operation.position, "打开“\(target.name)”时没有给出必填的“\(field.name)”")
      }
    }
  }

  private func fields(_ item: MappingReader, _ key: String, takesSources: Bool) -> [ConnectorField] {
    var names: Set<String> = []
    return item.nodes(key).compactMap { node in
      let keys = ["name", "label", "type", "required", "mask", "example"] + (takesSources ? ["from"] : [])
      let field = MappingReader(node, "\(key) 的字段", keys: keys, collector)
      guard let name = field.name("name") else { return nil }
      if !names.insert(name).inserted { collector.error(field.place("name"), "字段“\(name)”重复") }
      let sources = takesSources ? field.texts("from") : []
      for (source, position) in sources where !isSomewhere(source) {
        collector.error(position, "没有哪张登记表有字段“\(source)”")
      }
      let mask = field.choice("mask", FieldDeclaration.Mask.self)
      if mask == nil, let source = sources.first(where: { isSensitive($0.text) }) {
        collector.error(source.position, "“\(source.text)”是敏感信息，字段“\(name)”应写 mask，否则会原样记入对接日志")
      }
      return ConnectorField(
        name: name, label: field.label(fallback: name), type: type(field),
        isRequired: field.flag("required", default: false),
        mask: mask, sources: sources.map(\.text),
        example: field.text("example", limit: 200))
    }
  }

  private static let types: [String: FieldType] = [
    "text": .text, "file": .file, "integer": .integer, "decimal": .decimal, "boolean": .boolean, "date": .date,
    "instant": .instant,
  ]

  private func type(_ field: MappingReader) -> FieldType {
    guard let name = field.text("type") else { return .text }
    if let type = ConnectorReader.types[name] { return type }
    let names = ConnectorReader.types.keys.sorted()
    collector.error(
      field.place("type"),
      "没有类型“\(name)”（可用：\(names.joined(separator: "、"))）\(Suggestion.text(for: name, among: names))")
    return .text
  }

  private func isSomewhere(_ name: String) -> Bool { catalog.entities.contains { $0.field(name) != nil } }

  private func isSensitive(_ name: String) -> Bool {
    catalog.entities.contains { ($0.field(name)?.classification ?? .open) >= .sensitive }
  }

  private func known(_ item: MappingReader, _ key: String, among fields: [ConnectorField]) -> [String] {
    item.texts(key).compactMap { name, position in
      if fields.contains(where: { $0.name == name }) { return name }
      collector.error(position, "答复里没有字段“\(name)”\(Suggestion.text(for: name, among: fields.map(\.name)))")
      return nil
    }
  }

  private func condition(_ item: MappingReader, _ key: String, over fields: [ConnectorField]) -> Expression? {
    guard let node = item.node(key) else { return nil }
    guard let text = node.text else {
      collector.error(node.position, "\(key) 应是一个条件")
      return nil
    }
    do throws(ExpressionFailure) {
      let condition = try Expression(
        parsing: text, at: node.textPosition, over: fields.map { ($0.name, $0.label, $0.type) })
      if condition.type == .boolean { return condition }
      collector.error(node.position, "\(key) 得到的是\(condition.type.label)，应能判断是否成立")
    } catch {
      collector.error(error.position, error.message)
    }
    return nil
  }

  private func fills(
    _ item: MappingReader, _ request: [ConnectorField], _ response: [ConnectorField]
  ) -> [ConnectorFill] {
    item.nodes("fills").compactMap { node in
      let fill = MappingReader(node, "带入", keys: ["form", "by", "set"], collector)
      let name = fill.required("form", limit: 50, fallback: "")
      guard let form = catalog.entity(name) else {
        collector.error(
          fill.place("form"), "没有表单“\(name)”\(Suggestion.text(for: name, among: catalog.entities.map(\.name)))")
        return nil
      }
      let by = fill.required("by", limit: 50, fallback: "")
      if form.field(by) == nil { collector.error(fill.place("by"), "表单“\(name)”没有字段“\(by)”") }
      if !request.contains(where: { $0.sources.contains(by) }) {
        collector.error(fill.place("by"), "请求里没有字段取自“\(by)”（from）")
      }
      var fields: [(field: String, from: String)] = []
      for entry in fill.node("set")?.mapping ?? [] {
        let from = entry.value.text ?? ""
        if form.field(entry.key)?.editable != true {
          collector.error(entry.keyPosition, "表单“\(name)”没有可填的字段“\(entry.key)”")
        } else if !response.contains(where: { $0.name == from }) {
          collector.error(
            entry.value.position, "答复里没有字段“\(from)”\(Suggestion.text(for: from, among: response.map(\.name)))")
        } else {
          fields.append((entry.key, from))
        }
      }
      if fields.isEmpty { collector.error(fill.place("set"), "带入没有写填哪些字段（set）") }
      return ConnectorFill(form: name, by: by, fields: fields)
    }
  }
}
