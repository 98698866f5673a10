import Core

/// Reads a table file for an import (批量导入): finds out from the content whether it is XLSX or delimited text, takes
/// the first row as the header and hands out the rest row by row with flat memory.
///
/// Not `Sendable`: one task reads it from front to back.
package final class TableReader {
  package enum Format: Sendable, Hashable {
    case csv(TextEncoding, delimiter: UInt8)
    case xlsx(sheet: String, of: [String])
  }

  package let format: Format
  /// The first row with content, its cells trimmed of spaces.
  package let header: TableRow
  private let rows: Rows

  private enum Rows {
    case csv(CSVReader)
    case xlsx(XLSXReader)
  }

  /// - Parameter sheet: for XLSX a sheet's name; `nil` takes the first visible one.
  /// - Throws: ``Refusal`` `table-unsupported`, `table-legacy`, `table-empty` and those of the two readers; ``Fault``.
  package init(_ source: ByteSource, sheet: String? = nil, limits: TableLimits = TableLimits()) throws {
    let reader = try ByteReader(source)
    guard reader.size > 0 else { throw TableRefusal.empty }
    let head = try reader.peek(4096)
    switch FileKind.sniff(head: head, complete: head.count == reader.size) {
    case .zip:
      let xlsx = try XLSXReader(source, sheet: sheet, limits: limits)
      format = .xlsx(sheet: xlsx.sheet.name, of: xlsx.sheets.map(\.name))
      rows = .xlsx(xlsx)
    case .legacyOffice: throw TableRefusal.legacy
    case .text, .unknown:
      // Unknown covers text with a broken character, which the reader will name by line and column.
      guard !head.contains(0) || TextEncoding.byteOrderMark(head) != nil else { throw TableRefusal.unsupported }
      let csv = try CSVReader(source, limits: limits)
      format = .csv(csv.encoding, delimiter: csv.delimiter)
      rows = .csv(csv)
    default: throw TableRefusal.unsupported
    }
    guard let first = try TableReader.next(rows) else { throw TableRefusal.empty }
    header = TableRow(number: first.number, cells: first.cells.map(TableReader.trimmed))
  }

  /// The next row with content below the header, or `nil` at the end.
  ///
  /// - Throws: ``Refusal`` naming the place; ``Fault``.
  package func next() throws -> TableRow? { try TableReader.next(rows) }

  /// Share of the file that has been read, from 0 to 1, for a progress bar.
  package var fractionRead: Double {
    switch rows {
    case .csv(let reader): reader.fractionRead
    case .xlsx(let reader): reader.fractionRead
    }
  }

  private static func next(_ rows: Rows) throws -> TableRow? {
    switch rows {
    case .csv(let reader): try reader.next()
    case .xlsx(let reader): try reader.next()
    }
  }

  /// Without white space at both ends, the ideographic space included.
  package static func trimmed(_ cell: String) -> String {
    let scalars = cell.unicodeScalars
    guard let start = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
      let end = scalars.lastIndex(where: { !$0.properties.isWhitespace })
    else { return "" }
    return String(scalars[start...end])
  }
}
