import Core
import Glibc

extension Gazetteer {
  /// Reads the tab-separated files of `folder` (`divisions.tsv`, `towns.tsv`, `former.tsv`, `aliases.tsv`).
  ///
  /// Throws a ``Fault`` that names file and line when one is missing or a row cannot be understood.
  package static func load(folder: String) throws -> Gazetteer {
    var divisions: [Division] = []
    divisions.reserveCapacity(43_000)
    try eachRow(folder, "divisions.tsv", columns: 3) { code, columns in
      divisions.append(Division(code: code, name: columns[1], shortName: columns[2]))
    }
    try eachRow(folder, "towns.tsv", columns: 2) { code, columns in
      divisions.append(Division(code: code, name: columns[1], isInForce: columns.count < 3))
    }
    var former: [(String, DivisionCode)] = []
    try eachRow(folder, "former.tsv", columns: 2) { code, columns in former.append((columns[1], code)) }
    var aliases: [(String, DivisionCode)] = []
    try eachRow(folder, "aliases.tsv", columns: 2) { code, columns in aliases.append((columns[1], code)) }
    return Gazetteer(divisions, former: former, aliases: aliases)
  }

  /// Calls `body` with the code in the first column and all columns of every row below the header.
  private static func eachRow(
    _ folder: String, _ file: String, columns: Int, _ body: (DivisionCode, [String]) -> Void
  ) throws {
    let bytes = try contents("\(folder)/\(file)")
    var line = 0
    for row in bytes.split(separator: 0x0A) {
      line += 1
      if line == 1 { continue }
      let cells = row.split(separator: 0x09, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
      }
      guard cells.count >= columns, let code = DivisionCode(cells[0]) else {
        throw Fault("gazetteer-row", "\(file):\(line)")
      }
      body(code, cells)
    }
  }

  private static func contents(_ path: String) throws -> [UInt8] {
    guard let file = fopen(path, "rb") else { throw Fault("gazetteer-file", path) }
    defer { fclose(file) }
    guard fseek(file, 0, SEEK_END) == 0 else { throw Fault("gazetteer-file", path) }
    let size = ftell(file)
    rewind(file)
    guard size >= 0 else { throw Fault("gazetteer-file", path) }
    return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = fread(buffer.baseAddress, 1, size, file)
      if count != size { throw Fault("gazetteer-file", path) }
    }
  }
}
