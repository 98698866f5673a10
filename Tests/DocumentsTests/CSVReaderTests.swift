import Core
import Documents
import Testing

@Suite struct CSVReaderTests {
  private func rows(_ bytes: [UInt8], limits: TableLimits = TableLimits()) throws -> [TableRow] {
    let reader = try CSVReader(.bytes(bytes), limits: limits)
    var rows: [TableRow] = []
    while let row = try reader.next() { rows.append(row) }
    return rows
  }

  private func cells(_ text: String) throws -> [[String]] { try rows(Array(text.utf8)).map(\.cells) }

  @Test(arguments: [
    ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]),
    ("a,b\nc,d", [["a", "b"], ["c", "d"]]),
    ("a,b\rc,d\r", [["a", "b"], ["c", "d"]]),
    ("\"a\",\"b,\"\"c\"\"\"\n", [["a", "b,\"c\""]]),
    ("\"多行\r\n地址\",x\n", [["多行\r\n地址", "x"]]),
    ("a,,\n,,b\n", [["a", "", ""], ["", "", "b"]]),
    ("a\n\n\r\nb\n", [["a"], ["b"]]),
    ("5\" pipe,b\n", [["5\" pipe", "b"]]),
    ("\u{FEFF}姓名,电话\n", [["姓名", "电话"]]),
    ("a\tb,c\nd\te\n", [["a", "b,c"], ["d", "e"]]),
    ("a;b\n\"1;2\";\"3,4,5\"\n", [["a", "b"], ["1;2", "3,4,5"]]),
    ("sep=;\na;b,c,d\n", [["a", "b,c,d"]]),
    ("", []),
    ("\"\"", []),
    ("only", [["only"]]),
  ])
  func readsWhatSpreadsheetsWrite(text: String, expected: [[String]]) throws {
    #expect(try cells(text) == expected)
  }

  @Test func numbersRowsByTheLineOnWhichTheyBegin() throws {
    let text = "a,b\n\"x\ny\",1\n\n\"p\r\nq\rr\",2\nlast,3\n"
    #expect(try rows(Array(text.utf8)).map(\.number) == [1, 2, 5, 8])
  }

  @Test(arguments: 1...40)
  func returnsWhatTheEncoderWrote(seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed))
    let alphabet = ["a", "1", ",", ";", "\t", "\"", "\n", "\r\n", " ", "里", "坊", "𠮷", "é", "'", "="]
    var encoder = CSVEncoder()
    encoder.guardsFormulas = false
    encoder.byteOrderMark = seed % 2 == 0
    var table: [[String]] = []
    for _ in 0..<60 {
      table.append(
        (0..<3).map { _ in
          (0..<Int.random(in: 0...12, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "" }
            .joined()
        } + ["end"])
    }
    var bytes: [UInt8] = []
    encoder.begin(into: &bytes)
    for row in table { encoder.encode(row, into: &bytes) }
    let reader = try CSVReader(.bytes(bytes), delimiter: UInt8(ascii: ","))
    for row in table { #expect(try reader.next()?.cells == row) }
    #expect(try reader.next() == nil)
  }

  @Test func readsRowsThatCrossItsBuffer() throws {
    let long = String(repeating: "长\"文\n", count: 20_000)
    var bytes: [UInt8] = []
    let encoder = CSVEncoder()
    for index in 0..<12 { encoder.encode(["\(index)", index % 3 == 0 ? long : "x"], into: &bytes) }
    let found = try rows(bytes)
    #expect(found.count == 12)
    #expect(found[3].cells == ["3", long])
    #expect(found[4].number == found[3].number + 20_001)
  }

  @Test func readsGB18030() throws {
    // 姓名,电话 / 张三,1 / 㐂 (four bytes)
    let bytes: [UInt8] =
      [0xD0, 0xD5, 0xC3, 0xFB, 0x2C, 0xB5, 0xE7, 0xBB, 0xB0, 0x0D, 0x0A, 0xD5, 0xC5, 0xC8, 0xFD, 0x2C, 0x31, 0x0A]
      + [0x81, 0x39, 0xEF, 0x31, 0x2C, 0x32, 0x0A]
    let reader = try CSVReader(.bytes(bytes))
    #expect(reader.encoding == .gb18030)
    #expect(try reader.next()?.cells == ["姓名", "电话"])
    #expect(try reader.next()?.cells == ["张三", "1"])
    #expect(try reader.next()?.cells == ["㐂", "2"])
  }

  @Test func tellsTheWord联通FromUTF8() throws {
    #expect(try cellsOf([0xC1, 0xAA, 0xCD, 0xA8, 0x0A]) == [["联通"]])
    // 路 is also the UTF-8 of a middle dot.
    #expect(try cellsOf([0xC2, 0xB7, 0x0A]) == [["路"]])
  }

  private func cellsOf(_ bytes: [UInt8]) throws -> [[String]] { try rows(bytes).map(\.cells) }

  @Test func findsTheEncodingBehindALongStartOfASCII() throws {
    let start = Array(String(repeating: "code,1\n", count: 60_000).utf8)
    let reader = try CSVReader(.bytes(start + [0xD5, 0xC5, 0xC8, 0xFD, 0x2C, 0x31, 0x0A]))
    #expect(reader.encoding == .gb18030)
    var last: TableRow?
    while let row = try reader.next() { last = row }
    #expect(last == TableRow(number: 60_001, cells: ["张三", "1"]))
  }

  @Test(arguments: [true, false])
  func readsUTF16(bigEndian: Bool) throws {
    let text = "\u{FEFF}姓名\t备注\r\n张三\t𠮷\r\n" + String(repeating: "里坊\t好\n", count: 40_000)
    let bytes = text.utf16.flatMap { unit -> [UInt8] in
      let (high, low) = (UInt8(unit >> 8), UInt8(unit & 0xFF))
      return bigEndian ? [high, low] : [low, high]
    }
    let found = try rows(bytes)
    #expect(found.count == 40_002)
    #expect(found[0].cells == ["姓名", "备注"])
    #expect(found[1].cells == ["张三", "𠮷"])
    #expect(found[40_001] == TableRow(number: 40_002, cells: ["里坊", "好"]))
  }

  @Test func namesTheLineAndColumnOfABrokenCharacter() throws {
    let utf8 = Array("姓名,住址\n\"张\n三\",达州\n李四,通".utf8) + [0xE5, 0xB7] + Array("川\n王五,万源\n".utf8)
    #expect(refusal(utf8) == ["text-malformed", "第 4 行第 2 列", "UTF-8"])
    let gb: [UInt8] = [0xD0, 0xD5, 0xC3, 0xFB, 0x2C, 0x31, 0x0A, 0xD5, 0xC5, 0x2C, 0xC8, 0xFF, 0x0A, 0xC8, 0xFD, 0x0A]
    #expect(refusal(gb) == ["text-malformed", "第 2 行第 2 列", "GB18030"])
    #expect(refusal(Array("a,b\nc,d\0\n".utf8)) == ["text-malformed", "第 2 行第 2 列", "UTF-8"])
  }

  @Test func namesThePlaceOfAMisplacedQuote() throws {
    #expect(refusal(Array("a,b\nc,\"d\ne".utf8)) == ["csv-quote-open", "第 2 行第 2 列", ""])
    #expect(refusal(Array("a,b\n\"c\"x,d\n".utf8)) == ["csv-quote-misplaced", "第 2 行第 1 列", ""])
  }

  /// The code, the place and the encoding in the refusal of a file.
  private func refusal(_ bytes: [UInt8], limits: TableLimits = TableLimits()) -> [String] {
    do {
      _ = try rows(bytes, limits: limits)
      return []
    } catch let refusal as Refusal {
      let place = refusal.message.split(separator: "列")[0].split(separator: "文件").last.map { "\($0)列" } ?? ""
      let encoding = ["UTF-8", "GB18030"].first { refusal.message.contains("按 \($0)") } ?? ""
      return [refusal.code, place, encoding]
    } catch {
      return ["\(error)"]
    }
  }

  @Test func refusesWhatExceedsItsLimits() throws {
    var limits = TableLimits()
    limits.cellBytes = 10
    limits.columns = 3
    limits.rows = 5
    limits.rowBytes = 300_000
    func code(_ text: String) -> String? { refusal(Array(text.utf8), limits: limits).first }
    #expect(code("a,b,c\n") == nil)
    #expect(code("12345678901\n") == "cell-too-large")
    #expect(code("a,b,c,d\n") == "too-many-columns")
    #expect(code("1\n2\n3\n4\n5\n6\n") == "too-many-rows")
    #expect(code("\"" + String(repeating: "x", count: 900_000)) == "row-too-large")
  }

  @Test func refusesABinaryFile() {
    #expect(refusal([UInt8](repeating: 0, count: 100)).first == "not-text")
  }

  @Test func countsItsProgress() throws {
    let bytes = Array(String(repeating: "里坊,1\n", count: 100_000).utf8)
    let reader = try CSVReader(.bytes(bytes))
    let before = reader.fractionRead
    while try reader.next() != nil {}
    #expect(before > 0 && before < 0.5 && reader.fractionRead == 1)
  }
}

