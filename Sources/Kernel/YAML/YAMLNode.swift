/// A value of a YAML document with the place it was written at.
///
/// Types are not guessed: a reader asks for the type it wants, so `0101` stays the text it looks like and a quoted
/// `"12"` is never a number. Mappings keep their order.
package struct YAMLNode: Sendable {
  /// How a scalar was written.
  package enum Style: Sendable, Hashable {
    case plain
    /// In single or double quotes: always text.
    case quoted
    /// A literal `|` or folded `>` block: always text.
    case block
  }

  package struct Entry: Sendable {
    package let key: String
    package let keyPosition: SourcePosition
    package let value: YAMLNode

    package init(key: String, keyPosition: SourcePosition, value: YAMLNode) {
      self.key = key
      self.keyPosition = keyPosition
      self.value = value
    }
  }

  package indirect enum Content: Sendable {
    case scalar(String, Style)
    case sequence([YAMLNode])
    case mapping([Entry])
  }

  package let content: Content
  package let position: SourcePosition

  package init(_ content: Content, at position: SourcePosition = .generated) {
    self.content = content
    self.position = position
  }

  /// A text, quoted where it would otherwise be read as something else.
  package static func string(_ text: String, at position: SourcePosition = .generated) -> YAMLNode {
    YAMLNode(.scalar(text, YAMLNode.readsAsText(text) ? .plain : .quoted), at: position)
  }

  /// A number, a truth value or null, written without quotes.
  package static func plain(_ text: String, at position: SourcePosition = .generated) -> YAMLNode {
    YAMLNode(.scalar(text, .plain), at: position)
  }

  package static func sequence(_ nodes: [YAMLNode], at position: SourcePosition = .generated) -> YAMLNode {
    YAMLNode(.sequence(nodes), at: position)
  }

  /// A mapping in the given order.
  package static func mapping(_ entries: [(String, YAMLNode)], at position: SourcePosition = .generated) -> YAMLNode {
    YAMLNode(.mapping(entries.map { Entry(key: $0.0, keyPosition: $0.1.position, value: $0.1) }), at: position)
  }
}

extension SourcePosition {
  /// The place of what no file holds.
  package static let generated = SourcePosition(file: "", line: 1, column: 1)
}

extension YAMLNode {
  /// An unquoted `null`, `~` or nothing at all.
  package var isNull: Bool {
    guard case .scalar(let text, .plain) = content else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  /// The text of any scalar but null.
  package var text: String? {
    guard case .scalar(let text, _) = content, !isNull else { return nil }
    return text
  }

  /// An unquoted `true` or `false` (YAML 1.2 core schema; `yes` and `on` are text).
  package var bool: Bool? {
    guard case .scalar(let text, .plain) = content else { return nil }
    switch text {
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    default: return nil
    }
  }

  /// An unquoted decimal integer.
  package var integer: Int? {
    guard case .scalar(let text, .plain) = content else { return nil }
    return Int(text)
  }

  package var sequence: [YAMLNode]? { if case .sequence(let nodes) = content { nodes } else { nil } }
  package var mapping: [Entry]? { if case .mapping(let entries) = content { entries } else { nil } }

  /// The value of a mapping's key.
  ///
  /// - Complexity: O(keys).
  package subscript(key: String) -> YAMLNode? { mapping?.first { $0.key == key }?.value }

  /// Where the text of a scalar begins: after the quote, if there is one.
  package var textPosition: SourcePosition {
    if case .scalar(_, .quoted) = content { position.advanced(by: 1) } else { position }
  }

  /// What kind of value this is, for messages.
  package var kindLabel: String {
    switch content {
    case .scalar: isNull ? "空值" : "单个值"
    case .sequence: "列表"
    case .mapping: "键值对"
    }
  }

  /// Whether `text`, written plain, is read as text and not as null, a truth value or a number.
  static func readsAsText(_ text: String) -> Bool {
    let node = YAMLNode(.scalar(text, .plain))
    return !node.isNull && node.bool == nil && Double(text) == nil
  }
}

extension YAMLNode: Equatable {
  /// Compares contents in order; places and the way text is quoted do not count, but text and non-text differ.
  package static func == (a: YAMLNode, b: YAMLNode) -> Bool {
    switch (a.content, b.content) {
    case (.scalar(let x, _), .scalar(let y, _)):
      x.utf8.elementsEqual(y.utf8) && a.isNull == b.isNull && a.bool == b.bool && a.integer == b.integer
    case (.sequence(let x), .sequence(let y)): x == y
    case (.mapping(let x), .mapping(let y)):
      x.count == y.count && zip(x, y).allSatisfy { $0.key.utf8.elementsEqual($1.key.utf8) && $0.value == $1.value }
    default: false
    }
  }
}
