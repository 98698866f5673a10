package import Core

/// The size and margins of a page, in millimetres.
package struct PDFPage: Sendable, Hashable {
  package var width: Double
  package var height: Double
  package var top = 20.0
  package var bottom = 20.0
  package var left = 18.0
  package var right = 18.0

  package init(width: Double, height: Double, margin: Double? = nil) {
    self.width = width
    self.height = height
    if let margin { (top, bottom, left, right) = (margin, margin, margin, margin) }
  }

  package static let a4 = PDFPage(width: 210, height: 297)
  package static let a4Landscape = PDFPage(width: 297, height: 210)
}

/// A colour by red, green and blue, each from 0 to 1.
package struct PDFColor: Sendable, Hashable {
  package let red: Double
  package let green: Double
  package let blue: Double

  /// - Parameter hex: as in CSS, such as `0x1F4E9E`.
  package init(_ hex: UInt32) {
    red = Double(hex >> 16 & 0xFF) / 255
    green = Double(hex >> 8 & 0xFF) / 255
    blue = Double(hex & 0xFF) / 255
  }

  package static let black = PDFColor(0)
  package static let white = PDFColor(0xFFFFFF)
}

/// How a text is set.
package struct PDFTextStyle: Sendable, Hashable {
  package enum Alignment: Sendable, Hashable { case left, centre, right, justified }

  /// In points.
  package var size: Double
  package var bold = false
  package var color = PDFColor.black
  package var alignment = Alignment.left
  /// A multiple of the font's own line height.
  package var lineSpacing = 1.0
  /// Of the first line, in widths of a character: two in Chinese running text.
  package var indent = 0.0
  /// Font families, the best first.
  package var families = "Noto Sans CJK SC, Source Han Sans SC, sans-serif"

  package init(size: Double, bold: Bool = false, alignment: Alignment = .left) {
    self.size = size
    self.bold = bold
    self.alignment = alignment
  }

  /// Running text: 小四 (12 points), justified, indented by two characters.
  package static var body: PDFTextStyle {
    var style = PDFTextStyle(size: 12, alignment: .justified)
    style.indent = 2
    style.lineSpacing = 1.1
    return style
  }

  /// Tables and forms: 小五 (9 points).
  package static var table: PDFTextStyle { PDFTextStyle(size: 9) }

  /// The title (1) in the centre, and lower headings at the left.
  package static func heading(_ level: Int) -> PDFTextStyle {
    level <= 1
      ? PDFTextStyle(size: 20, bold: true, alignment: .centre)
      : PDFTextStyle(size: level == 2 ? 15 : 12.5, bold: true)
  }
}

/// The line above or below the body of each page; `{page}` and `{pages}` stand for the numbers.
package struct PDFRunningLine: Sendable, Hashable {
  package var left: String
  package var centre: String
  package var right: String

  package init(left: String = "", centre: String = "", right: String = "") {
    self.left = left
    self.centre = centre
    self.right = right
  }

  /// 第 1 页 / 共 3 页
  package static let pageNumbers = PDFRunningLine(centre: "第 {page} 页 / 共 {pages} 页")
}

/// What a document says about itself. With the time given and not read, equal content makes equal bytes.
package struct PDFProperties: Sendable, Hashable {
  package var title: String
  package var author: String
  package var created: Instant

  package init(title: String, author: String = "", created: Instant) {
    self.title = title
    self.author = author
    self.created = created
  }
}

/// One cell of a table, over one or more columns.
package struct PDFCell: Sendable, Hashable, ExpressibleByStringLiteral {
  package var text: String
  package var span = 1
  package var bold = false
  /// `nil` follows the column.
  package var alignment: PDFTextStyle.Alignment?
  package var fill: PDFColor?

  package init(_ text: String, span: Int = 1, bold: Bool = false, alignment: PDFTextStyle.Alignment? = nil) {
    self.text = text
    self.span = span
    self.bold = bold
    self.alignment = alignment
  }

  package init(stringLiteral value: String) { self.init(value) }
}

/// One column of a table.
package struct PDFColumn: Sendable, Hashable {
  package enum Width: Sendable, Hashable {
    case millimetres(Double)
    /// A part of what the fixed columns leave.
    case share(Double)
  }

  package var title: String
  package var width: Width
  package var alignment: PDFTextStyle.Alignment

  package init(_ title: String, width: Width = .share(1), alignment: PDFTextStyle.Alignment = .left) {
    self.title = title
    self.width = width
    self.alignment = alignment
  }
}
