package import Core
package import Documents

/// Makes artworks of plates out of their design, their texts and the content of their QR code.
///
/// Not `Sendable`: the book of outlines that it fills belongs to one task.
package final class PlatePainter {
  package let book = GlyphBook()

  package init() {}

  /// - Throws: ``Refusal`` `lettering-too-long`, `lettering-unknown`, `qr-too-long`.
  package func paint(_ design: PlateDesign, _ fields: PlateFields, content: String) throws(Refusal) -> PrintArtwork {
    var artwork = PrintArtwork(
      width: design.width, height: design.height, bleed: design.bleed, radius: design.radius, ground: design.ground)
    for placed in design.elements {
      if let field = placed.when, fields[field].isEmpty { continue }
      switch placed.element {
      case .text(let text, let box, let style):
        try artwork.letter(text.filled(fields), in: box, style, from: book)
      case .area(let box, let radius, let color): artwork.add(.area(box, radius: radius, color))
      case .frame(let box, let radius, let width, let color):
        artwork.add(.frame(box, radius: radius, width: width, color))
      case .code(let box, let dark, let light):
        artwork.add(.area(box, radius: 0, light))
        artwork.add(.code(try QRCode(content, level: .high), box, dark))
      }
    }
    for hole in design.holes { artwork.add(.hole(x: hole.x, y: hole.y, diameter: hole.diameter)) }
    return artwork
  }
}
