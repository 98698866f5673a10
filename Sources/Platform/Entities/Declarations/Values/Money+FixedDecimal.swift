package import Core

extension Money {
  /// The amount nearest to `yuan`, halves away from zero.
  package init(rounding yuan: FixedDecimal) {
    let whole = yuan.millionths / 10_000
    let rest = yuan.millionths % 10_000
    self.init(fen: rest.magnitude >= 5_000 ? whole + rest.signum() : whole)
  }

  /// The amount in yuan, or `nil` beyond the range of ``FixedDecimal``.
  package var yuan: FixedDecimal? {
    let (millionths, overflow) = fen.multipliedReportingOverflow(by: 10_000)
    return overflow ? nil : FixedDecimal(millionths: millionths)
  }
}
