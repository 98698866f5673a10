/// Turns text into the lexemes of a PostgreSQL `tsvector` without any dictionary: Chinese in pairs of characters, since
/// Chinese has no spaces and trigram indexes fail on words of two characters.
///
/// What is indexed of `朝阳路18号` is `朝阳 阳路 路 18 18号 号`, and with a pinyin table also `cyl yl l`, `chaoyanglu` …
/// A character alone is kept at the end of a run only: elsewhere it begins a pair, and a query for one character asks
/// for what begins with it.
package enum SearchText {
  /// Runs of letters and digits are cut here: PostgreSQL bounds a lexeme at 2 kB.
  static let wordLimit = 64
  /// So many initials tell a place apart; the tails of whole addresses would fill the index with what comes only once.
  static let initialsLimit = 8
  /// Longer runs are sentences and addresses: nobody types their whole pinyin.
  static let fullPinyinLimit = 8

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

  static func initials(_ reading: some Sequence<String>) -> String {
    String(String.UnicodeScalarView(reading.compactMap(\.unicodeScalars.first)))
  }
}

extension FoldedText.Run {
  /// Letters or digits after a hyphen; a hyphen beside Chinese only separates.
  var continuesChain: Bool { hyphenated && kind != .han }
}

extension Range<Int> {
  func prefix(_ count: Int) -> Range<Int> { lowerBound..<Swift.min(upperBound, lowerBound + count) }
}
