import Core

/// How Chinese characters are read (拼音), without tones; ü is written v, as it is typed.
///
/// Characters with several readings have the one of names of places and people; words with their own reading
/// (重庆 is chong qing) are found before single characters.
package struct PinyinTable: Sendable {
  private var syllables: [String] = []
  /// The syllable's number plus one, and whether a word begins with the character, by scalar: from U+3000 to U+FAFF, and from U+20000 to U+323FF.
  private var plane0 = [UInt16](repeating: 0, count: 0xFB00 - 0x3000)
  private var plane2 = [UInt16](repeating: 0, count: 0x12400)
  private var words: [Unicode.Scalar: [Word]] = [:]
  private var surnames: [Unicode.Scalar: [UInt16]] = [:]

  private static let beginsWord: UInt16 = 0x8000

  private struct Word: Sendable {
    let scalars: [Unicode.Scalar]
    let reading: [UInt16]
  }

  /// Reads the text of `Resources/search/pinyin.tsv`: lines `syllable⇥characters`, then `^surname⇥syllable` and
  /// `word⇥syllables`; `#` begins a comment.
  ///
  /// - Throws: ``Fault`` `pinyin-table` naming the line.
  package init(_ text: String) throws {
    var numbers: [String: UInt16] = [:]
    var line = 0
    for row in text.utf8.split(separator: 10, omittingEmptySubsequences: false) {
      line += 1
      guard let first = row.first, first != UInt8(ascii: "#") else { continue }
      guard let tab = row.firstIndex(of: 9) else { throw Fault("pinyin-table", "line \(line): no tab") }
      let key = Substring(row[..<tab])
      let value = Substring(row[row.index(after: tab)...])
      if (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) {
        syllables.append(String(key))
        numbers[String(key)] = UInt16(syllables.count)
        for scalar in value.unicodeScalars { set(scalar, UInt16(syllables.count)) }
        continue
      }
      let reading = try value.split(separator: " ").map { syllable in
        guard let number = numbers[String(syllable)] else {
          throw Fault("pinyin-table", "line \(line): unknown syllable \(syllable)")
        }
        return number
      }
      var scalars = Array(key.unicodeScalars)
      if first == UInt8(ascii: "^") {
        scalars.removeFirst()
        guard scalars.count == 1, reading.count == 1 else { throw Fault("pinyin-table", "line \(line): surname") }
        surnames[scalars[0], default: []] += reading
      } else {
        guard scalars.count == reading.count else { throw Fault("pinyin-table", "line \(line): word") }
        words[scalars[0], default: []].append(Word(scalars: scalars, reading: reading))
      }
    }
    for key in words.keys {
      words[key]?.sort { $0.scalars.count > $1.scalars.count }
      set(key, number(key) | PinyinTable.beginsWord)
    }
  }

  private mutating func set(_ scalar: Unicode.Scalar, _ number: UInt16) {
    switch scalar.value {
    case 0x3000..<0xFB00: plane0[Int(scalar.value - 0x3000)] = number
    case 0x20000..<0x32400: plane2[Int(scalar.value - 0x20000)] = number
    default: break
    }
  }

  private func number(_ scalar: Unicode.Scalar) -> UInt16 {
    switch scalar.value {
    case 0x3000..<0xFB00: plane0[Int(scalar.value - 0x3000)]
    case 0x20000..<0x32400: plane2[Int(scalar.value - 0x20000)]
    default: 0
    }
  }

  /// The number plus one of each character's syllable; 0 for a character without a known reading.
  func numbers(_ scalars: ArraySlice<Unicode.Scalar>) -> [UInt16] {
    var numbers: [UInt16] = []
    numbers.reserveCapacity(scalars.count)
    var index = scalars.startIndex
    while index < scalars.endIndex {
      let number = number(scalars[index])
      if number & PinyinTable.beginsWord != 0, let word = word(at: index, in: scalars) {
        numbers += word.reading
        index += word.scalars.count
      } else {
        numbers.append(number & ~PinyinTable.beginsWord)
        index += 1
      }
    }
    return numbers
  }

  private func word(at index: Int, in scalars: ArraySlice<Unicode.Scalar>) -> Word? {
    words[scalars[index]]?.first { word in
      guard scalars.endIndex - index >= word.scalars.count else { return false }
      for offset in 1..<word.scalars.count where scalars[index + offset] != word.scalars[offset] { return false }
      return true
    }
  }

  /// The syllable of a number from ``numbers(_:)``; empty for 0.
  func syllable(_ number: UInt16) -> String { number == 0 ? "" : syllables[Int(number) - 1] }

  /// One syllable for each character; empty for a character without a known reading.
  package func reading(_ characters: some Collection<Unicode.Scalar>) -> [String] {
    numbers(Array(characters)[...]).map(syllable)
  }

  /// The reading of a text; characters that are not Chinese are left out.
  package func reading(of text: String) -> [String] {
    reading(text.unicodeScalars.filter(\.isHan)).filter { !$0.isEmpty }
  }

  /// Further readings that a character has as a surname, as numbers.
  func surnameReadings(_ scalar: Unicode.Scalar) -> [UInt16] { surnames[scalar] ?? [] }
}

extension Unicode.Scalar {
  /// A Chinese character: the unified ideographs, their extensions and 〇.
  var isHan: Bool {
    switch value {
    case 0x3007, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x3FFFF: true
    default: false
    }
  }
}

extension PinyinTable {
  /// Whether two characters, by themselves, are read alike but for the tone (同音字).
  package func readsAlike(_ a: UInt32, _ b: UInt32) -> Bool {
    guard let a = Unicode.Scalar(a), let b = Unicode.Scalar(b) else { return false }
    let number = self.number(a) & ~PinyinTable.beginsWord
    return number != 0 && number == self.number(b) & ~PinyinTable.beginsWord
  }
}
