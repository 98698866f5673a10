import Compression
package import Core
import Glibc

/// Writes artworks into a PDF file for the press, page by page: four inks, lettering as outlines that stand in the file
/// once, trim and bleed boxes, cut lines in an ink of their own (`CutContour`).
///
/// What is kept in memory is eight bytes a page, so that a batch may have any number. Not `Sendable`: one task writes.
package final class PrintPDF {
  private let book: GlyphBook
  private let sink: FileSink
  private let deflater = Deflater(level: 2, .zlib)
  private let showsMarks: Bool
  private let title: String
  private let created: Instant
  private var length = 0
  /// Where each object begins; 0 for one that is not written yet.
  private var offsets: [Int] = [0, 0, 0, 0]
  private var pages: [Int] = []
  /// Nodes of the tree of pages, each reserved with its first page and written at the end.
  private var nodes: [Int] = []
  private var usedGlyphs: Set<Int> = []
  private var content: [UInt8] = []

  private static let scale = 72 / 25.4
  private static let catalog = 1
  private static let tree = 2
  private static let resources = 3
  /// Room for crop marks around the bleed, in millimetres.
  private static let slug = 10.0
  /// Pages in one node of the tree.
  private static let branch = 250

  package var pageCount: Int { pages.count }

  /// - Parameter showsMarks: crop marks, cut lines and drilled holes (裁切线、开孔线).
  /// - Throws: ``Fault`` `file-unwritable`.
  package init(path: String, book: GlyphBook, title: String, created: Instant, showsMarks: Bool) throws {
    sink = try FileSink(path: path)
    self.book = book
    self.title = title
    self.created = created
    self.showsMarks = showsMarks
    try write { $0 += Array("%PDF-1.4\n%里坊\n".utf8) }
  }

  /// One artwork on a page of its own.
  ///
  /// - Throws: ``Fault`` `file-unwritable`.
  package func add(_ artwork: PrintArtwork) throws {
    let margin = artwork.bleed + (showsMarks ? PrintPDF.slug : 0)
    let width = artwork.width + 2 * margin
    let height = artwork.height + 2 * margin
    content.removeAll(keepingCapacity: true)
    begin(height: height)
    draw(artwork, x: margin, y: margin)
    content.put("Q\n")
    try page(
      width: width, height: height,
      trim: PDFBox(x: margin, y: margin, width: artwork.width, height: artwork.height), bleed: artwork.bleed)
  }

  /// Several artworks on one sheet (拼版), each at its place in millimetres.
  ///
  /// - Throws: ``Fault`` `file-unwritable`.
  package func add(sheet width: Double, _ height: Double, _ pieces: [(artwork: PrintArtwork, x: Double, y: Double)])
    throws
  {
    content.removeAll(keepingCapacity: true)
    begin(height: height)
    for piece in pieces { draw(piece.artwork, x: piece.x, y: piece.y) }
    content.put("Q\n")
    try page(width: width, height: height, trim: PDFBox(x: 0, y: 0, width: width, height: height), bleed: 0)
  }

  /// Writes what stands once, and closes the file.
  ///
  /// - Throws: ``Fault`` `file-unwritable`.
  package func finish() throws {
    var glyphs: [(name: Int, object: Int)] = []
    for glyph in usedGlyphs.sorted() { glyphs.append((glyph, try outline(book.outlines[glyph]))) }
    for (index, node) in nodes.enumerated() {
      let start = index * PrintPDF.branch
      let kids = pages[start..<min(start + PrintPDF.branch, pages.count)]
      try object(node) { bytes in
        bytes += Array("<</Type/Pages/Parent \(PrintPDF.tree) 0 R/Count \(kids.count)/Kids[".utf8)
        for kid in kids { bytes += Array("\(kid) 0 R ".utf8) }
        bytes.put("]>>")
      }
    }
    try object(PrintPDF.tree) { bytes in
      bytes += Array("<</Type/Pages/Count \(pages.count)/Kids[".utf8)
      for node in nodes { bytes += Array("\(node) 0 R ".utf8) }
      bytes.put("]>>")
    }
    try object(PrintPDF.resources) { bytes in
      bytes.put("<</ColorSpace<</Cut[/Separation/CutContour/DeviceCMYK")
      bytes.put("<</FunctionType 2/Domain[0 1]/C0[0 0 0 0]/C1[0 1 0 0]/N 1>>]>>/XObject<<")
      for glyph in glyphs { bytes += Array("/g\(glyph.name) \(glyph.object) 0 R".utf8) }
      bytes.put(">>>>")
    }
    try object(PrintPDF.catalog) { $0 += Array("<</Type/Catalog/Pages \(PrintPDF.tree) 0 R>>".utf8) }
    let information = try object { $0 += Array(self.information.utf8) }
    try crossReferences(information)
    try sink.finish()
  }

  // MARK: Drawing

  /// Millimetres from the top left corner, y downwards.
  private func begin(height: Double) {
    content.put("q ")
    content.put(PrintPDF.scale, 0, 0, -PrintPDF.scale, 0, height * PrintPDF.scale)
    content.put("cm\n")
  }

  private func draw(_ artwork: PrintArtwork, x: Double, y: Double) {
    content.put("q ")
    content.put(1, 0, 0, 1, x, y)
    content.put("cm\n")
    fill(artwork.ground)
    let bleed = artwork.bleed
    content.put(-bleed, -bleed, artwork.width + 2 * bleed, artwork.height + 2 * bleed)
    content.put("re f\n")
    var color = artwork.ground
    for mark in artwork.marks { draw(mark, &color) }
    if showsMarks { cut(artwork) }
    content.put("Q\n")
  }

  private func draw(_ mark: PrintArtwork.Mark, _ current: inout PrintColor) {
    func use(_ color: PrintColor) {
      if color != current { fill(color) }
      current = color
    }
    switch mark {
    case .area(let box, let radius, let color):
      use(color)
      rectangle(box, radius)
      content.put("f\n")
    case .frame(let box, let radius, let width, let color):
      for ink in color.inks { content.put(ink / 100) }
      content.put("K ")
      content.put(width)
      content.put("w ")
      rectangle(box, radius)
      content.put("S\n")
    case .glyph(let glyph, let x, let y, let scaleX, let scaleY, let color):
      use(color)
      usedGlyphs.insert(glyph)
      content.put("q ")
      content.put(scaleX, 0, 0, scaleY, x, y)
      content.put("cm/g")
      PrintNumber.write(glyph, into: &content)
      content.put(" Do Q\n")
    case .code(let code, let box, let color):
      use(color)
      let module = box.width / Double(code.size + 8)
      content.put("q ")
      content.put(module, 0, 0, module, box.x + 4 * module, box.y + 4 * module)
      content.put("cm\n")
      for run in code.runs {
        PrintNumber.write(run.x, into: &content)
        content.append(0x20)
        PrintNumber.write(run.y, into: &content)
        content.append(0x20)
        PrintNumber.write(run.length, into: &content)
        content.put(" 1 re\n")
      }
      content.put("f Q\n")
    case .hole: break
    }
  }

  private func fill(_ color: PrintColor) {
    for ink in color.inks { content.put(ink / 100) }
    content.put("k\n")
  }

  private func rectangle(_ box: PDFBox, _ radius: Double) {
    guard radius > 0 else {
      content.put(box.x, box.y, box.width, box.height)
      return content.put("re ")
    }
    let r = min(radius, box.width / 2, box.height / 2)
    // How far the handles of a quarter circle reach.
    let k = r * 0.5523
    let (left, top, right, bottom) = (box.x, box.y, box.x + box.width, box.y + box.height)
    content.put(left + r, top)
    content.put("m ")
    content.put(right - r, top)
    content.put("l ")
    content.put(right - r + k, top, right, top + r - k, right, top + r)
    content.put("c ")
    content.put(right, bottom - r)
    content.put("l ")
    content.put(right, bottom - r + k, right - r + k, bottom, right - r, bottom)
    content.put("c ")
    content.put(left + r, bottom)
    content.put("l ")
    content.put(left + r - k, bottom, left, bottom - r + k, left, bottom - r)
    content.put("c ")
    content.put(left, top + r)
    content.put("l ")
    content.put(left, top + r - k, left + r - k, top, left + r, top)
    content.put("c h ")
  }

  /// Edge and holes in the ink of the cutter, and crop marks beyond the bleed.
  private func cut(_ artwork: PrintArtwork) {
    content.put("/Cut CS 1 SCN 0.1 w ")
    rectangle(PDFBox(x: 0, y: 0, width: artwork.width, height: artwork.height), artwork.radius)
    content.put("S\n")
    for case .hole(let x, let y, let diameter) in artwork.marks {
      rectangle(PDFBox(x: x - diameter / 2, y: y - diameter / 2, width: diameter, height: diameter), diameter / 2)
      content.put("S\n")
    }
    content.put("1 1 1 1 K 0.1 w\n")
    let (near, far) = (artwork.bleed + 2, artwork.bleed + 7)
    for x in [0, artwork.width] {
      line(x, -far, x, -near)
      line(x, artwork.height + near, x, artwork.height + far)
    }
    for y in [0, artwork.height] {
      line(-far, y, -near, y)
      line(artwork.width + near, y, artwork.width + far, y)
    }
  }

  private func line(_ a: Double, _ b: Double, _ c: Double, _ d: Double) {
    content.put(a, b)
    content.put("m ")
    content.put(c, d)
    content.put("l S\n")
  }

  // MARK: Objects

  private func page(width: Double, height: Double, trim: PDFBox, bleed: Double) throws {
    let stream = try stream(content, "")
    if pages.count.isMultiple(of: PrintPDF.branch) {
      nodes.append(offsets.count)
      offsets.append(0)
    }
    let node = nodes.last ?? PrintPDF.tree
    let number = try object { bytes in
      bytes += Array("<</Type/Page/Parent \(node) 0 R/Resources \(PrintPDF.resources) 0 R".utf8)
      bytes += Array("/Contents \(stream) 0 R/MediaBox[0 0 ".utf8)
      bytes.put(width * PrintPDF.scale, height * PrintPDF.scale)
      bytes.put("]/BleedBox[")
      box(trim, grownBy: bleed, height, into: &bytes)
      bytes.put("]/TrimBox[")
      box(trim, grownBy: 0, height, into: &bytes)
      bytes.put("]>>")
    }
    pages.append(number)
  }

  private func box(_ box: PDFBox, grownBy bleed: Double, _ height: Double, into bytes: inout [UInt8]) {
    let scale = PrintPDF.scale
    bytes.put(
      (box.x - bleed) * scale, (height - box.y - box.height - bleed) * scale, (box.x + box.width + bleed) * scale,
      (height - box.y + bleed) * scale)
  }

  private func outline(_ glyph: GlyphOutline) throws -> Int {
    var bytes: [UInt8] = []
    for segment in glyph.segments {
      switch segment {
      case .move(let x, let y):
        bytes.put(x, y)
        bytes.put("m\n")
      case .line(let x, let y):
        bytes.put(x, y)
        bytes.put("l\n")
      case .curve(let a, let b, let c, let d, let x, let y):
        bytes.put(a, b, c, d, x, y)
        bytes.put("c\n")
      case .close: bytes.put("h\n")
      }
    }
    bytes.put("f")
    return try stream(bytes, "/Type/XObject/Subtype/Form/BBox[-1000 -2000 4000 2000]")
  }

  private func stream(_ bytes: [UInt8], _ dictionary: String) throws -> Int {
    let packed = bytes.withUnsafeBytes { deflater?.compress($0) }
    defer { packed?.baseAddress.map { free($0) } }
    return try object { target in
      let count = packed?.count ?? bytes.count
      target += Array("<<\(dictionary)/Length \(count)\(packed == nil ? "" : "/Filter/FlateDecode")>>stream\n".utf8)
      if let packed { target.append(contentsOf: packed) } else { target += bytes }
      target.put("\nendstream")
    }
  }

  @discardableResult
  private func object(_ number: Int? = nil, _ body: (inout [UInt8]) -> Void) throws -> Int {
    let number = number ?? offsets.count
    if number == offsets.count { offsets.append(length) } else { offsets[number] = length }
    try write { bytes in
      PrintNumber.write(number, into: &bytes)
      bytes.put(" 0 obj\n")
      body(&bytes)
      bytes.put("\nendobj\n")
    }
    return number
  }

  private func crossReferences(_ information: Int) throws {
    let start = length
    try write { bytes in
      bytes += Array("xref\n0 \(offsets.count)\n0000000000 65535 f \n".utf8)
    }
    for offset in offsets.dropFirst() {
      try write { bytes in
        let digits = String(offset)
        bytes += Array(String(repeating: "0", count: 10 - digits.utf8.count).utf8)
        bytes += Array(digits.utf8)
        bytes.put(" 00000 n \n")
      }
    }
    try write { bytes in
      bytes += Array(
        "trailer\n<</Size \(offsets.count)/Root \(PrintPDF.catalog) 0 R/Info \(information) 0 R>>\nstartxref\n\(start)\n%%EOF\n"
          .utf8)
    }
  }

  /// The title in UTF-16, as PDF has it, and when the file was made.
  private var information: String {
    let units = Array(title.utf16)
    let digits = Array("0123456789ABCDEF")
    let hex = units.map { unit in String((0..<4).map { digits[Int(unit >> UInt16(12 - 4 * $0) & 15)] }) }.joined()
    let (date, second) = created.chinaTime
    let clock = [second / 3600, second / 60 % 60, second % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined()
    return
      "<</Title<FEFF\(hex)>/Producer(Lifang)/CreationDate(D:\(date.description.replacing("-", with: ""))\(clock)+08'00')>>"
  }

  private func write(_ body: (inout [UInt8]) -> Void) throws {
    try sink.append { bytes in
      let before = bytes.count
      body(&bytes)
      length += bytes.count - before
    }
  }
}
