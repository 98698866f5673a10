import Addresses

extension AddressParser {
  /// Appends the parts of a line as JSON, as ``LabelledAddress/json`` writes them, and makes nothing in between: this
  /// runs some ten thousand times a second.
  ///
  /// - Parameter line: UTF-8; what is none is replaced by U+FFFD, as `String` does.
  package mutating func answer(_ line: UnsafeBufferPointer<UInt8>, into bytes: inout [UInt8]) {
    guard plain.read(line) else {
      parse(String(decoding: line, as: UTF8.self)).write(into: &bytes)
      return
    }
    // Nothing needs an escape, so that each part is written as the bytes it was given as.
    bytes += AnswerText.opening
    bytes += line
    bytes += AnswerText.parts
    let scalars = plain.scalars
    let ends = plain.ends
    scalars.withUnsafeBufferPointer { cut($0) }
    for (index, part) in cuts.enumerated() {
      let start = part.range.lowerBound == 0 ? 0 : ends[part.range.lowerBound - 1]
      bytes += AnswerText.heads[Int(part.label.rawValue)].dropFirst(index == 0 ? 1 : 0)
      bytes += UnsafeBufferPointer(rebasing: line[start..<ends[part.range.upperBound - 1]])
      bytes += AnswerText.end
    }
    bytes += AnswerText.closing
  }
}

/// What stands between the parts of an answer.
private enum AnswerText {
  static let opening = Array(#"{"text":""#.utf8)
  static let parts = Array(#"","parts":["#.utf8)
  static let heads = AddressLabel.allCases.map { Array(#",{"label":"\#($0.name)","text":""#.utf8) }
  static let end = Array(#""}"#.utf8)
  static let closing = Array("]}".utf8)
}

/// The scalars of a text without quotes, backslashes and signs of control.
struct PlainText {
  private(set) var scalars: [UInt32] = []
  /// The byte behind each scalar.
  private(set) var ends: [Int] = []

  /// Takes another text; false when it is not plain, not UTF-8, or has characters beyond the basic plane.
  mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    scalars.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    var place = 0
    func next(_ offset: Int) -> UInt32? {
      guard place + offset < bytes.count, bytes[place + offset] & 0xC0 == 0x80 else { return nil }
      return UInt32(bytes[place + offset] & 0x3F)
    }
    while place < bytes.count {
      let first = UInt32(bytes[place])
      let scalar: UInt32
      switch first {
      case 0x20..<0x80 where first != 0x22 && first != 0x5C:
        scalar = first
        place += 1
      case 0xC2...0xDF:
        guard let second = next(1) else { return false }
        scalar = (first & 0x1F) << 6 | second
        place += 2
      case 0xE0...0xEF:
        guard let second = next(1), let third = next(2) else { return false }
        scalar = (first & 0x0F) << 12 | second << 6 | third
        guard scalar >= 0x800, scalar & 0xF800 != 0xD800 else { return false }
        place += 3
      default: return false
      }
      scalars.append(scalar)
      ends.append(place)
    }
    return true
  }
}
