package import Core

/// A flat artwork for a press or an engraver: everything in millimetres from the top left corner of the finished piece.
///
/// Drawn with a ``GlyphBook`` that it shares with the writers of PDF and SVG.
package struct PrintArtwork: Sendable {
  package enum Mark: Sendable {
    case area(PDFBox, radius: Double, PrintColor)
    case frame(PDFBox, radius: Double, width: Double, PrintColor)
    /// An outline of the book; its baseline begins at `x`, `y`.
    case glyph(Int, x: Double, y: Double, scaleX: Double, scaleY: Double, PrintColor)
    /// With its quiet zone.
    case code(QRCode, PDFBox, PrintColor)
    /// Drilled, not printed.
    case hole(x: Double, y: Double, diameter: Double)
  }

  package let width: Double
  package let height: Double
  /// How far the ground reaches beyond the edge (出血).
  package let bleed: Double
  /// Of the corners, once cut.
  package let radius: Double
  package let ground: PrintColor
  package private(set) var marks: [Mark] = []

  package init(width: Double, height: Double, bleed: Double, radius: Double, ground: PrintColor) {
    self.width = width
    self.height = height
    self.bleed = bleed
    self.radius = radius
    self.ground = ground
  }

  package mutating func add(_ mark: Mark) { marks.append(mark) }

  /// Adds a line of lettering.
  ///
  /// - Throws: ``Refusal`` `lettering-too-long`, `lettering-unknown`.
  package mutating func letter(_ text: String, in box: PDFBox, _ style: Lettering, from book: GlyphBook) throws(Refusal)
  {
    marks += try book.set(text, in: box, style)
  }
}
