/// Turns text into the lexemes of a PostgreSQL `tsvector` without any dictionary: Chinese in pairs of characters, since
/// Chinese has no spaces and trigram indexes fail on words of two characters.
///
/// What is indexed of `朝阳路18号` is `朝阳 阳路 路 18 18号 号`, and with a pinyin table also `cyl yl l`, `chaoyanglu` …
/// A character alone is kept at the end of a run only: elsewhere it begins a pair, and a query for one character asks
/// for what begins with it.
package enum SearchText {
  /// Runs of letters and digits are cut here, and initials at 16: PostgreSQL bounds a lexeme at 2 kB.
  static let wordLimit = 64
  static let initialsLimit = 16
  /// Longer runs are sentences and addresses: nobody types their whole pinyin.
  static let fullPinyinLimit = 8

  /// The distinct lexemes of a text, in the order of their appearance.
  ///
  /// - Parameter pinyin: for names and addresses; leave it out for long text.
  package static func tokens(of text: String, pinyin: PinyinTable? = nil) -> [String] {
    var tokens = TokenList()
    let folded = FoldedText(text)
    for (index, run) in folded.runs.enumerated() {
      let next = index + 1 < folded.runs.count ? folded.runs[index + 1] : nil
      if run.kind == .han {
        han(folded.scalars[run.range], pinyin, into: &tokens)
      } else {
        word(run, next, folded, into: &tokens)
        chain(endingAt: index, folded, into: &tokens)
      }
    }
    return tokens.items
  }

  /// The text of a `tsvector`, to be bound and cast: `$1::tsvector`.
  package static func vector(of tokens: some Sequence<String>) -> String {
    var text = ""
    for token in tokens {
      if !text.isEmpty { text += " " }
      text += quoted(token)
    }
    return text
  }

  /// A lexeme as `tsvector` and `tsquery` texts write it.
  static func quoted(_ token: String) -> String {
    guard token.utf8.contains(where: { $0 == UInt8(ascii: "'") || $0 == UInt8(ascii: "\\") }) else {
      return "'" + token + "'"
    }
    var text = "'"
    for scalar in token.unicodeScalars {
      if scalar == "'" || scalar == "\\" { text.unicodeScalars.append(scalar) }
      text.unicodeScalars.append(scalar)
    }
    return text + "'"
  }

  static func bigrams(_ scalars: ArraySlice<Unicode.Scalar>) -> [String] {
    zip(scalars, scalars.dropFirst()).map { String(String.UnicodeScalarView([$0, $1])) }
  }

  private static func han(_ scalars: ArraySlice<Unicode.Scalar>, _ pinyin: PinyinTable?, into tokens: inout TokenList) {
    for pair in bigrams(scalars) { tokens.add(pair) }
    if let last = scalars.last { tokens.add(String(last)) }
    guard let pinyin else { return }
    var reading = pinyin.numbers(scalars).map { pinyin.syllable($0) }
    addPinyin(reading, upTo: reading.count, into: &tokens)
    guard (2...4).contains(scalars.count), let first = scalars.first else { return }
    for surname in pinyin.surnameReadings(first) {
      reading[0] = pinyin.syllable(surname)
      addPinyin(reading, upTo: 1, into: &tokens)
    }
  }

  /// Initials and syllables from each character on, so that a query may begin anywhere.
  private static func addPinyin(_ reading: [String], upTo limit: Int, into tokens: inout TokenList) {
    let initials = reading.map { $0.utf8.first }
    for start in 0..<limit where initials[start] != nil {
      tokens.add(String(decoding: initials[start...].prefix(initialsLimit).compactMap { $0 }, as: UTF8.self))
      if reading.count <= fullPinyinLimit { tokens.add(reading[start...].joined()) }
    }
  }

  static func initials(_ reading: some Sequence<String>) -> String {
    String(String.UnicodeScalarView(reading.compactMap(\.unicodeScalars.first)))
  }

  private static func word(
    _ run: FoldedText.Run, _ next: FoldedText.Run?, _ folded: FoldedText, into tokens: inout TokenList
  ) {
    let whole = folded.text(run.range.prefix(wordLimit))
    tokens.add(whole)
    if run.kind == .mixed { for part in folded.parts(run) { tokens.add(folded.text(part.range.prefix(wordLimit))) } }
    if let next, next.kind == .han, next.joinsPrevious {
      tokens.add(whole + String(folded.scalars[next.range.lowerBound]))
    }
  }

  /// `3-2-501` as a whole and from each part on.
  private static func chain(endingAt index: Int, _ folded: FoldedText, into tokens: inout TokenList) {
    let continues = index + 1 < folded.runs.count && folded.runs[index + 1].continuesChain
    guard folded.runs[index].continuesChain, !continues else { return }
    var parts = [folded.text(folded.runs[index].range.prefix(wordLimit))]
    var position = index
    while folded.runs[position].continuesChain, position > 0, parts.count < 8 {
      position -= 1
      parts.insert(folded.text(folded.runs[position].range.prefix(wordLimit)), at: 0)
      tokens.add(parts.joined(separator: "-"))
    }
  }
}

extension FoldedText.Run {
  /// Letters or digits after a hyphen; a hyphen beside Chinese only separates.
  var continuesChain: Bool { hyphenated && kind != .han }
}

extension Range<Int> {
  func prefix(_ count: Int) -> Range<Int> { lowerBound..<Swift.min(upperBound, lowerBound + count) }
}

/// Distinct tokens in order.
private struct TokenList {
  private(set) var items: [String] = []
  private var seen: Set<String> = []

  mutating func add(_ token: String) { if seen.insert(token).inserted { items.append(token) } }
}
