/// Gives equal texts the same number, so that a million addresses compare figures and not strings.
///
/// Number 0 is the empty text. Grows only; a class, since it is filled by one builder and then read by many threads.
struct TextPool: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = [0]
  private var slots: [Int32]
  private var mask: Int

  init() {
    slots = [Int32](repeating: -1, count: 1024)
    mask = 1023
    _ = number(of: ArraySlice<UInt8>())
  }

  /// How many texts there are, the empty one among them.
  var count: Int { ends.count - 1 }

  /// The number of the text, a new one when it was not there.
  mutating func number(of text: ArraySlice<UInt8>) -> Int32 {
    let hash = TextPool.hash(text)
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] >= 0 {
      if isEqual(slots[slot], text) { return slots[slot] }
      slot = (slot + 1) & mask
    }
    let number = Int32(count)
    bytes.append(contentsOf: text)
    ends.append(bytes.count)
    slots[slot] = number
    if count * 2 > slots.count { grow() }
    return number
  }

  mutating func number(of text: String) -> Int32 { number(of: Array(text.utf8)[...]) }

  /// The number of the text, or `nil` when no address has it.
  func find(_ text: ArraySlice<UInt8>) -> Int32? {
    var slot = Int(truncatingIfNeeded: TextPool.hash(text)) & mask
    while slots[slot] >= 0 {
      if isEqual(slots[slot], text) { return slots[slot] }
      slot = (slot + 1) & mask
    }
    return nil
  }

  func find(_ text: String) -> Int32? { find(Array(text.utf8)[...]) }

  subscript(number: Int32) -> String { String(decoding: bytes(of: number), as: UTF8.self) }

  private func bytes(of number: Int32) -> ArraySlice<UInt8> { bytes[ends[Int(number)]..<ends[Int(number) + 1]] }

  private func isEqual(_ number: Int32, _ text: ArraySlice<UInt8>) -> Bool {
    let start = ends[Int(number)]
    guard ends[Int(number) + 1] - start == text.count else { return false }
    var place = start
    for byte in text {
      if bytes[place] != byte { return false }
      place += 1
    }
    return true
  }

  private mutating func grow() {
    mask = slots.count * 2 - 1
    slots = [Int32](repeating: -1, count: mask + 1)
    for number in 0..<Int32(count) {
      var slot = Int(truncatingIfNeeded: TextPool.hash(bytes(of: number))) & mask
      while slots[slot] >= 0 { slot = (slot + 1) & mask }
      slots[slot] = number
    }
  }

  private static func hash(_ text: ArraySlice<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return hash ^ (hash >> 29)
  }
}
