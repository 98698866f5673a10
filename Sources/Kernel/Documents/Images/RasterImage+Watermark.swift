import CPango
import Core

extension RasterImage {
  /// A copy with a text of one or more lines across all of it, in the pixels themselves: who looks, of which unit, when.
  ///
  /// Each line is drawn dark with a pale edge, so that it stands out on paper and on photographs, and thin enough to read
  /// what is below.
  package func watermarked(_ text: String) throws -> RasterImage {
    let side = Double(max(width, height))
    let size = min(max(side / 42, 10), 40)
    return try RasterImage.drawn(width: width, height: height, on: pixels) { cairo in
      let layout = TextLayout(text, PDFTextStyle(size: size), width: 10_000, context: PangoTextContext())
      cairo_translate(cairo, Double(width) / 2, Double(height) / 2)
      cairo_rotate(cairo, -.pi / 7)
      let widest = text.split(separator: "\n").map { $0.reduce(0.0) { $0 + ($1.isASCII ? 0.6 : 1) } }.max() ?? 1
      let step = (x: size * (widest + 3), y: size * 7)
      for row in 0..<Int(2 * side / step.y) + 1 {
        let y = -side + Double(row) * step.y
        var x = -side - (row.isMultiple(of: 2) ? 0 : step.x / 2)
        while x < side {
          cairo_set_source_rgba(cairo, 1, 1, 1, 0.3)
          layout.draw(on: cairo, x: x + 1, y: y + 1)
          cairo_set_source_rgba(cairo, 0.15, 0.2, 0.3, 0.24)
          layout.draw(on: cairo, x: x, y: y)
          x += step.x
        }
      }
    }
  }
}
