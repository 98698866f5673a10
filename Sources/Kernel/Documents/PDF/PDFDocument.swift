import CPango
import Core

/// Lays out a document page by page and renders it as PDF (or, for previews, as PNG).
///
/// Content flows from top to bottom: headings, paragraphs, tables, pictures, codes. What has a fixed place, such as
/// the parts of a door plate, is drawn with the `place` functions. Lengths are millimetres from the top left corner,
/// text sizes are points. Not `Sendable`: one task builds it.
package final class PDFDocument {
  package let page: PDFPage
  package let properties: PDFProperties
  package var header: PDFRunningLine?
  package var footer: PDFRunningLine?
  /// A pale text across each page, such as the name of the person who exports.
  package var watermark: String?
  let context = PangoTextContext()
  private var sheets: [Sheet] = []
  /// Where the next content goes, in points from the top.
  var cursor = 0.0

  static let pointsPerMillimetre = 72 / 25.4

  /// A page being drawn: cairo records it and replays it once the number of pages is known.
  private struct Sheet {
    let surface: CairoSurface
    let drawing: CairoContext
  }

  package init(
    page: PDFPage = .a4, properties: PDFProperties, header: PDFRunningLine? = nil, footer: PDFRunningLine? = nil
  ) {
    self.page = page
    self.properties = properties
    self.header = header
    self.footer = footer
    addPage()
  }

  package var pageCount: Int { sheets.count }

  /// Goes on at the top of a new page.
  package func addPage() {
    var extents = cairo_rectangle_t(
      x: 0, y: 0, width: points(page.width), height: points(page.height))
    let surface = CairoSurface(cairo_recording_surface_create(CAIRO_CONTENT_COLOR_ALPHA, &extents))
    sheets.append(Sheet(surface: surface, drawing: CairoContext(surface)))
    cursor = points(page.top)
  }

  func points(_ millimetres: Double) -> Double { millimetres * PDFDocument.pointsPerMillimetre }

  var bodyLeft: Double { points(page.left) }
  var bodyWidth: Double { points(page.width - page.left - page.right) }
  var bodyHeight: Double { points(page.height - page.top - page.bottom) }
  /// Height left on the page, in points.
  var room: Double { points(page.height - page.bottom) - cursor }
  var isAtTop: Bool { cursor <= points(page.top) + 0.01 }
  var cairo: OpaquePointer? { sheets.last?.drawing.pointer }

  /// Renders the PDF file.
  ///
  /// - Throws: ``Fault`` `cairo`.
  package func render() throws -> [UInt8] {
    try CairoSurface.collect { write, target in
      let surface = CairoSurface(
        cairo_pdf_surface_create_for_stream(write, target, points(page.width), points(page.height)))
      try surface.check()
      cairo_pdf_surface_set_metadata(surface.pointer, CAIRO_PDF_METADATA_TITLE, properties.title)
      if !properties.author.isEmpty {
        cairo_pdf_surface_set_metadata(surface.pointer, CAIRO_PDF_METADATA_AUTHOR, properties.author)
      }
      let (date, second) = properties.created.chinaTime
      let clock = "\(twoDigits(second / 3600)):\(twoDigits(second / 60 % 60)):\(twoDigits(second % 60))"
      cairo_pdf_surface_set_metadata(
        surface.pointer, CAIRO_PDF_METADATA_CREATE_DATE, "\(date)T\(clock)+08:00")
      let output = CairoContext(surface)
      context.embedOutlines()
      for index in sheets.indices {
        paint(index, on: output.pointer)
        cairo_show_page(output.pointer)
      }
      try CairoSurface.check(cairo_status(output.pointer))
      context.embedOutlines()
      cairo_surface_finish(surface.pointer)
      try surface.check()
    }
  }

  /// Renders one page, counted from 0, as a PNG picture on white.
  ///
  /// - Throws: ``Fault`` `cairo`.
  package func renderPNG(page index: Int, dotsPerInch: Double = 96) throws -> [UInt8] {
    let scale = dotsPerInch / 72
    let surface = CairoSurface(
      cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, Int32((points(page.width) * scale).rounded()),
        Int32((points(page.height) * scale).rounded())))
    try surface.check()
    let output = CairoContext(surface)
    cairo_set_source_rgb(output.pointer, 1, 1, 1)
    cairo_paint(output.pointer)
    cairo_scale(output.pointer, scale, scale)
    paint(index, on: output.pointer)
    try CairoSurface.check(cairo_status(output.pointer))
    return try surface.png()
  }

  private func paint(_ index: Int, on output: OpaquePointer?) {
    paintWatermark(on: output)
    cairo_set_source_surface(output, sheets[index].surface.pointer, 0, 0)
    cairo_paint(output)
    if let header { paint(header, index, on: output, middle: page.top / 2) }
    if let footer { paint(footer, index, on: output, middle: page.height - page.bottom / 2) }
  }

  private func paint(_ line: PDFRunningLine, _ index: Int, on output: OpaquePointer?, middle: Double) {
    func numbered(_ text: String) -> String {
      text.replacing("{pages}", with: "\(pageCount)").replacing("{page}", with: "\(index + 1)")
    }
    let parts: [(String, PDFTextStyle.Alignment)] = [
      (line.left, .left), (line.centre, .centre), (line.right, .right),
    ]
    for (text, alignment) in parts where !text.isEmpty {
      var style = PDFTextStyle(size: 8.5, alignment: alignment)
      style.color = PDFColor(0x555555)
      let layout = TextLayout(numbered(text), style, width: bodyWidth, context: context)
      setColor(style.color, on: output)
      layout.draw(on: output, x: bodyLeft, y: points(middle) - layout.height / 2)
    }
  }

  private func paintWatermark(on output: OpaquePointer?) {
    guard let watermark, !watermark.isEmpty else { return }
    let style = PDFTextStyle(size: 16, alignment: .centre)
    let width = points(90)
    let layout = TextLayout(watermark, style, width: width, context: context)
    cairo_save(output)
    cairo_set_source_rgba(output, 0.4, 0.4, 0.4, 0.14)
    cairo_rotate(output, -.pi / 6)
    let reach = points(page.width + page.height)
    var y = 0.0
    while y < reach {
      var x = -reach / 2
      while x < reach {
        layout.draw(on: output, x: x, y: y)
        x += width
      }
      y += points(45)
    }
    cairo_restore(output)
  }

  func setColor(_ color: PDFColor, on output: OpaquePointer?) {
    cairo_set_source_rgb(output, color.red, color.green, color.blue)
  }
}

/// Owns a cairo drawing context.
final class CairoContext {
  let pointer: OpaquePointer?

  init(_ surface: CairoSurface) { pointer = cairo_create(surface.pointer) }

  deinit { cairo_destroy(pointer) }
}
