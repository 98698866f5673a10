import CPango
import Core

extension PDFDocument {
  /// A heading, kept on one page with the beginning of what follows.
  ///
  /// - Parameter level: 1 is the title.
  package func heading(_ text: String, level: Int = 1) {
    let style = PDFTextStyle.heading(level)
    let layout = TextLayout(text, style, width: bodyWidth, context: context)
    if !isAtTop { cursor += style.size * 0.6 }
    if room < layout.height + style.size * 4 { addPage() }
    setColor(style.color, on: cairo)
    layout.draw(on: cairo, x: bodyLeft, y: cursor)
    cursor += layout.height + style.size * 0.4
  }

  /// A paragraph, broken over pages by lines; never a single line alone at the end of a page.
  package func paragraph(_ text: String, _ style: PDFTextStyle = .body) {
    let layout = TextLayout(text, style, width: bodyWidth, context: context)
    var first = 0
    while first < layout.lines.count {
      let left = layout.lines.count - first
      var count = layout.count(from: first, fitting: room)
      if count < left, count < 2, !isAtTop {
        addPage()
        continue
      }
      if count == left - 1, count > 2 { count -= 1 }
      // A line taller than a page would never fit: it is drawn and cut.
      let range = first..<first + max(count, 1)
      setColor(style.color, on: cairo)
      layout.draw(range, on: cairo, x: bodyLeft, y: cursor)
      cursor += layout.height(range)
      first = range.upperBound
      if first < layout.lines.count { addPage() }
    }
    cursor += style.size * 0.35
  }

  /// Empty height in millimetres; nothing at the top of a page.
  package func space(_ millimetres: Double) { if !isAtTop { cursor += points(millimetres) } }

  /// A thin line over the width of the body.
  package func rule() {
    cursor += 3
    cairo_set_line_width(cairo, 0.5)
    setColor(.black, on: cairo)
    cairo_move_to(cairo, bodyLeft, cursor)
    cairo_line_to(cairo, bodyLeft + bodyWidth, cursor)
    cairo_stroke(cairo)
    cursor += 3
  }

  /// A PNG picture in the middle of the body, at most as large as the body allows.
  ///
  /// - Parameter width: in millimetres.
  /// - Throws: ``Refusal`` `image-unsupported`, `image-too-large`.
  package func image(png: [UInt8], width: Double) throws {
    let picture = try CairoSurface.decode(png: png)
    let pixels = (
      width: Double(cairo_image_surface_get_width(picture.pointer)),
      height: Double(cairo_image_surface_get_height(picture.pointer))
    )
    let scale = min(points(width) / pixels.width, bodyWidth / pixels.width, bodyHeight / pixels.height)
    let size = (width: pixels.width * scale, height: pixels.height * scale)
    if room < size.height { addPage() }
    paint(picture, x: bodyLeft + (bodyWidth - size.width) / 2, y: cursor, scale: scale)
    cursor += size.height + 4
  }

  /// A JPEG picture in the middle of what is left of the page, as large as fits; the file holds it as it came.
  ///
  /// - Throws: ``Refusal`` `image-unsupported`, `image-too-large`.
  package func image(jpeg: [UInt8]) throws {
    let picture = try RasterImage(jpeg)
    let surface = try CairoSurface.copy(of: picture, jpeg: jpeg)
    let size = (width: Double(picture.width), height: Double(picture.height))
    let scale = min(bodyWidth / size.width, room / size.height)
    paint(surface, x: bodyLeft + (bodyWidth - size.width * scale) / 2, y: cursor, scale: scale)
    cursor += size.height * scale + 4
  }

  /// A QR code in the middle of the body.
  ///
  /// - Parameter side: with its quiet zone, in millimetres.
  package func qr(_ code: QRCode, side: Double) {
    if room < points(side) { addPage() }
    paint(code, x: bodyLeft + (bodyWidth - points(side)) / 2, y: cursor, side: points(side))
    cursor += points(side) + 4
  }

  func paint(_ picture: CairoSurface, x: Double, y: Double, scale: Double) {
    cairo_save(cairo)
    cairo_translate(cairo, x, y)
    cairo_scale(cairo, scale, scale)
    cairo_set_source_surface(cairo, picture.pointer, 0, 0)
    cairo_paint(cairo)
    cairo_restore(cairo)
  }

  /// Draws the modules as one filled path, so that no seams show between them.
  func paint(_ code: QRCode, x: Double, y: Double, side: Double, color: PDFColor = .black) {
    let module = side / Double(code.size + 8)
    setColor(color, on: cairo)
    for run in code.runs {
      cairo_rectangle(
        cairo, x + Double(run.x + 4) * module, y + Double(run.y + 4) * module, Double(run.length) * module, module)
    }
    cairo_fill(cairo)
  }
}
