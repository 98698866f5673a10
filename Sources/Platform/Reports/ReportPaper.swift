import Core
import Documents
import Entities

/// A report set as the offices' forms are: heading, period, unit and number above the table, who made it below.
struct ReportPaper {
  let report: ReportDefinition
  let span: ReportSpan
  let table: ReportTable
  let number: String
  let unit: String
  let author: String
  let at: Instant

  /// - Throws: ``Fault`` `cairo`.
  func pdf() throws -> [UInt8] {
    let document = PDFDocument(
      page: table.columns.count > 7 ? .a4Landscape : .a4,
      properties: PDFProperties(title: "\(report.title) \(number)", author: unit, created: at),
      footer: PDFRunningLine(left: number, centre: "第 {page} 页 / 共 {pages} 页"))
    document.heading(report.title)
    var line = PDFTextStyle(size: 10.5)
    line.alignment = .centre
    document.paragraph("统计时段：\(span.text)", line)
    line.alignment = .left
    document.paragraph("编制单位：\(unit)　　编号：\(number)", line)
    let wide = table.columns.count > 12
    document.table(
      [PDFColumn(table.heading, width: .millimetres(wide ? 26 : 36))]
        + table.columns.map { PDFColumn($0, alignment: .right) },
      cells: table.rows.map { row in [PDFCell(row.label)] + row.cells.map { PDFCell($0.text) } } + [totals],
      style: PDFTextStyle(size: wide ? 8 : 9.5))
    if let note = report.note { document.paragraph("说明：\(note)", PDFTextStyle(size: 9)) }
    document.space(3)
    document.paragraph("制表人：\(author)　　制表时间：\(at.display)　　负责人：　　　　　　", line)
    return try document.render()
  }

  private var totals: [PDFCell] {
    [PDFCell("合计", bold: true)] + table.totals.map { PDFCell($0.isNull ? "" : $0.plainText, bold: true) }
  }

  /// - Parameter folder: where the file is put together.
  /// - Throws: ``Fault`` `xlsx-unwritable`, `file-unreadable`.
  func xlsx(in folder: String) throws -> [UInt8] {
    try SpooledFile.content(in: folder) { path in try writeWorkbook(to: path) }
  }

  private func writeWorkbook(to path: String) throws {
    let writer = try TableWriter(
      path: path, format: .xlsx(sheet: "报表", created: at),
      columns: ([table.heading] + table.columns).map { TableColumn($0) })
    for row in table.rows { try writer.append([.text(row.label)] + row.cells.map { ReportPaper.cell($0.value) }) }
    try writer.append([.text("合计")] + table.totals.map(ReportPaper.cell))
    try writer.begin(sheet: "说明", columns: [TableColumn("项目"), TableColumn("内容")])
    for (name, text) in [
      ("报表", report.title), ("编号", number), ("统计时段", "\(span.since) 至 \(span.until)"), ("编制单位", unit),
      ("制表人", author), ("制表时间", at.display),
    ] { try writer.append([.text(name), .text(text)]) }
    try writer.finish()
  }

  /// The same as the PDF, to be worked on (C-616).
  ///
  /// - Parameter folder: where the file is put together.
  /// - Throws: ``Fault`` `zip-unwritable`, `file-unreadable`.
  func docx(in folder: String) throws -> [UInt8] {
    var document = WordDocument(
      title: "\(report.title) \(number)", author: unit, created: at, isLandscape: table.columns.count > 7,
      footer: number)
    document.heading(report.title)
    document.paragraph("统计时段：\(span.text)", alignment: .centre)
    document.paragraph("编制单位：\(unit)　　编号：\(number)")
    document.table(
      [table.heading] + table.columns, table.rows.map { row in [row.label] + row.cells.map(\.text) },
      totals: ["合计"] + table.totals.map { $0.isNull ? "" : $0.plainText },
      size: table.columns.count > 12 ? 8 : 9.5)
    if let note = report.note { document.paragraph("说明：\(note)", size: 9) }
    document.paragraph("制表人：\(author)　　制表时间：\(at.display)　　负责人：　　　　　　")
    let made = document
    return try SpooledFile.content(in: folder) { path in try made.write(to: path) }
  }

  private static func cell(_ value: Value) -> TableValue {
    switch value {
    case .integer(let number): .integer(number)
    case .money(let money): .decimal(money.fen, scale: 2)
    case .decimal(let number): .decimal((number.rounded(places: 2) ?? number).millionths, scale: 6)
    case .null: .empty
    default: .text(value.plainText)
    }
  }
}
