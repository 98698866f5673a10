package import Core

/// A type that can be read from a field.
package protocol SQLDecodable {
  /// - Throws: ``DecodingFailure`` when the field is null or of another type.
  static func decode(_ cell: Cell) throws -> Self
}

extension Optional: SQLDecodable where Wrapped: SQLDecodable {
  package static func decode(_ cell: Cell) throws -> Wrapped? { cell.isNull ? nil : try Wrapped.decode(cell) }
}

extension SQLDecodable where Self: RawRepresentable, RawValue: SQLDecodable {
  package static func decode(_ cell: Cell) throws -> Self {
    guard let value = Self(rawValue: try RawValue.decode(cell)) else { throw cell.failure("\(Self.self)") }
    return value
  }
}

extension SQLValue: SQLDecodable {
  package static func decode(_ cell: Cell) throws -> SQLValue { try cell.value() }
}

extension String: SQLDecodable {
  package static func decode(_ cell: Cell) throws -> String { try cell.text() }
}

extension Int64: SQLDecodable {
  package static func decode(_ cell: Cell) throws -> Int64 { try cell.int() }
}

extension Int: SQLDecodable {
  package static func decode(_ cell: Cell) throws -> Int { Int(try cell.int()) }
}

extension Bool: SQLDecodable {
  package static func decode(_ cell: Cell) throws -> Bool { try cell.bool() }
}

extension Double: SQLDecodable {
  package static func decode(_ cell: Cell) throws -> Double { try cell.double() }
}

extension Instant: SQLDecodable {
  package static func decode(_ cell: Cell) throws -> Instant { try cell.instant() }
}

extension CivilDate: SQLDecodable {
  package static func decode(_ cell: Cell) throws -> CivilDate { try cell.date() }
}

extension JSON: SQLDecodable {
  package static func decode(_ cell: Cell) throws -> JSON { try cell.json() }
}

extension Array: SQLDecodable where Element: SQLArrayElement {
  package static func decode(_ cell: Cell) throws -> [Element] { try Element.decodeArray(cell) }
}
