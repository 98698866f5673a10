/// An element with its attributes; a void one has no content and no end tag.
final class Element: Sendable {
  private let name: StaticString
  private let attributes: [Attribute]
  private let content: HTML?

  init(_ name: StaticString, _ attributes: [Attribute], _ content: HTML?) {
    self.name = name
    self.attributes = attributes
    self.content = content
  }

  func write(_ writer: inout HTMLWriter) {
    writer.put(UInt8(ascii: "<"))
    writer.put(name)
    if !attributes.isEmpty {
      var hasClass = false
      write(attributes, &hasClass, &writer)
    }
    writer.put(UInt8(ascii: ">"))
    guard let content else { return }
    content.write(&writer)
    writer.put("</")
    writer.put(name)
    writer.put(UInt8(ascii: ">"))
  }

  /// Class names of one element are gathered where the first stand: browsers ignore a second `class` attribute.
  private func write(_ attributes: [Attribute], _ hasClass: inout Bool, _ writer: inout HTMLWriter) {
    for attribute in attributes {
      switch attribute.kind {
      case .nothing: break
      case .several: write(attribute.several ?? [], &hasClass, &writer)
      case .classes:
        if hasClass { break }
        hasClass = true
        var isFirst = true
        writer.put(" class=\"")
        Element.writeClasses(self.attributes, &isFirst, &writer)
        writer.put(UInt8(ascii: "\""))
      case .flag:
        writer.put(UInt8(ascii: " "))
        writer.put(attribute.name)
      case .value, .asset:
        writer.put(UInt8(ascii: " "))
        writer.put(attribute.name)
        writer.put("=\"")
        if attribute.kind == .asset {
          writer.text(writer.environment.assets)
          writer.put(UInt8(ascii: "/"))
        }
        writer.text(attribute.value)
        writer.put(UInt8(ascii: "\""))
      }
    }
  }

  private static func writeClasses(_ attributes: [Attribute], _ isFirst: inout Bool, _ writer: inout HTMLWriter) {
    for attribute in attributes {
      if attribute.kind == .several { writeClasses(attribute.several ?? [], &isFirst, &writer) }
      if attribute.kind != .classes { continue }
      if !isFirst { writer.put(UInt8(ascii: " ")) }
      isFirst = false
      writer.text(attribute.value)
    }
  }
}

extension HTML {
  /// The element as a piece.
  static func element(_ name: StaticString, _ attributes: [Attribute], _ content: HTML?) -> HTML {
    HTML(.element(Element(name, attributes, content)))
  }
}
