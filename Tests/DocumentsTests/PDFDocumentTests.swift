import Core
import Documents
import Testing

@Suite struct PDFDocumentTests {
  private let properties = PDFProperties(title: "测试", author: "里坊", created: Instant(seconds: 1_763_700_000))

  private func document(_ page: PDFPage = .a4) -> PDFDocument { PDFDocument(page: page, properties: properties) }

  private func count(_ needle: String, in bytes: [UInt8]) -> Int {
    String(decoding: bytes, as: UTF8.self).split(separator: needle, omittingEmptySubsequences: false).count - 1
  }

  private func longDocument() throws -> PDFDocument {
    let document = document()
    document.header = PDFRunningLine(left: "达州市", right: "门牌清单")
    document.footer = .pageNumbers
    document.watermark = "张三 2026-11-21"
    document.heading("关于门牌制作的通知")
    document.paragraph(String(repeating: "为规范门牌管理，现将有关事项通知如下。", count: 200))
    document.table(
      [
        PDFColumn("序号", width: .millimetres(15), alignment: .centre), PDFColumn("地址"),
        PDFColumn("备注", width: .share(0.5)),
      ],
      rows: (1...120).map { ["\($0)", "四川省达州市通川区朝阳中路\($0)号", $0 == 60 ? String(repeating: "长备注", count: 1500) : "无"] })
    document.rule()
    try document.image(png: try QRCode("x").png(), width: 40)
    document.qr(try QRCode("https://example.cn/a/1"), side: 30)
    return document
  }

  @Test func breaksPagesAndEmbedsFonts() throws {
    let document = try longDocument()
    let bytes = try document.render()
    #expect(bytes.starts(with: Array("%PDF-".utf8)))
    #expect(document.pageCount > 5)
    #expect(count("/Type /Page ", in: bytes) + count("/Type /Page\n", in: bytes) == document.pageCount)
    #expect(count("/FontFile", in: bytes) > 0)
    // Embedded from the font's own tables, cairo 1.16 would lose characters.
    #expect(count("NotoSans", in: bytes) == 0)
    #expect(try FileKind.sniff(.bytes(bytes)) == .pdf)
  }

  @Test func equalContentMakesEqualFiles() throws {
    #expect(try longDocument().render() == (try longDocument().render()))
  }

  @Test func keepsThePageSizeInMillimetres() throws {
    let bytes = try document(PDFPage(width: 100, height: 60, margin: 0)).render()
    #expect(count("283.464", in: bytes) > 0 && count("170.078", in: bytes) > 0)
  }

  @Test(.enabled(if: hasScanner))
  func drawsCodesThatAStockScannerReads() throws {
    let document = document(PDFPage(width: 120, height: 80, margin: 5))
    document.place(rectangleAt: 2, 2, width: 116, height: 76, radius: 4, fill: PDFColor(0x1F4E9E))
    document.place(rectangleAt: 70, 20, width: 40, height: 40, fill: .white)
    document.place(try QRCode("https://example.cn/plate/7", level: .high), x: 70, y: 20, side: 40)
    let height = document.place("朝阳中路 18号", x: 8, y: 20, width: 58, PDFTextStyle(size: 24, bold: true))
    #expect(height > 8)
    #expect(try scan(png: document.renderPNG(page: 0, dotsPerInch: 200)) == "https://example.cn/plate/7")
    let flowing = self.document()
    flowing.qr(try QRCode("https://example.cn/a/2"), side: 30)
    #expect(try scan(png: flowing.renderPNG(page: 0, dotsPerInch: 150)) == "https://example.cn/a/2")
  }

  @Test func repeatsTheHeaderOfATableOnEachPage() throws {
    func pages(_ rows: Int, titled: Bool) -> Int {
      let document = document()
      document.table([PDFColumn(titled ? "序号\n编号\n号码\n数字" : "")], rows: (0..<rows).map { ["\($0)"] })
      return document.pageCount
    }
    #expect(pages(300, titled: true) > pages(300, titled: false))
  }

  @Test func goesOnWithARowThatIsTallerThanAPage() throws {
    let document = document()
    document.table(
      [PDFColumn("左"), PDFColumn("右")],
      rows: [["短", (0..<200).map { "第\($0)行" }.joined(separator: "\n")], ["后", "面"]])
    #expect(document.pageCount == 4)
  }

  @Test func setsFormsWithSpans() throws {
    let document = document()
    document.table(
      [PDFColumn(""), PDFColumn(""), PDFColumn(""), PDFColumn("")],
      cells: [
        [PDFCell("姓名", bold: true), "张三", PDFCell("电话", bold: true), "138"],
        [PDFCell("地址", bold: true), PDFCell("达州市", span: 3)], [PDFCell("意见", span: 9)], [],
      ])
    #expect(document.pageCount == 1)
    #expect(try document.render().count > 1000)
  }

  @Test func refusesOtherPictures() {
    #expect(
      #expect(throws: Refusal.self) { try document().image(png: Array("GIF89a".utf8), width: 10) }?.code
        == "image-unsupported")
    var huge: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]
    huge += [0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 8, 2, 0, 0, 0]
    #expect(#expect(throws: Refusal.self) { try document().image(png: huge, width: 10) }?.code == "image-too-large")
  }
}
