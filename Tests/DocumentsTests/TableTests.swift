import Core
import Documents
import Testing

@Suite struct TableTests {
  private let columns = [
    TableColumn("姓名"), TableColumn("年龄"), TableColumn("金额"), TableColumn("日期"), TableColumn("时间"), TableColumn("备注"),
  ]
  private let created = Instant(seconds: 1_763_700_000)

  private func table() throws -> [[TableValue]] {
    [
      [
        .text("张三"), .integer(36), .decimal(123_450, scale: 2), .date(try #require(CivilDate("2026-11-21"))),
        .time(try #require(Instant("2026-11-21 14:05:06"))), .text("=1+1"),
      ],
      [
        .text("李四"), .empty, .decimal(-5, scale: 2), .date(try #require(CivilDate("1949-10-01"))), .empty,
        .boolean(true),
      ],
      [.text(""), .integer(511_702_199_001_011_234), .number(0.1), .empty, .empty, .text("a\nb\"c\",里坊")],
    ]
  }

  private func read(_ path: String) throws -> (TableReader, [[String]]) {
    let reader = try TableReader(.file(path))
    var rows: [[String]] = []
    while let row = try reader.next() { rows.append(row.cells) }
    return (reader, rows)
  }

  @Test func readsItsOwnCSVBack() throws {
    try withTemporaryFile(".csv") { path in
      let writer = try TableWriter(path: path, format: .csv(CSVEncoder()), columns: columns)
      for row in try table() { try writer.append(row) }
      try writer.finish()
      let (reader, rows) = try read(path)
      #expect(reader.format == .csv(.utf8, delimiter: UInt8(ascii: ",")))
      #expect(reader.header.cells == ["姓名", "年龄", "金额", "日期", "时间", "备注"])
      #expect(rows[0] == ["张三", "36", "1234.50", "2026-11-21", "2026-11-21 14:05", "'=1+1"])
      #expect(rows[1] == ["李四", "", "-0.05", "1949-10-01", "", "是"])
      #expect(rows[2] == ["", "511702199001011234", "0.1", "", "", "a\nb\"c\",里坊"])
      #expect(try contents(path).starts(with: [0xEF, 0xBB, 0xBF]))
    }
  }

  @Test func aWorkbookTakesFurtherSheetsAndTextDoesNot() throws {
    try withTemporaryFile(".xlsx") { path in
      let writer = try TableWriter(path: path, format: .xlsx(sheet: "楼栋", created: created), columns: columns)
      try writer.append([.text("甲")])
      try writer.begin(sheet: "填写说明", columns: [TableColumn("列"), TableColumn("可选值")])
      try writer.append([.text("类型"), .text("住宅")])
      try writer.finish()
      let (reader, rows) = try read(path)
      #expect(reader.format == .xlsx(sheet: "楼栋", of: ["楼栋", "填写说明"]))
      #expect(rows == [["甲"]])
      let second = try TableReader(.file(path), sheet: "填写说明")
      #expect(second.header.cells == ["列", "可选值"])
      #expect(try second.next()?.cells == ["类型", "住宅"])
      #expect(try second.next() == nil)
    }
    try withTemporaryFile(".csv") { path in
      let writer = try TableWriter(path: path, format: .csv(CSVEncoder()), columns: columns)
      let fault = #expect(throws: Fault.self) { try writer.begin(sheet: "二", columns: []) }
      #expect(fault?.code == "csv-one-table")
    }
  }

  @Test func readsItsOwnXLSXBack() throws {
    try withTemporaryFile(".bin") { path in
      let writer = try TableWriter(path: path, format: .xlsx(sheet: "人员/名单", created: created), columns: columns)
      for row in try table() { try writer.append(row) }
      try writer.finish()
      let (reader, rows) = try read(path)
      #expect(reader.format == .xlsx(sheet: "人员名单", of: ["人员名单"]))
      #expect(reader.header.cells == ["姓名", "年龄", "金额", "日期", "时间", "备注"])
      #expect(rows[0] == ["张三", "36", "1234.5", "2026-11-21", "2026-11-21 14:05:06", "=1+1"])
      #expect(rows[1] == ["李四", "", "-0.05", "1949-10-01", "", "是"])
      #expect(rows[2] == ["", "511702199001011234", "0.1", "", "", "a\nb\"c\",里坊"])
    }
  }

  @Test func writesPicturesIntoWorksheets() throws {
    let png = try QRCode("https://example.cn/a/1").png(scale: 3)
    try withTemporaryFile(".xlsx") { path in
      let writer = try TableWriter(
        path: path, format: .xlsx(sheet: "门牌", created: created), columns: [TableColumn("门牌"), TableColumn("二维码")])
      for index in 1...3 { try writer.append([.text("\(index)号"), .image(png: png, alternative: "二维码")]) }
      try writer.finish()
      #expect(try read(path).1 == [["1号"], ["2号"], ["3号"]])
      let list = try #require(output(of: "unzip -l \(path)"))
      #expect(list.contains("xl/media/image1.png"))
    }
  }

  @Test func equalTablesMakeEqualFiles() throws {
    func file() throws -> [UInt8] {
      try withTemporaryFile(".xlsx") { path in
        let writer = try TableWriter(path: path, format: .xlsx(sheet: "表", created: created), columns: columns)
        for row in try table() { try writer.append(row) }
        try writer.finish()
        return try contents(path)
      }
    }
    #expect(try file() == (try file()))
  }

  @Test func takesAnUnfinishedFileAway() throws {
    try withTemporaryFile(".csv") { path in
      var writer: TableWriter? = try TableWriter(path: path, format: .csv(CSVEncoder()), columns: columns)
      try writer?.append([.text("x")])
      #expect(try contents(path).isEmpty)
      writer = nil
      #expect(!exists(path))
    }
  }

  @Test func goesByContentAndNotByName() throws {
    try withTemporaryFile(".xlsx") { path in
      try write(Array(" 姓名 ,电话\n张三,1\n".utf8), to: path)
      let (reader, rows) = try read(path)
      #expect(reader.header.cells == ["姓名", "电话"])
      #expect(rows == [["张三", "1"]])
    }
  }

  @Test(arguments: [
    ([UInt8](), "table-empty"), (Array("\n\n".utf8), "table-empty"), (Array("%PDF-1.7".utf8), "table-unsupported"),
    ([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1], "table-legacy"), ([1, 2, 0, 3], "table-unsupported"),
  ])
  func refusesOtherFiles(bytes: [UInt8], code: String) {
    #expect(#expect(throws: Refusal.self) { try TableReader(.bytes(bytes)) }?.code == code)
  }

  @Test func refusesAMissingFile() {
    #expect(#expect(throws: Refusal.self) { try TableReader(.file("/nonexistent/x")) }?.code == "file-missing")
  }
}

@Suite struct FileKindTests {
  @Test func knowsFilesByTheirFirstBytes() throws {
    let png = try QRCode("x").png()
    #expect(try FileKind.sniff(.bytes(png)) == .png)
    let cases: [([UInt8], FileKind)] = [
      (Array("%PDF-1.7\n".utf8), .pdf), ([0xFF, 0xD8, 0xFF, 0xE0, 0], .jpeg), (Array("GIF89a".utf8), .gif),
      (Array("RIFF\0\0\0\0WEBPVP8 ".utf8), .webp), (Array("\0\0\0 ftypisom\0\0".utf8), .mp4),
      (Array("\0\0\0 ftypheic\0\0".utf8), .unknown), (Array("姓名,电话\n".utf8), .text(.utf8)),
      ([0xD0, 0xD5, 0xC3, 0xFB, 0x0A], .text(.gb18030)), ([0xFF, 0xFE, 0x41, 0], .text(.utf16LittleEndian)),
      ([0, 1, 2], .unknown), ([], .unknown), ([0xFF, 0xFF, 0x41], .unknown),
      (Array("<svg onload=x>".utf8), .text(.utf8)),
    ]
    for (bytes, kind) in cases { #expect(try FileKind.sniff(.bytes(bytes)) == kind) }
  }

  @Test func looksIntoArchives() throws {
    #expect(try FileKind.sniff(fixture("openpyxl.xlsx")) == .xlsx)
    #expect(try FileKind.sniff(.bytes(TestArchive(["a": "b"]).file)) == .zip)
    let word = TestArchive(["[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"])
    #expect(try FileKind.sniff(.bytes(word.file)) == .docx)
  }

  @Test func takesTextThatIsCutInsideACharacter() {
    let bytes = Array("里坊".utf8.dropLast())
    #expect(FileKind.sniff(head: bytes, complete: false) == .text(.utf8))
    #expect(FileKind.sniff(head: bytes, complete: true) != .text(.utf8))
  }
}
