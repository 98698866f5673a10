import Connectors
import Entities
import YAML

/// Understands the steps of cleaning of a feed (清洗规则).
struct FeedRuleReader {
  private let rows: [ConnectorField]
  private let catalog: Catalog
  private let collector: FindingCollector

  private static let kinds = ["trim", "fold", "blank", "map", "dictionary", "division", "date", "set", "drop"]

  init(rows: [ConnectorField], catalog: Catalog, _ collector: FindingCollector) {
    self.rows = rows
    self.catalog = catalog
    self.collector = collector
  }

  func rules(_ nodes: [YAMLNode]) -> [FeedRule] { nodes.compactMap(rule) }

  private func rule(_ node: YAMLNode) -> FeedRule? {
    let kinds = (node.mapping ?? []).map(\.key).filter(FeedRuleReader.kinds.contains)
    guard kinds.count == 1, let kind = kinds.first else {
      collector.error(node.position, "清洗规则应有下列键之一：\(FeedRuleReader.kinds.joined(separator: "、"))")
      return nil
    }
    func reader(_ further: [String] = []) -> MappingReader {
      MappingReader(node, "清洗规则 \(kind)", keys: [kind] + further, collector)
    }
    switch kind {
    case "trim": return .trim(members(reader(), kind))
    case "fold": return .fold(members(reader(), kind))
    case "division": return .division(members(reader(), kind))
    case "date": return .date(members(reader(), kind))
    case "blank":
      let item = reader(["values"])
      let values = item.texts("values").map(\.text)
      if values.isEmpty { collector.error(node.position, "blank 应写 values：哪些字样算没有填") }
      return .blank(members(item, kind), Set(values))
    case "map": return map(reader(["codes", "otherwise"]))
    case "dictionary":
      let item = reader(["name"])
      let name = item.required("name", limit: 50, fallback: "")
      if catalog.dictionary(name) == nil {
        collector.error(
          item.place("name"), "没有字典“\(name)”\(Suggestion.text(for: name, among: catalog.dictionaries.map(\.name)))")
      }
      return members(item, kind).first.map { .dictionary($0, name) }
    case "set": return set(reader(["to", "when"]))
    default: return drop(reader(["reason"]))
    }
  }

  private func members(_ item: MappingReader, _ key: String) -> [String] {
    item.texts(key).compactMap { name, position in
      guard let field = rows.first(where: { $0.name == name }) else {
        collector.error(position, "每条数据里没有字段“\(name)”\(Suggestion.text(for: name, among: rows.map(\.name)))")
        return nil
      }
      if field.type != .text { collector.error(position, "“\(name)”不是文字字段，不用清洗") }
      return name
    }
  }

  private func map(_ item: MappingReader) -> FeedRule? {
    var codes: [String: String] = [:]
    for entry in item.node("codes")?.mapping ?? [] {
      guard let text = entry.value.text else {
        collector.error(entry.value.position, "codes 应写成“对方的值: 我们的值”")
        continue
      }
      codes[entry.key] = text
    }
    if codes.isEmpty { collector.error(item.position, "map 应写 codes：对方的哪个值是我们的哪个值") }
    let otherwise = item.choice("otherwise", FeedRule.Otherwise.self) ?? .refuse
    return members(item, "map").first.map { .map($0, codes, otherwise) }
  }

  private func set(_ item: MappingReader) -> FeedRule? {
    let name = item.required("set", limit: 50, fallback: "")
    guard let field = rows.first(where: { $0.name == name }) else {
      collector.error(item.place("set"), "每条数据里没有字段“\(name)”\(Suggestion.text(for: name, among: rows.map(\.name)))")
      return nil
    }
    guard let node = item.node("to"), let value = FeedReader.expression(node, rows, collector) else {
      collector.error(item.position, "set 应写 to：改成什么")
      return nil
    }
    if field.type == .text, value.type != .text, value.type != .null {
      collector.error(item.place("to"), "to 得到的是\(value.type.label)，字段“\(name)”是文字")
    }
    return .set(name, value, when: condition(item, "when"))
  }

  private func drop(_ item: MappingReader) -> FeedRule? {
    let reason = item.required("reason", limit: 200, fallback: "")
    return condition(item, "drop").map { .drop($0, reason: reason) }
  }

  private func condition(_ item: MappingReader, _ key: String) -> Expression? {
    guard let node = item.node(key), let value = FeedReader.expression(node, rows, collector) else { return nil }
    if value.type == .boolean { return value }
    collector.error(node.position, "\(key) 得到的是\(value.type.label)，应能判断是否成立")
    return nil
  }
}
