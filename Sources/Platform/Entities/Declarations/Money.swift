/// An amount of renminbi in whole fen (分), stored as `bigint`.
package struct Money: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let fen: Int64

  package init(fen: Int64) { self.fen = fen }

  /// Reads yuan such as `1234.5`; more than two places that are not zero, and anything but digits, give `nil`.
  package init?(yuan text: String) {
    guard let number = FixedDecimal(text), let places = text.split(separator: ".", maxSplits: 1).dropFirst().first
    else {
      guard let number = FixedDecimal(text) else { return nil }
      fen = number.millionths / 10_000
      return
    }
    guard places.utf8.dropFirst(2).allSatisfy({ $0 == UInt8(ascii: "0") }) else { return nil }
    fen = number.millionths / 10_000
  }

  /// The amount nearest to `yuan`, halves away from zero.
  package init(rounding yuan: FixedDecimal) {
    let whole = yuan.millionths / 10_000
    let rest = yuan.millionths % 10_000
    fen = rest.magnitude >= 5_000 ? whole + rest.signum() : whole
  }

  /// The amount in yuan, or `nil` beyond the range of ``FixedDecimal``.
  package var yuan: FixedDecimal? {
    let (millionths, overflow) = fen.multipliedReportingOverflow(by: 10_000)
    return overflow ? nil : FixedDecimal(millionths: millionths)
  }

  package static func < (a: Money, b: Money) -> Bool { a.fen < b.fen }

  /// `1234.50`, as files and the API carry it.
  package var description: String {
    let magnitude = fen.magnitude
    let cents = magnitude % 100
    return "\(fen < 0 ? "-" : "")\(magnitude / 100).\(cents < 10 ? "0" : "")\(cents)"
  }

  /// `¥1,234.50`, as pages show it.
  package var display: String {
    var whole = String(fen.magnitude / 100)
    var groups: [Substring] = []
    while whole.count > 3 {
      groups.insert(whole.suffix(3), at: 0)
      whole = String(whole.dropLast(3))
    }
    groups.insert(Substring(whole), at: 0)
    return "\(fen < 0 ? "-" : "")¥\(groups.joined(separator: ",")).\(description.suffix(2))"
  }
}
