/// The one buffer a page is written into.
package struct HTMLWriter {
  /// What has been written so far, UTF-8.
  package private(set) var bytes: [UInt8] = []
  /// What the page tells its pieces.
  package let environment: HTMLEnvironment

  init(environment: HTMLEnvironment, capacity: Int) {
    self.environment = environment
    bytes.reserveCapacity(capacity)
  }

  /// Appends `text` so that it can be nothing but text, in an element or in a quoted attribute value.
  ///
  /// `& < > " '` become references; control characters, which no HTML document may contain (HTML Living Standard
  /// §13.1.4), become U+FFFD.
  package mutating func text(_ text: String) {
    var text = text
    text.withUTF8 { escape($0) }
  }

  /// Appends a literal of the program as it stands.
  package mutating func literal(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Appends markup as it stands. Nothing that a person or another system supplied may reach it.
  package mutating func unsafe(raw markup: String) { bytes.append(contentsOf: markup.utf8) }

  /// Appends another piece.
  package mutating func piece(_ piece: HTML) { piece.write(&self) }

  private mutating func escape(_ text: UnsafeBufferPointer<UInt8>) {
    var start = 0
    for (index, byte) in text.enumerated() {
      guard let replacement = HTMLWriter.replacement(for: byte) else { continue }
      if start < index { bytes.append(contentsOf: text[start..<index]) }
      literal(replacement)
      start = index + 1
    }
    if start == 0 {
      bytes.append(contentsOf: text)
    } else if start < text.count {
      bytes.append(contentsOf: text[start...])
    }
  }

  @inline(__always)
  private static func replacement(for byte: UInt8) -> StaticString? {
    switch byte {
    case UInt8(ascii: "&"): "&amp;"
    case UInt8(ascii: "<"): "&lt;"
    case UInt8(ascii: ">"): "&gt;"
    case UInt8(ascii: "\""): "&quot;"
    case UInt8(ascii: "'"): "&#39;"
    case 0x09, 0x0A, 0x0D: nil
    case 0..<0x20, 0x7F: "\u{FFFD}"
    default: nil
    }
  }

  mutating func open(_ name: StaticString, _ attributes: [Attribute]) {
    bytes.append(UInt8(ascii: "<"))
    literal(name)
    if !attributes.isEmpty {
      var classes: [String] = []
      for attribute in attributes { write(attribute, &classes) }
      if !classes.isEmpty { writeClasses(classes) }
    }
    bytes.append(UInt8(ascii: ">"))
  }

  mutating func close(_ name: StaticString) {
    literal("</")
    literal(name)
    bytes.append(UInt8(ascii: ">"))
  }

  /// Class names of one element are gathered into one attribute: browsers ignore a second one.
  private mutating func write(_ attribute: Attribute, _ classes: inout [String]) {
    switch attribute.content {
    case .nothing: break
    case .classes(let names): classes.append(names)
    case .flag(let name):
      bytes.append(UInt8(ascii: " "))
      literal(name)
    case .value(let name, let value):
      bytes.append(UInt8(ascii: " "))
      literal(name)
      literal("=\"")
      text(value)
      bytes.append(UInt8(ascii: "\""))
    case .asset(let name, let path):
      bytes.append(UInt8(ascii: " "))
      literal(name)
      literal("=\"")
      text(environment.assets)
      bytes.append(UInt8(ascii: "/"))
      text(path)
      bytes.append(UInt8(ascii: "\""))
    case .several(let attributes):
      for attribute in attributes { write(attribute, &classes) }
    }
  }

  private mutating func writeClasses(_ classes: [String]) {
    literal(" class=\"")
    for (index, names) in classes.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: " ")) }
      text(names)
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
