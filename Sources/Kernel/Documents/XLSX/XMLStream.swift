import CExpat
import Core
import Glibc

/// What a part of an Office file does with its XML. Names come without their prefix.
class XMLHandler {
  func start(_ name: XMLName, _ attributes: XMLAttributes) throws {}
  func end(_ name: XMLName) throws {}
  func text(_ bytes: UnsafeBufferPointer<UInt8>) throws {}
}

/// An element or attribute name, borrowed from the parser for the length of one call.
struct XMLName {
  private let pointer: UnsafePointer<CChar>

  /// Drops the prefix: programs differ in whether they write `row` or `x:row`.
  init(_ name: UnsafePointer<CChar>) {
    pointer = strchr(name, Int32(UInt8(ascii: ":"))).map { UnsafePointer($0 + 1) } ?? name
  }

  static func == (name: XMLName, text: StaticString) -> Bool {
    strcmp(name.pointer, UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)) == 0
  }
}

/// The attributes of one element, borrowed from the parser for the length of one call.
struct XMLAttributes {
  private let pairs: UnsafeMutablePointer<UnsafePointer<CChar>?>?

  init(_ pairs: UnsafeMutablePointer<UnsafePointer<CChar>?>?) { self.pairs = pairs }

  /// The value as NUL-terminated UTF-8.
  func bytes(_ name: StaticString) -> UnsafePointer<CChar>? {
    guard let pairs else { return nil }
    var index = 0
    while let key = pairs[index] {
      if XMLName(key) == name { return pairs[index + 1] }
      index += 2
    }
    return nil
  }

  func string(_ name: StaticString) -> String? { bytes(name).map { String(cString: $0) } }

  func int(_ name: StaticString) -> Int? { string(name).flatMap { Int($0) } }

  func bool(_ name: StaticString) -> Bool {
    guard let value = string(name) else { return false }
    return value == "1" || value == "true"
  }
}

/// Feeds a part of an Office file through expat, chunk by chunk.
///
/// Document types are refused, so no entity of the file's own is ever expanded; expat opens no external ones.
final class XMLStream {
  private let parser: XML_Parser
  private let entry: ZipEntry
  private let handler: XMLHandler
  private var failure: (any Error)?
  private var fed = 0
  private(set) var ended = false

  private static let chunk: Int32 = 64 * 1024
  /// A single tag may be this long; without a bound expat would gather an endless one in memory.
  private static let tokenLimit = 1 << 20

  init(_ entry: ZipEntry, _ handler: XMLHandler) throws {
    guard let parser = XML_ParserCreate(nil) else { throw Fault("out-of-memory", "expat parser") }
    self.parser = parser
    self.entry = entry
    self.handler = handler
    XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
    XML_SetElementHandler(
      parser,
      { context, name, attributes in
        guard let name else { return }
        XMLStream.from(context)?.guarded { try $0.start(XMLName(name), XMLAttributes(attributes)) }
      },
      { context, name in
        guard let name else { return }
        XMLStream.from(context)?.guarded { try $0.end(XMLName(name)) }
      })
    XML_SetCharacterDataHandler(parser) { context, text, count in
      guard let text else { return }
      let bytes = UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self)
      XMLStream.from(context)?.guarded { try $0.text(UnsafeBufferPointer(start: bytes, count: Int(count))) }
    }
    XML_SetStartDoctypeDeclHandler(parser) { context, _, _, _, _ in
      XMLStream.from(context)?.guarded { _ in throw ZipArchive.broken }
    }
  }

  deinit { XML_ParserFree(parser) }

  private static func from(_ context: UnsafeMutableRawPointer?) -> XMLStream? {
    context.map { Unmanaged<XMLStream>.fromOpaque($0).takeUnretainedValue() }
  }

  private func guarded(_ body: (XMLHandler) throws -> Void) {
    guard failure == nil else { return }
    do {
      try body(handler)
    } catch {
      failure = error
      XML_StopParser(parser, XML_Bool(0))
    }
  }

  /// Parses the next chunk; the handler hears what is in it.
  ///
  /// - Throws: ``Refusal`` `archive-broken`, `archive-too-large`, or what the handler threw.
  func advance() throws {
    guard !ended else { return }
    guard let target = XML_GetBuffer(parser, XMLStream.chunk) else { throw Fault("out-of-memory", "expat buffer") }
    let count = try entry.read(into: target, count: Int(XMLStream.chunk))
    ended = count == 0
    let status = XML_ParseBuffer(parser, Int32(count), ended ? 1 : 0)
    if let failure { throw failure }
    guard status == XML_STATUS_OK else { throw ZipArchive.broken }
    fed += count
    guard fed - Int(XML_GetCurrentByteIndex(parser)) < XMLStream.tokenLimit || ended else {
      throw ZipArchive.tooLarge
    }
  }

  func run() throws { while !ended { try advance() } }
}
