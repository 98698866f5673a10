/// A text as search sees it: letters in lower case, full-width forms as half-width, split into runs.
struct FoldedText {
  enum Kind { case han, digits, letters, mixed }

  /// A stretch of Chinese characters, or of letters and digits.
  struct Run {
    let kind: Kind
    let range: Range<Int>
    /// Nothing but spaces stands between this run and the one before.
    let joinsPrevious: Bool
    /// A single hyphen stands between this run and the one before, as in the room number 3-2-501.
    let hyphenated: Bool
  }

  private(set) var scalars: [Unicode.Scalar] = []
  /// Where each scalar came from.
  private(set) var sources: [Range<String.Index>] = []
  private(set) var runs: [Run] = []

  private enum Gap { case none, hyphen, other }

  init(_ text: String) {
    let view = text.unicodeScalars
    var index = view.startIndex
    var start = 0
    var kind: Kind?
    var gap = Gap.other
    while index < view.endIndex {
      let next = view.index(after: index)
      let folded = FoldedText.fold(view[index])
      for scalar in folded {
        let now = FoldedText.kind(scalar)
        if let current = kind, now == nil || (now == .han) != (current == .han) {
          close(current, start, &gap)
          kind = nil
        }
        if let now {
          if kind == nil { start = scalars.count }
          kind = kind.map { $0 == now ? now : .mixed } ?? now
          scalars.append(scalar)
          sources.append(index..<next)
        } else if FoldedText.isHyphen(scalar) {
          gap = gap == .none ? .hyphen : .other
        } else if scalar != " " {
          gap = .other
        }
      }
      index = next
    }
    if let kind { close(kind, start, &gap) }
  }

  private mutating func close(_ kind: Kind, _ start: Int, _ gap: inout Gap) {
    runs.append(
      Run(kind: kind, range: start..<scalars.count, joinsPrevious: gap == .none, hyphenated: gap == .hyphen))
    gap = .none
  }

  func text(_ range: Range<Int>) -> String { String(String.UnicodeScalarView(scalars[range])) }

  /// The stretches of one kind inside a mixed run: `s` and `12345` in s12345.
  func parts(_ run: Run) -> [(range: Range<Int>, kind: Kind)] {
    guard run.kind == .mixed else { return [(run.range, run.kind)] }
    var parts: [(range: Range<Int>, kind: Kind)] = []
    for index in run.range {
      let kind = FoldedText.kind(scalars[index]) ?? .letters
      if let last = parts.last, last.kind == kind {
        parts[parts.count - 1].range = last.range.lowerBound..<index + 1
      } else {
        parts.append((index..<index + 1, kind))
      }
    }
    return parts
  }

  private static func kind(_ scalar: Unicode.Scalar) -> Kind? {
    switch scalar.value {
    case 0x30...0x39: .digits
    case 0x61...0x7A: .letters
    case 0..<0x80: nil
    default:
      scalar.isHan ? .han : scalar.properties.isAlphabetic || scalar.properties.numericType != nil ? .letters : nil
    }
  }

  private static func isHyphen(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x2D, 0x2010...0x2015, 0x2212, 0x7E: true
    default: false
    }
  }

  /// Lower case and half width; ü becomes v, Ⅱ becomes ii, ② becomes 2; marks above letters vanish.
  private static func fold(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    switch scalar.value {
    case 0x41...0x5A: [Unicode.Scalar(UInt8(scalar.value + 32))]
    case 0..<0x80: [scalar.value == 9 || scalar.value == 10 || scalar.value == 13 ? " " : scalar]
    case 0x3000, 0xA0: [" "]
    case 0xFF01...0xFF5E: Unicode.Scalar(scalar.value - 0xFEE0).map(fold) ?? []
    case 0xFC, 0xDC, 0x1D5...0x1DC: ["v"]
    case 0x2160...0x216B, 0x2170...0x217B: Array(roman[Int(scalar.value & 15)].unicodeScalars)
    case 0x2460...0x2473: Array(String(scalar.value - 0x245F).unicodeScalars)
    case 0x3400...0x9FFF: [scalar]
    default:
      switch scalar.properties.generalCategory {
      case .nonspacingMark, .enclosingMark, .format: []
      case .uppercaseLetter, .titlecaseLetter: Array(scalar.properties.lowercaseMapping.unicodeScalars)
      default: [scalar]
      }
    }
  }

  private static let roman = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"]
}
