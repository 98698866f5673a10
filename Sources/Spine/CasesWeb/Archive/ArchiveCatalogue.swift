import Core
import Documents
import Entities

/// The catalogues of DA/T 22 as PDF: what lies in one file, and which files lie in one box.
enum ArchiveCatalogue {
  /// A line of the contents of an archive.
  struct Line: Sendable {
    let id: Int64
    let position: Int64
    let label: String
    let documentNumber: String
    let source: String
    let date: CivilDate
    /// `nil` when the pages could not be counted.
    let pages: ClosedRange<Int>?
    let files: Int
    let note: String

    var pageText: String {
      guard let pages else { return "未计" }
      if files == 0 { return "—" }
      return pages.count == 1 ? "\(pages.lowerBound)" : "\(pages.lowerBound)–\(pages.upperBound)"
    }
  }

  private static func document(_ title: String, _ subtitle: String, by name: String, at time: Instant) -> PDFDocument {
    let document = PDFDocument(
      page: .a4, properties: PDFProperties(title: title, author: name, created: time),
      footer: PDFRunningLine(left: "\(name) \(time.display) 打印", right: "第 {page} 页 / 共 {pages} 页"))
    document.heading(title)
    document.paragraph(subtitle)
    return document
  }

  /// 卷内目录.
  static func contents(_ archive: Record, _ lines: [Line], total: Int, by name: String, at time: Instant) throws
    -> [UInt8]
  {
    let document = document("卷内目录", "档号 \(archive["number"].text ?? "")", by: name, at: time)
    let retention = archive.titles["retention"] ?? archive["retention"].text ?? ""
    document.table(
      [PDFColumn("", width: .millimetres(26)), PDFColumn(""), PDFColumn("", width: .millimetres(26)), PDFColumn("")],
      cells: [
        ["申办事项", PDFCell(archive["item_label"].text ?? ""), "受理编号", PDFCell(archive["case_number"].text ?? "")],
        [
          "申请人", PDFCell(archive["applicant_name"].text ?? ""), "被申请人", PDFCell(archive["subject_name"].text ?? ""),
        ],
        ["归档单位", PDFCell(archive.titles["unit_id"] ?? ""), "保管期限", PDFCell(retention)],
        [
          "归档状态", PDFCell(archive.titles["state"] ?? ""), "归档时间",
          PDFCell(archive["filed_at"].instant?.display ?? "待补原件 \(archive["missing"].integer ?? 0) 份"),
        ],
      ])
    document.table(
      [
        PDFColumn("件号", width: .millimetres(12), alignment: .centre), PDFColumn("材料名称", width: .share(3)),
        PDFColumn("文件编号", width: .share(1.4)), PDFColumn("来源", width: .millimetres(20)),
        PDFColumn("日期", width: .millimetres(23)), PDFColumn("页号", width: .millimetres(16), alignment: .centre),
        PDFColumn("备注", width: .share(1.4)),
      ],
      rows: lines.map { line in
        [
          "\(line.position)", line.label, line.documentNumber, line.source, "\(line.date)", line.pageText, line.note,
        ]
      })
    document.paragraph("本卷共 \(lines.count) 件，\(total) 页。")
    document.paragraph("档案摘要（SM3）：\(archive["digest"].text ?? "尚未归档")", PDFTextStyle(size: 8))
    return try document.render()
  }

  /// 案卷目录.
  static func box(_ box: Record, _ archives: [Record], by name: String, at time: Instant) throws -> [UInt8] {
    let place = [box["cabinet"].text.map { "柜 \($0)" }, box["shelf"].text.map { "层 \($0)" }]
      .compactMap(\.self).joined(separator: "，")
    let subtitle = [
      "盒号 \(box["number"].text ?? "")", box.titles["unit_id"] ?? "", box["category"].text ?? "",
      "保管期限 \(box.titles["retention"] ?? "")", place,
    ].filter { !$0.isEmpty }.joined(separator: "　")
    let document = document("案卷目录", subtitle, by: name, at: time)
    list(archives, "盒内", on: document) { $0["position"].integer.map { "\($0)" } ?? "" }
    document.paragraph("本盒共 \(archives.count) 件。")
    return try document.render()
  }

  /// 归档目录: what was filed since the last one.
  static func catalogue(_ catalogue: Record, _ archives: [Record], by name: String, at time: Instant) throws -> [UInt8]
  {
    let document = document(
      "归档目录",
      "目录号 \(catalogue["number"].text ?? "")　\(catalogue.titles["unit_id"] ?? "")　\(catalogue["year"].integer ?? 0) 年",
      by: name, at: time)
    var number = 0
    list(archives, "序号", on: document) { _ in
      number += 1
      return "\(number)"
    }
    document.paragraph("本目录共 \(archives.count) 件，电子文件 \(catalogue["file_count"].integer ?? 0) 份。")
    document.paragraph("移交人：　　　　　　　　接收人：　　　　　　　　日期：　　　　年　　月　　日")
    return try document.render()
  }

  /// A table of archives, with what `first` says of each in front.
  private static func list(
    _ archives: [Record], _ title: String, on document: PDFDocument, _ first: (Record) -> String
  ) {
    document.table(
      [
        PDFColumn(title, width: .millimetres(12), alignment: .centre), PDFColumn("档号", width: .share(2)),
        PDFColumn("申办事项", width: .share(2)), PDFColumn("被申请人", width: .millimetres(24)),
        PDFColumn("办结日期", width: .millimetres(23)), PDFColumn("文件数", width: .millimetres(15), alignment: .centre),
        PDFColumn("状态", width: .millimetres(18)),
      ],
      rows: archives.map { one in
        [
          first(one), one["number"].text ?? "", one["item_label"].text ?? "",
          one["subject_name"].text ?? "", one["finished_at"].instant.map { "\($0.chinaTime.date)" } ?? "",
          "\(one["file_count"].integer ?? 0)", one.titles["state"] ?? "",
        ]
      })
  }

  /// A page of the archive on paper: the picture, and below it where it belongs.
  static func page(_ picture: [UInt8], _ archive: Record, _ line: Line, page: Int, by name: String, at time: Instant)
    throws -> [UInt8]
  {
    let document = PDFDocument(
      page: .a4, properties: PDFProperties(title: "电子档案 \(archive["number"].text ?? "")", author: name, created: time),
      footer: PDFRunningLine(
        left: "\(archive["number"].text ?? "")　第 \(line.position) 件", centre: "\(name) \(time.display) 打印",
        right: "页号 \(page)"))
    try document.image(jpeg: picture)
    return try document.render()
  }
}
