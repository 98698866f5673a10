package import Core
import XML

/// A document of headings, paragraphs and tables as Word and its relatives read it (DOCX, ISO/IEC 29500-4).
///
/// What the offices' forms need and no more: SimSun as their rules want it, a page of A4 upright or across, tables with a
/// heading row that repeats on every page, a footer with the number of the page.
package struct WordDocument: Sendable {
  /// How the lines of a paragraph stand.
  package enum Alignment: String, Sendable { case left, centre = "center", right }

  private let title: String
  private let author: String
  private let created: Instant
  private let isLandscape: Bool
  private let footer: String
  private var body = XMLFragment()

  /// - Parameter footer: stands at the left of each page's foot, the number of the page at the right.
  package init(title: String, author: String, created: Instant, isLandscape: Bool = false, footer: String = "") {
    self.title = title
    self.author = author
    self.created = created
    self.isLandscape = isLandscape
    self.footer = footer
  }

  /// Twentieths of a point of the page's width between its margins of 20 mm.
  private var width: Int { isLandscape ? 16_838 - 2_268 : 11_906 - 2_268 }

  /// Adds a heading, in the middle of the page.
  package mutating func heading(_ text: String) {
    body.add("w:p") { p in
      p.add("w:pPr") { properties in
        properties.add("w:pStyle", [("w:val", "Heading1")])
        properties.add("w:jc", [("w:val", "center")])
      }
      p.run(text, size: 18, isBold: true)
    }
  }

  /// - Parameter size: in points.
  package mutating func paragraph(_ text: String, size: Double = 10.5, alignment: Alignment = .left) {
    body.add("w:p") { p in
      p.add("w:pPr") { $0.add("w:jc", [("w:val", alignment.rawValue)]) }
      p.run(text, size: size)
    }
  }

  /// A table under headings; columns of words stand at the left, the others at the right.
  ///
  /// - Parameters:
  ///   - rows: as many cells as there are headings.
  ///   - totals: a last row in bold.
  ///   - words: the columns of words.
  package mutating func table(
    _ headings: [String], _ rows: [[String]], totals: [String]? = nil, size: Double = 9.5, words: Set<Int> = [0]
  ) {
    let whole = width
    let first = headings.count > 1 ? whole / (headings.count > 12 ? 8 : 4) : whole
    let other = headings.count > 1 ? (whole - first) / (headings.count - 1) : 0
    func breadth(_ column: Int) -> String { String(column == 0 ? first : other) }
    func row(_ cells: [String], isHead: Bool = false, isBold: Bool = false, _ table: inout XMLFragment) {
      table.add("w:tr") { tr in
        if isHead { tr.add("w:trPr") { $0.add("w:tblHeader") } }
        for (column, text) in cells.enumerated() {
          tr.add("w:tc") { tc in
            tc.add("w:tcPr") { $0.add("w:tcW", [("w:w", breadth(column)), ("w:type", "dxa")]) }
            tc.add("w:p") { p in
              let alignment = isHead ? "center" : words.contains(column) ? "left" : "right"
              p.add("w:pPr") { $0.add("w:jc", [("w:val", alignment)]) }
              p.run(text, size: size, isBold: isHead || isBold)
            }
          }
        }
      }
    }
    body.add("w:tbl") { table in
      table.add("w:tblPr") { properties in
        properties.add("w:tblW", [("w:w", String(whole)), ("w:type", "dxa")])
        properties.add("w:tblBorders") { borders in
          for side in ["top", "left", "bottom", "right", "insideH", "insideV"] {
            borders.add("w:\(side)", [("w:val", "single"), ("w:sz", "4"), ("w:color", "auto")])
          }
        }
        properties.add("w:tblLayout", [("w:type", "fixed")])
      }
      table.add("w:tblGrid") { grid in
        for column in headings.indices { grid.add("w:gridCol", [("w:w", breadth(column))]) }
      }
      row(headings, isHead: true, &table)
      for cells in rows { row(cells, &table) }
      if let totals { row(totals, isBold: true, &table) }
    }
  }

  // MARK: Writing

  /// Writes the document into a file.
  ///
  /// - Throws: ``Fault`` `zip-unwritable`.
  package func write(to path: String) throws {
    let archive = try ZipWriter(path: path)
    for (name, text) in parts { try archive.add(name, Array(text.utf8)) }
    try archive.finish()
  }

  private static let head = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
  private static let word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
  private static let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
  private static let package = "http://schemas.openxmlformats.org/package/2006"

  private var parts: [(String, String)] {
    let types = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    var content = XMLFragment()
    content.add("Types", [("xmlns", "\(WordDocument.package)/content-types")]) { root in
      root.add(
        "Default",
        [("Extension", "rels"), ("ContentType", "application/vnd.openxmlformats-package.relationships+xml")])
      root.add("Default", [("Extension", "xml"), ("ContentType", "application/xml")])
      for (part, type) in [
        ("/word/document.xml", "\(types).document.main+xml"), ("/word/styles.xml", "\(types).styles+xml"),
        ("/word/footer1.xml", "\(types).footer+xml"),
        ("/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml"),
      ] { root.add("Override", [("PartName", part), ("ContentType", type)]) }
    }
    func relations(_ targets: [(type: String, target: String)]) -> String {
      var fragment = XMLFragment()
      fragment.add("Relationships", [("xmlns", "\(WordDocument.package)/relationships")]) { root in
        for (number, one) in targets.enumerated() {
          root.add("Relationship", [("Id", "r\(number + 1)"), ("Type", one.type), ("Target", one.target)])
        }
      }
      return WordDocument.head + fragment.text
    }
    return [
      ("[Content_Types].xml", WordDocument.head + content.text),
      (
        "_rels/.rels",
        relations([
          ("\(WordDocument.office)/officeDocument", "word/document.xml"),
          ("\(WordDocument.package)/relationships/metadata/core-properties", "docProps/core.xml"),
        ])
      ),
      (
        "word/_rels/document.xml.rels",
        relations([
          ("\(WordDocument.office)/styles", "styles.xml"), ("\(WordDocument.office)/footer", "footer1.xml"),
        ])
      ), ("word/document.xml", document), ("word/styles.xml", styles), ("word/footer1.xml", foot),
      ("docProps/core.xml", core),
    ]
  }

  private var document: String {
    var fragment = XMLFragment()
    let (short, long) = ("11906", "16838")
    fragment.add("w:document", [("xmlns:w", WordDocument.word), ("xmlns:r", WordDocument.office)]) { root in
      root.add("w:body") { content in
        content.append(body)
        content.add("w:sectPr") { section in
          section.add("w:footerReference", [("w:type", "default"), ("r:id", "r2")])
          section.add(
            "w:pgSz",
            isLandscape ? [("w:w", long), ("w:h", short), ("w:orient", "landscape")] : [("w:w", short), ("w:h", long)])
          section.add(
            "w:pgMar",
            ["top", "right", "bottom", "left"].map { ("w:\($0)", "1134") } + [("w:header", "567"), ("w:footer", "567")])
        }
      }
    }
    return WordDocument.head + fragment.text
  }

  private var styles: String {
    var fragment = XMLFragment()
    fragment.add("w:styles", [("xmlns:w", WordDocument.word)]) { root in
      root.add("w:docDefaults") { defaults in
        defaults.add("w:rPrDefault") { standard in
          standard.add("w:rPr") { $0.font(10.5) }
        }
      }
      for (id, name, isDefault) in [("Normal", "Normal", "1"), ("Heading1", "heading 1", "0")] {
        root.add("w:style", [("w:type", "paragraph"), ("w:default", isDefault), ("w:styleId", id)]) { style in
          style.add("w:name", [("w:val", name)])
          if id == "Heading1" {
            style.add("w:basedOn", [("w:val", "Normal")])
            style.add("w:pPr") { $0.add("w:outlineLvl", [("w:val", "0")]) }
          }
        }
      }
    }
    return WordDocument.head + fragment.text
  }

  private var foot: String {
    var fragment = XMLFragment()
    fragment.add("w:ftr", [("xmlns:w", WordDocument.word)]) { root in
      root.add("w:p") { p in
        p.add("w:pPr") { properties in
          properties.add("w:tabs") { $0.add("w:tab", [("w:val", "right"), ("w:pos", String(width))]) }
        }
        p.run(footer, size: 9)
        p.add("w:r") { $0.add("w:tab") }
        p.run("第 ", size: 9)
        p.add("w:fldSimple", [("w:instr", "PAGE")]) { $0.run("1", size: 9) }
        p.run(" 页", size: 9)
      }
    }
    return WordDocument.head + fragment.text
  }

  private var core: String {
    var fragment = XMLFragment()
    fragment.add(
      "cp:coreProperties",
      [
        ("xmlns:cp", "\(WordDocument.package)/metadata/core-properties"),
        ("xmlns:dc", "http://purl.org/dc/elements/1.1/"),
        ("xmlns:dcterms", "http://purl.org/dc/terms/"), ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
      ]
    ) { root in
      root.add("dc:title") { $0.write(title) }
      root.add("dc:creator") { $0.write(author) }
      root.add("dcterms:created", [("xsi:type", "dcterms:W3CDTF")]) { $0.write(created.iso8601) }
    }
    return WordDocument.head + fragment.text
  }
}

