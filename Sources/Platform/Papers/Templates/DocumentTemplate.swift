package import Access
package import Documents
package import Entities
package import YAML

/// A document on paper (文书、证照), declared as `document: move_in_permit`: what it is made of, how it is set, who may
/// issue it (C-055, C-175…C-189, C-449…C-457, C-503).
package struct DocumentTemplate: Sendable {
  package let name: String
  package let label: String
  /// Ids of the requirement rows it answers.
  package let source: [String]
  /// The register whose record it is made of; the form of a case brings the case's own fields with it.
  package let entity: String
  /// Who may issue it from a record; `nil` when only a case does.
  package let permission: Permission?
  package let page: PDFPage
  /// What stands before the running number, such as 准迁字; `nil` for a form that is no issued document.
  package let series: String?
  /// Days for which it is valid, the day of issue counted; `nil` for good.
  package let validity: Int?
  /// A new one of the same record makes earlier ones void (收回旧证).
  package let isSingle: Bool
  /// Whose it is.
  package let holder: DocumentText
  package let holderDocument: Expression?
  /// What must hold of the record, and what to do when it does not.
  package let conditions: [(check: Expression, message: String)]
  package let lookups: [DocumentLookup]
  /// Other registers from whose records it may be asked for.
  package let origins: [DocumentOrigin]
  package let body: [DocumentBlock]
  /// The highest classification of what it shows.
  package let classification: Classification
  /// A short digest of the whole declaration, which changes whenever anything in it does.
  package let version: String
  package let position: SourcePosition

  /// Whether it is entered in the ledger (证照台账), numbered and signed.
  package var isIssued: Bool { series != nil }

  /// Whether it has fixed places and can be printed on a preprinted form (套打).
  package var hasFixedPlaces: Bool { DocumentTemplate.isFixed(body) }

  private static func isFixed(_ blocks: [DocumentBlock]) -> Bool {
    blocks.contains { block in
      switch block.kind {
      case .grid(let grid): grid.place != nil
      case .pages(_, let inner): isFixed(inner)
      default: false
      }
    }
  }
}

/// Records of another register that a document shows: `<name>_<field>` in its texts.
package struct DocumentLookup: Sendable {
  package let name: String
  package let register: String
  package let field: String
  package let value: Expression
  /// All that are found, in a table or a page each; otherwise the oldest.
  package let isMany: Bool
  /// Of those found, which count.
  package let keep: Expression?
  /// Which of them another register leaves out.
  package let except: DocumentException?
  /// Those for which it holds stand first: the head of a household.
  package let first: Expression?
  /// Found for each record of this lookup, and shown on its page only.
  package let of: String?
}

/// A register that says which records a document leaves out: one is left out while a record there is about it.
package struct DocumentException: Sendable {
  package let register: String
  /// The field that says what a record is about, and the value of that which is shown or left out.
  package let field: String
  package let value: Expression
  /// Of the records there, which count.
  package let when: Expression?
}

/// A register from whose records a document of another may be asked for: of the household that a person belongs to.
package struct DocumentOrigin: Sendable {
  package let register: String
  /// The field of the document's own register, and its value over the fields of ``register``.
  package let field: String
  package let value: Expression
}

/// One piece of a document, from top to bottom.
package struct DocumentBlock: Sendable {
  /// What a part of the body is.
  package indirect enum Kind: Sendable {
    case title(DocumentText)
    case text(DocumentText, PDFTextStyle.Alignment, indent: Double)
    case grid(DocumentGrid)
    case table(DocumentTable)
    case sign(DocumentSign)
    /// The QR code by itself: left, top and side in millimetres.
    case verify(x: Double, y: Double, side: Double)
    /// A dashed line with words, along which the stub is cut.
    case cut(DocumentText)
    case space(Double)
    case newPage
    /// What the caller fills in, such as the form of a case.
    case slot(String)
    /// A place to sign, with its label: the signature that the caller gives, else room for the pen.
    case signature(String)
    /// A page for each record of a lookup.
    case pages(String, [DocumentBlock])
  }

  package let kind: Kind
  package let when: Expression?
  /// Of the text, in points; `nil` for the usual.
  package let size: Double?
}

/// Labels and values in ruled cells; with a place it stands exactly there, as on a preprinted form.
package struct DocumentGrid: Sendable {
  /// A cell of a grid, over as many columns as it spans.
  package struct Cell: Sendable {
    package let text: DocumentText
    package let span: Int
    package let alignment: PDFTextStyle.Alignment?
  }

  /// In millimetres; without a place they share the width of the body.
  package let columns: [Double]
  package let rows: [[Cell]]
  /// The least height of a row; exactly this with a place.
  package let height: Double
  package let place: (x: Double, y: Double)?
}

/// A row for each record of a lookup.
package struct DocumentTable: Sendable {
  /// A column of a table of rows.
  package struct Column: Sendable {
    package let label: String
    package let text: DocumentText
    package let width: Double
  }

  package let lookup: String
  package let columns: [Column]
  /// Empty rows fill it up to so many.
  package let least: Int
}

/// The end of a document: place of the seal, issuing unit, date, and the code that proves it.
package struct DocumentSign: Sendable {
  package let unit: DocumentText
  package let date: DocumentText
  package let officer: DocumentText?
  /// What stands in the place of the seal.
  package let seal: String?
}