@Suite struct CSVEncoderTests {
  private func line(_ cells: [String], _ change: (inout CSVEncoder) -> Void = { _ in }) -> String {
    var encoder = CSVEncoder()
    change(&encoder)
    var bytes: [UInt8] = []
    encoder.encode(cells, into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func quotesOnlyWhatNeedsIt() {
    #expect(
      line(["a", "b c", "", "x,y", "say \"hi\"", "two\nlines", " edge"])
        == "a,b c,,\"x,y\",\"say \"\"hi\"\"\",\"two\nlines\",\" edge\"\r\n")
    #expect(line(["a;b", "c,d"]) { $0.delimiter = UInt8(ascii: ";") } == "\"a;b\";c,d\r\n")
  }

  @Test(arguments: ["=1+1", "+cmd|' /C calc'!A0", "-1+2", "@SUM(A1)", "\tx", "\rx", "＝1+1", "＋1", "－1", "＠x", "=", "-"])
  func disarmsFormulas(cell: String) {
    #expect(CSVEncoder.isFormula(cell))
    #expect(line([cell]).hasPrefix("\"'"))
  }

  @Test(arguments: ["-12.5", "+8613800138000", "-0", "12", "里坊", "a=b", "1-2"])
  func leavesNumbersAndTextAlone(cell: String) {
    #expect(line([cell]) == cell + "\r\n")
  }
}
