import CPango
import Core

extension PDFDocument {
  /// A table with a border around each cell; its header row is repeated on each page, and a row that is taller than a
  /// page goes on over several.
  package func table(_ columns: [PDFColumn], rows: some Sequence<[String]>, style: PDFTextStyle = .table) {
    table(columns, cells: rows.lazy.map { $0.map { PDFCell($0) } }, style: style)
  }

  /// As above, with cells that span columns, such as official forms have. No header row is drawn when all titles are
  /// empty. Cells missing at the end of a row are empty.
  package func table(_ columns: [PDFColumn], cells rows: some Sequence<[PDFCell]>, style: PDFTextStyle = .table) {
    let drawing = PDFTable(document: self, columns: columns, style: style)
    drawing.drawHeader()
    for row in rows { drawing.draw(row) }
    cursor += style.size * 0.6
  }
}

/// Draws one table.
private struct PDFTable {
  let document: PDFDocument
  let columns: [PDFColumn]
  let style: PDFTextStyle
  /// Left edges of the columns and the right edge of the last, in points.
  let edges: [Double]
  private let header: [PDFCell]

  private static let padding = 3.5
  private static let headerFill = PDFColor(0xE8EEF7)

  private struct Placed {
    let cell: PDFCell
    let layout: TextLayout
    let left: Double
    let right: Double
    var firstLine = 0
  }

  init(document: PDFDocument, columns: [PDFColumn], style: PDFTextStyle) {
    self.document = document
    self.columns = columns
    self.style = style
    let fixed = columns.reduce(0.0) { if case .millimetres(let width) = $1.width { $0 + width } else { $0 } }
    let shares = columns.reduce(0.0) { if case .share(let share) = $1.width { $0 + share } else { $0 } }
    let rest = max(0, document.bodyWidth - document.points(fixed))
    var edges = [document.bodyLeft]
    for column in columns {
      let width =
        switch column.width {
        case .millimetres(let width): document.points(width)
        case .share(let share): shares > 0 ? rest * share / shares : 0
        }
      edges.append((edges.last ?? 0) + width)
    }
    self.edges = edges
    let titled = columns.contains { !$0.title.isEmpty }
    header =
      titled
      ? columns.map { column in
        var cell = PDFCell(column.title, bold: true, alignment: .centre)
        cell.fill = PDFTable.headerFill
        return cell
      } : []
  }

  func drawHeader() {
    guard !header.isEmpty else { return }
    let cells = place(header)
    let height = self.height(cells)
    if document.room < height * 2 { document.addPage() }
    paint(cells, height: height, counts: cells.map(\.layout.lines.count))
  }

  func draw(_ row: [PDFCell]) {
    var cells = place(row)
    while true {
      let height = self.height(cells)
      if height <= document.room {
        paint(cells, height: height, counts: cells.map { $0.layout.lines.count - $0.firstLine })
        return
      }
      let headerHeight = header.isEmpty ? 0 : self.height(place(header))
      if height + headerHeight <= document.bodyHeight || document.room < style.size * 6 {
        guard !document.isAtTop else { return paint(cells, height: height, counts: counts(cells, fitting: height)) }
        document.addPage()
        drawHeader()
        // A page too low for its header and one line takes the row as it is.
        if document.room < style.size * 3 {
          return paint(cells, height: height, counts: counts(cells, fitting: height))
        }
        continue
      }
      let counts = counts(cells, fitting: document.room - 2 * PDFTable.padding)
      paint(cells, height: document.room, counts: counts)
      for index in cells.indices { cells[index].firstLine += counts[index] }
      document.addPage()
      drawHeader()
    }
  }

  private func counts(_ cells: [Placed], fitting height: Double) -> [Int] {
    cells.map { $0.layout.count(from: $0.firstLine, fitting: height) }
  }

  private func place(_ row: [PDFCell]) -> [Placed] {
    var cells: [Placed] = []
    var column = 0
    let filled = row + Array(repeating: PDFCell(""), count: max(0, columns.count - row.reduce(0) { $0 + $1.span }))
    for cell in filled where column < columns.count {
      let end = min(columns.count, column + max(1, cell.span))
      var style = style
      style.bold = cell.bold || style.bold
      style.alignment = cell.alignment ?? columns[column].alignment
      let width = edges[end] - edges[column] - 2 * PDFTable.padding
      let layout = TextLayout(cell.text, style, width: width, context: document.context)
      cells.append(Placed(cell: cell, layout: layout, left: edges[column], right: edges[end]))
      column = end
    }
    return cells
  }

  private func height(_ cells: [Placed]) -> Double {
    let text = cells.map { $0.layout.height($0.firstLine..<$0.layout.lines.count) }.max() ?? 0
    return text + 2 * PDFTable.padding
  }

  private func paint(_ cells: [Placed], height: Double, counts: [Int]) {
    let cairo = document.cairo
    let top = document.cursor
    for (cell, count) in zip(cells, counts) {
      cairo_rectangle(cairo, cell.left, top, cell.right - cell.left, height)
      if let fill = cell.cell.fill {
        document.setColor(fill, on: cairo)
        cairo_fill_preserve(cairo)
      }
      document.setColor(PDFColor(0x444444), on: cairo)
      cairo_set_line_width(cairo, 0.5)
      cairo_stroke(cairo)
      document.setColor(style.color, on: cairo)
      let range = cell.firstLine..<cell.firstLine + count
      let slack = height - 2 * PDFTable.padding - cell.layout.height(range)
      cell.layout.draw(
        range, on: cairo, x: cell.left + PDFTable.padding, y: top + PDFTable.padding + max(0, slack / 2))
    }
    document.cursor += height
  }
}
