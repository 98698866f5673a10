import Access
import YAML

extension EntityReader {
  func list() -> ListView {
    let reader = reader.mapping(
      "list", "list", keys: ["columns", "filters", "sort", "orders", "search", "tree", "page", "queries"])
    let visible = fields.visible
    let columns = reader.map { fields.names($0, "columns", shown: true) } ?? []
    let filters = reader.map { fields.names($0, "filters", shown: true) } ?? []
    let orders = reader.map { fields.names($0, "orders", stored: true, shown: true) } ?? []
    let search = reader.map { fields.names($0, "search", stored: true, shown: true) } ?? []
    for item in reader?.node("filters")?.sequence ?? [] { checkFilter(item) }
    for item in reader?.node("orders")?.sequence ?? [] { checkOrder(item) }
    for item in reader?.node("search")?.sequence ?? [] { checkSearch(item) }
    let sorted = sort(reader)
    let tree = reader?.text("tree", limit: 64)
    if let tree, let node = reader?.node("tree"),
      fields.field(tree)?.expressionType != .text || sorted.first?.field != tree || sorted.first?.descending == true
    {
      collector.error(node.position, "tree 应为列表默认升序排列所按的文本字段，“\(tree)”不是")
    }
    let plain = visible.filter { $0.listed && !$0.type.isGeometry && !$0.type.isBulky }
    return ListView(
      columns: reader?.has("columns") == true ? columns : plain.prefix(8).map(\.name),
      filters: reader?.has("filters") == true ? filters : plain.filter(\.isFacet).prefix(5).map(\.name),
      sort: sorted, orders: reader?.has("orders") == true ? orders : [],
      search: reader?.has("search") == true ? search : [], tree: tree,
      page: reader?.integer("page", in: 10...500) ?? 50, queries: reader?.nodes("queries").compactMap(query) ?? [])
  }

  /// `{name: four, label: 四变查询, where: "kind=birth&kind=death", columns: […], filters: […], help: …, order: 31}`.
  private func query(_ node: YAMLNode) -> ListView.Query? {
    let reader = MappingReader(
      node, "查询", keys: ["name", "label", "where", "columns", "filters", "help", "order"], collector)
    guard let name = reader.name("name") else { return nil }
    for item in reader.node("filters")?.sequence ?? [] { checkFilter(item) }
    return ListView.Query(
      name: name, label: reader.label("label", fallback: name), conditions: filters(reader, "where"),
      columns: reader.has("columns") ? fields.names(reader, "columns", shown: true) : nil,
      filters: reader.has("filters") ? fields.names(reader, "filters", shown: true) : nil,
      help: reader.text("help", limit: 300), order: reader.integer("order", in: 0...100_000), position: node.position)
  }

  private func checkFilter(_ item: YAMLNode) {
    guard let name = item.text, let field = fields.field(name) else { return }
    if field.expressionType == .opaque {
      collector.error(item.position, "字段“\(name)”是\(field.type.label)，不能作筛选条件")
    }
  }

  private func checkOrder(_ item: YAMLNode) {
    guard let name = item.text, let field = fields.field(name), field.encrypted || !field.expressionType.isOrdered
    else { return }
    collector.error(
      item.position, "不能按字段“\(name)”排序：\(field.encrypted ? "它是加密的" : "\(field.type.label)没有顺序")")
  }

  /// The search box reads words of texts that everybody who sees the list may read.
  private func checkSearch(_ item: YAMLNode) {
    guard let name = item.text, let field = fields.field(name) else { return }
    if field.encrypted {
      collector.error(item.position, "加密字段“\(name)”不能放进 search；要按它精确查找请放进 filters")
    } else if field.expressionType != .text {
      collector.error(item.position, "字段“\(name)”是\(field.type.label)，search 只能用文本字段")
    } else if field.classification == .secret {
      collector.error(item.position, "字段“\(name)”的分级是\(field.classification.label)，不能放进 search")
    }
  }

  /// `name`, `-updated_at` or a list of them; the newest first without it.
  private func sort(_ reader: MappingReader?) -> [ListView.Sort] {
    guard let reader, reader.has("sort") else { return [.init(field: "updated_at", descending: true)] }
    return reader.texts("sort").compactMap { text, position in
      let name = text.hasPrefix("-") ? String(text.dropFirst()) : text
      guard let field = fields.field(name, at: position, stored: true, collector), !field.hidden else { return nil }
      if field.encrypted || !field.expressionType.isOrdered && field.expressionType != .boolean {
        collector.error(position, "不能按字段“\(name)”排序：\(field.encrypted ? "它是加密的" : "\(field.type.label)没有顺序")")
        return nil
      }
      return .init(field: name, descending: text.hasPrefix("-"))
    }
  }

