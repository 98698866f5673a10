/// PostgreSQL's `numeric` between its binary form (digits of base 10000) and exact decimal text.
enum Numeric {
  private static let negative: UInt16 = 0x4000
  private static let special: [UInt16: String] = [0xC000: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"]

  /// The exact decimal text, as `::text` writes it; `nil` when the bytes are not a `numeric`.
  static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
    guard bytes.count >= 8 else { return nil }
    let count = Int(bytes.bigEndian(0, as: UInt16.self))
    let weight = Int(bytes.bigEndian(2, as: Int16.self))
    let sign = bytes.bigEndian(4, as: UInt16.self)
    let scale = Int(bytes.bigEndian(6, as: UInt16.self))
    guard bytes.count >= 8 + 2 * count else { return nil }
    if let name = special[sign] { return name }
    func group(_ index: Int) -> Int {
      index >= 0 && index < count ? Int(bytes.bigEndian(8 + 2 * index, as: UInt16.self)) : 0
    }
    var text: [UInt8] = sign == negative ? [UInt8(ascii: "-")] : []
    if weight < 0 {
      text.append(UInt8(ascii: "0"))
    } else {
      text.append(contentsOf: String(group(0)).utf8)
      for index in stride(from: 1, through: weight, by: 1) { append(group(index), &text) }
    }
    if scale > 0 {
      text.append(UInt8(ascii: "."))
      let end = text.count + scale
      var index = weight + 1
      while text.count < end {
        append(group(index), &text)
        index += 1
      }
      text.removeLast(text.count - end)
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func append(_ group: Int, _ text: inout [UInt8]) {
    for unit in [1000, 100, 10, 1] { text.append(UInt8(48 + group / unit % 10)) }
  }

  /// Appends the binary form of decimal text such as `-12.50`; returns false, appending nothing, for anything else.
  static func append(_ text: String, to bytes: inout [UInt8]) -> Bool {
    var digits = Substring(text).utf8
    var sign: UInt16 = 0
    if let first = digits.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
      if first == UInt8(ascii: "-") { sign = negative }
      digits = digits.dropFirst()
    }
    let parts = digits.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    let whole = parts.first.map(Array.init) ?? []
    let fraction = parts.count > 1 ? Array(parts[1]) : []
    let isDigit = { (byte: UInt8) in byte >= 48 && byte <= 57 }
    guard !whole.isEmpty || !fraction.isEmpty, whole.allSatisfy(isDigit), fraction.allSatisfy(isDigit),
      whole.count <= 130_000, fraction.count <= 16_000
    else { return false }
    let padded =
      [UInt8](repeating: 48, count: (4 - whole.count % 4) % 4) + whole + fraction
      + [UInt8](repeating: 48, count: (4 - fraction.count % 4) % 4)
    var groups = stride(from: 0, to: padded.count, by: 4).map { start in
      padded[start..<start + 4].reduce(UInt16(0)) { $0 * 10 + UInt16($1 - 48) }
    }
    var weight = (whole.count + 3) / 4 - 1
    while groups.last == 0 { groups.removeLast() }
    let zeros = groups.prefix { $0 == 0 }.count
    groups.removeFirst(zeros)
    weight -= zeros
    if groups.isEmpty { (weight, sign) = (0, 0) }
    bytes.append(bigEndian: UInt16(groups.count))
    bytes.append(bigEndian: Int16(weight))
    bytes.append(bigEndian: sign)
    bytes.append(bigEndian: UInt16(fraction.count))
    for group in groups { bytes.append(bigEndian: group) }
    return true
  }
}
