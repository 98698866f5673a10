package import YAML

/// Reads the keys of one mapping strictly: what is missing, of the wrong kind or unknown becomes a finding.
package struct MappingReader {
  package let position: SourcePosition
  /// What is being read, for messages: `字段 code`.
  package let what: String
  package let collector: FindingCollector
  private let entries: [String: YAMLNode]

  /// Reports keys outside `keys`; a node that is no mapping is reported and read as an empty one.
  package init(_ node: YAMLNode, _ what: String, keys: [String], _ collector: FindingCollector) {
    position = node.position
    self.what = what
    self.collector = collector
    guard let mapping = node.mapping else {
      collector.error(node.position, "\(what)应写成键值对，却是\(node.kindLabel)")
      entries = [:]
      return
    }
    var entries: [String: YAMLNode] = [:]
    for entry in mapping {
      if keys.contains(entry.key) {
        entries[entry.key] = entry.value
      } else {
        let advice = Suggestion.text(for: entry.key, among: keys)
        collector.error(entry.keyPosition, "\(what)不认识键“\(entry.key)”\(advice)")
      }
    }
    self.entries = entries
  }

  /// The value of a key that is there and not null.
  package func node(_ key: String) -> YAMLNode? { entries[key].flatMap { $0.isNull ? nil : $0 } }

  package func has(_ key: String) -> Bool { node(key) != nil }

  /// Where the value of `key` stands, or the mapping.
  package func place(_ key: String) -> SourcePosition { entries[key]?.position ?? position }

  private func wrong(_ key: String, _ wanted: String, _ node: YAMLNode) {
    let shown = node.text.map { "“\($0)”" } ?? node.kindLabel
    collector.error(node.position, "\(what)的 \(key) 应是\(wanted)，却是\(shown)")
  }

  package func text(_ key: String, limit: Int = 2000) -> String? {
    guard let node = node(key) else { return nil }
    guard let text = node.text, !text.isEmpty, text.unicodeScalars.count <= limit, !text.unicodeScalars.contains("\0")
    else {
      wrong(key, "不超过 \(limit) 字的文字", node)
      return nil
    }
    return text
  }

  /// A text that has to be there; a finding and the `fallback` when it is not.
  package func required(_ key: String, limit: Int = 2000, fallback: String) -> String {
    if !has(key) { collector.error(position, "\(what)缺少 \(key)") }
    return text(key, limit: limit) ?? fallback
  }

  /// A label in one line.
  package func label(_ key: String = "label", fallback: String) -> String {
    let label = required(key, limit: 60, fallback: fallback)
    if label.contains("\n") { collector.error(place(key), "\(what)的 \(key) 只能有一行") }
    return label
  }

  package func flag(_ key: String, default standard: Bool) -> Bool {
    guard let node = node(key) else { return standard }
    guard let flag = node.bool else {
      wrong(key, " true 或 false", node)
      return standard
    }
    return flag
  }

  package func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let node = node(key) else { return nil }
    guard let number = node.integer, range.contains(number) else {
      wrong(key, " \(range.lowerBound) 到 \(range.upperBound) 的整数", node)
      return nil
    }
    return number
  }

  package func number(_ key: String) -> FixedDecimal? {
    guard let node = node(key) else { return nil }
    guard case .scalar(let text, .plain) = node.content, let number = FixedDecimal(text) else {
      wrong(key, "数", node)
      return nil
    }
    return number
  }

  /// The entries of a list; a finding when it is none.
  package func nodes(_ key: String) -> [YAMLNode] {
    guard let node = node(key) else { return [] }
    guard let nodes = node.sequence else {
      wrong(key, "列表", node)
      return []
    }
    return nodes
  }

  /// A list of texts with their places; a single text is a list of one.
  package func texts(_ key: String) -> [(text: String, position: SourcePosition)] {
    guard let node = node(key) else { return [] }
    var texts: [(text: String, position: SourcePosition)] = []
    for item in node.sequence ?? [node] {
      if let text = item.text, !text.isEmpty { texts.append((text, item.position)) } else { wrong(key, "文字的列表", item) }
    }
    return texts
  }

  /// One of the raw values of `T`.
  package func choice<T: RawRepresentable & CaseIterable>(_ key: String, _ type: T.Type) -> T?
  where T.RawValue == String {
    guard let text = text(key) else { return nil }
    if let value = T(rawValue: text) { return value }
    let names = T.allCases.map(\.rawValue)
    collector.error(
      place(key),
      "\(what)的 \(key) 不能是“\(text)”（可用：\(names.joined(separator: "、"))）\(Suggestion.text(for: text, among: names))")
    return nil
  }

  /// A name in snake_case, at most 50 characters.
  package func name(_ key: String) -> String? {
    guard let name = text(key) else {
      if !has(key) { collector.error(position, "\(what)缺少 \(key)") }
      return nil
    }
    guard DeclarationName.isValid(name) else {
      collector.error(place(key), "“\(name)”不能作名称：只用小写字母、数字和下划线，以字母开头，最多 \(DeclarationName.maximumLength) 个字符")
      return nil
    }
    return name
  }

  /// A nested mapping, or `nil` when the key is absent.
  package func mapping(_ key: String, _ what: String, keys: [String]) -> MappingReader? {
    node(key).map { MappingReader($0, what, keys: keys, collector) }
  }
}

/// Names of entities, fields, dictionaries and roles.
package enum DeclarationName {
  /// PostgreSQL keeps 63 bytes, of which `_history` and index names need some.
  package static let maximumLength = 50

  package static func isValid(_ name: String) -> Bool {
    guard let first = name.utf8.first, (97...122).contains(first), name.utf8.count <= maximumLength else {
      return false
    }
    return name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
  }

  /// Names that no field may have: columns of every table and of its history, and words of the expression language.
  package static let reservedFields: Set<String> = FieldDeclaration.systemNames.union(ExpressionLexer.keywords).union([
    "valid_from", "valid_to", "operation", "changed_by", "search_vector",
  ])
}
