/// The one buffer a page is written into.
///
/// It owns its memory and cannot be copied, so that appending is a comparison and a move of bytes.
package struct HTMLWriter: ~Copyable {
  /// What the page tells its pieces.
  package let environment: HTMLEnvironment
  private var start: UnsafeMutablePointer<UInt8>
  private var count = 0
  private var capacity: Int

  init(environment: HTMLEnvironment, capacity: Int) {
    self.environment = environment
    self.capacity = max(capacity, 64)
    start = .allocate(capacity: self.capacity)
  }

  deinit { start.deallocate() }

  /// What has been written so far.
  var bytes: [UInt8] { Array(UnsafeBufferPointer(start: start, count: count)) }

  // MARK: - Appending

  /// Appends `text` so that it can be nothing but text, in an element or in a quoted attribute value.
  ///
  /// `& < > " '` become references; control characters, which no HTML document may contain (HTML Living Standard
  /// §13.1.4), become U+FFFD.
  package mutating func text(_ text: String) {
    var text = text
    text.withUTF8 { escape($0) }
  }

  /// Appends a literal of the program as it stands.
  package mutating func literal(_ text: StaticString) { put(text) }

  /// Appends markup as it stands. Nothing that a person or another system supplied may reach it.
  package mutating func unsafe(raw markup: String) {
    var markup = markup
    markup.withUTF8 { put($0) }
  }

  /// Appends another piece.
  package mutating func piece(_ piece: HTML) { piece.write(&self) }

  mutating func put(_ byte: UInt8) {
    if count == capacity { grow(by: 1) }
    (start + count).initialize(to: byte)
    count += 1
  }

  mutating func put(_ literal: StaticString) {
    put(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
  }

  mutating func put(_ bytes: [UInt8]) { bytes.withUnsafeBufferPointer { put($0) } }

  private mutating func put(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let source = bytes.baseAddress else { return }
    if capacity - count < bytes.count { grow(by: bytes.count) }
    (start + count).initialize(from: source, count: bytes.count)
    count += bytes.count
  }

  private mutating func grow(by needed: Int) {
    capacity = max(capacity * 2, count + needed)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    larger.moveInitialize(from: start, count: count)
    start.deallocate()
    start = larger
  }

  // MARK: - Escaping

  private mutating func escape(_ text: UnsafeBufferPointer<UInt8>) {
    var from = 0
    for index in text.indices {
      let byte = text[index]
      // Letters and everything beyond ASCII stay; most bytes leave here.
      if byte > UInt8(ascii: ">"), byte != 0x7F { continue }
      guard let replacement = HTMLWriter.replacement(for: byte) else { continue }
      put(UnsafeBufferPointer(rebasing: text[from..<index]))
      put(replacement)
      from = index + 1
    }
    put(from == 0 ? text : UnsafeBufferPointer(rebasing: text[from...]))
  }

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
}
