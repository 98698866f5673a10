import Core
import Documents
import Entities

/// Sets a template, filled in, as PDF.
///
/// Official papers are set in a Song face (宋体). With `valuesOnly` the ruled lines and labels of what has a fixed place are
/// left out: they stand on the preprinted form already (套打).
struct DocumentPainter {
  let template: DocumentTemplate
  let document: PDFDocument
  /// The public address, for codes of signatures.
  let origin: String
  /// What the QR code says; `nil` for a document that is not entered in the ledger.
  let proof: (url: String, words: String)?
  let valuesOnly: Bool

  private static let families = "Noto Serif CJK SC, Source Han Serif SC, SimSun, serif"
  private static let sealColor = PDFColor(0xC0392B)
  private static let cellPadding = 1.2

  init(
    _ template: DocumentTemplate, title: String, author: String, at time: Instant, proof: (url: String, words: String)?,
    valuesOnly: Bool, origin: String = ""
  ) {
    self.origin = origin
    self.template = template
    self.proof = proof
    self.valuesOnly = valuesOnly
    document = PDFDocument(
      page: template.page, properties: PDFProperties(title: title, author: author, created: time))
  }

  static func style(
    _ size: Double, bold: Bool = false, _ alignment: PDFTextStyle.Alignment = .left, indent: Double = 0,
    spacing: Double = 1
  ) -> PDFTextStyle {
    var style = PDFTextStyle(size: size, bold: bold, alignment: alignment)
    style.families = families
    style.indent = indent
    style.lineSpacing = spacing
    return style
  }

  private var isSmall: Bool { template.page.width < 160 }
  private var usualSize: Double { isSmall ? 8.5 : 14 }

  // MARK: Blocks

  func paint(_ blocks: [DocumentBlock], _ content: DocumentContent) throws {
    for block in blocks where try content.holds(block.when) { try paint(block, content) }
  }

  private func paint(_ block: DocumentBlock, _ content: DocumentContent) throws {
    switch block.kind {
    case .title(let text): try title(text, block.size ?? (isSmall ? 12 : 22), content)
    case .text(let text, let alignment, let indent):
      guard !valuesOnly else { return }
      let style = DocumentPainter.style(
        block.size ?? usualSize, alignment, indent: indent, spacing: isSmall ? 1 : 1.25)
      document.paragraph(try content.fill(text), style)
    case .grid(let grid): try paint(grid, block.size ?? (isSmall ? 8.5 : 11), content)
    case .table(let table): try paint(table, block.size ?? (isSmall ? 8 : 11), content)
    case .sign(let sign): try paint(sign, block.size ?? usualSize, content)
    case .verify(let x, let y, let side): if !valuesOnly { try verify(x: x, y: y, side: side) }
    case .cut(let text): cut(try content.fill(text))
    case .space(let millimetres): document.space(millimetres)
    case .newPage: document.addPage()
    case .signature(let label): try signature(label, content.signatures[label], block.size ?? 10.5)
    case .slot(let name): groups(content.slots[name] ?? [], block.size ?? 10.5)
    case .pages(let lookup, let inner):
      for row in content.rows[lookup] ?? [] {
        document.addPage()
        try paint(inner, content.inRow(row))
      }
    }
  }

  private func title(_ text: DocumentText, _ size: Double, _ content: DocumentContent) throws {
    guard !valuesOnly else { return }
    let filled = try content.fill(text)
    document.paragraph(filled, DocumentPainter.style(size, bold: true, .centre))
    document.space(isSmall ? 1 : 3)
  }

  private func cut(_ words: String) {
    guard !valuesOnly else { return }
    let (left, width) = document.body
    document.space(3)
    let y = document.position + 2.5
    let style = DocumentPainter.style(9, .centre)
    document.line(from: (left, y), to: (left + width * 0.3, y), isDashed: true)
    document.line(from: (left + width * 0.7, y), to: (left + width, y), isDashed: true)
    document.place(words, in: PDFBox(x: left, y: y - 2.5, width: width, height: 5), style)
    document.position = y + 5
  }

  // MARK: Grids

  private func paint(_ grid: DocumentGrid, _ size: Double, _ content: DocumentContent) throws {
    let body = document.body
    let sum = grid.columns.reduce(0, +)
    let scale = grid.place == nil && sum > 0 ? body.width / sum : 1
    let widths = grid.columns.map { $0 * scale }
    let left = grid.place?.x ?? body.left
    if let place = grid.place { document.position = place.y }
    for row in grid.rows {
      var cells: [(cell: DocumentGrid.Cell, text: String, x: Double, width: Double)] = []
      var x = left
      var column = 0
      for cell in row {
        let width = widths[min(column, widths.count)..<min(column + cell.span, widths.count)].reduce(0, +)
        cells.append((cell, try content.fill(cell.text), x, width))
        x += width
        column += cell.span
      }
      var height = grid.height
      if grid.place == nil {
        for cell in cells {
          let needed = document.height(
            of: cell.text, width: cell.width - 2 * DocumentPainter.cellPadding, style(cell.cell, cell.text, size))
          height = max(height, needed + 2)
        }
        if document.roomLeft < height { document.addPage() }
      }
      let y = document.position
      for cell in cells {
        if !valuesOnly { document.place(rectangleAt: cell.x, y, width: cell.width, height: height, border: 0.6) }
        if valuesOnly, cell.cell.text.isFixed { continue }
        let box = PDFBox(
          x: cell.x + DocumentPainter.cellPadding, y: y + 0.3, width: cell.width - 2 * DocumentPainter.cellPadding,
          height: height - 0.6)
        document.place(cell.text, in: box, style(cell.cell, cell.text, size))
      }
      document.position = y + height
    }
    if grid.place == nil { document.space(2) }
  }

