package import Core

extension SQL {
  /// The statement with its values written as literals, for commands that take no parameters (`copy`, DDL).
  ///
  /// - Throws: ``Refusal`` `text-has-null-character`
  package func inlined() throws(Refusal) -> String {
    for bind in binds { try SQL.check(bind.value) }
    var inlined = ""
    eachPiece { piece, value in
      inlined += piece
      if let value { inlined += SQL.literal(value) }
    }
    return inlined
  }

  private static func check(_ value: SQLValue) throws(Refusal) {
    switch value {
    case .text(let text), .json(let text): try Parameters.check(text)
    case .textArray(let texts): for text in texts { try Parameters.check(text) }
    default: break
    }
  }

  /// `value` as a literal that reads back as the same value and cannot end early, whatever the session's settings
  /// (PostgreSQL 4.1.2).
  static func literal(_ value: SQLValue) -> String {
    switch value {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .int(let value): "'\(value)'::int8"
    case .double(let value): "'\(value)'::float8"
    case .text(let text): quoted(text)
    case .json(let text): quoted(text) + "::jsonb"
    case .bytes(let bytes): "'\\x\(hex(bytes))'::bytea"
    case .instant(let instant): literal(instant)
    case .date(let date): "'\(date)'::date"
    case .textArray(let texts): "array[\(texts.map(quoted).joined(separator: ","))]::text[]"
    case .intArray(let values): "array[\(values.map { "'\($0)'" }.joined(separator: ","))]::int8[]"
    }
  }

  private static func literal(_ instant: Instant) -> String {
    switch instant.microseconds {
    case .max: "'infinity'::timestamptz"
    case .min: "'-infinity'::timestamptz"
    case let value: "('epoch'::timestamptz + '\(value) microseconds'::interval)"
    }
  }

  /// A string constant; a backslash makes it one with C-style escapes, so that its meaning hangs on no setting.
  private static func quoted(_ text: String) -> String {
    var hasBackslash = false
    var bytes: [UInt8] = [UInt8(ascii: "'")]
    for byte in text.utf8 {
      if byte == UInt8(ascii: "'") { bytes.append(byte) }
      if byte == UInt8(ascii: "\\") {
        hasBackslash = true
        bytes.append(byte)
      }
      bytes.append(byte)
    }
    bytes.append(UInt8(ascii: "'"))
    return (hasBackslash ? "E" : "") + String(decoding: bytes, as: UTF8.self)
  }

  static func hex(_ bytes: [UInt8]) -> String {
    let digits: StaticString = "0123456789abcdef"
    return String(unsafeUninitializedCapacity: bytes.count * 2) { text in
      for (index, byte) in bytes.enumerated() {
        text[index * 2] = digits.utf8Start[Int(byte >> 4)]
        text[index * 2 + 1] = digits.utf8Start[Int(byte & 15)]
      }
      return bytes.count * 2
    }
  }
}
