extension SearchQuery {
  /// The parts of a found text that answer the query, in order and without overlaps, for marking in a result list.
  ///
  /// Chinese words are marked where they stand whole, or else their pairs; letters where they begin a word, or the
  /// characters whose initials or pinyin they are.
  ///
  /// - Parameter pinyin: the table with which the text was indexed, if any.
  package func highlights(in found: String, pinyin: PinyinTable? = nil) -> [Range<String.Index>] {
    let target = FoldedText(found)
    let query = FoldedText(text)
    var marked = [Bool](repeating: false, count: target.scalars.count)
    for run in query.runs {
      if run.kind == .han {
        SearchQuery.mark(Array(query.scalars[run.range]), in: target, &marked)
      } else {
        for part in query.parts(run) { SearchQuery.mark(word: part, of: query, in: target, pinyin, &marked) }
      }
    }
    return SearchQuery.ranges(marked, target)
  }

  private static func mark(_ characters: [Unicode.Scalar], in target: FoldedText, _ marked: inout [Bool]) {
    if markAll(characters[...], in: target, &marked) || characters.count < 3 { return }
    for start in 0..<characters.count - 1 { markAll(characters[start..<start + 2], in: target, &marked) }
  }

  /// Marks each place where the characters stand inside one run; false when there is none.
  @discardableResult
  private static func markAll(
    _ characters: ArraySlice<Unicode.Scalar>, in target: FoldedText, _ marked: inout [Bool]
  ) -> Bool {
    var any = false
    for run in target.runs where run.kind == .han && run.range.count >= characters.count {
      for start in run.range.lowerBound...run.range.upperBound - characters.count
      where target.scalars[start..<start + characters.count].elementsEqual(characters) {
        for index in start..<start + characters.count { marked[index] = true }
        any = true
      }
    }
    return any
  }

  private static func mark(
    word part: (range: Range<Int>, kind: FoldedText.Kind), of query: FoldedText, in target: FoldedText,
    _ pinyin: PinyinTable?, _ marked: inout [Bool]
  ) {
    let word = query.scalars[part.range]
    let exact = part.kind == .digits && word.count < prefixDigits
    for run in target.runs {
      if run.kind == .han {
        if let pinyin, part.kind == .letters {
          mark(String(String.UnicodeScalarView(word)), run, target, pinyin, &marked)
        }
        continue
      }
      for candidate in target.parts(run) {
        let stretch = target.scalars[candidate.range]
        guard stretch.starts(with: word), !exact || stretch.count == word.count else { continue }
        for index in candidate.range.lowerBound..<candidate.range.lowerBound + word.count { marked[index] = true }
      }
    }
  }

  /// Marks the characters of a run whose initials, or whose syllables, the letters are.
  private static func mark(
    _ letters: String, _ run: FoldedText.Run, _ target: FoldedText, _ pinyin: PinyinTable, _ marked: inout [Bool]
  ) {
    var readings = [pinyin.reading(target.scalars[run.range])]
    if (2...4).contains(run.range.count) {
      for surname in pinyin.surnameReadings(target.scalars[run.range.lowerBound]) {
        readings.append([pinyin.syllable(surname)] + readings[0].dropFirst())
      }
    }
    for reading in readings {
      for start in reading.indices {
        let rest = reading[start...]
        let byInitials = SearchText.initials(rest).hasPrefix(letters) ? letters.unicodeScalars.count : 0
        guard let count = byInitials > 0 ? byInitials : syllables(letters, in: rest) else { continue }
        for index in start..<min(start + count, reading.count) { marked[run.range.lowerBound + index] = true }
      }
    }
  }

  /// How many syllables from the first on the letters cover, the last perhaps in part; `nil` when they do not fit.
  private static func syllables(_ letters: String, in reading: ArraySlice<String>) -> Int? {
    var rest = letters[...]
    for (count, syllable) in reading.enumerated() {
      if rest.isEmpty { return count }
      if rest.hasPrefix(syllable) {
        rest = rest.dropFirst(syllable.count)
      } else {
        return syllable.hasPrefix(rest) ? count + 1 : nil
      }
    }
    return rest.isEmpty ? reading.count : nil
  }

  private static func ranges(_ marked: [Bool], _ target: FoldedText) -> [Range<String.Index>] {
    var ranges: [Range<String.Index>] = []
    for index in marked.indices where marked[index] {
      let source = target.sources[index]
      if let last = ranges.last, last.upperBound >= source.lowerBound {
        ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, source.upperBound)
      } else {
        ranges.append(source)
      }
    }
    return ranges
  }
}
