import Addresses

/// What a unit of an address looks like, in one byte (字类): figures by length, letters, separators, numerals,
/// directions, and each character that ends the names of roads, houses or places by itself.
struct CharacterKind: RawRepresentable, Sendable, Hashable {
  let rawValue: UInt8

  init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Before and after the address.
  static let pad = CharacterKind(rawValue: 0)
  /// One figure; runs of two to five and more follow.
  static let figure = CharacterKind(rawValue: 1)
  static func figures(_ count: Int) -> CharacterKind { CharacterKind(rawValue: UInt8(min(count, 5))) }
  static let latin = CharacterKind(rawValue: 8)
  static let latinWord = CharacterKind(rawValue: 9)
  static let dash = CharacterKind(rawValue: 10)
  static let space = CharacterKind(rawValue: 11)
  static let sign = CharacterKind(rawValue: 14)
  static let plain = CharacterKind(rawValue: 15)
  static let numeral = CharacterKind(rawValue: 20)
  static let direction = CharacterKind(rawValue: 21)
  static let side = CharacterKind(rawValue: 22)
  static let firstSuffix: UInt8 = 30

  var isFigures: Bool { rawValue >= 1 && rawValue <= 5 }
  /// Figures, letters and dashes: what numbers of houses are made of.
  var isCode: Bool { rawValue >= 1 && rawValue <= 10 }
  var isInNumber: Bool { isCode || self == .numeral }
  var isWord: Bool { rawValue >= 15 }

  /// The kind of a folded character.
  init(_ scalar: UInt32) {
    switch scalar {
    case 0x30...0x39: self = .figure
    case 0x41...0x5A: self = .latin
    case AddressText.dash: self = .dash
    case AddressText.space: self = .space
    case 0x4E00..<0xA000: self = CharacterKind(rawValue: CharacterKind.table[Int(scalar) - 0x4E00])
    default: self = .sign
    }
  }

  /// Whether a character stands in the skeleton of an address: it ends names, or separates.
  static func isStrong(_ scalar: UInt32) -> Bool {
    switch scalar {
    case AddressText.dash, AddressText.space: true
    case 0x4E00..<0xA000: strong[Int(scalar) - 0x4E00]
    default: false
    }
  }

  private static let suffixes = """
    省市区县镇乡村社街道路巷弄里号幢栋楼座单元室层城园苑厦场店司厂馆院校所站口旁面边庄组队房门期铺屋寓邸庭府湾墅桥坊\
    桩户间排架库部处局行学医公广商业工小大国新
    """
  private static let strongSuffixes = """
    省市区县镇乡村社街道路巷弄里号幢栋楼座单室层城园苑厦场店司厂馆院校所站口旁面边庄组队房门期铺寓湾墅坊
    """

  private static let table: [UInt8] = {
    var table = [UInt8](repeating: plain.rawValue, count: 0xA000 - 0x4E00)
    func set(_ scalar: Unicode.Scalar, _ kind: UInt8) {
      let index = Int(scalar.value) - 0x4E00
      if table.indices.contains(index) { table[index] = kind }
    }
    for (index, scalar) in suffixes.unicodeScalars.enumerated() { set(scalar, firstSuffix + UInt8(index)) }
    for scalar in "一二三四五六七八九十百零两".unicodeScalars { set(scalar, numeral.rawValue) }
    for scalar in "东西南北中".unicodeScalars { set(scalar, direction.rawValue) }
    for scalar in "上下左右前后内外侧".unicodeScalars { set(scalar, side.rawValue) }
    return table
  }()

  private static let strong: [Bool] = {
    var strong = [Bool](repeating: false, count: 0xA000 - 0x4E00)
    for scalar in strongSuffixes.unicodeScalars {
      let index = Int(scalar.value) - 0x4E00
      if strong.indices.contains(index) { strong[index] = true }
    }
    return strong
  }()
}
