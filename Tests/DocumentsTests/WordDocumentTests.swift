import Core
import Documents
import Testing
import XML

/// Documents for Word.
@Suite struct WordDocumentTests {
  @Test func aDocumentIsWhatOfficesRead() throws {
    try withTemporaryFile(".docx") { path in
      var document = WordDocument(
        title: "月报 & 附表", author: "通川分局", created: Instant(seconds: 1_795_241_100), isLandscape: true,
        footer: "BB2026000001")
      document.heading("派出所时段报表")
      document.paragraph("编制单位：<通川分局>\n第二行", alignment: .centre)
      document.table(["派出所", "出生", "死亡"], [["东城", "3", "1"], ["西城", "2", "0"]], totals: ["合计", "5", "1"])
      document.paragraph("制表人：王芳")
      try document.write(to: path)
      #expect(try FileKind.sniff(.file(path)) == .docx)
      let contents = try ZipContents(path: path)
      func part(_ name: String) throws -> String {
        String(decoding: try #require(try contents.bytes(name)), as: UTF8.self)
      }
      let text = try part("word/document.xml")
      #expect(text.contains("&lt;通川分局&gt;") && text.contains("<w:br/>"))
      #expect(text.split(separator: "<w:tr>").count == 5)
      #expect(text.split(separator: "<w:tc>").count == 13)
      #expect(text.contains("<w:tblHeader/>") && text.contains("w:orient=\"landscape\""))
      #expect(try part("docProps/core.xml").contains("月报 &amp; 附表"))
      // Every part that is named is there, and is XML.
      for name in contents.names where name.hasSuffix(".xml") || name.hasSuffix(".rels") {
        #expect(throws: Never.self, "\(name)") { try XMLElement(parsing: try #require(try contents.bytes(name))) }
      }
      for named in ["word/styles.xml", "word/footer1.xml", "word/_rels/document.xml.rels", "[Content_Types].xml"] {
        #expect(contents.names.contains(named))
      }
    }
  }
}
