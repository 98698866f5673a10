/// Reads numbers written in Chinese characters, as house numbers are: 十二, 二十一, 二〇三, 一百零五, 叁.
enum ChineseNumeral {
  /// The digit a character writes, 10 for 十, 100 for 百; `nil` for another character.
  @inline(__always)
  static func value(_ scalar: UInt32) -> Int? {
    switch scalar {
    case 0x96F6: 0  // 零; 〇 is folded to it
    case 0x4E00, 0x58F9: 1
    case 0x4E8C, 0x4E24, 0x8D30: 2
    case 0x4E09, 0x53C1: 3
    case 0x56DB, 0x8086: 4
    case 0x4E94: 5
    case 0x516D: 6
    case 0x4E03, 0x67D2: 7
    case 0x516B, 0x634C: 8
    case 0x4E5D, 0x7396: 9
    case 0x5341, 0x62FE: 10
    case 0x767E, 0x4F70: 100
    default: nil
    }
  }

  /// The number that all scalars of `range` write; `nil` when another character stands there or the number has no sense.
  static func number(_ scalars: [UInt32], _ range: Range<Int>) -> Int? {
    guard !range.isEmpty, range.count <= 6 else { return nil }
    var digits: [Int] = []
    for index in range {
      guard let digit = value(scalars[index]) else { return nil }
      digits.append(digit)
    }
    if digits.allSatisfy({ $0 < 10 }) { return digits.reduce(0) { $0 * 10 + $1 } }
    var total = 0
    var pending: Int?
    for digit in digits {
      if digit < 10 {
        guard pending == nil || pending == 0 else { return nil }
        pending = digit
      } else {
        guard pending != 0 || digit == 10 else { return nil }
        total += (pending ?? 1) * digit
        pending = nil
      }
    }
    return total + (pending ?? 0)
  }
}
