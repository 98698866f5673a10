package import Core

/// The code of one standard address (地址编码): unique in the city, never changed and never given again.
///
/// The text carries the division at the time of coding and a number within it; it says nothing about road, building or
/// room, since those change while the code must not.
package struct AddressCode: Sendable, Hashable, CustomStringConvertible {
  /// Capital letters and figures without blanks.
  package let text: String

  init(canonical: String) { text = canonical }

  package var description: String { text }

  /// The code in groups of four for reading aloud: `5117 0200 1000 0001 237`.
  package var grouped: String {
    var result = ""
    for (index, character) in text.enumerated() {
      if index > 0, index.isMultiple(of: 4) { result += " " }
      result.append(character)
    }
    return result
  }
}

/// How address codes of a city are built (地址编码规则).
///
/// GB/T 39609-2020 composes an address geocode from the code of the division (7.2) and codes for street or courtyard
/// (7.3), building or gate (7.4) and unit or room (7.5). Lifang keeps the division part and puts one sequence number in
/// place of the speaking parts, so that a code outlives renaming and rebuilding, and ends with a check figure by
/// ISO 7064 MOD 11,10, which finds every single wrong figure and nearly every swap. The standard layout
/// `{division:9}{seq:9}{check}` has 19 figures: nine of the town (zeros where none is known), nine of the sequence,
/// one check figure. A province's own layout is another pattern.
package struct AddressCodeRule: Sendable, Hashable {
  private enum Part: Hashable {
    case literal(String)
    case division(Int)
    case sequence(Int)
    case check
  }

  private let parts: [Part]
  package let pattern: String

  /// `{division:9}{seq:9}{check}`.
  package static let standard = AddressCodeRule(
    parts: [.division(9), .sequence(9), .check], pattern: "{division:9}{seq:9}{check}")

  private init(parts: [Part], pattern: String) {
    self.parts = parts
    self.pattern = pattern
  }

  /// Reads a pattern of literals and `{division:N}` (6, 9 or 12 figures), `{seq:N}` (6 to 15) and `{check}`.
  ///
  /// Throws a refusal when a placeholder is unknown, the sequence is missing or `{check}` stands elsewhere than last.
  package init(pattern: String) throws(Refusal) {
    var parts: [Part] = []
    for piece in try AddressCodeRule.pieces(pattern) {
      switch piece {
      case .literal(let text):
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || $0 == 0x2D }) else {
          throw AddressCodeRule.refusal("固定部分只能是大写字母、数字和连字符")
        }
        parts.append(.literal(text))
      case .placeholder("check", nil): parts.append(.check)
      case .placeholder("division", let width?) where [6, 9, 12].contains(width): parts.append(.division(width))
      case .placeholder("seq", let width?) where (6...15).contains(width): parts.append(.sequence(width))
      case .placeholder(let name, _): throw AddressCodeRule.refusal("不认识 {\(name)}，或位数不对")
      }
    }
    let sequences = parts.filter { if case .sequence = $0 { true } else { false } }.count
    let checks = parts.filter { $0 == .check }.count
    guard sequences == 1 else { throw AddressCodeRule.refusal("应有且只有一个 {seq:N}") }
    guard checks == 0 || checks == 1 && parts.last == .check else { throw AddressCodeRule.refusal("{check} 只能放在最后") }
    self.init(parts: parts, pattern: pattern)
  }

  /// The code of the address with this number in this division.
  ///
  /// Numbers are given out by the register, each once; two divisions may share a counter or have one each.
  /// Throws a refusal when the number does not fit the pattern.
  package func code(division: DivisionCode, sequence: Int64) throws(Refusal) -> AddressCode {
    var text = ""
    for part in parts {
      switch part {
      case .literal(let literal): text += literal
      case .division(let width): text += AddressCodeRule.filled(division, width)
      case .sequence(let width):
        let digits = String(sequence)
        guard sequence >= 0, digits.utf8.count <= width else {
          throw Refusal(.unprocessable, "address-code-exhausted", "地址编码的顺序号超出 \(width) 位，请调整编码规则。")
        }
        text += String(repeating: "0", count: width - digits.utf8.count) + digits
      case .check: text.unicodeScalars.append(AddressCodeRule.checkFigure(text))
      }
    }
    return AddressCode(canonical: text)
  }

  /// Reads a code as it is typed or scanned; blanks, full-width forms and small letters are taken.
  ///
  /// Returns `nil` when it does not follow the pattern or the check figure is wrong.
  package func read(_ text: String) -> AddressCode? {
    let folded = AddressText(text)
    let scalars = folded.scalars.filter { $0 != AddressText.space }
    var index = 0
    var canonical = ""
    for part in parts {
      var width = 1
      switch part {
      case .literal(let literal):
        for scalar in literal.unicodeScalars {
          guard index < scalars.count, scalars[index] == scalar.value else { return nil }
          index += 1
        }
        canonical += literal
        continue
      case .division(let count), .sequence(let count): width = count
      case .check: break
      }
      guard index + width <= scalars.count else { return nil }
      let before = canonical
      for scalar in scalars[index..<(index + width)] {
        guard scalar >= 0x30, scalar <= 0x39, let value = Unicode.Scalar(scalar) else { return nil }
        canonical.unicodeScalars.append(value)
      }
      index += width
      if part == .check, canonical.unicodeScalars.last != AddressCodeRule.checkFigure(before) { return nil }
    }
    return index == scalars.count ? AddressCode(canonical: canonical) : nil
  }

  private static func filled(_ division: DivisionCode, _ width: Int) -> String {
    let text = division.text
    return text.utf8.count >= width
      ? String(text.prefix(width)) : text + String(repeating: "0", count: width - text.utf8.count)
  }

  /// ISO 7064 MOD 11,10 over the figures of `text`; other characters take no part.
  private static func checkFigure(_ text: String) -> Unicode.Scalar {
    var product = 10
    for byte in text.utf8 where byte >= 0x30 && byte <= 0x39 {
      var sum = (Int(byte) - 0x30 + product) % 10
      if sum == 0 { sum = 10 }
      product = sum * 2 % 11
    }
    return Unicode.Scalar(UInt8(0x30 + (11 - product) % 10))
  }

  private enum Piece {
    case literal(String)
    case placeholder(String, Int?)
  }

  private static func pieces(_ pattern: String) throws(Refusal) -> [Piece] {
    var pieces: [Piece] = []
    var rest = pattern[...]
    while !rest.isEmpty {
      guard let open = rest.firstIndex(of: "{") else {
        pieces.append(.literal(String(rest)))
        break
      }
      if open > rest.startIndex { pieces.append(.literal(String(rest[..<open]))) }
      guard let close = rest[open...].firstIndex(of: "}") else { throw refusal("缺少 }") }
      let inside = rest[rest.index(after: open)..<close].split(separator: ":", omittingEmptySubsequences: false)
      let width = inside.count == 2 ? Int(inside[1]) : nil
      if inside.count > 2 || inside.count == 2 && width == nil { throw refusal("位数应是数字") }
      pieces.append(.placeholder(inside.first.map(String.init) ?? "", width))
      rest = rest[rest.index(after: close)...]
    }
    return pieces
  }

  private static func refusal(_ message: String) -> Refusal {
    Refusal(.invalid, "address-code-pattern", "地址编码规则有误：\(message)。", field: "pattern")
  }
}
