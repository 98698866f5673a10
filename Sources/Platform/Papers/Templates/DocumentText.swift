package import Entities
import YAML

/// A text of a document with places for values: `兹证明{holder_name}，{holder_birth_date}出生`.
///
/// In braces stands an expression; a single field is shown the way pages show it, codes by label and dates as
/// 2026年11月21日. `{a ?? b}` takes the first that is not blank; `{paper_date|chinese}` chooses a form.
package struct DocumentText: Sendable {
  /// How a date is written.
  package enum Form: String, Sendable, CaseIterable {
    /// 二〇二六年十一月二十一日.
    case chinese
    case year, month, day
    /// 2026-11-21.
    case iso
  }

  /// Words, or a value that is put in their place.
  package enum Part: Sendable {
    case text(String)
    case value([Expression], Form?)
  }

  package let parts: [Part]

  package init(_ parts: [Part]) { self.parts = parts }

  /// Whether nothing has to be filled in: a label of a form.
  package var isFixed: Bool {
    parts.allSatisfy { if case .text = $0 { true } else { false } }
  }

  package var expressions: [Expression] {
    parts.flatMap { part -> [Expression] in if case .value(let expressions, _) = part { expressions } else { [] } }
  }
}

/// Splits a text at its braces before the expressions in them are understood.
package struct DocumentTextPieces {
  package enum Piece: Equatable {
    case text(String)
    /// The alternatives and, behind the last `|`, the form.
    case place([String], form: String?)
  }

  package let pieces: [Piece]

  /// `nil` when braces do not match.
  package init?(_ text: String) {
    var pieces: [Piece] = []
    var rest = text[...]
    while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
      guard rest[open] == "{", let close = rest[open...].firstIndex(of: "}") else { return nil }
      if open > rest.startIndex { pieces.append(.text(String(rest[..<open]))) }
      var inside = rest[rest.index(after: open)..<close]
      if inside.contains("{") { return nil }
      var form: String?
      if let bar = inside.lastIndex(of: "|") {
        form = TextForms.trimmed(String(inside[inside.index(after: bar)...]))
        inside = inside[..<bar]
      }
      let alternatives = String(inside).split(separator: "??", omittingEmptySubsequences: false)
        .map { TextForms.trimmed(String($0)) }
      if alternatives.contains("") { return nil }
      pieces.append(.place(alternatives, form: form))
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { pieces.append(.text(String(rest))) }
    self.pieces = pieces
  }
}
