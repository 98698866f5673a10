import Core
import Glibc

/// Takes a `multipart/form-data` body apart as it arrives (RFC 7578, RFC 2046 §5.1).
///
/// A push parser without input or output: bytes go in however they were cut, events come out.
struct MultipartParser {
  /// What a part's header says.
  struct Part: Sendable, Hashable {
    let name: String
    /// `nil` for a plain field.
    let filename: String?
    let contentType: String
  }

  enum Event {
    case begin(Part)
    case data(ArraySlice<UInt8>)
    case end
  }

  private enum State {
    case preamble, delimiterTail, header, content, epilogue
  }

  private let delimiter: [UInt8]
  private var state = State.preamble
  /// Bytes that wait for more; begins with a line end, so that the first boundary looks like all others.
  private var pending: [UInt8] = [0x0D, 0x0A]

  private static let maximumHeader = 8 << 10

  /// Returns `nil` when the boundary is none (RFC 2046 §5.1.1: 1 to 70 characters).
  init?(boundary: String) {
    let bytes = Array(boundary.utf8)
    guard (1...70).contains(bytes.count), bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return nil }
    delimiter = [0x0D, 0x0A, 0x2D, 0x2D] + bytes
  }

  /// Whether the closing boundary has been seen.
  var isComplete: Bool { if case .epilogue = state { true } else { false } }

  /// Parses as far as `bytes` allow.
  ///
  /// - Throws: ``Refusal`` `malformed-form`, and whatever `emit` throws.
  mutating func feed(_ bytes: [UInt8], _ emit: (Event) throws -> Void) throws {
    pending.append(contentsOf: bytes)
    var position = 0
    defer { pending.removeFirst(position) }
    while try step(&position, emit) {}
  }

  /// Handles one piece; returns false when more bytes are needed.
  private mutating func step(_ position: inout Int, _ emit: (Event) throws -> Void) throws -> Bool {
    switch state {
    case .preamble:
      guard let found = find(delimiter, from: position) else {
        position = max(position, pending.count - delimiter.count + 1)
        return false
      }
      position = found + delimiter.count
      state = .delimiterTail
    case .delimiterTail:
      // Either "--" for the end or, after optional blanks, a line end.
      guard pending.count - position >= 2 else { return false }
      if pending[position] == 0x2D, pending[position + 1] == 0x2D {
        state = .epilogue
        position = pending.count
        return false
      }
      var end = position
      while end < pending.count, pending[end] == 0x20 || pending[end] == 0x09 { end += 1 }
      if end - position > 256 { throw Self.malformed }
      guard pending.count - end >= 2 else { return false }
      guard pending[end] == 0x0D, pending[end + 1] == 0x0A else { throw Self.malformed }
      // The line end stays: it may already be the first half of the empty line after an empty header.
      position = end
      state = .header
    case .header:
      guard let found = find([0x0D, 0x0A, 0x0D, 0x0A], from: position) else {
        if pending.count - position > Self.maximumHeader { throw Self.malformed }
        return false
      }
      guard found - position <= Self.maximumHeader else { throw Self.malformed }
      try emit(.begin(try Self.part(pending[min(position + 2, found)..<found])))
      // The last line end stays: it may be the beginning of the next delimiter when the part is empty.
      position = found + 2
      contentStart = true
      state = .content
    case .content:
      guard let found = find(delimiter, from: position) else {
        let start = contentStart ? position + 2 : position
        let end = pending.count - delimiter.count + 1
        if end > start {
          try emit(.data(pending[start..<end]))
          position = end
          contentStart = false
        }
        return false
      }
      let start = contentStart ? position + 2 : position
      if found > start { try emit(.data(pending[start..<found])) }
      try emit(.end)
      contentStart = false
      position = found + delimiter.count
      state = .delimiterTail
    case .epilogue:
      position = pending.count
      return false
    }
    return true
  }

  /// Whether `position` still stands on the line end before the content.
  private var contentStart = false

  /// The position of `needle`, which begins with a carriage return.
  private func find(_ needle: [UInt8], from position: Int) -> Int? {
    pending.withUnsafeBytes { haystack in
      guard let base = haystack.baseAddress else { return nil }
      var position = position
      while haystack.count - position >= needle.count {
        let room = haystack.count - position - needle.count + 1
        guard let found = memchr(base + position, 0x0D, room) else { return nil }
        if memcmp(found, needle, needle.count) == 0 { return UnsafeRawPointer(found) - base }
        position = UnsafeRawPointer(found) - base + 1
      }
      return nil
    }
  }

  /// Reads a part's header lines.
  private static func part(_ header: ArraySlice<UInt8>) throws -> Part {
    guard let text = String(validating: header, as: UTF8.self), !header.contains(0) else { throw malformed }
    var disposition: MediaType?
    var type = "text/plain"
    for line in text.utf8.split(separator: 0x0A) {
      let line = line.last == 0x0D ? line.dropLast() : line
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw malformed }
      let value = Substring(line[line.index(after: colon)...]).trimmed
      if Token.equal(Substring(line[..<colon]), "content-disposition") {
        // Parsed with the grammar of media types: only the slash is missing.
        disposition = disposition ?? MediaType("disposition/" + value)
      } else if Token.equal(Substring(line[..<colon]), "content-type") {
        type = String(value)
      }
    }
    guard let disposition, disposition.essence == "disposition/form-data",
      let name = disposition.parameters["name"], !name.isEmpty
    else { throw malformed }
    return Part(
      name: unescaped(name), filename: disposition.parameters["filename"].map { cleanFilename(unescaped($0)) },
      contentType: type)
  }

  /// Undoes what browsers do to quotes and line ends in names (WHATWG HTML §4.10.21.8).
  private static func unescaped(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
    var result: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.first {
      if byte == UInt8(ascii: "%") {
        let code = Substring(rest.prefix(3))
        if let plain: UInt8 = code == "%22" ? 0x22 : code == "%0D" ? 0x0D : code == "%0A" ? 0x0A : nil {
          result.append(plain)
          rest = rest.dropFirst(3)
          continue
        }
      }
      result.append(byte)
      rest = rest.dropFirst()
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Drops folders (also Windows ones) and control characters, and shortens to 255 bytes keeping the ending.
  static func cleanFilename(_ name: String) -> String {
    var bytes = name.utf8.filter { $0 >= 0x20 && $0 != 0x7F }
    if let slash = bytes.lastIndex(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }) {
      bytes.removeFirst(slash + 1)
    }
    let clean = String(decoding: bytes, as: UTF8.self)
    guard bytes.count > 255 else { return clean == "." || clean == ".." ? "" : clean }
    let ending = clean.lastIndex(of: ".").map { clean[$0...] } ?? ""
    let kept = ending.utf8.count <= 32 ? ending : ""
    var stem = clean.dropLast(kept.count)
    while stem.utf8.count + kept.utf8.count > 255 { stem = stem.dropLast() }
    return String(stem + kept)
  }

  static let malformed = Refusal(.invalid, "malformed-form", "表单内容不完整或格式有误，未保存任何内容。请刷新页面后重新提交。")
}
