extension YAMLNode {
  /// The node as a document in block style, two spaces a level, that reads back equal.
  ///
  /// Short sequences of scalars are written in one line: `[code, name]`.
  package func write() -> String {
    var text = ""
    switch content {
    case .scalar: text = YAMLNode.scalarText(self) + "\n"
    case .sequence, .mapping: write(into: &text, indent: 0)
    }
    return text
  }

  private func write(into text: inout String, indent: Int) {
    switch content {
    case .scalar: text += YAMLNode.scalarText(self) + "\n"
    case .sequence(let nodes):
      for node in nodes {
        text += String(repeating: " ", count: indent) + "-"
        node.writeAfterMarker(into: &text, indent: indent + 2, compact: true)
      }
      if nodes.isEmpty { text += "[]\n" }
    case .mapping(let entries):
      for entry in entries {
        text +=
          String(repeating: " ", count: indent) + YAMLNode.quoted(entry.key, plain: YAMLNode.readsAsText(entry.key))
        text += ":"
        entry.value.writeAfterMarker(into: &text, indent: indent + 2, compact: false)
      }
      if entries.isEmpty { text += "{}\n" }
    }
  }

  /// Writes the value after `-` or `key:`; a compact mapping begins on the marker's own line.
  private func writeAfterMarker(into text: inout String, indent: Int, compact: Bool) {
    if let line = inline {
      text += line.isEmpty ? "\n" : " \(line)\n"
    } else if compact {
      var nested = ""
      write(into: &nested, indent: indent)
      text += " " + nested.drop { $0 == " " }
    } else {
      text += "\n"
      write(into: &text, indent: indent)
    }
  }

  /// The value in one line, when it is a scalar, empty, or a short sequence of scalars.
  private var inline: String? {
    switch content {
    case .scalar: return YAMLNode.scalarText(self)
    case .mapping(let entries): return entries.isEmpty ? "{}" : nil
    case .sequence(let nodes):
      var items: [String] = []
      for node in nodes {
        guard case .scalar(let value, let style) = node.content else { return nil }
        let text = node.isNull ? "null" : YAMLNode.quoted(value, plain: style == .plain, flow: true)
        items.append(text)
      }
      let line = "[\(items.joined(separator: ", "))]"
      return line.utf8.count <= 100 ? line : nil
    }
  }

  private static func scalarText(_ node: YAMLNode) -> String {
    guard case .scalar(let text, let style) = node.content else { return "" }
    if node.isNull { return "null" }
    return quoted(text, plain: style == .plain || readsAsText(text))
  }

  /// `text` as it is where that is safe and allowed, in double quotes otherwise.
  private static func quoted(_ text: String, plain: Bool, flow: Bool = false) -> String {
    plain && isSafePlain(text) ? text : doubleQuoted(text)
  }

  /// Whether `text` means itself without quotes, in a block or between brackets.
  private static func isSafePlain(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last else { return false }
    if "-?:,[]{}#&*!|>'\"%@` =".unicodeScalars.contains(first) {
      guard first == "-", text.unicodeScalars.count > 1,
        text.utf8.dropFirst().allSatisfy({ (48...57).contains($0) || $0 == 46 })
      else { return false }
    }
    if last == " " || last == ":" { return false }
    var previous: Unicode.Scalar = "x"
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x20...0x7E:
        if ",[]{}\"'".unicodeScalars.contains(scalar) { return false }
        if scalar == "#" && previous == " " { return false }
        if scalar == " " && previous == ":" { return false }
      case 0xA1...0x1FFF, 0x2030...0x205E, 0x3001...0xD7FF, 0xF900...0xFDCF, 0xFE10...0xFEFE, 0xFF01...0xFFEF,
        0x1F300...0x1FAFF, 0x20000...0x2FFFF:
        break
      default: return false
      }
      previous = scalar
    }
    return true
  }

  private static func doubleQuoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      default:
        let value = scalar.value
        let printable =
          (0x20...0x7E).contains(value) || (0xA1...0x1FFF).contains(value) || (0x2030...0xD7FF).contains(value)
          || (0xF900...0xFDCF).contains(value) || (0x10000...0x2FFFF).contains(value)
        if printable {
          result.unicodeScalars.append(scalar)
        } else {
          let hex = String(value, radix: 16)
          let width = value > 0xFFFF ? 8 : 4
          result += value > 0xFFFF ? "\\U" : "\\u"
          result += String(repeating: "0", count: width - hex.utf8.count) + hex
        }
      }
    }
    return result + "\""
  }
}
