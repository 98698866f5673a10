/// The binary form of a `tsvector` (PostgreSQL, `tsvectorrecv`): the number of lexemes, then each with a zero byte and
/// the number of its positions, here none. The server sorts them; each may come once.
enum TextVector {
  /// Appends a vector written as text, every lexeme in quotes and without positions, as in `'a' 'b''c'`; a quote or
  /// backslash inside is doubled.
  ///
  /// - Returns: whether it was written so; if not, what was appended is of no use.
  static func append(_ text: String, to bytes: inout [UInt8]) -> Bool {
    let start = bytes.count
    bytes.append(bigEndian: Int32(0))
    var count: UInt32 = 0
    var text = text
    let isVector = text.withUTF8 { text in
      var index = 0
      while index < text.count {
        if index > 0 {
          guard text[index] == UInt8(ascii: " ") else { return false }
          index += 1
        }
        guard lexeme(text, &index, &bytes) else { return false }
        bytes.append(0)
        bytes.append(bigEndian: Int16(0))
        count += 1
      }
      return true
    }
    for place in 0..<4 { bytes[start + place] = UInt8(truncatingIfNeeded: count >> UInt32(24 - 8 * place)) }
    return isVector
  }

  private static func lexeme(_ text: UnsafeBufferPointer<UInt8>, _ index: inout Int, _ bytes: inout [UInt8]) -> Bool {
    let quote = UInt8(ascii: "'")
    guard index < text.count, text[index] == quote else { return false }
    let start = bytes.count
    index += 1
    while index < text.count {
      let byte = text[index]
      if byte == quote || byte == UInt8(ascii: "\\") {
        let isDoubled = index + 1 < text.count && text[index + 1] == byte
        if !isDoubled {
          index += 1
          return byte == quote && bytes.count > start
        }
        index += 1
      }
      bytes.append(byte)
      index += 1
    }
    return false
  }
}
