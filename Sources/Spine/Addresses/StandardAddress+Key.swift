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
  }

  private(set) var values: [Mark: String] = [:]

  init(_ address: StandardAddress) {
    let parts = address.parts
    let district = address.division.ancestor(.county) ?? address.division
    values[.district] = district.text
    if let town = address.division.ancestor(.town) { values[.town] = town.text }
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
      values[mark] = String(field.dropFirst())
    }
    guard values[.district] != nil else { return nil }
  }

  var text: String { joined(Mark.allCases) }

  var matchKey: String {
    let isRoadside = values[.number] != nil && (values[.road] != nil || values[.lane] != nil)
    return joined(
      [.district, .road, .lane, .number, .subNumber] + (isRoadside ? [] : [.compound]) + [
        .building, .unit, .room, .place,
      ])
  }

  /// Whether both can be the same place: what one leaves out the other may say, what both say must agree.
  func agrees(with other: AddressKey) -> Bool {
    matchKey == other.matchKey
      && [Mark.town, .community, .compound, .floor].allSatisfy { mark in
        guard let a = values[mark], let b = other.values[mark] else { return true }
        return a == b
      }
  }

  private mutating func set(_ mark: Mark, _ value: String?) {
    if let value, !value.isEmpty { values[mark] = value }
  }

  private func joined(_ marks: [Mark]) -> String {
    var text = ""
    for mark in marks {
      guard let value = values[mark] else { continue }
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
  private static func name(_ text: String) -> String {
    let scalars = AddressText(text).scalars.filter { $0 != AddressText.space && $0 != 0x7C }
    var result = String.UnicodeScalarView()
    var index = 0
    while index < scalars.count {
      var end = index
      while end < scalars.count, ChineseNumeral.value(scalars[end]) != nil { end += 1 }
      if end > index, end < scalars.count, numbered.contains(scalars[end]),
        let number = ChineseNumeral.number(scalars, index..<end)
      {
        result.append(contentsOf: String(number).unicodeScalars)
        index = end
      } else {
        result.append(Unicode.Scalar(scalars[index]) ?? "?")
        index += 1
      }
    }
    return String(result)
  }

  private static let numbered = Set("段巷弄组社队期区号".unicodeScalars.map(\.value))
}
