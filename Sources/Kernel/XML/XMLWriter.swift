/// Writes a document with two spaces a level.
package struct XMLWriter {
  package private(set) var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
  private var open: [String] = []

  package init() {}

  /// Writes an element and, inside it, what `body` writes; attributes without a value are left out.
  package mutating func element(
    _ name: String, _ attributes: [(String, String?)] = [], _ body: (inout XMLWriter) -> Void = { _ in }
  ) {
    let indent = String(repeating: "  ", count: open.count)
    text += indent + "<" + name
    for (key, value) in attributes { if let value { text += " \(key)=\"\(XMLWriter.escaped(value))\"" } }
    let before = text.utf8.count
    text += ">\n"
    open.append(name)
    let start = text.utf8.count
    body(&self)
    open.removeLast()
    if text.utf8.count == start {
      text = String(decoding: text.utf8.prefix(before), as: UTF8.self) + "/>\n"
    } else {
      text += indent + "</\(name)>\n"
    }
  }

  /// Writes an element that holds nothing but text.
  package mutating func element(_ name: String, _ attributes: [(String, String?)] = [], text content: String) {
    text += String(repeating: "  ", count: open.count) + "<" + name
    for (key, value) in attributes { if let value { text += " \(key)=\"\(XMLWriter.escaped(value))\"" } }
    text += ">\(XMLWriter.escaped(content))</\(name)>\n"
  }

  /// Text as it may stand in an attribute or between tags; what XML 1.0 cannot hold at all is left out.
  package static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n": result += "&#10;"
      case "\t": result += "&#9;"
      case "\r": result += "&#13;"
      case "\u{0}"..<"\u{20}", "\u{FFFE}", "\u{FFFF}": continue
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