/// Markup that is put together without blanks between elements, where every blank would be shown.
private struct XMLFragment: Sendable {
  private(set) var text = ""

  mutating func add(
    _ name: String, _ attributes: [(String, String)] = [], _ content: (inout XMLFragment) -> Void = { _ in }
  ) {
    var inner = XMLFragment()
    content(&inner)
    let head = attributes.map { " \($0.0)=\"\(XMLWriter.escaped($0.1))\"" }.joined()
    text += inner.text.isEmpty ? "<\(name)\(head)/>" : "<\(name)\(head)>\(inner.text)</\(name)>"
  }

  mutating func append(_ other: XMLFragment) { text += other.text }

  mutating func write(_ content: String) { text += XMLWriter.escaped(content) }

  /// A run of text; its lines are broken as they are.
  mutating func run(_ content: String, size: Double, isBold: Bool = false) {
    add("w:r") { run in
      run.add("w:rPr") { $0.font(size, isBold: isBold) }
      for (number, line) in content.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        if number > 0 { run.add("w:br") }
        run.add("w:t", [("xml:space", "preserve")]) { $0.write(String(line)) }
      }
    }
  }

  mutating func font(_ size: Double, isBold: Bool = false) {
    add("w:rFonts", [("w:ascii", "SimSun"), ("w:hAnsi", "SimSun"), ("w:eastAsia", "SimSun")])
    if isBold { add("w:b") }
    add("w:sz", [("w:val", String(Int(size * 2)))])
    add("w:lang", [("w:eastAsia", "zh-CN")])
  }
}
