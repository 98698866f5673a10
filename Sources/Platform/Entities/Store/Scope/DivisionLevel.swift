/// How division codes (行政区划代码, GB/T 2260 and GB/T 10114) nest: province 2, city 4, county 6, sub-district 9,
/// community 12 digits.
package enum DivisionLevel {
  package static let digits = [2, 4, 6, 9, 12]

  /// The levels that have an index expression of their own; codes of the shorter ones are ranges, of the longest the
  /// column itself.
  static let indexed = [county, 9]
  static let county = 6

  /// The prefix a data scope means: digits only, filled with zeros up to its level, since `51171` stands for `511710`
  /// whose last zero was cut off and not for `511711` as well. `nil` when it is no code.
  package static func prefix(_ code: String) -> String? {
    guard !code.isEmpty, code.utf8.count <= 12, code.utf8.allSatisfy({ (48...57).contains($0) }),
      let length = digits.first(where: { $0 >= code.utf8.count })
    else { return nil }
    return code + String(repeating: "0", count: length - code.utf8.count)
  }
}
