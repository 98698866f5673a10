import YAML

/// A mapping in the making: keys replaced in place, new ones at the end.
struct MappingEditor {
  private(set) var entries: [YAMLNode.Entry]
  private let position: SourcePosition

  init(_ node: YAMLNode) {
    entries = node.mapping ?? []
    position = node.position
  }

  var node: YAMLNode { YAMLNode(.mapping(entries), at: position) }

  subscript(key: String) -> YAMLNode? { entries.first { $0.key == key }?.value }

  mutating func set(_ entry: YAMLNode.Entry) {
    if let index = entries.firstIndex(where: { $0.key == entry.key }) {
      entries[index] = entry
    } else {
      entries.append(entry)
    }
  }

  mutating func set(_ key: String, _ value: YAMLNode) {
    set(YAMLNode.Entry(key: key, keyPosition: value.position, value: value))
  }

  mutating func remove(_ key: String) { entries.removeAll { $0.key == key } }

  /// Replaces the keys of a nested mapping one by one.
  mutating func merge(_ entry: YAMLNode.Entry) {
    guard let inner = self[entry.key], inner.mapping != nil, let changes = entry.value.mapping else {
      set(entry)
      return
    }
    var editor = MappingEditor(inner)
    for change in changes { editor.set(change) }
    set(YAMLNode.Entry(key: entry.key, keyPosition: entry.keyPosition, value: editor.node))
  }
}
