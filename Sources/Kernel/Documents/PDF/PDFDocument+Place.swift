import CPango
import Core

extension PDFDocument {
  /// Sets a text at a fixed place; it wraps within `width`.
  ///
  /// - Parameters:
  ///   - x: of the left edge, in millimetres.
  ///   - y: of the top edge, in millimetres.
  ///   - width: in millimetres.
  /// - Returns: the height of the text in millimetres.
  @discardableResult
  package func place(_ text: String, x: Double, y: Double, width: Double, _ style: PDFTextStyle) -> Double {
    let layout = TextLayout(text, style, width: points(width), context: context)
    setColor(style.color, on: cairo)
    layout.draw(on: cairo, x: points(x), y: points(y))
    return layout.height / PDFDocument.pointsPerMillimetre
  }

  /// Draws a rectangle, its corners rounded by `radius`; all in millimetres, the border in points.
  package func place(
    rectangleAt x: Double, _ y: Double, width: Double, height: Double, radius: Double = 0, fill: PDFColor? = nil,
    border: Double = 0, color: PDFColor = .black
  ) {
    let (left, top, right, bottom) = (points(x), points(y), points(x + width), points(y + height))
    let corner = min(points(radius), (right - left) / 2, (bottom - top) / 2)
    cairo_new_path(cairo)
    cairo_arc(cairo, right - corner, top + corner, corner, -.pi / 2, 0)
    cairo_arc(cairo, right - corner, bottom - corner, corner, 0, .pi / 2)
    cairo_arc(cairo, left + corner, bottom - corner, corner, .pi / 2, .pi)
    cairo_arc(cairo, left + corner, top + corner, corner, .pi, .pi * 3 / 2)
    cairo_close_path(cairo)
    if let fill {
      setColor(fill, on: cairo)
      cairo_fill_preserve(cairo)
    }
    if border > 0 {
      setColor(color, on: cairo)
      cairo_set_line_width(cairo, border)
      cairo_stroke_preserve(cairo)
    }
    cairo_new_path(cairo)
  }

  /// Draws a QR code with its quiet zone; all in millimetres.
  package func place(_ code: QRCode, x: Double, y: Double, side: Double, color: PDFColor = .black) {
    paint(code, x: points(x), y: points(y), side: points(side), color: color)
  }

  /// Draws a PNG picture as wide as `width`; all in millimetres.
  ///
  /// - Throws: ``Refusal`` `image-unsupported`, `image-too-large`.
  package func place(png: [UInt8], x: Double, y: Double, width: Double) throws {
    let picture = try CairoSurface.decode(png: png)
    let pixels = Double(cairo_image_surface_get_width(picture.pointer))
    paint(picture, x: points(x), y: points(y), scale: points(width) / pixels)
  }
}
