extension StandardAddress {
  /// The one text that stands for this place, unique among addresses (规范键).
  ///
  /// Every part carries its own mark, so that no two different addresses share a key, and is written without what may
  /// differ for one place: 栋 and 幢, leading zeros, Chinese numerals, blanks. Example:
  /// `d511702|t511702001|r朝阳西路1段|n12|z锦绣小区|b3|u2|m502`.
  package var canonicalKey: String { AddressKey(self).text }

  /// What two ways of writing one place have in common (匹配键): without town and community, which are often left out,
  /// and without the compound where road and number say enough. Several addresses may share it.
  package var matchKey: String { AddressKey(self).matchKey }
}

/// A key taken apart; the order of the marks is fixed.
struct AddressKey: Sendable, Hashable {
  enum Mark: Character, CaseIterable {
    case district = "d"
    case town = "t"
    case community = "c"
    case road = "r"
    case lane = "l"
    case number = "n"
    case subNumber = "s"
    case compound = "z"
    case building = "b"
    case unit = "u"
    case floor = "f"
    case room = "m"
    case place = "p"

    fileprivate var position: Int {
      switch self {
      case .district: 0
      case .town: 1
      case .community: 2
      case .road: 3
      case .lane: 4
      case .number: 5
      case .subNumber: 6
      case .compound: 7
      case .building: 8
      case .unit: 9
      case .floor: 10
      case .room: 11
      case .place: 12
      }
    }
  }

  /// By the order of ``Mark``; empty for none.
  private var fields = [String](repeating: "", count: Mark.allCases.count)

  subscript(mark: Mark) -> String? {
    let field = fields[mark.position]
    return field.isEmpty ? nil : field
  }

  init(_ address: StandardAddress) {
    let parts = address.parts
    let district = address.division.ancestor(.county) ?? address.division
    set(.district, district.text)
    if let town = address.division.ancestor(.town) { set(.town, town.text) }
    set(.community, AddressKey.communityName(parts.community))
    set(.road, parts.road.map(AddressKey.name))
    set(.lane, parts.lane.map(AddressKey.name))
    set(.number, parts.houseNumber.map { PlateNumber($0).key })
    set(.subNumber, parts.subNumber.map { PlateNumber(String($0.drop { $0 == "附" })).key })
    set(.compound, parts.compound.map(AddressKey.name))
    set(.building, parts.buildingNumber.map { PlateNumber($0).key })
    set(.unit, parts.unitNumber.map { PlateNumber($0).key })
    if parts.room == nil { set(.floor, parts.floor.map { PlateNumber($0).key }) }
    set(.room, parts.room.map { PlateNumber($0).key })
    let isNumbered = parts.houseNumber != nil || parts.buildingNumber != nil || parts.room != nil
    if !isNumbered { set(.place, parts.poi.map(AddressKey.name)) }
  }

  /// Takes a key's text apart; `nil` when it is none.
  init?(text: String) {
    for field in text.split(separator: "|") {
      guard let first = field.first, let mark = Mark(rawValue: first) else { return nil }
      set(mark, String(field.dropFirst()))
    }
    guard self[.district] != nil else { return nil }
  }

  var text: String { joined(Mark.allCases) }

  var matchKey: String {
    let isRoadside = self[.number] != nil && (self[.road] != nil || self[.lane] != nil)
    return joined(
      [.district, .road, .lane, .number, .subNumber] + (isRoadside ? [] : [.compound]) + [
        .building, .unit, .room, .place,
      ])
  }

  /// Whether both can be the same place: what one leaves out the other may say, what both say must agree.
  func agrees(with other: AddressKey) -> Bool {
    matchKey == other.matchKey
      && [Mark.town, .community, .compound, .floor].allSatisfy { mark in
        guard let a = self[mark], let b = other[mark] else { return true }
        return a == b
      }
  }

  private mutating func set(_ mark: Mark, _ value: String?) {
    if let value { fields[mark.position] = value }
  }

  private func joined(_ marks: [Mark]) -> String {
    var text = ""
    for mark in marks {
      guard let value = self[mark] else { continue }
      if !text.isEmpty { text += "|" }
      text.append(mark.rawValue)
      text += value
    }
    return text
  }

  /// 荷叶社区, 荷叶居委会 and 荷叶 are one community.
  private static func communityName(_ name: String?) -> String? {
    guard let name else { return nil }
    for ending in ["居民委员会", "村民委员会", "社区居委会", "居委会", "村委会", "社区", "村"] {
      if name.hasSuffix(ending), name.count > ending.count { return String(name.dropLast(ending.count)) }
    }
    return name
  }

  /// A name with Chinese numerals before 段, 巷, 组, 期 and the like written as figures: 朝阳西路一段 → 朝阳西路1段.
  static func name(_ text: String) -> String {
    let scalars = AddressText(text).scalars.filter { $0 != AddressText.space && $0 != 0x7C }
    return AddressText.string(figures(scalars)[...])
  }

  /// The scalars with Chinese numerals before 段, 巷, 组, 期 and the like written as figures, as names in keys are.
  static func figures(_ scalars: [UInt32]) -> [UInt32] {
    guard scalars.contains(where: numbered.contains) else { return scalars }
    var result: [UInt32] = []
    var index = 0
    while index < scalars.count {
      var end = index
      while end < scalars.count, ChineseNumeral.value(scalars[end]) != nil { end += 1 }
      if end > index, end < scalars.count, numbered.contains(scalars[end]),
        let number = ChineseNumeral.number(scalars, index..<end)
      {
        result += String(number).utf8.map(UInt32.init)
        index = end
      } else {
        result.append(scalars[index])
        index += 1
      }
    }
    return result
  }

  private static let numbered = Set("段巷弄组社队期区号".unicodeScalars.map(\.value))
}
