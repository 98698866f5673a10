import CLibPQ
package import Core

/// Writes rows in COPY's binary or text format, field by field in the order of the columns.
///
/// A value that does not fit its column is a ``Fault``; the unfinished row is then taken back, so that a caller may
/// go on with the next one.
package struct CopyEncoder: ~Copyable {
  let columns: [CopyColumn]
  let isBinary: Bool
  private(set) var bytes: [UInt8] = []
  private(set) var rows = 0
  private var field = 0

  /// PostgreSQL, COPY, "File Header": the signature, no flags, no extension.
  private static let header: [UInt8] =
    Array("PGCOPY\n".utf8) + [0xFF] + Array("\r\n".utf8) + [0] + [UInt8](repeating: 0, count: 8)

  init(columns: [CopyColumn], isBinary: Bool) {
    self.columns = columns
    self.isBinary = isBinary
    if isBinary { bytes = Self.header }
  }

  /// For rows that follow others: without what begins a file.
  init(continuing columns: [CopyColumn], isBinary: Bool) {
    self.columns = columns
    self.isBinary = isBinary
  }

  /// Hands out what was written so far and starts with empty buffers.
  mutating func take() -> [UInt8] {
    let taken = bytes
    bytes = []
    bytes.reserveCapacity(taken.count + 1024)
    return taken
  }

  mutating func finish() { if isBinary { bytes.append(bigEndian: Int16(-1)) } }

  mutating func append(raw: some Sequence<UInt8>, rows: Int = 0) {
    bytes.append(contentsOf: raw)
    self.rows += rows
  }

  /// Writes one row: `fill` appends a value for each column.
  package mutating func row(_ fill: (inout CopyEncoder) throws -> Void) throws {
    let start = bytes.count
    field = 0
    if isBinary { bytes.append(bigEndian: Int16(columns.count)) }
    do {
      try fill(&self)
      guard field == columns.count else {
        throw Fault("copy-field-count", "\(field) fields for \(columns.count) columns")
      }
    } catch {
      bytes.removeLast(bytes.count - start)
      throw error
    }
    if !isBinary { bytes.append(UInt8(ascii: "\n")) }
    rows += 1
  }

  private mutating func next() throws -> CopyColumn.Kind {
    guard field < columns.count else { throw Fault("copy-field-count", "more than \(columns.count) fields") }
    if !isBinary, field > 0 { bytes.append(UInt8(ascii: "\t")) }
    defer { field += 1 }
    return columns[field].kind
  }

  private func mismatch(_ value: String) -> Fault {
    Fault("copy-type-mismatch", "\(value) for column \(columns[field - 1].name)")
  }

  private mutating func append(text: String) { bytes.append(contentsOf: text.utf8) }

  /// Appends a binary field whose length is known only when it has been written.
  private mutating func sized(_ write: (inout [UInt8]) throws -> Void) rethrows {
    let start = bytes.count
    bytes.append(bigEndian: Int32(0))
    try write(&bytes)
    let length = UInt32(bytes.count - start - 4)
    for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * index)) }
  }

  private mutating func append<Value: FixedWidthInteger>(fixed value: Value) {
    bytes.append(bigEndian: Int32(Value.bitWidth / 8))
    bytes.append(bigEndian: value)
  }

  // MARK: Values

  package mutating func appendNull() throws {
    _ = try next()
    if isBinary { bytes.append(bigEndian: Int32(-1)) } else { append(text: "\\N") }
  }

  package mutating func append(_ value: Bool) throws {
    switch (try next(), isBinary) {
    case (_, false): append(text: value ? "t" : "f")
    case (.bool, _): append(fixed: UInt8(value ? 1 : 0))
    default: throw mismatch("boolean")
    }
  }

  package mutating func append(_ value: Int) throws { try append(Int64(value)) }

  package mutating func append(_ value: Int64) throws {
    let kind = try next()
    guard isBinary else { return append(text: String(value)) }
    switch kind {
    case .int8: append(fixed: value)
    case .int4:
      guard let small = Int32(exactly: value) else { throw mismatch("integer out of range") }
      append(fixed: small)
    case .int2:
      guard let small = Int16(exactly: value) else { throw mismatch("integer out of range") }
      append(fixed: small)
    case .float8: append(fixed: Double(value).bitPattern)
    case .float4: append(fixed: Float(value).bitPattern)
    case .numeric: sized { _ = Numeric.append(String(value), to: &$0) }
    default: throw mismatch("integer")
    }
  }

  package mutating func append(_ value: Double) throws {
    let kind = try next()
    guard isBinary else {
      return append(text: value.isNaN ? "NaN" : value.isFinite ? "\(value)" : value < 0 ? "-Infinity" : "Infinity")
    }
    switch kind {
    case .float8: append(fixed: value.bitPattern)
    case .float4: append(fixed: Float(value).bitPattern)
    default: throw mismatch("floating-point number")
    }
  }

  /// Text, or the text form of a number, date, time, UUID or JSON document where the column is one.
  package mutating func append(_ value: String) throws {
    let kind = try next()
    try Parameters.check(value)
    guard isBinary else { return append(escaped: value) }
    switch kind {
    case .text:
      bytes.append(bigEndian: Int32(value.utf8.count))
      append(text: value)
    case .jsonb:
      bytes.append(bigEndian: Int32(value.utf8.count + 1))
      bytes.append(1)
      append(text: value)
    case .numeric:
      var isNumber = false
      sized { isNumber = Numeric.append(value, to: &$0) }
      if !isNumber { throw mismatch("text that is no number") }
    case .uuid:
      let digits = value.utf8.filter { $0 != UInt8(ascii: "-") }.compactMap {
        Character(Unicode.Scalar($0)).hexDigitValue
      }
      guard digits.count == 32 else { throw mismatch("text that is no UUID") }
      bytes.append(bigEndian: Int32(16))
      for index in 0..<16 { bytes.append(UInt8(digits[index * 2] << 4 | digits[index * 2 + 1])) }
    case .date:
      guard let date = CivilDate(value) else { throw mismatch("text that is no date") }
      append(fixed: Int32(date.daysSinceEpoch - WireFormat.epochDays))
    case .timestamptz:
      guard let instant = Instant(value) else { throw mismatch("text that is no time") }
      append(fixed: WireFormat.timestamp(instant))
    case .tsvector:
      var isVector = false
      sized { isVector = TextVector.append(value, to: &$0) }
      if !isVector { throw mismatch("text that is no list of quoted lexemes") }
    default: throw mismatch("text")
    }
  }

  /// `bytea`, or the binary form of `geometry` (EWKB).
  package mutating func append(_ value: [UInt8]) throws {
    let kind = try next()
    guard isBinary else {
      if case .geometry = kind { return append(text: SQL.hex(value)) }
      return append(text: "\\\\x" + SQL.hex(value))
    }
    switch kind {
    case .bytes, .geometry: break
    default: throw mismatch("bytes")
    }
    bytes.append(bigEndian: Int32(value.count))
    bytes.append(contentsOf: value)
  }

  package mutating func append(_ value: Instant) throws {
    let kind = try next()
    guard isBinary else {
      return append(
        text: value.microseconds == .max ? "infinity" : value.microseconds == .min ? "-infinity" : value.iso8601)
    }
    switch kind {
    case .timestamptz: append(fixed: WireFormat.timestamp(value))
    case .timestamp: append(fixed: WireFormat.timestamp(value + Instant.chinaOffset))
    default: throw mismatch("time")
    }
  }

  package mutating func append(_ value: CivilDate) throws {
    let kind = try next()
    guard isBinary else { return append(text: value.description) }
    guard case .date = kind else { throw mismatch("date") }
    append(fixed: Int32(value.daysSinceEpoch - WireFormat.epochDays))
  }

  package mutating func append(_ value: [String]) throws {
    let kind = try next()
    for element in value { try Parameters.check(element) }
    guard isBinary else { return append(escaped: CopyEncoder.arrayText(value)) }
    guard case .textArray(let element) = kind else { throw mismatch("text[]") }
    sized { $0.appendTextArray(value, of: element) }
  }

  package mutating func append(_ value: [Int64]) throws {
    let kind = try next()
    guard isBinary else { return append(text: "{" + value.map { String($0) }.joined(separator: ",") + "}") }
    guard case .intArray(let element) = kind else { throw mismatch("bigint[]") }
    sized { bytes in
      bytes.appendArray(of: element, value) { bytes, number in
        switch element {
        case OID.int2: bytes.append(bigEndian: Int32(2)); bytes.append(bigEndian: Int16(truncatingIfNeeded: number))
        case OID.int4: bytes.append(bigEndian: Int32(4)); bytes.append(bigEndian: Int32(truncatingIfNeeded: number))
        default: bytes.append(bigEndian: Int32(8)); bytes.append(bigEndian: number)
        }
      }
    }
  }

  package mutating func append(_ value: SQLValue) throws {
    switch value {
    case .null: try appendNull()
    case .bool(let value): try append(value)
    case .int(let value): try append(value)
    case .double(let value): try append(value)
    case .text(let value), .json(let value): try append(value)
    case .bytes(let value): try append(value)
    case .instant(let value): try append(value)
    case .date(let value): try append(value)
    case .textArray(let value): try append(value)
    case .intArray(let value): try append(value)
    }
  }

  package mutating func append<Value: SQLEncodable>(_ value: Value) throws { try append(value.sqlValue) }

  // MARK: Text format

  /// PostgreSQL, COPY, "Text Format": backslash, tab and line ends are escaped.
  private mutating func append(escaped text: String) {
    let isPlain = !text.utf8.contains { $0 == UInt8(ascii: "\\") || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
    if isPlain { return append(text: text) }
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): bytes.append(contentsOf: #"\\"#.utf8)
      case 0x09: bytes.append(contentsOf: #"\t"#.utf8)
      case 0x0A: bytes.append(contentsOf: #"\n"#.utf8)
      case 0x0D: bytes.append(contentsOf: #"\r"#.utf8)
      default: bytes.append(byte)
      }
    }
  }

  /// An array constant with every element quoted (PostgreSQL 8.15.2).
  private static func arrayText(_ elements: [String]) -> String {
    var text = "{"
    for (index, element) in elements.enumerated() {
      if index > 0 { text += "," }
      text += "\""
      for scalar in element.unicodeScalars {
        if scalar == "\"" || scalar == "\\" { text += "\\" }
        text.unicodeScalars.append(scalar)
      }
      text += "\""
    }
    return text + "}"
  }
}
