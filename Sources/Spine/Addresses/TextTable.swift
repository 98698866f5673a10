package import Core
import Glibc

/// A table of shipped data: tab-separated text in UTF-8 below one header line.
package struct TextTable: Sendable {
  package struct Row: Sendable {
    package let cells: [String]
    /// Where the row stands, for messages: `towns.tsv:12`.
    package let place: String

    /// The cell of a column, or a fault when the row is too short.
    package func cell(_ column: Int) throws -> String {
      guard column < cells.count else { throw Fault("table-row", "\(place): column \(column + 1)") }
      return cells[column]
    }

    /// The fault to throw when the row cannot be understood.
    package var fault: Fault { Fault("table-row", place) }
  }

  package let rows: [Row]

  /// Throws a ``Fault`` when the file cannot be read.
  package init(path: String) throws {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    var rows: [Row] = []
    var line = 0
    for bytes in try TextTable.contents(path).split(separator: 0x0A, omittingEmptySubsequences: false) {
      line += 1
      if line == 1 || bytes.isEmpty { continue }
      let cells = bytes.split(separator: 0x09, omittingEmptySubsequences: false)
      rows.append(Row(cells: cells.map { String(decoding: $0, as: UTF8.self) }, place: "\(name):\(line)"))
    }
    self.rows = rows
  }

  private static func contents(_ path: String) throws -> [UInt8] {
    guard let file = fopen(path, "rb") else { throw Fault("table-file", path) }
    defer { fclose(file) }
    guard fseek(file, 0, SEEK_END) == 0 else { throw Fault("table-file", path) }
    let size = ftell(file)
    rewind(file)
    guard size >= 0 else { throw Fault("table-file", path) }
    return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = fread(buffer.baseAddress, 1, size, file)
      if count != size { throw Fault("table-file", path) }
    }
  }
}
