/// The divisions of the country with every way their names are written, ready to be found in text (地名库).
///
/// Made once at start from `Resources/spine/divisions` and shared; it never changes afterwards.
package struct Gazetteer: Sendable {
  /// One way a division is written.
  struct Entry: Sendable {
    let code: DivisionCode
    /// Index of the division in ``divisions``; for a former name, of the division it belongs to today.
    let division: Int32
    let form: Form
    /// The level the name speaks of; a former county may point to the city it was split up in.
    let level: DivisionCode.Level
  }

  enum Form: UInt8, Sendable {
    /// 全称.
    case full
    /// 简称: 达州 for 达州市.
    case short
    /// 曾用名: 达县 for 达川区.
    case former
  }

  /// All divisions in the order of their codes.
  package let divisions: [Division]
  private let indices: [Int64: Int32]
  let entries: [Entry]
  /// How each of ``entries`` is written.
  let names: [String]
  /// Names of provinces, cities and counties; the values are indices into ``entries``.
  let upper: NameTrie
  /// Names of towns, likewise.
  let towns: NameTrie
  /// The division of today by a code that is no longer in force.
  private let successors: [Int64: DivisionCode]

  /// - Parameters:
  ///   - former: names no longer in force with the code of today's division.
  ///   - aliases: further ways of writing the names in force.
  package init(
    _ all: [Division], former: [(name: String, code: DivisionCode)] = [],
    aliases: [(name: String, code: DivisionCode)] = [],
    successors: [(former: DivisionCode, code: DivisionCode)] = []
  ) {
    // A code of which several divisions came says nothing.
    self.successors = Dictionary(grouping: successors, by: \.former.number).compactMapValues { found in
      Set(found.map(\.code)).count == 1 ? found[0].code : nil
    }
    divisions = all.sorted { $0.code < $1.code }
    var indices: [Int64: Int32] = [:]
    indices.reserveCapacity(divisions.count)
    for (index, division) in divisions.enumerated() { indices[division.code.number] = Int32(index) }
    var entries: [Entry] = []
    var names: [String] = []
    var upper: [(String, Int32)] = []
    var towns: [(String, Int32)] = []
    func add(_ name: String, _ code: DivisionCode, _ form: Form) {
      guard let division = indices[code.number] else { return }
      let level = form == .former && code.level == .city && Gazetteer.isCountyName(name) ? .county : code.level
      let value = Int32(entries.count)
      entries.append(Entry(code: code, division: division, form: form, level: level))
      names.append(name)
      if code.level >= .town { towns.append((name, value)) } else { upper.append((name, value)) }
    }
    for division in divisions {
      add(division.name, division.code, division.isInForce ? .full : .former)
      if division.shortName != division.name, division.isInForce { add(division.shortName, division.code, .short) }
    }
    for division in divisions where division.name.hasSuffix("自治州") {
      // 怒江州 for 怒江傈僳族自治州.
      add(division.shortName + "州", division.code, .full)
    }
    for (name, code) in former { add(name, code, .former) }
    for (name, code) in aliases { add(name, code, .full) }
    self.indices = indices
    self.entries = entries
    self.names = names
    self.upper = NameTrie(upper)
    self.towns = NameTrie(towns)
  }

  /// The division with this code, or `nil` when the gazetteer has none.
  package subscript(code: DivisionCode) -> Division? { indices[code.number].map { divisions[Int($0)] } }

  func index(of code: DivisionCode) -> Int32? { indices[code.number] }

  /// The division of today for a code of any time (区划代码对照); `nil` for one that never was. A town of a county that
  /// has another code now is sought there, and given as the county when it is not there.
  package func today(_ code: DivisionCode) -> DivisionCode? {
    guard let county = code.ancestor(.county) else { return self[code] == nil ? successors[code.number] : code }
    if self[county] == nil {
      guard let successor = successors[county.number] else { return nil }
      guard code.level > .county, successor.level == .county,
        let moved = DivisionCode(successor.text + code.text.dropFirst(county.text.utf8.count))
      else { return successor }
      return isInForce(moved) ? moved : successor
    }
    return code.level == .county || isInForce(code) ? code : county
  }

  /// Communities are not listed here: their town decides.
  private func isInForce(_ code: DivisionCode) -> Bool {
    code.ancestor(.town).flatMap { self[$0] }?.isInForce ?? false
  }

  /// The divisions that lie directly in `code`, in the order of their codes.
  package func children(of code: DivisionCode) -> [Division] {
    var low = 0
    var high = divisions.count
    while low < high {
      let middle = (low + high) / 2
      if divisions[middle].code.number <= code.number { low = middle + 1 } else { high = middle }
    }
    var children: [Division] = []
    for division in divisions[low...] {
      guard code.contains(division.code) else { break }
      if parent(of: division.code)?.code == code { children.append(division) }
    }
    return children
  }

  /// The division that `code` lies in directly; counties without a city lie in their province.
  package func parent(of code: DivisionCode) -> Division? {
    for level in DivisionCode.Level.allCases.reversed() where level < code.level {
      if let ancestor = code.ancestor(level), let division = self[ancestor] { return division }
    }
    return nil
  }

  /// From the province down to the division itself: 四川省, 达州市, 通川区, 东城街道.
  package func path(to code: DivisionCode) -> [Division] {
    DivisionCode.Level.allCases.filter { $0 <= code.level }.compactMap { level in
      code.ancestor(level).flatMap { self[$0] }
    }
  }

  /// The divisions of `level` called `name` (in full, in short or formerly) inside `parent`.
  package func find(_ name: String, level: DivisionCode.Level, in parent: DivisionCode? = nil) -> [Division] {
    let scalars = AddressText(name).scalars
    let trie = level >= .town ? towns : upper
    guard let match = trie.longestMatch(scalars, from: 0), match.end == scalars.count else { return [] }
    var found: [Division] = []
    for slot in match.first..<(match.first + match.count) {
      let entry = entries[Int(trie.values[Int(slot)])]
      guard entry.code.level == level, parent?.contains(entry.code) ?? true else { continue }
      let division = divisions[Int(entry.division)]
      if !found.contains(division) { found.append(division) }
    }
    return found
  }

  private static func isCountyName(_ name: String) -> Bool {
    ["区", "县", "旗", "市"].contains { name.hasSuffix($0) } && !name.hasSuffix("地区")
  }
}
