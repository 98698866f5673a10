import CLibPQ
import Core

/// One field of one row: PostgreSQL's binary form, read in place from the result it belongs to.
package struct Cell {
  let result: ResultBuffer
  let row: Int32
  let column: Int32
  /// PostgreSQL's type number of the column.
  package let type: UInt32

  package var isNull: Bool { PQgetisnull(result.pointer, row, column) != 0 }

  /// Hands out the field's bytes, which live as long as the call; `nil` for null.
  package func withBytes<Value>(_ body: (UnsafeRawBufferPointer?) throws -> Value) rethrows -> Value {
    try withExtendedLifetime(result) {
      guard !isNull else { return try body(nil) }
      let count = Int(PQgetlength(result.pointer, row, column))
      return try body(UnsafeRawBufferPointer(start: PQgetvalue(result.pointer, row, column), count: count))
    }
  }

  func failure(_ wanted: String) -> DecodingFailure {
    DecodingFailure(column: result.columnName(column), type: type, isNull: isNull, wanted: wanted)
  }

  /// The bytes of a field that must not be null and has one of `types`.
  private func read<Value>(_ wanted: String, _ body: (UnsafeRawBufferPointer) throws -> Value?) throws -> Value {
    let value = try withBytes { bytes in try bytes.flatMap(body) }
    guard let value else { throw failure(wanted) }
    return value
  }

  func bool() throws -> Bool {
    try read("boolean") { bytes in type == OID.bool && bytes.count == 1 ? bytes[0] != 0 : nil }
  }

  func int() throws -> Int64 {
    try read("integer") { bytes in
      switch (type, bytes.count) {
      case (OID.int8, 8): bytes.bigEndian(as: Int64.self)
      case (OID.int4, 4): Int64(bytes.bigEndian(as: Int32.self))
      case (OID.int2, 2): Int64(bytes.bigEndian(as: Int16.self))
      case (OID.oid, 4), (OID.regclass, 4): Int64(bytes.bigEndian(as: UInt32.self))
      case (OID.numeric, _): Numeric.text(bytes).flatMap { Int64($0) }
      default: nil
      }
    }
  }

  func double() throws -> Double {
    try read("number") { bytes in
      switch (type, bytes.count) {
      case (OID.float8, 8): Double(bitPattern: bytes.bigEndian(as: UInt64.self))
      case (OID.float4, 4): Double(Float(bitPattern: bytes.bigEndian(as: UInt32.self)))
      case (OID.numeric, _): Numeric.text(bytes).flatMap { Double($0) }
      default: Double(try int())
      }
    }
  }

  /// Text as it is, a `numeric` or `uuid` as PostgreSQL writes it, a JSON document as text. Types this module does
  /// not know (an enumeration's label, say) are taken as UTF-8.
  func text() throws -> String {
    try read("text") { bytes in
      switch type {
      case OID.text, OID.varchar, OID.bpchar, OID.name, OID.json: String(decoding: bytes, as: UTF8.self)
      case OID.numeric: Numeric.text(bytes)
      case OID.uuid: bytes.count == 16 ? WireFormat.uuid(bytes) : nil
      case OID.jsonb: String(decoding: UnsafeRawBufferPointer(rebasing: bytes.dropFirst()), as: UTF8.self)
      case OID.bool, OID.int2, OID.int4, OID.int8, OID.oid, OID.float4, OID.float8, OID.bytea, OID.date,
        OID.timestamp, OID.timestamptz:
        nil
      default: String(validating: bytes, as: UTF8.self)
      }
    }
  }

  /// The field's binary form; for `bytea` these are its bytes, for `geometry` EWKB.
  func bytes() throws -> [UInt8] { try read("bytes") { bytes in Array(bytes) } }

  /// `timestamptz`; a `timestamp` without zone is China Standard Time.
  func instant() throws -> Instant {
    try read("timestamptz") { bytes in
      guard bytes.count == 8 else { return nil }
      let instant = WireFormat.instant(bytes.bigEndian(as: Int64.self))
      return switch type {
      case OID.timestamptz: instant
      case OID.timestamp: instant + -Instant.chinaOffset
      default: nil
      }
    }
  }

  func date() throws -> CivilDate {
    try read("date") { bytes in
      guard type == OID.date, bytes.count == 4 else { return nil }
      let days = Int(bytes.bigEndian(as: Int32.self))
      guard (-730_119...2_921_939).contains(days) else { return nil }
      return CivilDate(daysSinceEpoch: days + WireFormat.epochDays)
    }
  }

  func json() throws -> JSON {
    try read("json") { bytes in
      switch type {
      case OID.jsonb: try JSON(parsing: Array(bytes.dropFirst()))
      case OID.json, OID.text, OID.varchar: try JSON(parsing: Array(bytes))
      default: nil
      }
    }
  }

  func textArray() throws -> [String] {
    try array("text[]", [OID.textArray, OID.varcharArray, OID.nameArray, OID.bpcharArray]) { bytes in
      String(decoding: bytes, as: UTF8.self)
    }
  }

  func intArray() throws -> [Int64] {
    try array("bigint[]", [OID.int8Array, OID.int4Array, OID.int2Array]) { bytes in
      switch bytes.count {
      case 8: bytes.bigEndian(as: Int64.self)
      case 4: Int64(bytes.bigEndian(as: Int32.self))
      default: Int64(bytes.bigEndian(as: Int16.self))
      }
    }
  }

  /// Elements in storage order; an array of several dimensions is read flat, a null element is refused.
  private func array<Element>(
    _ wanted: String, _ types: [Oid], _ element: (UnsafeRawBufferPointer) -> Element
  ) throws -> [Element] {
    try read(wanted) { bytes in
      guard types.contains(type), bytes.count >= 12 else { return nil }
      let dimensions = Int(bytes.bigEndian(0, as: Int32.self))
      var position = 12 + 8 * dimensions
      guard dimensions >= 0, position <= bytes.count else { return nil }
      var elements: [Element] = []
      while position + 4 <= bytes.count {
        let count = Int(bytes.bigEndian(position, as: Int32.self))
        position += 4
        guard count >= 0, position + count <= bytes.count else { return nil }
        elements.append(element(UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])))
        position += count
      }
      return elements
    }
  }

  /// The field by its column's type; types this module does not know come as bytes.
  package func value() throws -> SQLValue {
    if isNull { return .null }
    return switch type {
    case OID.bool: .bool(try bool())
    case OID.int2, OID.int4, OID.int8, OID.oid, OID.regclass: .int(try int())
    case OID.float4, OID.float8: .double(try double())
    case OID.text, OID.varchar, OID.bpchar, OID.name, OID.char, OID.unknownLiteral, OID.xml, OID.numeric, OID.uuid,
      OID.void:
      .text(try text())
    case OID.json, OID.jsonb: .json(try text())
    case OID.timestamptz, OID.timestamp: .instant(try instant())
    case OID.date: .date(try date())
    case OID.textArray, OID.varcharArray, OID.nameArray, OID.bpcharArray: .textArray(try textArray())
    case OID.int2Array, OID.int4Array, OID.int8Array: .intArray(try intArray())
    default: .bytes(try bytes())
    }
  }
}

/// A field that does not hold what the code asked for: a fault of the program, never of the user.
package struct DecodingFailure: Error, Sendable, CustomStringConvertible {
  package let column: String
  /// PostgreSQL's type number of the column.
  package let type: UInt32
  package let isNull: Bool
  package let wanted: String

  package var description: String {
    "column \(column) of type \(type)\(isNull ? " is null and" : "") cannot be read as \(wanted)"
  }
}
