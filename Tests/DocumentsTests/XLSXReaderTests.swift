import Core
import Documents
import Testing

@Suite struct XLSXReaderTests {
  private func rows(_ source: ByteSource, sheet: String? = nil, limits: TableLimits = TableLimits()) throws
    -> [TableRow]
  {
    let reader = try XLSXReader(source, sheet: sheet, limits: limits)
    var rows: [TableRow] = []
    while let row = try reader.next() { rows.append(row) }
    return rows
  }

  private func sheet(_ rows: String) -> ByteSource {
    .bytes(TestArchive.workbook(sheet: "<worksheet><sheetData>\(rows)</sheetData></worksheet>").file)
  }

  private func code(_ source: ByteSource, limits: TableLimits = TableLimits()) -> String? {
    do {
      _ = try rows(source, limits: limits)
      return nil
    } catch {
      return (error as? Refusal)?.code ?? "\(error)"
    }
  }

  /// The file was written by openpyxl 3.1.5.
  @Test func readsAWorkbookOfAnotherProgram() throws {
    let found = try rows(fixture("openpyxl.xlsx"))
    #expect(found.map(\.number) == [1, 2, 5, 6, 8])
    #expect(
      found[1].cells == [
        "张三", "511702199001011234", "1990-01-01", "2026-11-21 14:05:06", "36", "0.155", "1234.5", "08:30:00", "TRUE",
        "前粗后",
      ])
    #expect(found[2][0] == "李四")
    #expect(found[2][3] == "1900-01-15 00:00:00")
    #expect(found[2][4] == "0.3")
    #expect(found[2][6] == "0.0000001")
    #expect(found[2][8] == "FALSE")
    #expect(found[2][9] == "a\r\nb & <c>" || found[2][9] == "a\nb & <c>")
    #expect(found[3][4] == "123456789012345700")
    #expect(found[4].cells == ["合并"])
  }

  @Test func choosesTheFirstVisibleSheetOrTheNamedOne() throws {
    let reader = try XLSXReader(fixture("openpyxl.xlsx"))
    #expect(reader.sheets.map(\.name) == ["说明", "人员"])
    #expect(reader.sheet.name == "人员")
    #expect(try rows(fixture("openpyxl.xlsx"), sheet: "说明").first?.cells == ["填写说明"])
    let missing = #expect(throws: Refusal.self) { try XLSXReader(fixture("openpyxl.xlsx"), sheet: "没有") }
    #expect(missing?.code == "sheet-missing")
    #expect(missing?.message.contains("说明、人员") == true)
  }

  @Test func countsDatesFrom1904WhenTheWorkbookDoes() throws {
    #expect(try rows(fixture("mac1904.xlsx")).last?.cells == ["2026-11-21"])
  }

  @Test func readsEveryTypeOfCell() throws {
    let found = try rows(
      sheet(
        """
        <row r="3"><c r="A3" t="inlineStr"><is><t>文</t><r><t>字</t></r><rPh><t>x</t></rPh></is></c>
        <c r="C3" t="str"><f>A3</f><v>结果</v></c><c t="b"><v>1</v></c><c t="e"><v>#N/A</v></c><c><v>1E3</v></c>
        <c><v>-0.000012</v></c><c t="n"><v>511702199001010000</v></c><c r="AB3"><v>7</v></c></row>
        <row><c t="inlineStr"><is><t>_x0041_b_x000D_c_x5F</t></is></c></row><row r="9"><c r="A9"/></row>
        """))
    #expect(found[0].number == 3)
    #expect(
      found[0].cells.prefix(9) == ["文字", "", "结果", "TRUE", "#N/A", "1000", "-0.000012", "511702199001010000", ""])
    #expect(found[0].cells.count == 28 && found[0][27] == "7")
    #expect(found[1] == TableRow(number: 4, cells: ["Ab\rc_x5F"]))
    #expect(found.count == 2)
  }

  @Test func readsPrefixedNamesAndSharedTexts() throws {
    let archive = TestArchive.workbook(
      sheet:
        #"<x:worksheet xmlns:x="s"><x:sheetData><x:row><x:c t="s"><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>"#,
      shared: "<sst><si><t>零</t></si><si><r><t>一</t></r><r><t>二</t></r><rPh><t>音</t></rPh></si></sst>")
    #expect(try rows(.bytes(archive.file)).map(\.cells) == [["一二"]])
  }

  @Test func refusesBombsEncryptionAndWrecks() throws {
    #expect(code(fixture("bomb.xlsx")) == "archive-too-large")
    #expect(code(.bytes(TestArchive(["xl/workbook.xml": "<workbook/>"], encrypted: true).file)) == "archive-encrypted")
    #expect(code(.bytes(Array("PK\u{3}\u{4} and nothing".utf8))) == "archive-broken")
    #expect(code(.bytes(TestArchive(["a.txt": "text"]).file)) == "archive-broken")
    #expect(code(sheet("<row><c><v>1</v></row>")) == "archive-broken")
    var limits = TableLimits()
    limits.archiveEntries = 3
    #expect(code(sheet("<row/>"), limits: limits) == "archive-too-large")
    limits = TableLimits()
    limits.archiveBytes = 200
    #expect(code(sheet("<row/>"), limits: limits) == "archive-too-large")
  }

  @Test func expandsNoEntities() throws {
    let bomb = """
      <?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>
      <worksheet><sheetData><row><c t="str"><v>&b;&c;</v></c></row></sheetData></worksheet>
      """
    #expect(code(.bytes(TestArchive.workbook(sheet: bomb).file)) == "archive-broken")
  }

  @Test func refusesWhatExceedsItsLimits() throws {
    var limits = TableLimits()
    limits.columns = 4
    limits.rows = 2
    limits.cellBytes = 5
    limits.sharedTextBytes = 10
    #expect(code(sheet(#"<row><c r="XFD1"><v>1</v></c></row>"#), limits: limits) == "too-many-columns")
    #expect(code(sheet(#"<row><c r="XFD1" s="1"/></row>"#), limits: limits) == nil)
    let three = String(repeating: "<row><c><v>1</v></c></row>", count: 3)
    #expect(code(sheet(three), limits: limits) == "too-many-rows")
    #expect(code(sheet(#"<row><c t="str"><v>123456</v></c></row>"#), limits: limits) == "cell-too-large")
    let shared = TestArchive.workbook(sheet: "<worksheet/>", shared: "<sst><si><t>12345678901</t></si></sst>")
    #expect(code(.bytes(shared.file), limits: limits) == "archive-too-large")
    let endless = #"<row><c r=""# + String(repeating: "A", count: 3 << 19) + #""/></row>"#
    #expect(code(sheet(endless)) == "archive-too-large")
  }
}
