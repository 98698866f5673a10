/// Finds the number of a 64-bit key: open addressing over one array, without a collision chain.
///
/// A slot keeps the upper half of a key and its number; two keys of one list that share that half and meet in a slot
/// would be taken for one, which at the sizes used here happens once in some ten thousand lists.
struct KeyTable: Sendable {
  private(set) var slots: [UInt64]
  private(set) var mask: Int

  init() {
    slots = [0]
    mask = 0
  }

  /// - Parameter keys: well mixed and different; the number of a key is its place.
  init(_ keys: [UInt64]) {
    var size = 16
    while size * 5 < keys.count * 9 { size *= 2 }
    slots = [UInt64](repeating: 0, count: size)
    mask = size - 1
    for (index, key) in keys.enumerated() {
      var slot = Int(truncatingIfNeeded: key) & mask
      while slots[slot] != 0 { slot = (slot + 1) & mask }
      slots[slot] = key & 0xFFFF_FFFF_0000_0000 | UInt64(index + 1)
    }
  }

  @inline(__always)
  subscript(key: UInt64) -> Int? {
    slots.withUnsafeBufferPointer { KeyTable.find(key, in: $0, mask: mask) }
  }

  @inline(__always)
  static func find(_ key: UInt64, in slots: UnsafeBufferPointer<UInt64>, mask: Int) -> Int? {
    var slot = Int(truncatingIfNeeded: key) & mask
    while true {
      let value = slots[slot]
      if value == 0 { return nil }
      if (value ^ key) >> 32 == 0 { return Int(value & 0xFFFF_FFFF) - 1 }
      slot = (slot + 1) & mask
    }
  }
}
