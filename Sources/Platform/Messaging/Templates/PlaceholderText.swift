/// A text with places for values: `您的“{item}”已受理`.
///
/// A place is a variable's name in braces; every brace has to belong to one.
package struct PlaceholderText: Sendable, Hashable {
  package enum Part: Sendable, Hashable {
    case text(String)
    case variable(String)
  }

  package let parts: [Part]

  /// `nil` when a brace opens or closes nothing.
  package init?(_ source: String) {
    var parts: [Part] = []
    var rest = source[...]
    while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
      guard rest[open] == "{", let close = rest[open...].firstIndex(of: "}") else { return nil }
      let name = rest[rest.index(after: open)..<close]
      guard !name.isEmpty, !name.contains("{") else { return nil }
      if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
      parts.append(.variable(String(name)))
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { parts.append(.text(String(rest))) }
    self.parts = parts
  }

  /// The names of the places, each once, in the order of the text.
  package var variables: [String] {
    var names: [String] = []
    for case .variable(let name) in parts where !names.contains(name) { names.append(name) }
    return names
  }

  /// The text with `value` of each place; nothing stands where there is none.
  package func filled(_ value: (String) -> String?) -> String {
    var text = ""
    for part in parts {
      switch part {
      case .text(let plain): text += plain
      case .variable(let name): text += value(name) ?? ""
      }
    }
    return text
  }
}
