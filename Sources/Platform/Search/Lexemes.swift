/// The lexemes by which a record is found, gathered from its texts; see ``SearchText`` for what they are.
///
/// They lie as bytes one behind the other and are made distinct only when the vector is written: a record has dozens,
/// and a city is loaded a million records at a time.
package struct Lexemes: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  package init() {}

  /// Adds a lexeme as it is.
  package mutating func add(_ lexeme: String) {
    bytes.append(contentsOf: lexeme.utf8)
    close()
  }

  /// Adds the lexemes of a text.
  ///
  /// - Parameter pinyin: for names and addresses; leave it out for long text.
  package mutating func add(of text: String, pinyin: PinyinTable? = nil) {
    let folded = FoldedText(text)
    for (index, run) in folded.runs.enumerated() {
      let next = index + 1 < folded.runs.count ? folded.runs[index + 1] : nil
      if run.kind == .han {
        addHan(folded.scalars[run.range], pinyin)
      } else {
        addWord(run, next, folded)
        addChain(endingAt: index, folded)
      }
    }
  }

  /// The lexemes without repetition, in the order of their bytes.
  package var distinct: [String] {
    bytes.withUnsafeBufferPointer { bytes in
      sorted(bytes).map { String(decoding: bytes[$0], as: UTF8.self) }
    }
  }

  /// The text of a `tsvector`, to be bound and cast: `$1::tsvector`.
  package var vector: String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count + ends.count * 3)
    bytes.withUnsafeBufferPointer { bytes in
      for range in sorted(bytes) {
        if !text.isEmpty { text.append(UInt8(ascii: " ")) }
        text.append(UInt8(ascii: "'"))
        for byte in bytes[range] {
          if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\\") { text.append(byte) }
          text.append(byte)
        }
        text.append(UInt8(ascii: "'"))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Where a lexeme lies, with its first eight bytes as a number, which decide most comparisons.
  private struct Place {
    let head: UInt64
    let range: Range<Int>

    init(_ range: Range<Int>, _ bytes: UnsafeBufferPointer<UInt8>) {
      self.range = range
      var head: UInt64 = 0
      for offset in 0..<8 {
        head = head << 8 | (offset < range.count ? UInt64(bytes[range.lowerBound + offset]) : 0)
      }
      self.head = head
    }

    func precedes(_ other: Place, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
      if head != other.head { return head < other.head }
      let shared = min(range.count, other.range.count)
      if shared > 8 {
        for offset in 8..<shared {
          let (a, b) = (bytes[range.lowerBound + offset], bytes[other.range.lowerBound + offset])
          if a != b { return a < b }
        }
      }
      return range.count < other.range.count
    }
  }

  private func sorted(_ bytes: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
    var start = 0
    var places: [Place] = []
    places.reserveCapacity(ends.count)
    for end in ends {
      places.append(Place(start..<end, bytes))
      start = end
    }
    places.sort { $0.precedes($1, bytes) }
    var distinct: [Range<Int>] = []
    distinct.reserveCapacity(places.count)
    var last: Place?
    for place in places where last?.precedes(place, bytes) ?? true {
      distinct.append(place.range)
      last = place
    }
    return distinct
  }

  /// Ends the lexeme being written, unless it is empty.
  private mutating func close() {
    if bytes.count > ends.last ?? 0 { ends.append(bytes.count) }
  }

  private mutating func append(_ scalar: Unicode.Scalar) {
    if scalar.isASCII {
      bytes.append(UInt8(truncatingIfNeeded: scalar.value))
    } else if let encoded = UTF8.encode(scalar) {
      bytes.append(contentsOf: encoded)
    }
  }

  private mutating func append(_ scalars: ArraySlice<Unicode.Scalar>) { for scalar in scalars { append(scalar) } }

  // MARK: Chinese

  private mutating func addHan(_ scalars: ArraySlice<Unicode.Scalar>, _ pinyin: PinyinTable?) {
    guard let first = scalars.first, let last = scalars.indices.last else { return }
    for index in scalars.indices.dropLast() {
      append(scalars[index])
      append(scalars[index + 1])
      close()
    }
    append(scalars[last])
    close()
    guard let pinyin else { return }
    var reading = pinyin.numbers(scalars).map { pinyin.syllable($0) }
    addPinyin(reading, upTo: reading.count)
    guard (2...4).contains(scalars.count) else { return }
    for surname in pinyin.surnameReadings(first) {
      reading[0] = pinyin.syllable(surname)
      addPinyin(reading, upTo: 1)
    }
  }

  /// Initials and syllables from each character on, so that a query may begin anywhere.
  private mutating func addPinyin(_ reading: [String], upTo limit: Int) {
    let initials = reading.map { $0.utf8.first }
    for start in 0..<limit where initials[start] != nil {
      for case let initial? in initials[start...].prefix(SearchText.initialsLimit) { bytes.append(initial) }
      close()
      guard reading.count <= SearchText.fullPinyinLimit else { continue }
      for syllable in reading[start...] { bytes.append(contentsOf: syllable.utf8) }
      close()
    }
  }

  // MARK: Letters and digits

  private mutating func addWord(_ run: FoldedText.Run, _ next: FoldedText.Run?, _ folded: FoldedText) {
    let whole = run.range.prefix(SearchText.wordLimit)
    append(folded.scalars[whole])
    close()
    if run.kind == .mixed {
      for part in folded.parts(run) {
        append(folded.scalars[part.range.prefix(SearchText.wordLimit)])
        close()
      }
    }
    if let next, next.kind == .han, next.joinsPrevious {
      append(folded.scalars[whole])
      append(folded.scalars[next.range.lowerBound])
      close()
    }
  }

  /// `3-2-501` as a whole and from each part on.
  private mutating func addChain(endingAt index: Int, _ folded: FoldedText) {
    let continues = index + 1 < folded.runs.count && folded.runs[index + 1].continuesChain
    guard folded.runs[index].continuesChain, !continues else { return }
    var first = index
    while folded.runs[first].continuesChain, first > 0, index - first < 7 {
      first -= 1
      for part in first...index {
        if part > first { bytes.append(UInt8(ascii: "-")) }
        append(folded.scalars[folded.runs[part].range.prefix(SearchText.wordLimit)])
      }
      close()
    }
  }
}
