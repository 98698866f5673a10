import Access
import Core
import YAML

/// Understands dictionaries, parameters, roles, menus and permissions.
struct PlatformReaders {
  let collector: FindingCollector

  // MARK: Dictionaries

  func dictionary(_ document: DeclarationDocument) -> DictionaryDeclaration {
    let reader = MappingReader(
      document.node, "字典“\(document.name)”", keys: ["dictionary", "label", "source", "codes"], collector)
    var codes: [DictionaryDeclaration.Code] = []
    var known: Set<String> = []
    for node in reader.nodes("codes") {
      guard let code = code(node, document.name) else { continue }
      if !known.insert(code.code).inserted {
        collector.error(code.position, "编码“\(code.code)”重复")
      } else {
        codes.append(code)
      }
    }
    if codes.isEmpty { collector.error(reader.place("codes"), "\(reader.what)至少要有一个编码") }
    checkTree(codes)
    checkLabels(codes)
    return DictionaryDeclaration(
      name: document.name, label: reader.label(fallback: document.name), source: reader.texts("source").map(\.text),
      codes: codes, origin: document.origin, position: reader.position)
  }

  private func code(_ node: YAMLNode, _ dictionary: String) -> DictionaryDeclaration.Code? {
    let reader = MappingReader(
      node, "字典“\(dictionary)”的编码", keys: ["code", "label", "parent", "retired", "help"], collector)
    guard let code = reader.text("code", limit: 64) else {
      if !reader.has("code") { collector.error(node.position, "编码缺少 code") }
      return nil
    }
    if code.utf8.contains(where: { $0 <= 32 }) { collector.error(reader.place("code"), "编码“\(code)”不能有空白") }
    return DictionaryDeclaration.Code(
      code: code, label: reader.label(fallback: code), parent: reader.text("parent", limit: 64),
      retired: reader.flag("retired", default: false), help: reader.text("help"), position: node.position)
  }

  /// Every parent exists and no code stands above itself.
  private func checkTree(_ codes: [DictionaryDeclaration.Code]) {
    let parents = Dictionary(codes.map { ($0.code, $0.parent) }, uniquingKeysWith: { first, _ in first })
    for code in codes {
      guard let parent = code.parent else { continue }
      guard parents[parent] != nil else {
        collector.error(code.position, "上级编码“\(parent)”不存在\(Suggestion.text(for: parent, among: parents.keys))")
        continue
      }
      var seen: Set = [code.code]
      var above: String? = parent
      while let current = above {
        if !seen.insert(current).inserted {
          collector.error(code.position, "编码“\(code.code)”的上级绕了一圈又回到“\(current)”")
          break
        }
        above = parents[current] ?? nil
      }
    }
  }

  /// Labels are unique among the codes offered under one parent, since people and files give labels.
  private func checkLabels(_ codes: [DictionaryDeclaration.Code]) {
    var labels: [String: String] = [:]
    for code in codes where !code.retired {
      if let other = labels.updateValue(code.code, forKey: "\(code.parent ?? "")\u{1F}\(code.label)") {
        collector.error(code.position, "编码“\(code.code)”与“\(other)”同名：\(code.label)")
      }
    }
  }

  // MARK: Parameters

  func parameters(_ document: DeclarationDocument) -> [ParameterDeclaration] {
    let reader = MappingReader(
      document.node, "参数组“\(document.name)”", keys: ["parameters", "label", "items"], collector)
    let group = reader.label(fallback: document.name)
    var names: Set<String> = []
    return reader.nodes("items").compactMap { node in
      let keys = ["name", "label", "type", "dictionary", "default", "min", "max", "help", "unit"]
      let item = MappingReader(node, "参数", keys: keys, collector)
      guard let name = item.name("name") else { return nil }
      if !names.insert(name).inserted { collector.error(item.place("name"), "参数“\(name)”重复") }
      guard let type = FieldType.read(item) else { return nil }
      guard type.isParameterType else {
        collector.error(item.place("type"), "参数不能是\(type.label)")
        return nil
      }
      let isText = type.hasLength
      let isNumber = type == .integer || type == .decimal || type == .money
      let parameter = ParameterDeclaration(
        name: "\(document.name).\(name)", group: group, label: item.label(fallback: name), type: type,
        defaultValue: .null, minimum: isNumber ? item.number("min") : nil, maximum: isNumber ? item.number("max") : nil,
        maximumLength: isText ? item.integer("max", in: 1...100_000) : nil, help: item.text("help"),
        unit: item.text("unit", limit: 20), position: node.position)
      return parameter.with(defaultValue: defaultValue(item, parameter))
    }
  }

  private func defaultValue(_ item: MappingReader, _ parameter: ParameterDeclaration) -> Value {
    guard let node = item.node("default") else {
      collector.error(item.position, "参数“\(parameter.name)”缺少 default")
      return .null
    }
    // Whether a code exists is checked with the whole catalog.
    if case .code = parameter.type { return node.text.map { .text($0) } ?? .null }
    let text = node.bool.map { $0 ? "是" : "否" } ?? node.text ?? ""
    do throws(Refusal) {
      let value = try ValueParser { _ in nil }.parse(text, for: parameter.field)
      if let refusal = ValueRules.refusal(value, parameter.field) { throw refusal }
      return value
    } catch {
      collector.error(node.position, "参数“\(parameter.name)”的默认值不对：\(error.message)")
      return .null
    }
  }

  // MARK: Roles

