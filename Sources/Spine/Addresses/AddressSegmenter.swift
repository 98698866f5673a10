/// Cuts an address into labelled parts by rules (地址要素解析).
///
/// Divisions are looked up in the gazetteer and must agree with one another; what follows is read from left to right by
/// the words that end names (路, 村, 小区), by numbers with their units and by the order in which parts follow each other.
/// No part of the text is lost: every scalar but separators belongs to a segment.
package struct AddressSegmenter: Sendable {
  package let gazetteer: Gazetteer

  package init(gazetteer: Gazetteer) { self.gazetteer = gazetteer }

  /// Segments of `text` from left to right.
  ///
  /// Complexity: linear in the length of the text for texts of a usual shape; the text is cut after 300 scalars.
  /// - Parameter known: the division that the address is known to lie in, from another column or from the city itself.
  package func segment(_ text: some StringProtocol, within known: DivisionCode? = nil) -> SegmentedAddress {
    let folded = AddressText(text)
    var scan = AddressScan(folded.scalars, gazetteer: gazetteer, within: known)
    scan.run()
    return SegmentedAddress(text: folded, segments: scan.segments, divisions: scan.reading)
  }
}

/// One pass over one address: the place reached, the parts found so far and the divisions that may be meant.
struct AddressScan {
  let scalars: [UInt32]
  let gazetteer: Gazetteer
  /// Texts longer than this are no addresses; what follows becomes one part.
  static let limit = 300

  var place = 0
  var segments: [AddressSegment] = []
  /// The label of the last part that is not redundant.
  var last: AddressLabel?
  var reading = DivisionReading()
  /// Divisions that the narrowest name so far may mean.
  var candidates: [Int32] = []
  /// Whether a part after the divisions was found.
  var isBelowDivisions = false
  /// Whether the last name ended at a number or separator, not at a word that says what it is.
  var lastNameIsBare = false

  init(_ scalars: [UInt32], gazetteer: Gazetteer, within known: DivisionCode?) {
    self.scalars = scalars
    self.gazetteer = gazetteer
    if let known, let index = gazetteer.index(of: known) { candidates = [index] }
    segments.reserveCapacity(12)
  }

  mutating func run() {
    let end = min(scalars.count, AddressScan.limit)
    while place < end {
      if skipSeparators() { continue }
      if isBelowDivisions {
        if readRepeatedDivision() || readWord() || readNumber() { continue }
      } else if readCountry() || readDivision() || readUnknownDistrict() || readTown() || readZone() || readNoise() {
        continue
      } else if readWord() || readNumber() {
        isBelowDivisions = true
        continue
      }
      isBelowDivisions = true
      readName()
    }
    if end < scalars.count { emit(.otherinfo, end..<scalars.count) }
    finishReading()
  }

  mutating func emit(_ label: AddressLabel, _ range: Range<Int>) {
    guard !range.isEmpty else { return }
    segments.append(AddressSegment(label: label, range: range))
    place = range.upperBound
    guard label != .redundant else { return }
    last = label
    if label != .poi, label != .subpoi { lastNameIsBare = false }
  }

  @inline(__always)
  func scalar(_ index: Int) -> UInt32 { index < scalars.count && index >= 0 ? scalars[index] : 0 }

  /// Skips blanks; a dash between parts is kept as redundant, as the corpora do.
  private mutating func skipSeparators() -> Bool {
    let value = scalars[place]
    guard value == AddressText.space || value == AddressText.dash else { return false }
    var end = place + 1
    while end < scalars.count, scalars[end] == AddressText.space || scalars[end] == AddressText.dash { end += 1 }
    emit(.redundant, place..<end)
    return true
  }

  /// The term that starts at `index`, when one does.
  @inline(__always)
  func term(at index: Int) -> (term: AddressTerm, end: Int)? {
    guard index < scalars.count, AddressTerm.mayStart(scalars[index]) else { return nil }
    guard let match = AddressTerm.trie.longestMatch(scalars, from: index),
      let term = AddressTerm(rawValue: AddressTerm.trie.values[Int(match.first)])
    else { return nil }
    return (term, match.end)
  }

  /// Whether the scalars from `index` spell `word`.
  func spells(_ word: StaticString, at index: Int) -> Bool {
    var position = index
    let string = word.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }
    for scalar in string.unicodeScalars {
      guard self.scalar(position) == scalar.value else { return false }
      position += 1
    }
    return true
  }
}
