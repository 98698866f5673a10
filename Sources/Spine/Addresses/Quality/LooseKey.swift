/// What all ways of writing one place share, as far as they can be told without looking at the map (宽松键).
///
/// Wider than ``StandardAddress/matchKey``: aliases and slips of the pen of roads and compounds are one name, `12-3号` is
/// `12号附3`, `甲12号` is `12甲号`, and a building of a compound is known without its road too.
struct LooseKey {
  private let key: AddressKey
  private let classes: NameClasses
  private let district: String

  init(_ key: AddressKey, _ classes: NameClasses) {
    self.key = key
    self.classes = classes
    district = key[.district] ?? ""
  }

  /// The keys to look for others by: by road and number, and by compound.
  var texts: [String] {
    let (number, sub) = numbers
    let inner = [
      ("b", key[.building].map(LooseKey.plain)), ("u", key[.unit].map(LooseKey.plain)),
      ("m", key[.room].map(LooseKey.room)), ("f", key[.room] == nil ? key[.floor] : nil),
    ].compactMap { mark, value in value.map { "|\(mark)\($0)" } }.joined()
    let road = (key[.road] ?? key[.lane]).map { name(.road, $0) }
    let compound = key[.compound].map { name(.compound, $0) }
    var texts: [String] = []
    if let number, let road {
      let lane = key[.road] == nil ? "" : key[.lane].map { "|l\($0)" } ?? ""
      // Groups of villages are numbered anew in every village.
      let village = LooseKey.isGroup(road) ? "|c\(key[.community] ?? "")" : ""
      texts.append("\(district)\(village)|r\(road)\(lane)|n\(number)\(sub.map { "|s\($0)" } ?? "")\(inner)")
    } else if let number, compound == nil {
      texts.append("\(district)|c\(key[.community] ?? "")|n\(number)\(sub.map { "|s\($0)" } ?? "")\(inner)")
    }
    if let compound { texts.append("\(district)|z\(compound)\(inner)") }
    if texts.isEmpty, let place = key[.place] {
      texts.append("\(district)|c\(key[.community] ?? "")|p\(place)\(inner)")
    }
    return texts
  }

  /// 64 bits of ``texts``, equal for equal texts in every run.
  var digests: [Int64] { texts.map(LooseKey.digest) }

  /// FNV-1a, mixed at the end.
  static func digest(_ text: String) -> Int64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    hash ^= hash >> 32
    hash = hash &* 0x9E37_79B9_7F4A_7C15
    return Int64(bitPattern: hash ^ (hash >> 29))
  }

  /// Why `other` is the same place written otherwise; `nil` when both can be right.
  ///
  /// - Parameter metres: how far apart they lie; `nil` when one has no position.
  func difference(from other: LooseKey, metres: Double?) -> [String]? {
    var reasons: [String] = []
    for (mark, label) in [(AddressKey.Mark.town, "街道乡镇"), (.community, "社区（村）"), (.floor, "楼层")] {
      let (a, b) = (key[mark], other.key[mark])
      if let a, let b, a != b { return nil }
      if (a == nil) != (b == nil) { reasons.append("一条没有写\(label)") }
    }
    var isNear = false
    for (mark, kind, label) in [
      (AddressKey.Mark.road, NameClasses.Kind.road, "街路巷"), (.compound, .compound, "小区"),
    ] {
      let (a, b) = (key[mark], other.key[mark])
      guard let a, let b else {
        if (a == nil) != (b == nil) { reasons.append("一条没有写\(label)") }
        continue
      }
      if a == b { continue }
      if standard(kind, a) == other.standard(kind, b) {
        reasons.append("\(label)“\(a)”和“\(b)”是同一名称的别名或曾用名")
      } else if name(kind, a) == other.name(kind, b) {
        reasons.append("\(label)“\(a)”和“\(b)”相近，疑为错别字")
        isNear = true
      } else if kind == .road, key[.compound] != nil, key[.building] != nil {
        reasons.append("同一小区的楼栋写在“\(a)”和“\(b)”两条街路巷上")
        isNear = true
      } else {
        return nil
      }
    }
    if isNear, metres.map({ $0 > 100 }) ?? true { return nil }
    if numbers.number != other.numbers.number {
      // A compound has a number at each of its streets; the same one twice is what is looked for.
      if key[.building] == nil, key[.room] == nil { return nil }
      if key[.number] == nil || other.key[.number] == nil {
        reasons.append("一条没有写门牌号")
      } else if metres.map({ $0 > 100 }) ?? true {
        return nil
      } else {
        reasons.append("同一小区的楼栋写了两个门牌号")
      }
    } else if key[.number] != other.key[.number] || key[.subNumber] != other.key[.subNumber] {
      reasons.append("门牌号写法不同")
    }
    for (mark, label) in [(AddressKey.Mark.building, "楼栋号"), (.unit, "单元号"), (.room, "室号")]
    where key[mark] != other.key[mark] { reasons.append("\(label)写法不同") }
    return reasons.isEmpty ? ["各段相同"] : reasons
  }

  private func name(_ kind: NameClasses.Kind, _ text: String) -> String {
    classes.representative(NameClasses.Name(district: district, kind: kind, text: text))
  }

  private func standard(_ kind: NameClasses.Kind, _ text: String) -> String {
    classes.standard(NameClasses.Name(district: district, kind: kind, text: text))
  }

  /// `12-3号` and `12号附3`, `12号之3` are one.
  private var numbers: (number: String?, sub: String?) {
    guard let written = key[.number] else { return (nil, nil) }
    let sub = key[.subNumber].map { LooseKey.plain(String($0.drop { "附之-".contains($0) })) }
    let parts = written.split(separator: "-", maxSplits: 1)
    if sub == nil, parts.count == 2, parts.allSatisfy({ $0.allSatisfy(\.isNumber) }) {
      return (LooseKey.plain(String(parts[0])), LooseKey.plain(String(parts[1])))
    }
    return (LooseKey.plain(written), sub)
  }

  /// Figures, then letters; 甲乙丙丁 are letters.
  private static func plain(_ text: String) -> String {
    var figures = ""
    var letters = ""
    for character in text {
      switch character {
      case "甲": letters.append("A")
      case "乙": letters.append("B")
      case "丙": letters.append("C")
      case "丁": letters.append("D")
      case "0"..."9": figures.append(character)
      case "-" where figures.isEmpty && letters.isEmpty: figures.append(character)
      default: letters.append(character)
      }
    }
    let digits = figures.drop { $0 == "0" }
    return (digits.isEmpty ? figures : String(digits)) + letters
  }

  /// `5-02` is `502`.
  private static func room(_ text: String) -> String {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, parts[1].count == 2 else { return plain(text) }
    return plain(text.filter { $0 != "-" })
  }

  private static func isGroup(_ road: String) -> Bool {
    guard let last = road.last, "组社队".contains(last) else { return false }
    return road.dropLast().allSatisfy(\.isNumber)
  }
}
