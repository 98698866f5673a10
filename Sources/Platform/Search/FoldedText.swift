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
    scalars.reserveCapacity(text.utf8.count)
    sources.reserveCapacity(text.utf8.count)
    var state = State()
    var index = view.startIndex
    while index < view.endIndex {
      let next = view.index(after: index)
      let scalar = view[index]
      if scalar.isHan || ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) {
        take(scalar, index..<next, &state)
      } else {
        for folded in FoldedText.fold(scalar) { take(folded, index..<next, &state) }
      }
      index = next
    }
    close(&state)
  }

  /// The run being read, and what stands before it.
  private struct State {
    var kind: Kind?
    var start = 0
    var gap = Gap.other
  }

  private mutating func take(_ scalar: Unicode.Scalar, _ source: Range<String.Index>, _ state: inout State) {
    let now = FoldedText.kind(scalar)
    if let current = state.kind, now == nil || (now == .han) != (current == .han) { close(&state) }
    if let now {
      if state.kind == nil { state.start = scalars.count }
      state.kind = state.kind.map { $0 == now ? now : .mixed } ?? now
      scalars.append(scalar)
      sources.append(source)
    } else if FoldedText.isHyphen(scalar) {
      state.gap = state.gap == .none ? .hyphen : .other
    } else if scalar != " " {
      state.gap = .other
    }
  }

  private mutating func close(_ state: inout State) {
    guard let kind = state.kind else { return }
    runs.append(
      Run(
        kind: kind, range: state.start..<scalars.count, joinsPrevious: state.gap == .none,
        hyphenated: state.gap == .hyphen))
    state.kind = nil
    state.gap = .none
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
