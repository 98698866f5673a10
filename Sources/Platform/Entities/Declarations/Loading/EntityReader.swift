import Access
import YAML

/// Understands one entity document.
///
/// Names of the entity's own fields are resolved here, where their places are known; what reaches beyond the entity is
/// left to the check of the catalog.
struct EntityReader {
  let document: DeclarationDocument
  let collector: FindingCollector
  let reader: MappingReader
  let fields: FieldSetReader

  private static let keys = [
    "entity", "label", "area", "source", "help", "title", "personal", "changes", "scope", "divisions", "fields",
    "rules",
    "indexes", "unique",
    "list", "form", "detail", "numbering", "actions", "map", "statistics", "menu", "workbench",
    "import", "plannable", "attached_to", "many",
  ]

  init(_ document: DeclarationDocument, _ collector: FindingCollector) {
    self.document = document
    self.collector = collector
    reader = MappingReader(document.node, "实体“\(document.name)”", keys: EntityReader.keys, collector)
    fields = FieldSetReader(reader)
  }

  func entity() -> EntityDeclaration {
    EntityDeclaration(
      name: document.name, label: reader.label(fallback: document.name), area: area(),
      source: reader.texts("source").map(\.text), help: reader.text("help"), title: title(),
      personal: reader.flag("personal", default: false), notesChanges: changes(), scope: scope(),
      divisions: divisions(), fields: fields.fields,
      rules: rules(),
      indexes: indexes(), list: list(), form: form(), related: related(), links: links(), numbering: numbering(),
      actions: actions(),
      map: map(), statistics: statistics(), menu: menu(), workbench: workbench(),
      imports: imports(), plannable: plannable(),
      attachedTo: reader.text("attached_to", limit: DeclarationName.maximumLength), origin: document.origin,
      position: reader.position)
  }

  private func changes() -> Bool {
    let isNoted = reader.flag("changes", default: false)
    if isNoted, reader.flag("personal", default: false) {
      collector.error(reader.place("changes"), "含个人信息的实体不能订阅变更（changes）")
    }
    return isNoted
  }

  private func area() -> String {
    let written = reader.text("area", limit: DeclarationName.maximumLength)
    if let written, let folder = document.area, written != folder, document.origin == .shipped {
      collector.error(reader.place("area"), "area 应与所在文件夹一致：\(folder)")
    }
    return written ?? document.area ?? "runtime"
  }

  /// The declared title, or `name`, or the first text field.
  private func title() -> String {
    if let name = fields.name(reader, "title") { return name }
    let texts = fields.visible.filter { $0.type == .text }
    if let standard = texts.first(where: { $0.name == "name" }) ?? texts.first { return standard.name }
    if !reader.has("title") { collector.error(reader.position, "\(reader.what)缺少 title（引用这条记录时显示的字段）") }
    return "id"
  }

  /// A unique field of division codes.
  private func divisions() -> String? {
    guard let name = fields.name(reader, "divisions", stored: true, kinds: [.text]) else { return nil }
    if let field = fields.fields.first(where: { $0.name == name }), field.type != .division || !field.unique {
      collector.error(reader.place("divisions"), "divisions 应指明一个类型为 division、值唯一（unique）的字段")
    }
    return name
  }

  private func scope() -> ScopeColumns {
    guard let reader = reader.mapping("scope", "scope", keys: ["division", "unit", "owner", "point", "rules"]) else {
      return ScopeColumns()
    }
    var rules: [String: Expression] = [:]
    if let node = reader.node("rules") {
      for entry in node.mapping ?? [] {
        guard let rule = fields.condition(entry.value, "数据范围规则“\(entry.key)”", collector) else { continue }
        fields.refuseEncrypted(rule, "数据范围规则", collector)
        rules[entry.key] = rule
      }
      if node.mapping == nil { collector.error(node.position, "scope 的 rules 应写成“名称: 表达式”") }
    }
    return ScopeColumns(
      division: fields.name(reader, "division", stored: true, kinds: [.text]),
      unit: fields.name(reader, "unit", stored: true, kinds: [.integer]),
      owner: fields.name(reader, "owner", stored: true, kinds: [.integer]),
      point: fields.name(reader, "point", stored: true, kinds: [.geometry]), rules: rules)
  }

