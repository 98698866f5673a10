/// Entity tags (RFC 9110 §8.8.3) and the fields that compare them.
enum ETag {
  /// A strong tag of content: the FNV-1a hash of its bytes in 64 bits, and its length.
  static func of(_ bytes: some Sequence<UInt8>) -> String {
    var hash = ContentHash()
    hash.add(bytes)
    return "\"\(hash.text)\""
  }

  /// Whether an `If-None-Match` field names `tag`; compared weakly, as RFC 9110 §13.1.2 asks.
  static func matches(_ field: String, _ tag: String) -> Bool {
    let opaque = strong(tag[...])
    for candidate in field.utf8.split(separator: UInt8(ascii: ",")) {
      let candidate = Substring(candidate).trimmed
      if candidate == "*" || strong(candidate) == opaque { return true }
    }
    return false
  }

  static func isWeak(_ tag: some StringProtocol) -> Bool { tag.hasPrefix("W/") }

  private static func strong(_ tag: Substring) -> Substring { isWeak(tag) ? tag.dropFirst(2) : tag }
}

/// FNV-1a over 64 bits, for names that must be the same on every node and after every start.
struct ContentHash {
  private var state: UInt64 = 0xcbf2_9ce4_8422_2325
  private var count: UInt64 = 0

  mutating func add(_ bytes: some Sequence<UInt8>) {
    var state = state
    var count = count
    for byte in bytes {
      state = (state ^ UInt64(byte)) &* 0x100_0000_01b3
      count += 1
    }
    self.state = state
    self.count = count
  }

  /// Letters and digits only.
  var text: String { String(state, radix: 36) + "-" + String(count, radix: 36) }
}
