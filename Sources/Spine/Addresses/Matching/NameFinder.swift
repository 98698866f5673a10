/// Finds the names that a base of addresses knows in a text, also with one character wrong (名称查找).
///
/// Exact forms come from a trie. A form with one character replaced, left out, added or swapped with its neighbour is
/// found because both texts become equal when one character is taken out of each.
struct NameFinder: Sendable {
  /// What a name names.
  enum Kind: UInt8, Sendable {
    case province, city, district, town, community, road, lane, compound, place
  }

  /// One way of writing one name.
  struct Form: Sendable {
    let kind: Kind
    /// The number of the name, or of the division's code, in the base's texts.
    let value: Int32
    /// A short form that other words may contain by accident: 东城 for 东城街道.
    let isShort: Bool
    let scalars: [UInt32]
  }

  let forms: [Form]
  private let trie: NameTrie
  private let deletions: HashTable
  /// The longest form that is looked for with an error, in characters.
  static let longest = 12

  fileprivate init(forms: [Form]) {
    self.forms = forms
    trie = NameTrie(
      forms.enumerated().map { (word: AddressText.string($0.element.scalars[...]), value: Int32($0.offset)) })
    var deletions = HashTable()
    for (index, form) in forms.enumerated()
    where !form.isShort && form.kind >= .district && (3...NameFinder.longest).contains(form.scalars.count) {
      let hashes = PrefixHashes(form.scalars)
      let all = 0..<form.scalars.count
      deletions.insert(hashes.hash(all), Int32(index))
      for place in all {
        // 路路 with either 路 taken out is one text.
        if place > 0, form.scalars[place] == form.scalars[place - 1] { continue }
        deletions.insert(hashes.hash(all, without: place), Int32(index))
      }
    }
    self.deletions = deletions
  }

  /// Every exact form that starts at `start`, with the place where it ends.
  @inline(__always)
  func eachExact(_ text: [UInt32], from start: Int, _ body: (Int32, Int) -> Void) {
    trie.eachMatch(text, from: start) { match in
      for slot in match.first..<(match.first + match.count) { body(trie.values[Int(slot)], match.end) }
    }
  }

  /// Every form that `range` may write with one character wrong; some do not, so the caller compares.
  @inline(__always)
  func eachSimilar(_ range: Range<Int>, _ hashes: PrefixHashes, _ body: (Int32) -> Void) {
    deletions.each(hashes.hash(range), body)
    for place in range { deletions.each(hashes.hash(range, without: place), body) }
  }
}

extension NameFinder.Kind: Comparable {
  static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// Collects the ways in which the names of a base are written.
struct NameFinderBuilder {
  private var forms: [NameFinder.Form] = []
  private var seen: Set<Seen> = []

  private struct Seen: Hashable {
    let kind: NameFinder.Kind
    let value: Int32
    let scalars: [UInt32]
  }

  mutating func add(_ kind: NameFinder.Kind, _ value: Int32, _ text: String, isShort: Bool = false) {
    let scalars = AddressKey.figures(AddressText(text).scalars.filter { $0 != AddressText.space })
    guard scalars.count >= 2, seen.insert(Seen(kind: kind, value: value, scalars: scalars)).inserted else { return }
    forms.append(NameFinder.Form(kind: kind, value: value, isShort: isShort, scalars: scalars))
  }

  /// The divisions that the base lies in, and the full names of all others, so that an address elsewhere is seen as such.
  mutating func addDivisions(_ gazetteer: Gazetteer, within codes: Set<String>, _ texts: inout TextPool) {
    for (entry, name) in zip(gazetteer.entries, gazetteer.names) {
      let code = gazetteer.divisions[Int(entry.division)].code
      let isKnown = codes.contains(code.text)
      guard isKnown || code.level < .town else { continue }
      guard isKnown || entry.form == .full && name.unicodeScalars.count > 2 else { continue }
      let kind: NameFinder.Kind =
        switch code.level {
        case .province: .province
        case .city: .city
        case .county: .district
        default: .town
        }
      let value = texts.number(of: code.text)
      add(kind, value, name, isShort: entry.form == .short)
      guard kind == .town, entry.form != .short else { continue }
      let short = gazetteer.divisions[Int(entry.division)].shortName
      guard short.unicodeScalars.count >= 2, short != name else { continue }
      // Townships became towns and sub-districts; people go on writing what was.
      for ending in ["街道办事处", "办事处", "街道", "镇", "乡"] { add(.town, value, short + ending) }
    }
  }

