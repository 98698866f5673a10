package import Core

/// What the payload of a kind of message has to look like (数据校验规则), checked before anything is applied (C-019).
package indirect enum FerryShape: Sendable {
  /// At most so many characters; line breaks and tabs are the only control characters.
  case text(max: Int)
  case word([String])
  case integer(ClosedRange<Int64>)
  case boolean
  /// RFC 3339.
  case instant
  /// An SM3 digest in hexadecimal.
  case digest
  case list(FerryShape, max: Int)
  /// These members and no others; those named optional may be missing or null.
  case object([(name: String, shape: FerryShape, isOptional: Bool)])
  /// Any names of `name` form with values of one shape.
  case map(FerryShape, max: Int)
  /// A value of a record as ``FerryValue`` writes it.
  case value
  /// Anything within so many bytes; what applies it judges it.
  case document(maxBytes: Int)

  /// An object with these members and no others.
  package static func members(_ required: [(String, FerryShape)], optional: [(String, FerryShape)] = []) -> FerryShape {
    .object(required.map { ($0.0, $0.1, false) } + optional.map { ($0.0, $0.1, true) })
  }

  /// What does not fit, by its place in the payload; values are never told.
  package func faults(in json: JSON, at place: String = "内容") -> [String] {
    switch self {
    case .text(let limit):
      guard let text = json.string else { return ["\(place)应是文字"] }
      if text.count > limit { return ["\(place)超过 \(limit) 个字"] }
      // Browsers end lines with both; what was stored before they were read as one still travels.
      let isClean = text.unicodeScalars.allSatisfy {
        $0.value >= 32 && $0.value != 127 || $0 == "\n" || $0 == "\r" || $0 == "\t"
      }
      return isClean ? [] : ["\(place)含有控制字符"]
    case .word(let words):
      guard let word = json.string, words.contains(word) else { return ["\(place)不在允许的取值中"] }
      return []
    case .integer(let range):
      guard let number = json.int, range.contains(number) else { return ["\(place)应是允许范围内的整数"] }
      return []
    case .boolean: return json.bool == nil ? ["\(place)应是真或假"] : []
    case .instant: return json.string.flatMap { Instant($0) } == nil ? ["\(place)应是时间"] : []
    case .digest:
      let isDigest = json.string.map { $0.utf8.count == 64 && $0.utf8.allSatisfy(FerryShape.isHex) } ?? false
      return isDigest ? [] : ["\(place)应是摘要"]
    case .list(let shape, let limit):
      guard let items = json.array else { return ["\(place)应是列表"] }
      if items.count > limit { return ["\(place)超过 \(limit) 项"] }
      return items.enumerated().flatMap { shape.faults(in: $1, at: "\(place)第 \($0 + 1) 项") }
    case .object(let members): return faults(of: members, in: json, at: place)
    case .map(let shape, let limit):
      guard let entries = json.object else { return ["\(place)应是对象"] }
      if entries.count > limit { return ["\(place)超过 \(limit) 项"] }
      return entries.flatMap { key, value in
        FerryShape.isName(key) ? shape.faults(in: value, at: "\(place).\(key)") : ["\(place)有不合规的名称"]
      }
    case .value: return FerryValue.isValid(json) ? [] : ["\(place)不是登记项的取值"]
    case .document(let limit): return json.text.utf8.count <= limit ? [] : ["\(place)超过 \(limit) 字节"]
    }
  }

  private func faults(
    of members: [(name: String, shape: FerryShape, isOptional: Bool)], in json: JSON, at place: String
  ) -> [String] {
    guard let entries = json.object else { return ["\(place)应是对象"] }
    var faults: [String] = []
    var seen: Set<String> = []
    for (key, value) in entries {
      guard seen.insert(key).inserted, let member = members.first(where: { $0.name == key }) else {
        faults.append("\(place)有多余或重复的项")
        continue
      }
      if member.isOptional, value == .null { continue }
      faults += member.shape.faults(in: value, at: "\(place).\(key)")
    }
    for member in members where !member.isOptional && !seen.contains(member.name) {
      faults.append("\(place)缺少 \(member.name)")
    }
    return faults
  }

  private static func isHex(_ byte: UInt8) -> Bool { (48...57).contains(byte) || (97...102).contains(byte) }

  private static func isName(_ text: String) -> Bool {
    (1...60).contains(text.utf8.count)
      && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_") }
  }
}

/// The form in which values of records travel: an object of one member that names the kind.
package enum FerryValue {
  package static let kinds = [
    "text", "integer", "decimal", "money", "boolean", "date", "instant", "list", "geometry", "json",
  ]

  static func isValid(_ json: JSON) -> Bool {
    if json == .null { return true }
    guard let entries = json.object, entries.count == 1, let entry = entries.first, kinds.contains(entry.key) else {
      return false
    }
    switch entry.key {
    case "text":
      return FerryShape.text(max: 100_000).faults(in: entry.value).isEmpty
    case "integer": return entry.value.int != nil
    case "boolean": return entry.value.bool != nil
    case "list": return FerryShape.list(.text(max: 200), max: 200).faults(in: entry.value).isEmpty
    case "geometry", "json": return entry.value.text.utf8.count <= 100_000
    default: return FerryShape.text(max: 40).faults(in: entry.value).isEmpty
    }
  }
}
