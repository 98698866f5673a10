import Audit
import Core
import Documents

/// An audit report on paper, to be worked on, and as a workbook.
struct AuditPaper {
  let sheet: AuditSheet
  let number: String
  let unit: String
  let author: String
  let at: Instant

  private static let title = "审计报告"

  private var heading: String { "统计时段：\(sheet.span.text)" }
  private var maker: String { unit.isEmpty ? "编号：\(number)" : "编制单位：\(unit)　　编号：\(number)" }
  private var signature: String { "编制人：\(author)　　编制时间：\(at.display)　　审阅：　　　　　　" }
  private var remarks: [String] {
    sheet.remarks.isEmpty
      ? ["按设定的阈值，没有发现需要核查的情况。"] : sheet.remarks.enumerated().map { "\($0 + 1). \($1)" }
  }

  /// - Throws: ``Fault`` `cairo`.
  func pdf() throws -> [UInt8] {
    let document = PDFDocument(
      page: .a4, properties: PDFProperties(title: "\(AuditPaper.title) \(number)", author: unit, created: at),
      footer: PDFRunningLine(left: number, centre: "第 {page} 页 / 共 {pages} 页"))
    let line = PDFTextStyle(size: 10.5)
    document.heading(AuditPaper.title)
    document.paragraph(heading, PDFTextStyle(size: 10.5, alignment: .centre))
    document.paragraph(maker, line)
    document.heading("概况", level: 3)
    document.table(
      [PDFColumn("项目"), PDFColumn("次数", alignment: .right), PDFColumn("项目"), PDFColumn("次数", alignment: .right)],
      rows: pairs, style: PDFTextStyle(size: 9.5))
    document.heading("日志链", level: 3)
    document.paragraph(sheet.chainText, line)
    if let hash = sheet.chain?.lastHash, !hash.isEmpty {
      document.paragraph("末条摘要（SM3）：\(hash)", PDFTextStyle(size: 8.5))
    }
    document.heading("值得注意", level: 3)
    for remark in remarks { document.paragraph(remark, line) }
    for section in sheet.sections {
      document.heading(section.title, level: 3)
      if section.rows.isEmpty {
        document.paragraph(section.empty, line)
      } else {
        document.table(
          section.headings.map {
            $0.isNumber ? PDFColumn($0.title, width: .millimetres(22), alignment: .right) : PDFColumn($0.title)
          }, rows: section.rows)
      }
    }
    document.space(3)
    document.paragraph(signature, line)
    return try document.render()
  }

  /// The totals, two in a row.
  private var pairs: [[String]] {
    let all = sheet.summary
    return stride(from: 0, to: all.count, by: 2).map { index in
      let second = index + 1 < all.count ? [all[index + 1].label, String(all[index + 1].value)] : ["", ""]
      return [all[index].label, String(all[index].value)] + second
    }
  }

  /// - Parameter folder: where the file is put together.
  /// - Throws: ``Fault`` `zip-unwritable`, `file-unreadable`.
  func docx(in folder: String) throws -> [UInt8] {
    var document = WordDocument(
      title: "\(AuditPaper.title) \(number)", author: unit, created: at, footer: number)
    document.heading(AuditPaper.title)
    document.paragraph(heading, alignment: .centre)
    document.paragraph(maker)
    document.paragraph("概况", size: 13)
    document.table(["项目", "次数", "项目", "次数"], pairs, words: [0, 2])
    document.paragraph("日志链", size: 13)
    document.paragraph(sheet.chainText)
    document.paragraph("值得注意", size: 13)
    for remark in remarks { document.paragraph(remark) }
    for section in sheet.sections {
      document.paragraph(section.title, size: 13)
      if section.rows.isEmpty {
        document.paragraph(section.empty)
      } else {
        document.table(
          section.headings.map(\.title), section.rows,
          words: Set(section.headings.indices.filter { !section.headings[$0].isNumber }))
      }
    }
    document.paragraph(signature)
    let made = document
    return try SpooledFile.content(in: folder) { path in try made.write(to: path) }
  }

  /// A sheet for each section.
  ///
  /// - Parameter folder: where the file is put together.
  /// - Throws: ``Fault`` `xlsx-unwritable`, `file-unreadable`.
  func xlsx(in folder: String) throws -> [UInt8] {
    try SpooledFile.content(in: folder) { path in
      let writer = try TableWriter(
        path: path, format: .xlsx(sheet: "概况", created: at), columns: [TableColumn("项目", width: 24), TableColumn("次数")])
      for (label, value) in sheet.summary { try writer.append([.text(label), .integer(value)]) }
      try writer.begin(sheet: "值得注意", columns: [TableColumn("情况", width: 90)])
      for remark in [sheet.chainText] + remarks { try writer.append([.text(remark)]) }
      for section in sheet.sections {
        try writer.begin(
          sheet: section.title, columns: section.headings.map { TableColumn($0.title, width: $0.isNumber ? nil : 24) })
        for row in section.rows {
          try writer.append(
            zip(section.headings, row).map { heading, cell in
              heading.isNumber ? Int64(cell).map { .integer($0) } ?? .text(cell) : .text(cell)
            })
        }
      }
      try writer.begin(sheet: "说明", columns: [TableColumn("项目"), TableColumn("内容", width: 60)])
      for (name, text) in [
        ("报告", AuditPaper.title), ("编号", number), ("统计时段", "\(sheet.span.since) 至 \(sheet.span.until)"),
        ("编制单位", unit), ("编制人", author), ("编制时间", at.display),
      ] { try writer.append([.text(name), .text(text)]) }
      try writer.finish()
    }
  }
}
