package import Core

/// What one field of one record holds.
///
/// Every ``FieldType`` keeps its values in one case (see ``FieldType/valueKind``), whether they come from a form, a
/// file, the database or a formula.
package enum Value: Sendable, Hashable {
  case null
  /// Text, and everything that is kept as text: codes, identity numbers, telephone numbers, division codes, file keys.
  case text(String)
  /// Integers, and references as the id of the record referred to.
  case integer(Int64)
  case decimal(FixedDecimal)
  case money(Money)
  case boolean(Bool)
  case date(CivilDate)
  case instant(Instant)
  /// Several codes or file keys (`multiple: true`).
  case list([String])
  /// A GeoJSON geometry (RFC 7946 §3.1) in longitude and latitude, WGS-84 or CGCS2000.
  case geometry(JSON)
  case json(JSON)

  package var isNull: Bool { self == .null }

  /// Whether a required field counts this as left out: null, blank text, an empty list.
  package var isBlank: Bool {
    switch self {
    case .null: true
    case .text(let text): text.unicodeScalars.allSatisfy(\.properties.isWhitespace)
    case .list(let texts): texts.isEmpty
    default: false
    }
  }

  package var text: String? { if case .text(let value) = self { value } else { nil } }
  package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
  package var decimal: FixedDecimal? { if case .decimal(let value) = self { value } else { nil } }
  package var money: Money? { if case .money(let value) = self { value } else { nil } }
  package var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
  package var date: CivilDate? { if case .date(let value) = self { value } else { nil } }
  package var instant: Instant? { if case .instant(let value) = self { value } else { nil } }
  package var list: [String]? { if case .list(let value) = self { value } else { nil } }
  package var geometry: JSON? { if case .geometry(let value) = self { value } else { nil } }
  package var json: JSON? { if case .json(let value) = self { value } else { nil } }

  /// The value as files and the API write it: dates `2026-11-21`, instants RFC 3339, money `1234.50`, lists joined by
  /// `、`; empty for null. Labels of codes and references are not looked up here.
  package var plainText: String {
    switch self {
    case .null: ""
    case .text(let value): value
    case .integer(let value): String(value)
    case .decimal(let value): value.description
    case .money(let value): value.plain
    case .boolean(let value): value ? "是" : "否"
    case .date(let value): value.description
    case .instant(let value): value.iso8601
    case .list(let values): values.joined(separator: "、")
    case .geometry(let value), .json(let value): value.text
    }
  }
}

/// Which case of ``Value`` a field uses.
package enum ValueKind: String, Sendable, Hashable, CaseIterable {
  case text, integer, decimal, money, boolean, date, instant, list, geometry, json
}
