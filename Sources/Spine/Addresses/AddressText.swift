/// An address as its reader sees it: one folded scalar for each scalar of the text, so that places in both agree.
///
/// Full-width forms become ASCII, small letters capital, the many dashes one, other separators a space, and the
/// traditional and variant characters of address words their standard forms (號 → 号, 樓 → 楼).
package struct AddressText: Sendable, Hashable {
  private(set) var scalars: [UInt32]

  init(_ text: some StringProtocol) {
    scalars = []
    scalars.reserveCapacity(text.utf8.count / 2 + 1)
    for scalar in text.unicodeScalars { scalars.append(AddressText.folded(scalar.value)) }
  }

  /// What stands in `range`.
  func string(_ range: Range<Int>) -> String { AddressText.string(scalars[range]) }

  /// What stands in `range` without the blanks that folding leaves.
  func compact(_ range: Range<Int>) -> String {
    AddressText.string(scalars[range], dropping: AddressText.space)
  }

  /// The text that `scalars` spell, all but `dropped`.
  static func string(_ scalars: ArraySlice<UInt32>, dropping dropped: UInt32? = nil) -> String {
    String(unsafeUninitializedCapacity: scalars.count * 4) { buffer in
      var count = 0
      func put(_ byte: UInt32) {
        buffer[count] = UInt8(truncatingIfNeeded: byte)
        count += 1
      }
      for scalar in scalars where scalar != dropped {
        switch scalar {
        case 0..<0x80: put(scalar)
        case 0x80..<0x800:
          put(0xC0 | scalar >> 6)
          put(0x80 | scalar & 0x3F)
        case 0x800..<0x10000:
          put(0xE0 | scalar >> 12)
          put(0x80 | scalar >> 6 & 0x3F)
          put(0x80 | scalar & 0x3F)
        default:
          put(0xF0 | scalar >> 18)
          put(0x80 | scalar >> 12 & 0x3F)
          put(0x80 | scalar >> 6 & 0x3F)
          put(0x80 | scalar & 0x3F)
        }
      }
      return count
    }
  }

  /// What separators become.
  package static let space: UInt32 = 0x20
  /// What dashes become.
  package static let dash: UInt32 = 0x2D

  /// The folded form of one Unicode scalar.
  @inline(__always)
  package static func folded(_ value: UInt32) -> UInt32 {
    if value >= 0x4E00 { return value < 0xFF01 ? variant(value) : foldedForm(value) }
    switch value {
    case 0x30...0x39, 0x41...0x5A: return value
    case 0x61...0x7A: return value - 0x20
    case 0x23, 0x26: return value
    case 0x2D, 0x7E, 0x2010...0x2015, 0x2212, 0x301C, 0x2500: return dash
    case 0x0...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0xBF: return space
    case 0x2016...0x206F, 0x3000...0x3004, 0x3008...0x3020, 0x3030: return space
    case 0x3007: return 0x96F6
    case 0x2160...0x216B: return value
    case 0x2460...0x2468: return value - 0x2460 + 0x31
    default: return value
    }
  }

  private static func foldedForm(_ value: UInt32) -> UInt32 {
    value <= 0xFF5E ? folded(value - 0xFEE0) : value >= 0x20000 ? value : space
  }

  @inline(__always)
  private static func variant(_ value: UInt32) -> UInt32 {
    let index = Int(value) - 0x4E00
    guard index < variantTable.count else { return value }
    let standard = variantTable[index]
    return standard == 0 ? value : UInt32(standard)
  }

  /// Pairs of a traditional or variant character and its standard form, limited to what address words use.
  /// Numerals such as 壹 stay, since they name places too; ``ChineseNumeral`` reads them where a number stands.
  private static let variantPairs = """
    號号樓楼區区縣县鎮镇鄉乡棟栋單单層层門门東东廣广場场園园國国廈厦華华龍龙灣湾處处會会業业開开發发經经濟济
    術术產产學学醫医寶宝興兴義义橋桥蘇苏臺台衛卫濱滨環环廠厂車车陽阳陰阴雲云銀银鐵铁鋼钢長长嶺岭島岛灘滩
    達达邊边對对側侧內内裡里裏里間间關关農农貿贸財财勝胜麗丽萬万億亿陸陆長长學学幛幢邨村巿市髙高
    """

  private static let variantTable: [UInt16] = {
    var table = [UInt16](repeating: 0, count: 0x5200 + 0x200)
    let scalars = Array(variantPairs.unicodeScalars.filter { $0.value > 0x2E80 })
    for index in stride(from: 0, to: scalars.count - 1, by: 2) {
      let from = Int(scalars[index].value) - 0x4E00
      if from >= 0, from < table.count { table[from] = UInt16(scalars[index + 1].value) }
    }
    return table
  }()
}
