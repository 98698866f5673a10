package import HTML

/// A short state word in a coloured lozenge with a dot; the word carries the meaning, the colour helps the eye.
package struct Badge: HTMLConvertible, Sendable {
  package let text: String
  package let tone: Tone

  package init(_ text: String, _ tone: Tone = .neutral) {
    self.text = text
    self.tone = tone
  }

  package var html: HTML {
    span(.class("badge"), .class("tone-\(tone.rawValue)")) { text }
  }
}

/// A number that stands beside a label, such as the count of an inbox; nothing is shown for zero.
package struct CountBadge: HTMLConvertible, Sendable {
  package let count: Int
  /// What is counted, for assistive technology: `条待办`.
  package let noun: String

  package init(_ count: Int, noun: String) {
    self.count = count
    self.noun = noun
  }

  package var html: HTML {
    guard count > 0 else { return .empty }
    return span(.class("count")) {
      span(.aria(.hidden, true)) { count > 99 ? "99+" : "\(count)" }
      hiddenText("\(count) \(noun)")
    }
  }
}
