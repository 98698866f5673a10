import CPango

/// A rectangle on a page, in millimetres from the top left corner.
package struct PDFBox: Sendable, Hashable {
  package var x: Double
  package var y: Double
  package var width: Double
  package var height: Double

  package init(x: Double, y: Double, width: Double, height: Double) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }
}

extension PDFDocument {
  /// Where the next content goes, in millimetres from the top of the page.
  package var position: Double {
    get { cursor / PDFDocument.pointsPerMillimetre }
    set { cursor = points(newValue) }
  }

  /// Height left on the page, in millimetres.
  package var roomLeft: Double { room / PDFDocument.pointsPerMillimetre }

  /// The left edge and the width between the margins, in millimetres.
  package var body: (left: Double, width: Double) { (page.left, page.width - page.left - page.right) }

  /// How high a text is when it wraps within `width`, both in millimetres.
  package func height(of text: String, width: Double, _ style: PDFTextStyle) -> Double {
    TextLayout(text, style, width: points(width), context: context).height / PDFDocument.pointsPerMillimetre
  }

  /// Sets a text into a box, half-way between top and bottom, smaller until it fits (套打 on preprinted forms has no other
  /// way to hold a long name).
  ///
  /// - Parameter smallest: in points; below it the text runs over.
  package func place(_ text: String, in box: PDFBox, _ style: PDFTextStyle, smallest: Double = 5.5) {
    if text.isEmpty { return }
    var style = style
    var layout = TextLayout(text, style, width: points(box.width), context: context)
    while layout.height > points(box.height), style.size > smallest {
      style.size = max(smallest, style.size - 0.5)
      layout = TextLayout(text, style, width: points(box.width), context: context)
    }
    setColor(style.color, on: cairo)
    layout.draw(on: cairo, x: points(box.x), y: points(box.y) + (points(box.height) - layout.height) / 2)
  }

  /// A straight line; the places in millimetres, the width in points.
  ///
  /// - Parameter isDashed: such as the line along which a stub is cut off.
  package func line(
    from start: (x: Double, y: Double), to end: (x: Double, y: Double), width: Double = 0.5,
    color: PDFColor = .black, isDashed: Bool = false
  ) {
    cairo_save(cairo)
    setColor(color, on: cairo)
    cairo_set_line_width(cairo, width)
    if isDashed { cairo_set_dash(cairo, [4, 3], 2, 0) }
    cairo_move_to(cairo, points(start.x), points(start.y))
    cairo_line_to(cairo, points(end.x), points(end.y))
    cairo_stroke(cairo)
    cairo_restore(cairo)
  }

  /// A dashed circle, the place of a seal; in millimetres.
  package func circle(x: Double, y: Double, radius: Double, color: PDFColor) {
    cairo_save(cairo)
    setColor(color, on: cairo)
    cairo_set_line_width(cairo, 0.6)
    cairo_set_dash(cairo, [3, 3], 2, 0)
    cairo_new_path(cairo)
    cairo_arc(cairo, points(x), points(y), points(radius), 0, .pi * 2)
    cairo_stroke(cairo)
    cairo_restore(cairo)
  }
}
