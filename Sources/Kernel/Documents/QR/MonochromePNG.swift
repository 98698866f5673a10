/// Writes black and white pictures as PNG of one bit a pixel, whose lines come in equal groups.
///
/// Cairo would store eight bits a pixel, thirty times slower. Here the first line of a group is stored as it is and the
/// others as copies of it (deflate's fixed code, RFC 1951 §3.2.6), so a picture costs what its first lines cost.
struct MonochromePNG {
  private let width: Int
  private let height: Int
  private var deflate = FixedDeflate()
  private var sum = Adler32()

  /// - Parameter width: in pixels.
  init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  /// Bytes of a line, eight pixels in each, the leftmost highest; a set bit is white.
  var lineBytes: Int { (width + 7) / 8 }

  /// Appends `line` `count` times.
  mutating func append(_ line: [UInt8], count: Int) {
    guard count > 0 else { return }
    let stored = [0] + line
    for byte in stored { deflate.literal(byte) }
    deflate.copy(length: stored.count * (count - 1), distance: stored.count)
    for _ in 0..<count { sum.add(stored) }
  }

  /// The file, once all lines are there.
  mutating func finish() -> [UInt8] {
    var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    let header = MonochromePNG.big(UInt32(width)) + MonochromePNG.big(UInt32(height)) + [1, 0, 0, 0, 0]
    MonochromePNG.append(chunk: "IHDR", header, to: &file)
    MonochromePNG.append(chunk: "IDAT", [0x78, 0x01] + deflate.finish() + MonochromePNG.big(sum.value), to: &file)
    MonochromePNG.append(chunk: "IEND", [], to: &file)
    return file
  }

  private static func append(chunk name: String, _ data: [UInt8], to file: inout [UInt8]) {
    let body = Array(name.utf8) + data
    file += big(UInt32(data.count)) + body + big(crc(body))
  }

  private static func big(_ value: UInt32) -> [UInt8] {
    [UInt8(value >> 24), UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
  }

  private static let crcTable: [UInt32] = (0..<256).map { (byte: UInt32) -> UInt32 in
    var value = byte
    for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0xEDB8_8320 : value >> 1 }
    return value
  }

  private static func crc(_ bytes: [UInt8]) -> UInt32 {
    let table = crcTable
    var sum = UInt32.max
    for byte in bytes { sum = (sum >> 8) ^ table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] }
    return ~sum
  }
}

/// The checksum of zlib streams (RFC 1950 §8.2).
private struct Adler32 {
  private var low: UInt32 = 1
  private var high: UInt32 = 0

  mutating func add(_ bytes: [UInt8]) {
    for byte in bytes {
      low = (low + UInt32(byte)) % 65521
      high = (high + low) % 65521
    }
  }

  var value: UInt32 { high << 16 | low }
}

/// One deflate block in the fixed code.
private struct FixedDeflate {
  private var bytes: [UInt8] = []
  private var pending: UInt64 = 0
  private var count = 0

  init() {
    // The last block (1), of type 1.
    put(0b011, 3)
  }

  mutating func literal(_ byte: UInt8) { symbol(Int(byte)) }

  /// - Parameters:
  ///   - length: 0, or at least 3.
  ///   - distance: from 1 to 32768.
  mutating func copy(length: Int, distance: Int) {
    var left = length
    while left > 0 {
      // What is left over must be nothing or a length that can be written.
      let part = left <= 258 ? left : min(258, left - 3)
      put(length: part)
      put(distance: distance)
      left -= part
    }
  }

  mutating func finish() -> [UInt8] {
    symbol(256)
    if count > 0 { put(0, 8 - count) }
    return bytes
  }

  private mutating func put(length: Int) {
    guard length < 258 else { return symbol(285) }
    let offset = length - 3
    guard offset >= 8 else { return symbol(257 + offset) }
    let extra = (Int.bitWidth - 1 - offset.leadingZeroBitCount) - 2
    symbol(257 + 4 * (extra + 1) + (offset >> extra & 3))
    put(UInt32(offset & (1 << extra - 1)), extra)
  }

  private mutating func put(distance: Int) {
    let offset = distance - 1
    guard offset >= 4 else { return code(UInt32(offset), 5) }
    let extra = (Int.bitWidth - 1 - offset.leadingZeroBitCount) - 1
    code(UInt32(2 * (extra + 1) + (offset >> extra & 1)), 5)
    put(UInt32(offset & (1 << extra - 1)), extra)
  }

  private mutating func symbol(_ symbol: Int) {
    switch symbol {
    case ..<144: code(UInt32(0x30 + symbol), 8)
    case ..<256: code(UInt32(0x190 + symbol - 144), 9)
    case ..<280: code(UInt32(symbol - 256), 7)
    default: code(UInt32(0xC0 + symbol - 280), 8)
    }
  }

  /// Codes go in from their highest bit, unlike numbers.
  private mutating func code(_ value: UInt32, _ width: Int) {
    var reversed: UInt32 = 0
    for bit in 0..<width where value >> bit & 1 == 1 { reversed |= 1 << (width - 1 - bit) }
    put(reversed, width)
  }

  private mutating func put(_ value: UInt32, _ width: Int) {
    pending |= UInt64(value) << count
    count += width
    while count >= 8 {
      bytes.append(UInt8(truncatingIfNeeded: pending))
      pending >>= 8
      count -= 8
    }
  }
}
