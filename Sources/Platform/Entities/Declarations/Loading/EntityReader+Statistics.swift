import Access
import YAML

extension EntityReader {
  func statistics() -> StatisticsRole? {
    guard
      let reader = reader.mapping("statistics", "statistics", keys: ["by", "measures", "time", "views", "beside"])
    else { return nil }
    let dimensions = fields.names(reader, "by", stored: true, shown: true).filter { name in
      guard let field = fields.field(name), field.encrypted || !field.canBeDimension else { return true }
      collector.error(
        reader.place("by"), "不能按字段“\(name)”统计：\(field.encrypted ? "它是加密的" : "\(field.type.label)不能作统计维度")")
      return false
    }
    var measures = reader.nodes("measures").compactMap(measure)
    if measures.isEmpty { measures = [.init(function: .count, field: nil)] }
    return StatisticsRole(
      dimensions: dimensions, measures: measures, time: time(reader, dimensions),
      views: reader.nodes("views").compactMap { view($0, dimensions) },
      beside: reader.nodes("beside").compactMap(beside),
      position: reader.position)
  }

  /// The date that periods are counted by: the one named, else the first date among the dimensions.
  private func time(_ reader: MappingReader, _ dimensions: [String]) -> String? {
    guard let name = reader.text("time") else {
      return dimensions.first { [.date, .instant].contains(fields.field($0)?.valueKind) }
    }
    guard let field = fields.field(name, at: reader.place("time"), stored: true, collector) else { return nil }
    guard !field.encrypted, field.valueKind == .date || field.valueKind == .instant else {
      collector.error(reader.place("time"), "字段“\(name)”不能作统计时间：它应是不加密的日期或时间")
      return nil
    }
    return name
  }

  private func view(_ node: YAMLNode, _ dimensions: [String]) -> StatisticsRole.View? {
    let reader = MappingReader(
      node, "统计表", keys: ["name", "label", "by", "across", "per", "where"], collector)
    guard let name = reader.name("name") else { return nil }
    func dimension(_ key: String) -> String? {
      guard let text = reader.text(key) else { return nil }
      if dimensions.contains(text) { return text }
      collector.error(
        reader.place(key), "统计表“\(name)”的 \(key) 应是 by 里的一个维度\(Suggestion.text(for: text, among: dimensions))")
      return nil
    }
    return StatisticsRole.View(
      name: name, label: reader.label("label", fallback: name), by: dimension("by"), across: dimension("across"),
      period: reader.choice("per", StatisticsRole.Period.self), filters: filters(reader, "where"),
      position: reader.position)
  }

  /// `{register: address_defect, label: 问题地址, where: "state=open"}`.
  private func beside(_ node: YAMLNode) -> StatisticsRole.Beside? {
    let reader = MappingReader(node, "并列统计", keys: ["register", "label", "where"], collector)
    guard let register = reader.name("register") else { return nil }
    // Its fields are the other register's: the check of the catalog knows them.
    let filters = (reader.text("where") ?? "").split(separator: "&").compactMap { EntityReader.filter($0) }
    return StatisticsRole.Beside(
      register: register, label: reader.label(fallback: register), filters: filters, position: reader.position)
  }

  /// `{label: 问题地址, where: "state=open", icon: warning, order: 30}`; with `by: state` a table of its values.
  func workbench() -> [WorkbenchTile] {
    reader.nodes("workbench").compactMap { node in
      let reader = MappingReader(
        node, "工作台数字", keys: ["label", "where", "by", "icon", "note", "order", "permission"], collector)
      return WorkbenchTile(
        label: reader.label(fallback: document.name), filters: filters(reader, "where"),
        by: reader.has("by") ? fields.name(reader, "by", stored: true) : nil, icon: reader.text("icon", limit: 30),
        note: reader.text("note", limit: 40), order: reader.integer("order", in: 0...100_000) ?? 1000,
        permission: permission(reader), position: reader.position)
    }
  }

  /// `permission: key_object.approve`.
  func permission(_ reader: MappingReader) -> Permission? {
    guard let text = reader.text("permission") else { return nil }
    let permission = Permission(text)
    if permission == nil { collector.error(reader.place("permission"), "权限应写成“实体.操作”，却是“\(text)”") }
    return permission
  }

  /// `state=completed&channel=online`, as the address of the list has it.
  func filters(_ reader: MappingReader, _ key: String) -> [StatisticsRole.Filter] {
    guard let text = reader.text(key) else { return [] }
    return text.split(separator: "&").compactMap { item in
      guard let filter = EntityReader.filter(item) else {
        collector.error(reader.place(key), "看不懂条件“\(item)”，应写 字段=值，几个条件用 & 连接")
        return nil
      }
      let field = String(filter.name.split(separator: ".").first ?? "")
      guard fields.field(field, at: reader.place(key), stored: true, collector) != nil else { return nil }
      return filter
    }
  }

  /// `state=open`.
  private static func filter(_ item: Substring) -> StatisticsRole.Filter? {
    let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    return parts.count == 2 ? StatisticsRole.Filter(name: String(parts[0]), value: String(parts[1])) : nil
  }

  /// `count`, `sum(area)`, or `{label: 办结数, count: "state=completed"}`.
  private func measure(_ node: YAMLNode) -> StatisticsRole.Measure? {
    if let text = node.text { return measure(text, at: node.position) }
    let reader = MappingReader(node, "统计量", keys: ["label", "count", "of", "where"], collector)
    let label = reader.label("label", fallback: "数量")
    if reader.has("count") {
      return .init(function: .count, field: nil, label: label, filters: filters(reader, "count"))
    }
    guard let text = reader.text("of"), let plain = measure(text, at: reader.place("of")) else {
      collector.error(reader.position, "统计量要写 count（条件）或 of（如 avg(area)）")
      return nil
    }
    return .init(
      function: plain.function, field: plain.field, label: label, filters: filters(reader, "where"))
  }

  /// `count`, `sum(area)`.
  private func measure(_ text: String, at position: SourcePosition) -> StatisticsRole.Measure? {
    typealias Function = StatisticsRole.Measure.Function
    let parts = text.split(separator: "(", maxSplits: 1, omittingEmptySubsequences: false)
    guard let function = Function(rawValue: String(parts[0])), parts.count == 1 || parts[1].hasSuffix(")") else {
      let names = Function.allCases.map(\.rawValue).joined(separator: "、")
      collector.error(position, "看不懂统计量“\(text)”，应写 count 或 sum(字段)，函数可用：\(names)")
      return nil
    }
    guard parts.count == 2 else {
      if function == .count { return .init(function: .count, field: nil) }
      collector.error(position, "统计量 \(text) 要写明字段，如 \(text)(area)")
      return nil
    }
    let name = String(parts[1].dropLast())
    guard let field = fields.field(name, at: position.advanced(by: parts[0].count + 1), stored: true, collector) else {
      return nil
    }
    let wantsNumber = function == .sum || function == .avg
    let type = field.expressionType
    if field.encrypted || wantsNumber && !type.isNumber || function != .count && !type.isOrdered {
      let reason = field.encrypted ? "它是加密的" : "\(field.type.label)不能求 \(function.rawValue)"
      collector.error(position, "字段“\(name)”不能作统计量：\(reason)")
      return nil
    }
    if wantsNumber, field.target != nil {
      collector.error(position, "字段“\(name)”不能作统计量：关联记录的编号不能求 \(function.rawValue)")
      return nil
    }
    return .init(function: function, field: name)
  }
}
