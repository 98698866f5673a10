extension Gazetteer {
  /// Reads the tables of `folder` (`divisions.tsv`, `towns.tsv`, `former.tsv`, `aliases.tsv`).
  ///
  /// Throws a `Fault` that names file and line when one is missing or a row cannot be understood.
  package static func load(folder: String) throws -> Gazetteer {
    var divisions: [Division] = []
    divisions.reserveCapacity(43_000)
    for row in try TextTable(path: "\(folder)/divisions.tsv").rows {
      divisions.append(Division(code: try code(row), name: try row.cell(1), shortName: try row.cell(2)))
    }
    for row in try TextTable(path: "\(folder)/towns.tsv").rows {
      divisions.append(Division(code: try code(row), name: try row.cell(1), isInForce: row.cells.count < 3))
    }
    return Gazetteer(
      divisions, former: try names("\(folder)/former.tsv"), aliases: try names("\(folder)/aliases.tsv"),
      successors: try TextTable(path: "\(folder)/former.tsv").rows.compactMap { row in
        guard row.cells.count > 3, let former = DivisionCode(row.cells[3]) else { return nil }
        return (former: former, code: try code(row))
      })
  }

  private static func names(_ path: String) throws -> [(name: String, code: DivisionCode)] {
    try TextTable(path: path).rows.map { (name: try $0.cell(1), code: try code($0)) }
  }

  private static func code(_ row: TextTable.Row) throws -> DivisionCode {
    guard let code = DivisionCode(try row.cell(0)) else { throw row.fault }
    return code
  }
}
