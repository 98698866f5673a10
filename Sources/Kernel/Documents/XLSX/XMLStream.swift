import XML

/// Feeds a part of an Office file through the XML parser, chunk by chunk.
final class XMLStream {
  private let parser: XMLParser
  private let entry: ZipEntry

  private static let chunk = 64 * 1024
  /// A single tag may be this long; without a bound an endless one would gather in memory.
  private static let tokenLimit = 1 << 20

  init(_ entry: ZipEntry, _ handler: any XMLHandler) throws {
    parser = try XMLParser(handler)
    self.entry = entry
  }

  var ended: Bool { parser.ended }

  /// Parses the next chunk; the handler hears what is in it.
  ///
  /// - Throws: ``Refusal`` `archive-broken`, `archive-too-large`, or what the handler threw.
  func advance() throws {
    do {
      try parser.advance(capacity: XMLStream.chunk) { try entry.read(into: $0, count: XMLStream.chunk) }
    } catch is XMLFailure {
      throw ZipArchive.broken
    }
    guard parser.pending < XMLStream.tokenLimit || parser.ended else { throw ZipArchive.tooLarge }
  }

  func run() throws { while !ended { try advance() } }
}
