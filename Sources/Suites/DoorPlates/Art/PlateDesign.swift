package import Documents
package import YAML

/// The artwork of one kind and size of door plate (门牌版式), declared as `plate: large`: millimetres, colours, what is
/// lettered where, and the place of the QR code (A-002, A-061; GB 17733).
package struct PlateDesign: Sendable {
  /// A line of lettering, a ground, a frame or the code.
  package enum Element: Sendable {
    case text(PlateText, PDFBox, Lettering)
    case area(PDFBox, radius: Double, PrintColor)
    case frame(PDFBox, radius: Double, width: Double, PrintColor)
    /// On a light ground of its own, whose edge is the quiet zone.
    case code(PDFBox, dark: PrintColor, light: PrintColor)
  }

  /// An element and the field without which it is left out.
  package struct Placed: Sendable {
    package let element: Element
    package let when: PlateField?
  }

  package let name: String
  package let label: String
  /// A code of the dictionary `plate_kind`.
  package let kind: String
  /// Kinds of address that may have it, codes of `address_kind`.
  package let suits: [String]
  /// Kinds of address that get it unless somebody chooses another.
  package let usual: [String]
  /// What prescribes it, such as a standard or the city's own rule.
  package let basis: String
  package let width: Double
  package let height: Double
  package let radius: Double
  package let bleed: Double
  package let ground: PrintColor
  package let holes: [(x: Double, y: Double, diameter: Double)]
  package let elements: [Placed]
  /// What the check sets with it, and pages show.
  package let samples: [PlateFields]
  package let position: SourcePosition

  /// Side of the QR code with its quiet zone, in millimetres.
  package var codeSide: Double {
    for placed in elements { if case .code(let box, _, _) = placed.element { return box.width } }
    return 0
  }

  /// `600 × 400 毫米`.
  package var sizeText: String { "\(PlateDesign.plain(width)) × \(PlateDesign.plain(height)) 毫米" }

  static func plain(_ number: Double) -> String {
    number == number.rounded() ? String(Int(number)) : String(number)
  }
}

/// A text with places for fields: `{road ?? compound}` takes the first that is not blank.
package struct PlateText: Sendable {
  package enum Part: Sendable {
    case text(String)
    case fields([PlateField])
  }

  package let parts: [Part]

  func filled(_ fields: PlateFields) -> String {
    parts.map { part in
      switch part {
      case .text(let text): text
      case .fields(let names): names.lazy.map { fields[$0] }.first { !$0.isEmpty } ?? ""
      }
    }.joined()
  }
}
