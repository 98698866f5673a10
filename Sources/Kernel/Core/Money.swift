/// An amount in renminbi (人民币金额), counted in whole fen (分).
package struct Money: Sendable, Hashable, Comparable, CustomStringConvertible {
  package var fen: Int64

  package init(fen: Int64) { self.fen = fen }

  package init(yuan: Int64) { self.fen = yuan * 100 }

  package static let zero = Money(fen: 0)

  /// Reads `1234.5`, `1,234.50`, `¥1,234.50`, `-3` and `12元`; at most two decimals. Returns `nil` for anything else and
  /// for amounts beyond 92 quadrillion yuan.
  package init?(_ text: String) {
    let value = withFoldedASCII(text.replacingYuanSigns) { bytes -> Int64? in
      var fen: Int64 = 0
      var decimals = -1
      var digits = 0
      var negative = false
      for (index, byte) in bytes.enumerated() {
        switch byte {
        case 0x30...0x39:
          guard decimals < 2 else { return nil }
          let (product, overflow) = fen.multipliedReportingOverflow(by: 10)
          let (sum, overflow2) = product.addingReportingOverflow(Int64(byte - 0x30))
          guard !overflow, !overflow2 else { return nil }
          fen = sum
          digits += 1
          if decimals >= 0 { decimals += 1 }
        case 0x2E where decimals < 0 && digits > 0: decimals = 0
        case 0x2C where decimals < 0 && digits > 0: continue
        case 0x2D where index == 0: negative = true
        default: return nil
        }
      }
      guard digits > 0, decimals != 0 else { return nil }
      let scale: Int64 = decimals == 2 ? 1 : decimals == 1 ? 10 : 100
      let (scaled, overflow) = fen.multipliedReportingOverflow(by: scale)
      return overflow ? nil : negative ? -scaled : scaled
    }
    guard let value else { return nil }
    fen = value
  }

  /// `1234.50`: what forms, files and the API carry.
  package var plain: String {
    let magnitude = fen.magnitude
    return "\(fen < 0 ? "-" : "")\(magnitude / 100).\(twoDigits(Int(magnitude % 100)))"
  }

  /// `¥1,234.50`, as pages show it.
  package var description: String {
    let digits = Array(String(fen.magnitude / 100).utf8)
    var grouped: [UInt8] = []
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { grouped.append(0x2C) }
      grouped.append(digit)
    }
    let sign = fen < 0 ? "-" : ""
    return "\(sign)¥\(String(decoding: grouped, as: UTF8.self)).\(twoDigits(Int(fen.magnitude % 100)))"
  }

  package static func < (a: Money, b: Money) -> Bool { a.fen < b.fen }
  package static func + (a: Money, b: Money) -> Money { Money(fen: a.fen + b.fen) }
  package static func - (a: Money, b: Money) -> Money { Money(fen: a.fen - b.fen) }
  package static prefix func - (a: Money) -> Money { Money(fen: -a.fen) }
  package static func * (a: Money, count: Int64) -> Money { Money(fen: a.fen * count) }
  package static func += (a: inout Money, b: Money) { a.fen += b.fen }
  package static func -= (a: inout Money, b: Money) { a.fen -= b.fen }

  /// This amount times `numerator / denominator`, rounded half away from zero (四舍五入) to a fen.
  ///
  /// - Precondition: `denominator` is positive and the result fits.
  package func scaled(by numerator: Int64, over denominator: Int64) -> Money {
    precondition(denominator > 0, "a share needs a positive denominator")
    let product = fen.magnitude.multipliedFullWidth(by: numerator.magnitude)
    let (quotient, remainder) = UInt64(denominator).dividingFullWidth(product)
    let rounded = quotient + (remainder >= UInt64(denominator) - remainder ? 1 : 0)
    return Money(fen: (fen < 0) != (numerator < 0) ? -Int64(rounded) : Int64(rounded))
  }
}

extension String {
  /// Without the currency signs that people put around an amount.
  fileprivate var replacingYuanSigns: String {
    guard utf8.contains(where: { $0 >= 0x80 }) else { return self }
    var scalars = String.UnicodeScalarView()
    for scalar in unicodeScalars where !["¥", "￥", "元"].contains(scalar) { scalars.append(scalar) }
    return String(scalars)
  }
}

extension Money {
  /// The amount in the capital characters of documents (大写): `人民币壹仟贰佰叁拾肆元伍角整`.
  ///
  /// By 《支付结算办法》附一: zeros between figures are written once as 零, an amount that ends at 元 or 角 ends in 整, and
  /// one that ends at 分 does not.
  package var capital: String {
    let jiao = Int(fen.magnitude / 10 % 10)
    let cents = Int(fen.magnitude % 10)
    let yuan = fen.magnitude / 100
    var text = fen < 0 ? "人民币负" : "人民币"
    if yuan > 0 { text += Money.capital(yuan) + "元" }
    if fen == 0 { text += "零元" }
    if jiao > 0 {
      // 《支付结算办法》 asks for 零 where the yuan end in zero: 壹仟元零伍角.
      if yuan > 0, yuan % 10 == 0 { text += "零" }
      text += Money.digits[jiao] + "角"
    } else if cents > 0, yuan > 0 {
      text += "零"
    }
    return cents > 0 ? text + Money.digits[cents] + "分" : text + "整"
  }

  private static let digits = ["零", "壹", "贰", "叁", "肆", "伍", "陆", "柒", "捌", "玖"]
  private static let places = ["", "拾", "佰", "仟"]
  private static let groups = ["", "万", "亿", "万亿", "亿亿"]

  private static func capital(_ yuan: UInt64) -> String {
    var rest = yuan
    var parts: [UInt64] = []
    while rest > 0 {
      parts.append(rest % 10000)
      rest /= 10000
    }
    var text = ""
    var pendingZero = false
    for (index, part) in parts.enumerated().reversed() {
      guard part > 0 else {
        pendingZero = !text.isEmpty
        continue
      }
      var divisor: UInt64 = 1000
      for place in (0..<4).reversed() {
        let digit = Int(part / divisor % 10)
        divisor /= 10
        if digit == 0 {
          if !text.isEmpty { pendingZero = true }
          continue
        }
        if pendingZero { text += "零" }
        pendingZero = false
        text += digits[digit] + places[place]
      }
      text += groups[index]
      // A zero before the group mark is left out (壹拾万柒仟); a zero after it asks for 零 by itself.
      pendingZero = false
    }
    return text
  }
}
