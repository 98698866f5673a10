/// The order in which the rows of a batch are written when they refer to each other, as units to the unit above them.
enum ImportOrder {
  /// The rows in groups: whom a row refers to stands in an earlier group or outside the batch. Rows in a circle come
  /// last, where the missing reference is told.
  static func groups(_ rows: [ImportRow], _ spec: ImportSpec, _ entity: EntityDeclaration) -> [[ImportRow]] {
    func positions(_ isWanted: (FieldDeclaration) -> Bool) -> [Int] {
      spec.columns.enumerated().compactMap { position, name in
        name.flatMap { entity.field($0) }.map(isWanted) == true ? position : nil
      }
    }
    let references = positions { $0.target == entity.name }
    guard !references.isEmpty else { return [rows] }
    let names = positions { $0.isStored && ($0.unique || $0.name == entity.title) && $0.valueKind == .text }
    func text(_ row: ImportRow, _ position: Int) -> String {
      position < row.cells.count ? TextForms.trimmed(row.cells[position]) : ""
    }
    var owners: [String: Int] = [:]
    for (index, row) in rows.enumerated() {
      for position in names {
        let name = text(row, position)
        if !name.isEmpty && owners[name] == nil { owners[name] = index }
      }
    }
    var groups: [[ImportRow]] = []
    var written: Set<Int> = []
    var open = Array(rows.indices)
    while !open.isEmpty {
      let ready = open.filter { index in
        references.allSatisfy { position in
          guard let owner = owners[text(rows[index], position)] else { return true }
          return owner == index || written.contains(owner)
        }
      }
      let next = ready.isEmpty ? open : ready
      groups.append(next.map { rows[$0] })
      written.formUnion(next)
      open.removeAll { written.contains($0) }
    }
    return groups
  }
}
