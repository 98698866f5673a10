import CExpat
package import Core
import Glibc

/// What a reader does with the parts of a document, in the order they stand in it.
package protocol XMLHandler: AnyObject {
  func start(_ name: XMLName, _ attributes: XMLAttributes) throws
  func end(_ name: XMLName) throws
  func text(_ bytes: UnsafeBufferPointer<UInt8>) throws
}

extension XMLHandler {
  package func start(_ name: XMLName, _ attributes: XMLAttributes) {}
  package func end(_ name: XMLName) {}
  package func text(_ bytes: UnsafeBufferPointer<UInt8>) {}
}

/// An element or attribute name, borrowed from the parser for the length of one call.
package struct XMLName {
  private let whole: UnsafePointer<CChar>
  private let local: UnsafePointer<CChar>

  init(_ name: UnsafePointer<CChar>) {
    whole = name
    let mark = strchr(name, Int32(XMLParser.separator)) ?? strchr(name, Int32(UInt8(ascii: ":")))
    local = mark.map { UnsafePointer($0 + 1) } ?? name
  }

  /// Compares without the prefix or namespace: programs differ in whether they write `row` or `x:row`.
  package static func == (name: XMLName, text: StaticString) -> Bool {
    strcmp(name.local, UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)) == 0
  }

  /// The name without prefix or namespace.
  package var string: String { String(cString: local) }

  /// The namespace, empty when there is none or the parser does not resolve them.
  package var namespace: String {
    guard let mark = strchr(whole, Int32(XMLParser.separator)) else { return "" }
    return String(
      decoding: UnsafeRawBufferPointer(start: whole, count: mark - UnsafeMutablePointer(mutating: whole)), as: UTF8.self
    )
  }
}

/// The attributes of one element, borrowed from the parser for the length of one call.
package struct XMLAttributes {
  private let pairs: UnsafeMutablePointer<UnsafePointer<CChar>?>?

  init(_ pairs: UnsafeMutablePointer<UnsafePointer<CChar>?>?) { self.pairs = pairs }

  /// The value as NUL-terminated UTF-8.
  package func bytes(_ name: StaticString) -> UnsafePointer<CChar>? {
    guard let pairs else { return nil }
    var index = 0
    while let key = pairs[index] {
      if XMLName(key) == name { return pairs[index + 1] }
      index += 2
    }
    return nil
  }

  package func string(_ name: StaticString) -> String? { bytes(name).map { String(cString: $0) } }

  package func int(_ name: StaticString) -> Int? { string(name).flatMap { Int($0) } }

  package func bool(_ name: StaticString) -> Bool {
    guard let value = string(name) else { return false }
    return value == "1" || value == "true"
  }

  /// All of them, in their order.
  package var all: [(name: XMLName, value: String)] {
    var found: [(XMLName, String)] = []
    guard let pairs else { return found }
    var index = 0
    while let key = pairs[index], let value = pairs[index + 1] {
      found.append((XMLName(key), String(cString: value)))
      index += 2
    }
    return found
  }
}

/// Why a document is no well-formed XML that Lifang reads.
package struct XMLFailure: Error, Sendable {
  /// From 1.
  package let line: Int
  package let column: Int
  package let reason: String
}

/// Feeds a document through expat, piece by piece.
///
/// Document types are refused, so no entity of the document's own is ever expanded; expat opens no external ones.
package final class XMLParser {
  /// Between namespace and name, where namespaces are resolved; no part of either.
  static let separator: UInt8 = 0x0A

  private let parser: XML_Parser
  private let handler: any XMLHandler
  private var failure: (any Error)?
  private var fed = 0
  package private(set) var ended = false

  /// - Parameter resolvingNamespaces: whether names know their namespaces; else prefixes are dropped unread.
  /// - Throws: ``Fault`` when there is no memory.
  package init(_ handler: any XMLHandler, resolvingNamespaces: Bool = false) throws(Fault) {
    let made =
      resolvingNamespaces ? XML_ParserCreateNS(nil, XML_Char(XMLParser.separator)) : XML_ParserCreate(nil)
    guard let parser = made else { throw Fault("out-of-memory", "expat parser") }
    self.parser = parser
    self.handler = handler
    XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
    XML_SetElementHandler(
      parser,
      { context, name, attributes in
        guard let name else { return }
        XMLParser.from(context)?.guarded { try $0.start(XMLName(name), XMLAttributes(attributes)) }
      },
      { context, name in
        guard let name else { return }
        XMLParser.from(context)?.guarded { try $0.end(XMLName(name)) }
      })
    XML_SetCharacterDataHandler(parser) { context, text, count in
      guard let text else { return }
      let bytes = UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self)
      XMLParser.from(context)?.guarded { try $0.text(UnsafeBufferPointer(start: bytes, count: Int(count))) }
    }
    XML_SetStartDoctypeDeclHandler(parser) { context, _, _, _, _ in
      guard let parser = XMLParser.from(context) else { return }
      parser.guarded { _ in throw parser.broken("a document type is not accepted") }
    }
  }

  deinit { XML_ParserFree(parser) }

  private static func from(_ context: UnsafeMutableRawPointer?) -> XMLParser? {
    context.map { Unmanaged<XMLParser>.fromOpaque($0).takeUnretainedValue() }
  }

  private func guarded(_ body: (any XMLHandler) throws -> Void) {
    guard failure == nil else { return }
    do {
      try body(handler)
    } catch {
      failure = error
      XML_StopParser(parser, XML_Bool(0))
    }
  }

  /// Where the parser is, from 1.
  package var line: Int { Int(XML_GetCurrentLineNumber(parser)) }
  package var column: Int { Int(XML_GetCurrentColumnNumber(parser)) + 1 }

  /// Bytes taken in that belong to a part still incomplete; a single endless tag makes them grow.
  package var pending: Int { fed - Int(XML_GetCurrentByteIndex(parser)) }

  /// Parses the next piece; the handler hears what is in it.
  ///
  /// - Parameter fill: puts at most `capacity` bytes there and returns how many; none ends the document.
  /// - Throws: ``XMLFailure``; ``Fault`` without memory; what `fill` or the handler threw.
  package func advance(capacity: Int, _ fill: (UnsafeMutableRawPointer) throws -> Int) throws {
    guard !ended else { return }
    guard let target = XML_GetBuffer(parser, Int32(capacity)) else { throw Fault("out-of-memory", "expat buffer") }
    let count = try fill(target)
    ended = count == 0
    let status = XML_ParseBuffer(parser, Int32(count), ended ? 1 : 0)
    if let failure { throw failure }
    guard status == XML_STATUS_OK else {
      throw broken(XML_ErrorString(XML_GetErrorCode(parser)).map { String(cString: $0) } ?? "")
    }
    fed += count
  }

  private func broken(_ reason: String) -> XMLFailure { XMLFailure(line: line, column: column, reason: reason) }
}
