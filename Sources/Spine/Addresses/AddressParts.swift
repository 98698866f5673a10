/// The parts of an address below its division, each as its column keeps it; the raw material of ``StandardAddress``.
package struct AddressParts: Sendable, Hashable {
  /// 开发区, 高新区 and other zones that are no division.
  package var zone: String?
  /// 社区 or 村.
  package var community: String?
  /// 街路巷; in villages the group (3组).
  package var road: String?
  /// A lane or branch off the road.
  package var lane: String?
  /// `12号`.
  package var houseNumber: String?
  /// `附3号`.
  package var subNumber: String?
  /// 小区, 院落, 楼宇 that holds numbered buildings or rooms.
  package var compound: String?
  /// `3栋`.
  package var buildingNumber: String?
  /// `2单元`.
  package var unitNumber: String?
  /// `5层`, `-1层`.
  package var floor: String?
  /// `502室`.
  package var room: String?
  /// A named place without numbered parts.
  package var poi: String?

  package init() {}
}

/// A number of an address in its one form: figures and letters, Chinese numerals turned into figures.
struct PlateNumber {
  /// `12`, `A3`, `甲1`, `-1`.
  let value: String
  /// What was written behind it: 号, 栋, 单元; empty for none.
  let unit: String

  /// Reads `十二栋`, `A座`, `负一楼`, `第3单元`; a text without any number is taken whole as the value.
  init(_ text: String) {
    let scalars = AddressText(text).scalars.filter { $0 != AddressText.space }
    var index = 0
    var value = String.UnicodeScalarView()
    // 第 adds nothing; 负 counts below the ground.
    if index < scalars.count, scalars[index] == 0x7B2C { index += 1 }
    if index < scalars.count, scalars[index] == 0x8D1F {
      value.append("-")
      index += 1
    }
    var end = index
    while end < scalars.count, PlateNumber.isNumeral(scalars[end]) { end += 1 }
    while end > index, scalars[end - 1] == AddressText.dash { end -= 1 }
    if end == index {
      // 甲单元, 东单元: the first character numbers.
      end = scalars.count > 1 ? index + 1 : scalars.count
      for position in index..<end { value.append(Unicode.Scalar(scalars[position]) ?? "?") }
    } else {
      PlateNumber.appendFigures(scalars, index..<end, to: &value)
    }
    self.value = String(value)
    unit = AddressText.string(scalars[end...])
  }

  /// The value without leading zeros, as keys compare it.
  var key: String {
    let digits = value.drop { $0 == "0" }
    return digits.isEmpty || !(digits.first?.isNumber ?? false) ? value : String(digits)
  }

  private static func isNumeral(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x30...0x39, 0x41...0x5A, AddressText.dash: true
    // 甲乙丙丁 number plates that were inserted later.
    case 0x7532, 0x4E59, 0x4E19, 0x4E01: true
    default: ChineseNumeral.value(scalar) != nil
    }
  }

  private static func appendFigures(_ scalars: [UInt32], _ range: Range<Int>, to value: inout String.UnicodeScalarView)
  {
    var index = range.lowerBound
    while index < range.upperBound {
      var end = index
      while end < range.upperBound, ChineseNumeral.value(scalars[end]) != nil { end += 1 }
      if end > index, let number = ChineseNumeral.number(scalars, index..<end) {
        value.append(contentsOf: String(number).unicodeScalars)
        index = end
      } else {
        value.append(Unicode.Scalar(scalars[index]) ?? "?")
        index += 1
      }
    }
  }

}
