/// What part of a representation a `Range` field asks for (RFC 9110 §14.2).
enum ByteRange: Equatable {
  /// No range, several ranges or a unit that is not bytes: the whole is sent.
  case whole
  case part(Range<Int64>)
  /// Nothing of the range exists: 416.
  case unsatisfiable

  init(_ field: String, size: Int64) {
    self = .whole
    guard field.hasPrefix("bytes=") else { return }
    let specification = Substring(field.dropFirst(6)).trimmed
    guard let dash = specification.utf8.firstIndex(of: UInt8(ascii: "-")),
      !specification.utf8.contains(UInt8(ascii: ","))
    else { return }
    let first = specification[..<dash]
    let last = specification[specification.utf8.index(after: dash)...]
    if first.isEmpty {
      guard let length = ByteRange.number(last) else { return }
      self = length == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - length)..<size)
      return
    }
    guard let start = ByteRange.number(first) else { return }
    if last.isEmpty {
      self = start < size ? .part(start..<size) : .unsatisfiable
    } else if let end = ByteRange.number(last), end >= start {
      self = start < size ? .part(start..<min(size, end == .max ? end : end + 1)) : .unsatisfiable
    }
  }

  private static func number(_ text: Substring) -> Int64? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return Int64(text) ?? .max
  }
}