  /// A village or community by the name in its key, which has no 村 or 社区.
  mutating func addCommunity(_ value: Int32, _ name: String) {
    for ending in ["村", "社区", "村委会", "居委会", "村民委员会", "居民委员会", "社区居委会"] { add(.community, value, name + ending) }
    add(.community, value, name, isShort: true)
  }

  mutating func addCompound(_ value: Int32, _ name: String) {
    add(.compound, value, name)
    for ending in ["小区", "社区", "大院", "住宅区"] where name.hasSuffix(ending) {
      let short = String(name.dropLast(ending.count))
      add(.compound, value, short, isShort: true)
    }
    if !NameFinderBuilder.endings.contains(where: name.hasSuffix) { add(.compound, value, name + "小区") }
  }

  private static let endings = ["小区", "社区", "大院", "厦", "广场", "中心", "院", "楼", "公司", "学校"]

  mutating func finish() -> NameFinder { NameFinder(forms: forms) }
}

/// Hashes of all stretches of a text, also with one character left out, each in a few steps.
struct PrefixHashes {
  private var prefix: [UInt64]
  private static let base: UInt64 = 0x9E37_79B9_7F4A_7C15
  private static let powers: [UInt64] = (0..<300).reduce(into: [1]) { list, _ in
    list.append(list[list.count - 1] &* base)
  }

  init(_ scalars: [UInt32]) {
    prefix = [0]
    prefix.reserveCapacity(scalars.count + 1)
    var hash: UInt64 = 0
    for scalar in scalars {
      hash = hash &* PrefixHashes.base &+ UInt64(scalar) &+ 1
      prefix.append(hash)
    }
  }

  @inline(__always)
  func hash(_ range: Range<Int>) -> UInt64 {
    prefix[range.upperBound] &- prefix[range.lowerBound] &* PrefixHashes.powers[range.count]
  }

  @inline(__always)
  func hash(_ range: Range<Int>, without place: Int) -> UInt64 {
    let tail = (place + 1)..<range.upperBound
    return hash(range.lowerBound..<place) &* PrefixHashes.powers[tail.count] &+ hash(tail)
  }
}

/// Numbers by hash, several under one.
struct HashTable: Sendable {
  private var keys: [UInt64] = Array(repeating: 0, count: 1024)
  private var values: [Int32] = Array(repeating: 0, count: 1024)
  private var count = 0
  private var mask = 1023

  mutating func insert(_ key: UInt64, _ value: Int32) {
    if count * 2 > keys.count { grow() }
    var slot = place(key)
    while keys[slot] != 0 { slot = (slot + 1) & mask }
    keys[slot] = key | 1
    values[slot] = value
    count += 1
  }

  @inline(__always)
  func each(_ key: UInt64, _ body: (Int32) -> Void) {
    var slot = place(key)
    while keys[slot] != 0 {
      if keys[slot] == key | 1 { body(values[slot]) }
      slot = (slot + 1) & mask
    }
  }

  @inline(__always)
  private func place(_ key: UInt64) -> Int { Int(truncatingIfNeeded: (key ^ (key >> 31)) >> 8) & mask }

  private mutating func grow() {
    let old = zip(keys, values)
    keys = Array(repeating: 0, count: keys.count * 2)
    values = Array(repeating: 0, count: keys.count)
    mask = keys.count - 1
    count = 0
    for (key, value) in old where key != 0 { insert(key, value) }
  }
}
