/// An element of a small document that is read as a whole.
package struct XMLElement: Sendable, Hashable {
  package struct Attribute: Sendable, Hashable {
    /// Empty for most: an attribute without a prefix has none.
    package let namespace: String
    package let name: String
    package let value: String
  }

  package let namespace: String
  package let name: String
  package let attributes: [Attribute]
  package fileprivate(set) var children: [XMLElement] = []
  /// The text directly in the element, all pieces together.
  package fileprivate(set) var text = ""
  /// Where its start tag stands, from 1.
  package let line: Int
  package let column: Int

  package static let maximumDepth = 100

  /// The value of an attribute.
  package subscript(_ name: String, in namespace: String = "") -> String? {
    attributes.first { $0.name == name && $0.namespace == namespace }?.value
  }

  package func children(_ name: String, in namespace: String) -> [XMLElement] {
    children.filter { $0.name == name && $0.namespace == namespace }
  }

  package func child(_ name: String, in namespace: String) -> XMLElement? {
    children.first { $0.name == name && $0.namespace == namespace }
  }

  /// Reads a document.
  ///
  /// - Throws: ``XMLFailure`` when it is not well formed, declares a document type or is nested deeper than
  ///   ``maximumDepth``.
  package init(parsing bytes: [UInt8]) throws {
    let builder = Builder()
    let parser = try XMLParser(builder, resolvingNamespaces: true)
    builder.parser = parser
    var rest = bytes[...]
    while !parser.ended {
      try parser.advance(capacity: 64 << 10) { target in
        let piece = rest.prefix(64 << 10)
        piece.withUnsafeBytes { bytes in
          if let start = bytes.baseAddress { target.copyMemory(from: start, byteCount: bytes.count) }
        }
        rest = rest.dropFirst(piece.count)
        return piece.count
      }
    }
    guard let root = builder.root else { throw XMLFailure(line: 1, column: 1, reason: "no element found") }
    self = root
  }

  fileprivate init(_ name: XMLName, _ attributes: XMLAttributes, line: Int, column: Int) {
    namespace = name.namespace
    self.name = name.string
    self.attributes = attributes.all.map { name, value in
      Attribute(namespace: name.namespace, name: name.string, value: value)
    }
    self.line = line
    self.column = column
  }

  private final class Builder: XMLHandler {
    weak var parser: XMLParser?
    private var open: [XMLElement] = []
    private(set) var root: XMLElement?

    func start(_ name: XMLName, _ attributes: XMLAttributes) throws {
      let (line, column) = (parser?.line ?? 1, parser?.column ?? 1)
      guard open.count < XMLElement.maximumDepth else {
        throw XMLFailure(line: line, column: column, reason: "too many levels")
      }
      open.append(XMLElement(name, attributes, line: line, column: column))
    }

    func end(_ name: XMLName) {
      guard let element = open.popLast() else { return }
      if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
    }

    func text(_ bytes: UnsafeBufferPointer<UInt8>) {
      guard !open.isEmpty else { return }
      open[open.count - 1].text += String(decoding: bytes, as: UTF8.self)
    }
  }
}
