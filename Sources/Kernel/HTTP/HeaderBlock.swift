/// The header of a request in one piece of memory, without a dictionary: most requests read two or three fields.
///
/// Each record is the length of the name (two bytes), the length of the value (four bytes), the name in lower case and
/// the value as received.
struct HeaderBlock: Sendable {
  private(set) var bytes: [UInt8] = []
  private(set) var count = 0

  init(capacity: Int = 0) {
    if capacity > 0 { bytes.reserveCapacity(capacity) }
  }

  /// Appends a field; returns false when the name is not a token (RFC 9110 §5.1).
  mutating func append(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) -> Bool {
    guard !name.isEmpty, name.count <= 0xFFFF else { return false }
    bytes.append(UInt8(truncatingIfNeeded: name.count))
    bytes.append(UInt8(truncatingIfNeeded: name.count >> 8))
    for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value.count >> shift)) }
    for byte in name {
      guard Token.isToken(byte) else { return false }
      bytes.append(Token.lowercased(byte))
    }
    var value = value[...]
    while let last = value.last, last == 0x20 || last == 0x09 { value = value.dropLast() }
    let trimmed = value.count
    let lengthAt = bytes.count - name.count - 4
    for index in 0..<4 { bytes[lengthAt + index] = UInt8(truncatingIfNeeded: trimmed >> (8 * index)) }
    bytes.append(contentsOf: value)
    count += 1
    return true
  }

  /// Calls `body` with the ranges of name and value of each field until it returns false.
  func forEach(_ body: (_ name: Range<Int>, _ value: Range<Int>) -> Bool) {
    var position = 0
    while position + 6 <= bytes.count {
      let nameLength = Int(bytes[position]) | Int(bytes[position + 1]) << 8
      var valueLength = 0
      for index in 0..<4 { valueLength |= Int(bytes[position + 2 + index]) << (8 * index) }
      let name = position + 6..<position + 6 + nameLength
      let value = name.upperBound..<name.upperBound + valueLength
      if !body(name, value) { return }
      position = value.upperBound
    }
  }

  /// Whether the bytes at `range` spell `name` in any case.
  func spells(_ range: Range<Int>, _ name: String) -> Bool {
    guard range.count == name.utf8.count else { return false }
    var position = range.lowerBound
    for byte in name.utf8 {
      if bytes[position] != Token.lowercased(byte) { return false }
      position += 1
    }
    return true
  }

  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  func first(_ name: String) -> String? {
    var found: String?
    forEach { nameRange, valueRange in
      guard spells(nameRange, name) else { return true }
      found = text(valueRange)
      return false
    }
    return found
  }
}

/// Character classes of HTTP (RFC 9110 §5.6.2).
enum Token {
  @inline(__always) static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }

  @inline(__always) static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
      UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
      true
    default: false
    }
  }

  static func isToken(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isToken) }

  static func equal(_ a: some StringProtocol, _ b: String) -> Bool {
    a.utf8.count == b.utf8.count && zip(a.utf8, b.utf8).allSatisfy { lowercased($0) == lowercased($1) }
  }
}
