/// A version of software as vendors write it (`15.14`, `v3.6.2-p1`), in the order in which versions follow one another.
///
/// Runs of figures count as numbers and come after letters, so that `3.6-rc1` is before `3.6.0`; what is left out counts as
/// nothing and `15` equals `15.0`.
package struct SoftwareRelease: Sendable, Comparable {
  private enum Part: Sendable, Hashable {
    case word(String)
    case number(Int)
  }

  private let parts: [Part]

  /// `nil` for a text without figures.
  package init?(_ text: String) {
    var parts: [Part] = []
    var run: [UInt8] = []
    var isNumber = false
    func close() {
      guard !run.isEmpty else { return }
      let text = String(decoding: run, as: UTF8.self)
      parts.append(isNumber ? .number(Int(text) ?? .max) : .word(text))
      run = []
    }
    for byte in text.lowercased().utf8 {
      let isDigit = (48...57).contains(byte)
      let isLetter = (97...122).contains(byte)
      if !run.isEmpty, !(isDigit || isLetter) || isDigit != isNumber { close() }
      guard isDigit || isLetter else { continue }
      isNumber = isDigit
      run.append(byte)
    }
    close()
    if parts.first == .word("v") { parts.removeFirst() }
    guard parts.contains(where: { if case .number = $0 { true } else { false } }) else { return nil }
    self.parts = parts
  }

  private static func order(_ a: Part?, _ b: Part?) -> Int {
    switch (a, b) {
    case (nil, nil): 0
    case (.number(let a), .number(let b)): a < b ? -1 : a > b ? 1 : 0
    case (.word(let a), .word(let b)): a < b ? -1 : a > b ? 1 : 0
    case (.number(let a), nil): a == 0 ? 0 : 1
    case (nil, .number(let b)): b == 0 ? 0 : -1
    case (.word, _): -1
    case (_, .word): 1
    }
  }

  private static func order(_ a: SoftwareRelease, _ b: SoftwareRelease) -> Int {
    for index in 0..<max(a.parts.count, b.parts.count) {
      let found = order(
        index < a.parts.count ? a.parts[index] : nil, index < b.parts.count ? b.parts[index] : nil)
      if found != 0 { return found }
    }
    return 0
  }

  package static func == (a: SoftwareRelease, b: SoftwareRelease) -> Bool { order(a, b) == 0 }
  package static func < (a: SoftwareRelease, b: SoftwareRelease) -> Bool { order(a, b) < 0 }
}
