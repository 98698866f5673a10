/// An exact decimal number with six places, counted in millionths (`numeric(18,6)` in PostgreSQL).
///
/// Sums and comparisons are exact; products and quotients are rounded half away from zero to the sixth place, which is
/// what PostgreSQL's `round(numeric, 6)` does. The range is ±9.2 × 10¹².
package struct FixedDecimal: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let millionths: Int64

  package init(millionths: Int64) { self.millionths = millionths }

  /// Returns `nil` outside the range.
  package init?(_ integer: Int64) {
    let (product, overflow) = integer.multipliedReportingOverflow(by: FixedDecimal.scale)
    if overflow { return nil }
    millionths = product
  }

  /// Reads `-12`, `3.5`, `.25`; more than six places are rounded half away from zero. Returns `nil` for other text and
  /// outside the range.
  package init?(_ text: String) {
    var negative = false
    var whole: Int64 = 0
    var places = 0
    var sawPoint = false
    var sawDigit = false
    var roundUp = false
    for (index, byte) in text.utf8.enumerated() {
      switch byte {
      case UInt8(ascii: "-") where index == 0: negative = true
      case UInt8(ascii: "+") where index == 0: break
      case UInt8(ascii: ".") where !sawPoint: sawPoint = true
      case 48...57:
        sawDigit = true
        if sawPoint {
          places += 1
          if places == 7 { roundUp = byte >= 53 }
          if places > 6 { continue }
        }
        let (tens, first) = whole.multipliedReportingOverflow(by: 10)
        let (sum, second) = tens.addingReportingOverflow(Int64(byte - 48))
        if first || second { return nil }
        whole = sum
      default: return nil
      }
    }
    guard sawDigit else { return nil }
    for _ in min(places, 6)..<6 {
      let (tens, overflow) = whole.multipliedReportingOverflow(by: 10)
      if overflow { return nil }
      whole = tens
    }
    if roundUp {
      guard whole < Int64.max else { return nil }
      whole += 1
    }
    millionths = negative ? -whole : whole
  }

  package static let scale: Int64 = 1_000_000
  package static let zero = FixedDecimal(millionths: 0)

  package static func < (a: FixedDecimal, b: FixedDecimal) -> Bool { a.millionths < b.millionths }

  /// The number without trailing zeros: `12`, `-0.5`.
  package var description: String {
    let magnitude = millionths.magnitude
    let whole = magnitude / 1_000_000
    let fraction = magnitude % 1_000_000
    let sign = millionths < 0 ? "-" : ""
    guard fraction > 0 else { return "\(sign)\(whole)" }
    var digits = String(fraction)
    digits = String(repeating: "0", count: 6 - digits.count) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    return "\(sign)\(whole).\(digits)"
  }

  package var double: Double { Double(millionths) / 1_000_000 }
}

extension FixedDecimal {
  /// The sum, or `nil` outside the range.
  package func adding(_ other: FixedDecimal) -> FixedDecimal? {
    let (sum, overflow) = millionths.addingReportingOverflow(other.millionths)
    return overflow ? nil : FixedDecimal(millionths: sum)
  }

  /// The difference, or `nil` outside the range.
  package func subtracting(_ other: FixedDecimal) -> FixedDecimal? {
    let (difference, overflow) = millionths.subtractingReportingOverflow(other.millionths)
    return overflow ? nil : FixedDecimal(millionths: difference)
  }

  /// The product rounded to six places, or `nil` outside the range.
  package func multiplied(by other: FixedDecimal) -> FixedDecimal? {
    FixedDecimal.quotient(Int128(millionths) * Int128(other.millionths), Int128(FixedDecimal.scale))
  }

  /// The quotient rounded to six places, or `nil` outside the range or when `other` is zero.
  package func divided(by other: FixedDecimal) -> FixedDecimal? {
    if other.millionths == 0 { return nil }
    return FixedDecimal.quotient(Int128(millionths) * Int128(FixedDecimal.scale), Int128(other.millionths))
  }

  /// The number rounded half away from zero to `places` (0 to 6) places, or `nil` outside the range.
  package func rounded(places: Int) -> FixedDecimal? {
    var unit: Int64 = 1
    for _ in min(max(places, 0), 6)..<6 { unit *= 10 }
    guard let count = FixedDecimal.quotient(Int128(millionths), Int128(unit)) else { return nil }
    let (product, overflow) = count.millionths.multipliedReportingOverflow(by: unit)
    return overflow ? nil : FixedDecimal(millionths: product)
  }

  /// The nearest whole number, halves away from zero.
  package var integer: Int64 {
    let whole = millionths / FixedDecimal.scale
    let rest = millionths % FixedDecimal.scale
    return rest.magnitude >= 500_000 ? whole + rest.signum() : whole
  }

  private static func quotient(_ dividend: Int128, _ divisor: Int128) -> FixedDecimal? {
    let magnitude = (dividend.magnitude + divisor.magnitude / 2) / divisor.magnitude
    let negative = (dividend < 0) != (divisor < 0)
    guard magnitude <= UInt128(Int64.max) else { return nil }
    return FixedDecimal(millionths: negative ? -Int64(magnitude) : Int64(magnitude))
  }
}
