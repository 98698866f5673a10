package import Core

/// A value on its way to or from PostgreSQL.
package enum SQLValue: Sendable, Hashable {
  case null
  /// `boolean`
  case bool(Bool)
  /// `bigint`; the smaller integers are read into it too.
  case int(Int64)
  /// `double precision`
  case double(Double)
  /// Any text, sent without a type so that PostgreSQL infers it; also an exact `numeric`.
  case text(String)
  /// `bytea`, and the binary form of types this module does not know, such as `geometry` (EWKB).
  case bytes([UInt8])
  /// `timestamptz`; the extreme values stand for `infinity` and `-infinity`.
  case instant(Instant)
  /// `date`
  case date(CivilDate)
  /// A `jsonb` document as text.
  case json(String)
  /// `text[]`
  case textArray([String])
  /// `bigint[]`
  case intArray([Int64])
}

/// A type whose values can be bound to a statement.
package protocol SQLEncodable {
  var sqlValue: SQLValue { get }
}

/// A type that can be element of a bound or decoded array.
package protocol SQLArrayElement {
  static func sqlValue(of array: [Self]) -> SQLValue
  /// - Throws: ``DecodingFailure`` for another type or a null element.
  static func decodeArray(_ cell: Cell) throws -> [Self]
}

extension SQLValue: SQLEncodable {
  package var sqlValue: SQLValue { self }
}

extension Optional: SQLEncodable where Wrapped: SQLEncodable {
  package var sqlValue: SQLValue { self?.sqlValue ?? .null }
}

extension SQLEncodable where Self: RawRepresentable, RawValue: SQLEncodable {
  package var sqlValue: SQLValue { rawValue.sqlValue }
}

extension String: SQLEncodable {
  package var sqlValue: SQLValue { .text(self) }
}

extension Substring: SQLEncodable {
  package var sqlValue: SQLValue { .text(String(self)) }
}

extension Int: SQLEncodable {
  package var sqlValue: SQLValue { .int(Int64(self)) }
}

extension Int64: SQLEncodable {
  package var sqlValue: SQLValue { .int(self) }
}

extension Int32: SQLEncodable {
  package var sqlValue: SQLValue { .int(Int64(self)) }
}

extension Int16: SQLEncodable {
  package var sqlValue: SQLValue { .int(Int64(self)) }
}

extension Bool: SQLEncodable {
  package var sqlValue: SQLValue { .bool(self) }
}

extension Double: SQLEncodable {
  package var sqlValue: SQLValue { .double(self) }
}

extension Instant: SQLEncodable {
  package var sqlValue: SQLValue { .instant(self) }
}

extension CivilDate: SQLEncodable {
  package var sqlValue: SQLValue { .date(self) }
}

extension JSON: SQLEncodable {
  package var sqlValue: SQLValue { .json(text) }
}

extension Array: SQLEncodable where Element: SQLArrayElement {
  package var sqlValue: SQLValue { Element.sqlValue(of: self) }
}

extension UInt8: SQLArrayElement {
  package static func sqlValue(of array: [UInt8]) -> SQLValue { .bytes(array) }
  package static func decodeArray(_ cell: Cell) throws -> [UInt8] { try cell.bytes() }
}

extension String: SQLArrayElement {
  package static func sqlValue(of array: [String]) -> SQLValue { .textArray(array) }
  package static func decodeArray(_ cell: Cell) throws -> [String] { try cell.textArray() }
}

extension Int64: SQLArrayElement {
  package static func sqlValue(of array: [Int64]) -> SQLValue { .intArray(array) }
  package static func decodeArray(_ cell: Cell) throws -> [Int64] { try cell.intArray() }
}

extension Int: SQLArrayElement {
  package static func sqlValue(of array: [Int]) -> SQLValue { .intArray(array.map(Int64.init)) }
  package static func decodeArray(_ cell: Cell) throws -> [Int] { try cell.intArray().map { Int($0) } }
}