  private func rules() -> [RuleDeclaration] {
    reader.nodes("rules").compactMap { node in
      let reader = MappingReader(node, "校验规则", keys: ["name", "check", "message", "field"], collector)
      let message = reader.required("message", limit: 200, fallback: "")
      let field = fields.name(reader, "field")
      guard let check = fields.condition(reader, "check", required: true) else { return nil }
      return RuleDeclaration(check: check, message: message, field: field, position: node.position)
    }
  }

  private func indexes() -> [IndexDeclaration] {
    var indexes: [IndexDeclaration] = []
    for key in ["indexes", "unique"] {
      for node in reader.nodes(key) {
        let names = fields.names(node, "\(key)", stored: true, collector)
        if names.isEmpty {
          collector.error(node.position, "\(key) 的每一项应是字段名的列表")
        } else if Set(names).count < names.count {
          collector.error(node.position, "同一个索引里字段重复")
        } else {
          indexes.append(IndexDeclaration(fields: names, unique: key == "unique", position: node.position))
        }
      }
    }
    return indexes
  }

  private func numbering() -> NumberingRule? {
    guard let reader = reader.mapping("numbering", "编号规则", keys: ["field", "pattern"]) else { return nil }
    guard let field = fields.name(reader, "field", stored: true, kinds: [.text], required: true),
      let pattern = reader.text("pattern", limit: 200)
    else {
      if !reader.has("pattern") { collector.error(reader.position, "编号规则缺少 pattern") }
      return nil
    }
    let parts = NumberingPattern(fields: fields, division: self.reader.node("scope")?["division"]?.text)
      .parts(pattern, at: reader.node("pattern")?.textPosition ?? reader.position, collector)
    return parts.map { NumberingRule(field: field, parts: $0, position: reader.position) }
  }

  private func actions() -> [ActionDeclaration] {
    var names: Set<String> = []
    return reader.nodes("actions").compactMap { node in
      let reader = MappingReader(
        node, "操作", keys: ["name", "label", "when", "ask", "set", "confirm", "page"], collector)
      guard let name = reader.name("name") else { return nil }
      if EntityDeclaration.standardActions.contains(name) {
        collector.error(reader.place("name"), "操作“\(name)”是每个实体都有的，请换一个名称")
      } else if !names.insert(name).inserted {
        collector.error(reader.place("name"), "操作“\(name)”重复")
      }
      let page = reader.text("page", limit: 200)
      if let page,
        !page.hasPrefix("/") || page.hasPrefix("//")
          || page.replacing("{id}", with: "").replacing("{ids}", with: "").contains("{")
      {
        collector.error(reader.place("page"), "操作的 page 应以一个 / 开头，里面只能用 {id} 或 {ids}")
      }
      return ActionDeclaration(
        name: name, label: reader.label(fallback: name), when: fields.condition(reader, "when"),
        ask: fields.names(reader, "ask", stored: true), set: assignments(reader),
        confirm: reader.text("confirm", limit: 500), page: page, position: node.position)
    }
  }

  func assignments(_ reader: MappingReader) -> [ActionDeclaration.Assignment] {
    guard let node = reader.node("set") else { return [] }
    guard let entries = node.mapping else {
      collector.error(node.position, "操作的 set 应写成“字段: 表达式”")
      return []
    }
    return entries.compactMap { entry in
      guard let field = fields.field(entry.key, at: entry.keyPosition, stored: true, collector),
        let value = fields.value(entry.value, for: field, "字段“\(entry.key)”的新值", collector)
      else { return nil }
      return ActionDeclaration.Assignment(field: entry.key, value: value)
    }
  }

  /// `true`, `false`, or the page that imports this register in its own way.
  private func imports() -> ImportRule {
    guard let node = reader.node("import") else { return .standard }
    if let flag = node.bool { return flag ? .standard : .closed }
    if let text = node.text, text.hasPrefix("/"), !text.hasPrefix("//"), !text.contains(where: \.isWhitespace) {
      return .page(text)
    }
    collector.error(node.position, "import 应是 true、false 或以 / 开头的页面地址")
    return .closed
  }

  private func menu() -> MenuPlacement? {
    guard let reader = reader.mapping("menu", "menu", keys: ["group", "order", "label"]) else { return nil }
    return MenuPlacement(
      group: reader.required("group", limit: 60, fallback: ""), order: reader.integer("order", in: 0...100_000) ?? 1000,
      label: reader.text("label", limit: 60), position: reader.position)
  }
}
