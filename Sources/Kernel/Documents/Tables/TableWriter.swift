package import Core

/// Writes an export row by row into a new file, with memory independent of its length.
///
/// A writer that goes away before `finish()` takes its file along. Not `Sendable`: one task writes it.
package final class TableWriter {
  package enum Format: Sendable {
    case csv(CSVEncoder)
    /// - Parameters:
    ///   - sheet: the worksheet's name; further sheets follow when one is full.
    ///   - created: the time in the file's properties; equal input then gives equal bytes.
    case xlsx(sheet: String, created: Instant)
  }

  package let path: String
  private let target: Target
  private var columns: Int

  private enum Target {
    case csv(CSVEncoder, FileSink)
    case xlsx(XLSXWriter)
  }

  /// Creates the file and writes the header row.
  ///
  /// - Throws: ``Fault`` `file-unwritable`, `xlsx-unwritable`.
  package init(path: String, format: Format, columns: [TableColumn]) throws {
    self.path = path
    self.columns = columns.count
    switch format {
    case .csv(let encoder):
      let sink = try FileSink(path: path)
      try sink.append { bytes in
        encoder.begin(into: &bytes)
        encoder.encode(columns.map(\.title), into: &bytes)
      }
      target = .csv(encoder, sink)
    case .xlsx(let sheet, let created):
      target = .xlsx(try XLSXWriter(path: path, sheet: sheet, columns: columns, created: created))
    }
  }

  /// - Throws: ``Fault`` `file-unwritable`, `xlsx-unwritable`.
  package func append(_ row: [TableValue]) throws {
    precondition(row.count <= columns, "more cells than columns")
    switch target {
    case .csv(let encoder, let sink):
      try sink.append { bytes in encoder.encode(row.lazy.map(\.text), into: &bytes) }
    case .xlsx(let writer): try writer.append(row)
    }
  }

  /// Begins a further worksheet, whose name no earlier one has, with columns of its own.
  ///
  /// - Throws: ``Fault`` `csv-one-table` for delimited text, which holds one table; `xlsx-unwritable`.
  package func begin(sheet: String, columns: [TableColumn]) throws {
    guard case .xlsx(let writer) = target else { throw Fault("csv-one-table", "\(path) takes no sheet \(sheet)") }
    try writer.begin(sheet: sheet, columns: columns)
    self.columns = columns.count
  }

  /// Completes the file; without this call it does not stay.
  ///
  /// - Throws: ``Fault`` `file-unwritable`, `xlsx-unwritable`.
  package func finish() throws {
    switch target {
    case .csv(_, let sink): try sink.finish()
    case .xlsx(let writer): try writer.finish()
    }
  }
}
