package import Core

/// What stands in one cell of an export (导出).
package enum TableValue: Sendable, Hashable {
  case empty
  case text(String)
  case integer(Int64)
  case number(Double)
  /// An exact decimal: `decimal(123450, scale: 2)` is 1234.50, as money in fen (分) is.
  case decimal(Int64, scale: Int)
  case date(CivilDate)
  case time(Instant)
  case boolean(Bool)
  /// A picture in PNG, `side` pixels high; in a text file it leaves its alternative text.
  case image(png: [UInt8], alternative: String)

  /// The cell in a text file.
  package var text: String {
    switch self {
    case .empty: ""
    case .text(let text): text
    case .integer(let value): String(value)
    case .number(let value): PlainNumber.text(value)
    case .decimal(let unscaled, let scale): TableValue.decimal(unscaled, scale)
    case .date(let date): "\(date)"
    case .time(let instant): instant.display
    case .boolean(let value): value ? "是" : "否"
    case .image(_, let alternative): alternative
    }
  }

  private static func decimal(_ unscaled: Int64, _ scale: Int) -> String {
    guard scale > 0 else { return String(unscaled) }
    let digits = String(unscaled.magnitude)
    let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
    return (unscaled < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
  }
}

/// A column of an export: its title and, for worksheets, its width.
package struct TableColumn: Sendable, Hashable {
  package let title: String
  /// In widths of one digit; a Chinese character takes two.
  package let width: Double

  /// - Parameter width: `nil` makes room for the title, and for at least ten digits.
  package init(_ title: String, width: Double? = nil) {
    self.title = title
    let natural = title.unicodeScalars.reduce(2) { $0 + ($1.value < 0x2E80 ? 1 : 2) }
    self.width = width ?? Double(max(10, min(natural, 60)))
  }
}
