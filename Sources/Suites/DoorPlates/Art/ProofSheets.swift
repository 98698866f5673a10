package import Core
import Documents

/// A file of invented plates (打样), to try a press or a reader with before anything is ordered, and to measure with.
package struct ProofSheets {
  let designs: [PlateDesign]
  let content: (String) throws -> String

  /// - Parameter content: what the QR code of an address code says.
  package init(designs: [PlateDesign], content: @escaping (String) throws -> String) {
    self.designs = designs
    self.content = content
  }

  private static let roads = [
    "朝阳中路", "大北街", "凤凰大道", "通川北路", "滨河西街", "文华巷", "红旗桥路", "金龙大道", "西外新街", "翠屏支路", "来凤路", "荷叶街",
  ]

  /// Writes `count` plates, the designs by turns.
  ///
  /// - Returns: bytes of time spent are the caller's to measure; the number of pages written.
  /// - Throws: ``Fault`` `file-unwritable`; ``Refusal``.
  @discardableResult
  package func write(
    to path: String, count: Int, created: Instant, showsMarks: Bool, pinyin: (String) -> String
  ) throws -> Int {
    let painter = PlatePainter()
    let file = try PrintPDF(
      path: path, book: painter.book, title: "门牌打样", created: created, showsMarks: showsMarks)
    let readings = Dictionary(
      ProofSheets.roads.map { ($0, pinyin($0)) }, uniquingKeysWith: { first, _ in first })
    for index in 0..<count {
      let design = designs[index % designs.count]
      let road = ProofSheets.roads[index / designs.count % ProofSheets.roads.count]
      var fields = PlateFields()
      fields[.name] = road
      fields[.pinyin] = readings[road] ?? ""
      fields[.number] = String(index % 1899 + 1)
      fields[.numberWord] = "号"
      fields[.compound] = "锦绣花园"
      fields[.building] = "\(index % 37 + 1)栋"
      fields[.buildingFigure] = String(index % 37 + 1)
      fields[.buildingWord] = "栋"
      fields[.unit] = "\(index % 4 + 1)单元"
      fields[.unitFigure] = String(index % 4 + 1)
      fields[.unitWord] = "单元"
      fields[.room] = String(101 + index % 32 * 100)
      let code = ProofSheets.code(index)
      fields[.code] = PlateFields.grouped(code)
      try file.add(try painter.paint(design, fields, content: try content(code)))
    }
    try file.finish()
    return file.pageCount
  }

  /// Of no real division.
  private static func code(_ index: Int) -> String {
    let digits = String(index)
    return "999999001" + String(repeating: "0", count: 9 - digits.utf8.count) + digits + "0"
  }
}
