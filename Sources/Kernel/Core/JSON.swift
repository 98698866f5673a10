/// A JSON document in memory, with a parser and a writer that need neither Foundation nor reflection.
///
/// Objects keep the order of their keys, so that files made from them can be compared.
package enum JSON: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case string(String)
  case array([JSON])
  case object([(key: String, value: JSON)])

  package static func == (a: JSON, b: JSON) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let x), .bool(let y)): x == y
    case (.int(let x), .int(let y)): x == y
    case (.double(let x), .double(let y)): x == y
    case (.string(let x), .string(let y)): x == y
    case (.array(let x), .array(let y)): x == y
    case (.object(let x), .object(let y)):
      x.count == y.count && zip(x, y).allSatisfy { $0.key == $1.key && $0.value == $1.value }
    default: false
    }
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(text) }

  package subscript(key: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
  package var object: [(key: String, value: JSON)]? { if case .object(let value) = self { value } else { nil } }

  package var int: Int64? {
    switch self {
    case .int(let value): value
    case .double(let value) where value == value.rounded() && abs(value) < 9e15: Int64(value)
    default: nil
    }
  }

  package var double: Double? {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }

  /// The document as compact JSON text.
  package var text: String {
    var bytes: [UInt8] = []
    write(into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  package func write(into bytes: inout [UInt8]) {
    switch self {
    case .null: bytes.append(contentsOf: "null".utf8)
    case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
    case .int(let value): bytes.append(contentsOf: String(value).utf8)
    case .double(let value):
      bytes.append(contentsOf: (value.isFinite ? (value == 0 ? "0" : "\(value)") : "null").utf8)
    case .string(let value): JSON.write(string: value, into: &bytes)
    case .array(let values):
      bytes.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        value.write(into: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        JSON.write(string: member.key, into: &bytes)
        bytes.append(UInt8(ascii: ":"))
        member.value.write(into: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  /// Appends a quoted JSON string (RFC 8259 §7).
  package static func write(string: String, into bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    defer { bytes.append(UInt8(ascii: "\"")) }
    let isPlain = string.utf8.withContiguousStorageIfAvailable { text in
      guard text.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) else {
        return false
      }
      bytes.append(contentsOf: text)
      return true
    }
    if isPlain == true { return }
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0x0A: bytes.append(contentsOf: #"\n"#.utf8)
      case 0x0D: bytes.append(contentsOf: #"\r"#.utf8)
      case 0x09: bytes.append(contentsOf: #"\t"#.utf8)
      case 0..<0x20:
        let hex = Array("0123456789abcdef".utf8)
        bytes.append(contentsOf: #"\u00"#.utf8)
        bytes.append(hex[Int(byte >> 4)])
        bytes.append(hex[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
  }

  /// Parses a complete document (RFC 8259). Nesting deeper than 128 and anything after the value are refused.
  ///
  /// - Throws: ``Refusal`` `invalid-json` with the byte offset.
  package init(parsing text: String) throws(Refusal) {
    try self.init(parsing: Array(text.utf8))
  }

  package init(parsing bytes: [UInt8]) throws(Refusal) {
    var parser = JSONParser(bytes: bytes)
    self = try parser.document()
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int64) { self = .int(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(floatLiteral value: Double) { self = .double(value) }
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(elements.map { (key: $0.0, value: $0.1) })
  }
  package init(nilLiteral: ()) { self = .null }
}

struct JSONParser {
  let bytes: [UInt8]
  var position = 0
  var depth = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() throws(Refusal) -> JSON {
    let value = try value()
    skipSpace()
    guard position == bytes.count else { throw refusal() }
    return value
  }

  func refusal() -> Refusal {
    Refusal(.invalid, "invalid-json", "内容不是有效的 JSON（第 \(position + 1) 个字节处）。请检查格式后重新提交。")
  }

  mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) { position += 1 }
  }

  mutating func literal(_ text: StaticString, _ value: JSON) throws(Refusal) -> JSON {
    let count = text.utf8CodeUnitCount
    guard position + count <= bytes.count else { throw refusal() }
    for index in 0..<count where bytes[position + index] != text.utf8Start[index] { throw refusal() }
    position += count
    return value
  }

  mutating func value() throws(Refusal) -> JSON {
    skipSpace()
    guard position < bytes.count else { throw refusal() }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    default: return try number()
    }
  }

  mutating func enter() throws(Refusal) {
    depth += 1
    guard depth <= 128 else { throw refusal() }
    position += 1
    skipSpace()
  }

  mutating func object() throws(Refusal) -> JSON {
    try enter()
    var members: [(key: String, value: JSON)] = []
    if take(UInt8(ascii: "}")) { return .object(members) }
    while true {
      skipSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw refusal() }
      let key = try string()
      skipSpace()
      guard take(UInt8(ascii: ":"), leaving: false) else { throw refusal() }
      let value = try value()
      if let index = members.firstIndex(where: { $0.key == key }) {
        members[index].value = value
      } else {
        members.append((key, value))
      }
      skipSpace()
      if take(UInt8(ascii: ","), leaving: false) { continue }
      guard take(UInt8(ascii: "}")) else { throw refusal() }
      return .object(members)
    }
  }

  mutating func array() throws(Refusal) -> JSON {
    try enter()
    var values: [JSON] = []
    if take(UInt8(ascii: "]")) { return .array(values) }
    while true {
      values.append(try value())
      skipSpace()
      if take(UInt8(ascii: ","), leaving: false) { continue }
      guard take(UInt8(ascii: "]")) else { throw refusal() }
      return .array(values)
    }
  }

  /// Consumes `byte` when it stands here; closing a container also leaves its depth.
  mutating func take(_ byte: UInt8, leaving: Bool = true) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    if leaving { depth -= 1 }
    return true
  }

  mutating func number() throws(Refusal) -> JSON {
    let start = position
    var isDouble = false
    if position < bytes.count, bytes[position] == UInt8(ascii: "-") { position += 1 }
    let firstDigit = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): break
      case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"):
        isDouble = true
      default:
        return try finishNumber(start, firstDigit, isDouble)
      }
      position += 1
    }
    return try finishNumber(start, firstDigit, isDouble)
  }

  func finishNumber(_ start: Int, _ firstDigit: Int, _ isDouble: Bool) throws(Refusal) -> JSON {
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard firstDigit < position, (48...57).contains(bytes[firstDigit]), (48...57).contains(bytes[position - 1]),
      bytes[firstDigit] != 48 || position == firstDigit + 1 || !(48...57).contains(bytes[firstDigit + 1])
    else { throw refusal() }
    if !isDouble, let value = Int64(text) { return .int(value) }
    guard let value = Double(text), value.isFinite else { throw refusal() }
    return .double(value)
  }

  mutating func string() throws(Refusal) -> String {
    position += 1
    var decoded: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: decoded, as: UTF8.self) else { throw refusal() }
        return text
      case UInt8(ascii: "\\"):
        guard position < bytes.count else { throw refusal() }
        let escape = bytes[position]
        position += 1
        switch escape {
        case UInt8(ascii: "n"): decoded.append(0x0A)
        case UInt8(ascii: "r"): decoded.append(0x0D)
        case UInt8(ascii: "t"): decoded.append(0x09)
        case UInt8(ascii: "b"): decoded.append(0x08)
        case UInt8(ascii: "f"): decoded.append(0x0C)
        case UInt8(ascii: "u"): decoded.append(contentsOf: String(Character(try unicodeEscape())).utf8)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(escape)
        default: throw refusal()
        }
      case 0..<0x20: throw refusal()
      default: decoded.append(byte)
      }
    }
    throw refusal()
  }

  mutating func unicodeEscape() throws(Refusal) -> Unicode.Scalar {
    let high = try hexQuad()
    if let scalar = Unicode.Scalar(high) { return scalar }
    guard (0xD800..<0xDC00).contains(high), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw refusal() }
    position += 2
    let low = try hexQuad()
    guard (0xDC00..<0xE000).contains(low),
      let scalar = Unicode.Scalar(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    else { throw refusal() }
    return scalar
  }

  mutating func hexQuad() throws(Refusal) -> UInt32 {
    guard position + 4 <= bytes.count else { throw refusal() }
    var value: UInt32 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw refusal() }
      value = value << 4 | UInt32(digit)
    }
    position += 4
    return value
  }
}
