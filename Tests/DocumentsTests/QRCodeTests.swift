import Core
import Documents
import Testing

@Suite struct QRCodeTests {
  @Test(.enabled(if: hasScanner), arguments: QRCode.Level.allCases)
  func isReadByAStockScanner(level: QRCode.Level) throws {
    for text in ["https://m.example.cn/a/5117020010000018", "达州市通川区朝阳中路18号", "0123456789", "A-B C$%*"] {
      let code = try QRCode(text, level: level)
      #expect(try scan(png: code.png(scale: 4)) == text)
    }
  }

  @Test func growsWithItsLevel() throws {
    let text = "https://m.example.cn/a/5117020010000018"
    let sizes = try QRCode.Level.allCases.map { try QRCode(text, level: $0).size }
    #expect(sizes == sizes.sorted() && sizes[0] < sizes[3])
    #expect(sizes.allSatisfy { ($0 - 17) % 4 == 0 })
  }

  @Test func drawsTheSameModulesAsSVG() throws {
    let code = try QRCode("里坊")
    let svg = code.svg(quietZone: 4)
    var drawn = [[Bool]](repeating: Array(repeating: false, count: code.size), count: code.size)
    let path = try #require(svg.split(separator: "<path d=\"").last?.split(separator: "\"").first)
    for run in path.split(separator: "M") {
      let numbers = run.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
      for x in numbers[0]..<numbers[0] + numbers[2] { drawn[numbers[1] - 4][x - 4] = true }
    }
    for y in 0..<code.size { for x in 0..<code.size { #expect(drawn[y][x] == code[x, y]) } }
    #expect(svg.contains("viewBox=\"0 0 \(code.size + 8) \(code.size + 8)\""))
  }

  @Test func hasThreeFinderPatternsAndNothingOutside() throws {
    let code = try QRCode("x")
    for (x, y) in [(0, 0), (code.size - 7, 0), (0, code.size - 7)] {
      #expect((0..<7).allSatisfy { code[x + $0, y] && code[x, y + $0] })
      #expect(!code[x + 1, y + 1] && code[x + 3, y + 3])
    }
    #expect(!code[-1, 0] && !code[0, code.size])
  }

  /// Cairo, as another decoder, draws each picture and the scanner reads it; scales cover lines of many lengths.
  @Test(.enabled(if: hasScanner), arguments: [(2, 4), (3, 2), (5, 4), (8, 0), (13, 4), (60, 4)])
  func picturesOfEverySizeAreDecoded(scale: Int, quietZone: Int) throws {
    let code = try QRCode("https://example.cn/\(scale)")
    let png = code.png(scale: scale, quietZone: quietZone)
    let document = PDFDocument(
      page: PDFPage(width: 100, height: 100, margin: 10),
      properties: PDFProperties(title: "", created: Instant(seconds: 0)))
    try document.place(png: png, x: 10, y: 10, width: 80)
    #expect(try scan(png: document.renderPNG(page: 0, dotsPerInch: 150)) == "https://example.cn/\(scale)")
    #expect(png[24] == 1 && png.count < 30_000)
  }

  @Test func refusesWhatDoesNotFit() throws {
    #expect(#expect(throws: Refusal.self) { try QRCode("") }?.code == "qr-empty")
    let long = String(repeating: "长", count: 600)
    #expect(#expect(throws: Refusal.self) { try QRCode(long, level: .high) }?.code == "qr-too-long")
    #expect(try QRCode(long, level: .low).size > 100)
    #expect(try QRCode(bytes: [0, 255, 0]).size == 21)
  }
}