  /// The declared sections, and one more for the editable fields that none of them holds, so that a field added by a
  /// city or in the browser can be filled in.
  func form() -> [FormSection] {
    var sections: [FormSection] = []
    var placed: Set<String> = []
    let reader = reader.mapping("form", "form", keys: ["sections"])
    for node in reader?.nodes("sections") ?? [] {
      let section = MappingReader(node, "表单分组", keys: ["label", "fields", "visible"], collector)
      let label = section.label(fallback: "")
      if sections.contains(where: { $0.label == label }) {
        collector.error(section.place("label"), "表单分组“\(label)”重复")
      }
      let names = fields.names(section, "fields", shown: true).filter { name in
        if placed.insert(name).inserted { return true }
        collector.error(section.place("fields"), "字段“\(name)”在表单里出现了两次")
        return false
      }
      sections.append(
        FormSection(
          label: label, fields: names, visible: fields.condition(section, "visible"), position: node.position))
    }
    let rest = fields.visible.filter { $0.editable && $0.isStored && !placed.contains($0.name) }.map(\.name)
    if !rest.isEmpty {
      let label = sections.isEmpty ? "基本信息" : "其他信息"
      sections.append(FormSection(label: label, fields: rest, position: self.reader.place("form")))
    }
    return sections
  }

  func related() -> [RelatedList] {
    guard let reader = reader.mapping("detail", "detail", keys: EntityReader.detailKeys) else { return [] }
    return reader.nodes("related").compactMap { node in
      let reader = MappingReader(
        node, "关联列表", keys: ["entity", "field", "by", "columns", "label"], collector)
      guard let entity = reader.name("entity"), let field = reader.name("field") else { return nil }
      return RelatedList(
        entity: entity, field: field, by: reader.has("by") ? reader.name("by") : nil,
        columns: reader.has("columns") ? reader.texts("columns").map(\.text) : nil,
        label: reader.label(fallback: entity),
        position: node.position)
    }
  }

  private static let detailKeys = ["related", "links"]

  func links() -> [DetailLink] {
    guard let reader = reader.mapping("detail", "detail", keys: EntityReader.detailKeys) else { return [] }
    return reader.nodes("links").map { node in
      let item = MappingReader(node, "记录上的链接", keys: ["label", "path", "permission", "when", "dialog"], collector)
      let path = item.required("path", limit: 200, fallback: "/")
      if !path.hasPrefix("/") || path.hasPrefix("//") { collector.error(item.place("path"), "链接的 path 应以一个 / 开头") }
      var names: [String] = []
      for piece in path.split(separator: "{").dropFirst() {
        guard let end = piece.firstIndex(of: "}") else {
          collector.error(item.place("path"), "链接的 path 里“{”没有配对的“}”")
          continue
        }
        let name = String(piece[..<end])
        if name != "id", fields.field(name, at: item.place("path"), stored: true, collector)?.encrypted != false {
          collector.error(item.place("path"), "链接的 path 只能用没有加密的字段，不能用“\(name)”")
        }
        names.append(name)
      }
      return DetailLink(
        label: item.label(fallback: path), path: path, fields: names, permission: permission(item),
        when: item.node("when").flatMap { fields.condition($0, "链接的条件", collector) },
        isDialog: item.flag("dialog", default: false), position: node.position)
    }
  }

  func map() -> MapRole? {
    let keys = ["geometry", "label", "minzoom", "maxzoom", "layers"]
    guard let reader = reader.mapping("map", "map", keys: keys),
      let geometry = fields.name(reader, "geometry", stored: true, kinds: [.geometry], required: true)
    else { return nil }
    let minimum = reader.integer("minzoom", in: 0...24) ?? 0
    let maximum = reader.integer("maxzoom", in: 0...24) ?? 24
    if minimum > maximum { collector.error(reader.position, "minzoom 不能大于 maxzoom") }
    return MapRole(
      geometry: geometry, label: fields.name(reader, "label"), minimumZoom: minimum, maximumZoom: max(minimum, maximum),
      layers: mapLayers(reader), position: reader.position)
  }

  private func mapLayers(_ reader: MappingReader) -> String? {
    guard let name = fields.name(reader, "layers", stored: true) else { return nil }
    guard let field = fields.fields.first(where: { $0.name == name }), field.dictionary != nil, !field.multiple else {
      collector.error(reader.place("layers"), "map 的 layers 应是只选一个代码的字段，不能用“\(name)”")
      return nil
    }
    return name
  }
}

extension FieldType {
  /// Too large for a list column unless it is asked for.
  fileprivate var isBulky: Bool {
    switch self {
    case .longtext, .json, .file, .image: true
    default: false
    }
  }
}

extension FieldDeclaration {
  /// What lists are narrowed by when nothing else is declared.
  fileprivate var isFacet: Bool {
    switch type {
    case .code, .boolean, .division, .ref: isStored
    default: false
    }
  }

  var canBeDimension: Bool {
    switch type {
    case .longtext, .json, .point, .line, .polygon, .file, .image, .decimal, .money: false
    default: true
    }
  }
}