  func role(_ document: DeclarationDocument) -> RoleDeclaration {
    let reader = MappingReader(
      document.node, "角色“\(document.name)”",
      keys: ["role", "label", "help", "clearance", "external", "exclusive", "grants"], collector)
    var clearance = Classification.inner
    if let name = reader.text("clearance") {
      if let known = Classification(name: name) {
        clearance = known
      } else {
        let names = Classification.allCases.map(\.name)
        collector.error(
          reader.place("clearance"),
          "分级不能是“\(name)”（可用：\(names.joined(separator: "、"))）\(Suggestion.text(for: name, among: names))")
      }
    }
    return RoleDeclaration(
      name: document.name, label: reader.label(fallback: document.name), help: reader.text("help"),
      clearance: clearance, isExternal: reader.flag("external", default: false),
      exclusive: reader.texts("exclusive").map(\.text),
      grants: reader.nodes("grants").flatMap(grants), origin: document.origin, position: reader.position)
  }

  /// `{permission: address.view, scope: division}`; several permissions share one scope.
  private func grants(_ node: YAMLNode) -> [RoleDeclaration.Grant] {
    let reader = MappingReader(node, "授权", keys: ["permission", "scope"], collector)
    if !reader.has("permission") { collector.error(node.position, "授权缺少 permission") }
    guard let scopeNode = reader.node("scope") else {
      collector.error(node.position, "授权缺少 scope（\(PlatformReaders.scopeNames)）")
      return []
    }
    guard let scope = scope(scopeNode) else { return [] }
    return reader.texts("permission").compactMap { text, position in
      guard let permission = Permission(text) else {
        collector.error(position, "权限应写成“实体.操作”，却是“\(text)”")
        return nil
      }
      return RoleDeclaration.Grant(permission: permission, scope: scope, position: position)
    }
  }

  private static let plainScopes: [String: DataScope] = [
    "own": .own, "unit": .unit, "unit_and_below": .unitAndBelow, "division": .division([]), "all": .all,
  ]
  private static let scopeNames = "可用：own、unit、unit_and_below、division、all、{division: […]}、{area: 编号}、{rule: 名称}"

  /// A name, one of the mappings, or a list of them for a union.
  private func scope(_ node: YAMLNode) -> DataScope? {
    if let text = node.text {
      if let scope = PlatformReaders.plainScopes[text] { return scope }
      let advice = Suggestion.text(for: text, among: PlatformReaders.plainScopes.keys)
      collector.error(node.position, "没有数据范围“\(text)”（\(PlatformReaders.scopeNames)）\(advice)")
      return nil
    }
    if let items = node.sequence {
      let scopes = items.compactMap(scope)
      if scopes.contains(.all) { return .all }
      if scopes.isEmpty { collector.error(node.position, "数据范围的列表是空的") }
      return scopes.count > 1 ? .anyOf(scopes) : scopes.first
    }
    let reader = MappingReader(node, "数据范围", keys: ["division", "area", "rule"], collector)
    let codes = reader.texts("division")
    for (code, position) in codes where ValueParser.division(code) != code {
      collector.error(position, "“\(code)”不是去掉末尾零的行政区划代码")
    }
    if !codes.isEmpty { return .division(codes.map(\.text)) }
    if let area = reader.integer("area", in: 1...Int.max) { return .area(Int64(area)) }
    if let rule = reader.text("rule", limit: DeclarationName.maximumLength) { return .rule(rule) }
    collector.error(node.position, "看不懂的数据范围（\(PlatformReaders.scopeNames)）")
    return nil
  }

  // MARK: Menus and permissions

  func menu(_ document: DeclarationDocument) -> MenuDeclaration {
    let reader = MappingReader(
      document.node, "菜单“\(document.name)”", keys: ["menu", "label", "parent", "order", "icon", "items"], collector)
    let items = reader.nodes("items").map { node -> MenuDeclaration.Item in
      let item = MappingReader(node, "菜单项", keys: ["label", "path", "permission", "order"], collector)
      let path = item.required("path", limit: 200, fallback: "/")
      if !path.hasPrefix("/") || path.hasPrefix("//") { collector.error(item.place("path"), "菜单项的 path 应以一个 / 开头") }
      var permission: Permission?
      if let text = item.text("permission") {
        permission = Permission(text)
        if permission == nil { collector.error(item.place("permission"), "权限应写成“实体.操作”，却是“\(text)”") }
      }
      return MenuDeclaration.Item(
        label: item.label(fallback: path), path: path, permission: permission,
        order: item.integer("order", in: 0...100_000) ?? 1000, position: node.position)
    }
    return MenuDeclaration(
      name: document.name, label: reader.label(fallback: document.name), parent: reader.text("parent", limit: 60),
      order: reader.integer("order", in: 0...100_000) ?? 1000, icon: reader.text("icon", limit: 50), items: items,
      position: reader.position)
  }

  func permissions(_ document: DeclarationDocument) -> PermissionDeclaration {
    let reader = MappingReader(
      document.node, "权限“\(document.name)”", keys: ["permissions", "label", "title", "actions"], collector)
    var names: Set<String> = []
    let actions = reader.nodes("actions").compactMap { node -> PermissionDeclaration.Action? in
      let item = MappingReader(node, "权限的操作", keys: ["name", "label"], collector)
      guard let name = item.name("name") else { return nil }
      if !names.insert(name).inserted { collector.error(item.place("name"), "操作“\(name)”重复") }
      return PermissionDeclaration.Action(name: name, label: item.label(fallback: name))
    }
    return PermissionDeclaration(
      subject: document.name, label: reader.label(fallback: document.name), title: reader.text("title"),
      actions: actions,
      position: reader.position)
  }
}

extension FieldType {
  /// Types whose values fit in one line of settings.
  fileprivate var isParameterType: Bool {
    switch self {
    case .text, .longtext, .integer, .decimal, .money, .boolean, .date, .code, .phone, .division: true
    default: false
    }
  }
}
