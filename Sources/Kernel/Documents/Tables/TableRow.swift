/// One row of a table file: its cells as text, and where it stands.
package struct TableRow: Sendable, Hashable {
  /// The line of a CSV file on which the row begins, or the row number of a worksheet; both count from 1.
  package let number: Int
  package var cells: [String]

  package init(number: Int, cells: [String]) {
    self.number = number
    self.cells = cells
  }

  /// The cell, or an empty text beyond the last one: rows end with their last filled cell.
  package subscript(column: Int) -> String { column < cells.count ? cells[column] : "" }
}

/// How much a table file may ask for before it is refused; sizes are in bytes of UTF-8.
package struct TableLimits: Sendable {
  package var cellBytes = 1 << 20
  package var rowBytes = 8 << 20
  package var columns = 1024
  package var rows = 2_000_000
  /// Uncompressed size of all parts of an XLSX file.
  package var archiveBytes = 1 << 30
  package var archiveEntries = 4096
  /// Uncompressed to compressed size of one part above a megabyte; worksheets full of equal cells reach about 100.
  package var compressionRatio = 500
  /// The table of distinct texts in an XLSX file, the one part that is held in memory.
  package var sharedTextBytes = 256 << 20

  package init() {}
}
