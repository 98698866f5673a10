/// The few forms of ASN.1 DER that SM2 needs: a sequence of unsigned integers and octet strings.
enum DER {
  enum Item: Hashable {
    /// Big endian, without leading zeros.
    case integer([UInt8])
    case octets([UInt8])
  }

  static func encode(_ items: [Item]) -> [UInt8] {
    let body = items.flatMap { item -> [UInt8] in
      switch item {
      case .integer(let bytes):
        var magnitude = Array(bytes.drop { $0 == 0 })
        if magnitude.first.map({ $0 >= 0x80 }) ?? true { magnitude.insert(0, at: 0) }
        return [0x02] + length(magnitude.count) + magnitude
      case .octets(let bytes): return [0x04] + length(bytes.count) + bytes
      }
    }
    return [0x30] + length(body.count) + body
  }

  /// `nil` for anything but one strictly encoded sequence of those two kinds and nothing after it.
  static func decode(_ bytes: [UInt8]) -> [Item]? {
    var outer = bytes[...]
    guard let (tag, content) = element(&outer), tag == 0x30, outer.isEmpty else { return nil }
    var rest = content
    var items: [Item] = []
    while !rest.isEmpty {
      guard let (tag, content) = element(&rest) else { return nil }
      switch tag {
      case 0x02:
        guard let first = content.first, first < 0x80 else { return nil }
        if first == 0, content.count > 1, content[content.startIndex + 1] < 0x80 { return nil }
        items.append(.integer(Array(content.drop { $0 == 0 })))
      case 0x04: items.append(.octets(Array(content)))
      default: return nil
      }
    }
    return items
  }

  private static func length(_ count: Int) -> [UInt8] {
    if count < 0x80 { return [UInt8(count)] }
    let bytes = Array(count.bigEndianBytes.drop { $0 == 0 })
    return [0x80 | UInt8(bytes.count)] + bytes
  }

  private static func element(_ rest: inout ArraySlice<UInt8>) -> (tag: UInt8, content: ArraySlice<UInt8>)? {
    guard let tag = rest.popFirst(), let first = rest.popFirst() else { return nil }
    var count = Int(first)
    if first >= 0x80 {
      let size = Int(first & 0x7f)
      guard (1...4).contains(size), rest.count >= size, rest.first != 0 else { return nil }
      count = rest.prefix(size).reduce(0) { $0 << 8 | Int($1) }
      guard count >= 0x80 else { return nil }
      rest = rest.dropFirst(size)
    }
    guard rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return (tag, rest.prefix(count))
  }
}