  /// Labels stand in the middle; short values too, long ones begin at the left.
  private func style(_ cell: DocumentGrid.Cell, _ text: String, _ size: Double) -> PDFTextStyle {
    let usual: PDFTextStyle.Alignment = cell.text.isFixed || text.count <= 18 ? .centre : .left
    return DocumentPainter.style(size, cell.alignment ?? usual)
  }

  private func paint(_ table: DocumentTable, _ size: Double, _ content: DocumentContent) throws {
    let columns = table.columns.map { PDFColumn($0.label, width: .share($0.width), alignment: .centre) }
    let above = template.lookups.first { $0.name == table.lookup }?.of.map { "\($0)_id" }
    let own = (content.rows[table.lookup] ?? []).filter { row in above.map { row[$0]?.value == content[$0] } ?? true }
    var rows = try own.map { row in
      let inner = content.inRow(row)
      return try table.columns.map { try inner.fill($0.text) }
    }
    while rows.count < table.least { rows.append(table.columns.map { _ in " " }) }
    document.table(columns, rows: rows, style: DocumentPainter.style(size))
  }

  private func groups(_ groups: [DocumentContent.Group], _ size: Double) {
    for group in groups {
      var cells: [[PDFCell]] = group.label.isEmpty ? [] : [[PDFCell(group.label, span: 4, bold: true)]]
      var row: [PDFCell] = []
      for item in group.items {
        let isLong = item.text.count > 16
        if isLong, !row.isEmpty {
          cells.append(row + [PDFCell("", span: 2)])
          row = []
        }
        row += [PDFCell(item.label), PDFCell(item.text, span: isLong ? 3 : 1)]
        if isLong || row.count == 4 {
          cells.append(row)
          row = []
        }
      }
      if !row.isEmpty { cells.append(row + [PDFCell("", span: 2)]) }
      document.table(
        [
          PDFColumn("", width: .share(3)), PDFColumn("", width: .share(5)), PDFColumn("", width: .share(3)),
          PDFColumn("", width: .share(5)),
        ], cells: cells, style: DocumentPainter.style(size))
    }
  }

  // MARK: The end

  /// Place of the seal, unit and date at the right; the code that proves it at the left.
  private func paint(_ sign: DocumentSign, _ size: Double, _ content: DocumentContent) throws {
    guard !valuesOnly else { return }
    let height = (isSmall ? 26.0 : 40.0) + (sign.officer == nil ? 0 : size)
    document.space(isSmall ? 1 : 8)
    if document.roomLeft < height { document.addPage() }
    let (left, width) = document.body
    let top = document.position
    let block = min(width * 0.55, 90)
    let right = left + width - block
    let radius = isSmall ? 11.0 : 19.0
    let middle = top + radius + 1
    if let seal = sign.seal {
      let centre = (x: right + block / 2, y: middle)
      document.circle(x: centre.x, y: centre.y, radius: radius, color: DocumentPainter.sealColor)
      var style = DocumentPainter.style(isSmall ? 6 : 8.5, .centre)
      style.color = DocumentPainter.sealColor
      document.place(seal, in: PDFBox(x: centre.x - radius, y: centre.y - radius, width: radius * 2, height: 8), style)
    }
    let style = DocumentPainter.style(size, .centre)
    let line = size * 0.62
    document.place(
      try content.fill(sign.unit), in: PDFBox(x: right, y: middle - line, width: block, height: line), style)
    document.place(
      try content.fill(sign.date), in: PDFBox(x: right, y: middle + 1, width: block, height: line), style)
    if let officer = sign.officer {
      document.place(
        try content.fill(officer), in: PDFBox(x: right, y: middle + radius + 1, width: block, height: line),
        DocumentPainter.style(size * 0.8, .centre))
    }
    try verify(x: left, y: top + (isSmall ? 2 : 8), side: isSmall ? 18 : 26)
    document.position = top + height
  }

  private func verify(x: Double, y: Double, side: Double) throws {
    guard let proof else { return }
    document.place(try QRCode(proof.url, level: .medium), x: x, y: y, side: side)
    var style = DocumentPainter.style(isSmall ? 4.5 : 7, .centre)
    style.color = PDFColor(0x444444)
    document.place(
      proof.words, in: PDFBox(x: x - 4, y: y + side - 0.5, width: side + 8, height: isSmall ? 3 : 6), style)
  }
}
