import Core
import Entities

/// A number of a table of statistics, with the list behind it.
struct StatisticsCell: Sendable {
  let value: Value
  let path: String?

  /// A number with its thousands apart; averages with two decimals at most.
  var text: String {
    switch value {
    case .null: "—"
    case .integer(let number): number.magnitude < 1_000_000_000 ? StatisticsCell.grouped(number) : "\(number)"
    case .decimal(let number): Value.decimal(number.rounded(places: 2) ?? number).plainText
    default: value.plainText
    }
  }

  var number: Double { Double(value.plainText) ?? 0 }

  private static func grouped(_ number: Int64) -> String {
    var digits = "\(number.magnitude)"
    var parts: [String] = []
    while digits.count > 3 {
      parts.insert(String(digits.suffix(3)), at: 0)
      digits = String(digits.dropLast(3))
    }
    parts.insert(digits, at: 0)
    return (number < 0 ? "-" : "") + parts.joined(separator: ",")
  }
}

/// A table of statistics (统计表): rows of numbers under headings, with a chart of them.
struct StatisticsResult: Sendable {
  struct Line: Sendable {
    let label: String
    let path: String?
    let cells: [StatisticsCell]
  }

  let title: String
  /// What the rows are.
  let heading: String
  let columns: [String]
  let lines: [Line]
  /// Sums of the columns that can be summed up; empty without any.
  let totals: [StatisticsCell]
  /// What was left out or cannot be compared.
  var note: String?
  let isCourse: Bool
  /// Columns that the chart shows.
  let charted: Range<Int>
}
