/// The code of an administrative division (行政区划代码) or of a grid inside one.
///
/// Two digits per province and city, two more for the county (GB/T 2260), three for the town (GB/T 10114), three for the
/// community and three for the unit grid (D3-017). Trailing groups of zeros are left out, so that a division lies in
/// another exactly when its text starts with the other's.
package struct DivisionCode: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// 级别, from the province down.
  package enum Level: Int, Sendable, Hashable, Comparable, CaseIterable {
    case province = 2
    case city = 4
    case county = 6
    case town = 9
    case community = 12
    case grid = 15

    /// 省级, 地级, 县级, 乡级, 村级, 网格.
    package var label: String {
      switch self {
      case .province: "省级"
      case .city: "地级"
      case .county: "县级"
      case .town: "乡级"
      case .community: "村级"
      case .grid: "网格"
      }
    }

    package static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }

    /// What one step at this level is worth in the 15-digit number.
    var unit: Int64 {
      switch self {
      case .province: 10_000_000_000_000
      case .city: 100_000_000_000
      case .county: 1_000_000_000
      case .town: 1_000_000
      case .community: 1000
      case .grid: 1
      }
    }
  }

  /// The code filled to 15 digits.
  let number: Int64
  package let level: Level

  /// Reads 2, 4, 6, 9, 12 or 15 digits, with or without trailing zeros; `nil` for anything else.
  package init?(_ text: some StringProtocol) {
    guard Level(rawValue: text.utf8.count) != nil else { return nil }
    var value: Int64 = 0
    for byte in text.utf8 {
      guard byte >= 0x30, byte <= 0x39 else { return nil }
      value = value * 10 + Int64(byte - 0x30)
    }
    for _ in text.utf8.count..<15 { value *= 10 }
    self.init(number: value)
  }

  /// `nil` unless the number has 15 digits.
  init?(number: Int64) {
    guard number >= 100_000_000_000_000, number < 1_000_000_000_000_000 else { return nil }
    self.number = number
    var level = Level.grid
    for candidate in Level.allCases.reversed() {
      level = candidate
      guard candidate != .province, number % (candidate.unit * candidate.width) < candidate.unit else { break }
    }
    self.level = level
  }

  /// The code without trailing groups of zeros: `51`, `5117`, `511702`, `511702001`.
  package var text: String { String(number / level.unit) }

  /// At least six digits, as GB/T 2260 writes provinces and cities: `511700`.
  package var standardText: String { level < .county ? String(number / Level.county.unit) : text }

  /// Whether `other` is this division or lies in it.
  package func contains(_ other: DivisionCode) -> Bool { other.number >= number && other.number < number + level.unit }

  /// The division of `level` that this one lies in; `nil` when this one is wider.
  package func ancestor(_ level: Level) -> DivisionCode? {
    level > self.level ? nil : DivisionCode(number: number / level.unit * level.unit)
  }

  /// The `ordinal`-th part one level down: town → community → grid; `nil` below a grid and beyond the digits.
  package func part(_ ordinal: Int) -> DivisionCode? {
    guard let next = Level.allCases.first(where: { $0 > level }), ordinal > 0, Int64(ordinal) < level.unit / next.unit
    else { return nil }
    return DivisionCode(number: number + Int64(ordinal) * next.unit)
  }

  package static func < (a: DivisionCode, b: DivisionCode) -> Bool {
    (a.number, a.level) < (b.number, b.level)
  }

  package var description: String { text }
}

extension DivisionCode.Level {
  /// How many parts one division of the level above can have in the numbering.
  fileprivate var width: Int64 { self == .province || self == .city || self == .county ? 100 : 1000 }
}
