/// A written address taken apart by the names of a base: which of them it may mean, and which numbers stand in it.
struct AddressQuery {
  /// A name found, exactly or with one character wrong.
  struct Name {
    let kind: NameFinder.Kind
    let value: Int32
    let range: Range<Int>
    let isShort: Bool
    /// What is wrong with it; `nil` for an exact form.
    let slip: Slip?

    /// Whether it stands there in full.
    var isCertain: Bool { slip == nil && !isShort }

    /// Characters that speak for the name.
    var weight: Float { Float(range.count) - (slip?.cost ?? 0) - (isShort ? 0.6 : 0) }
  }

  /// One number with the word behind it.
  struct Number {
    enum Unit: UInt8 {
      /// 号, which may number a plate, a building or a room.
      case plain
      /// 附3号.
      case sub
      /// 栋, 幢, 座, 号楼.
      case building
      /// 楼, which may mean a building or a floor.
      case storey
      /// 单元.
      case unit
      /// 层.
      case floor
      /// 室, 房.
      case room
      /// 组, 社, 队.
      case group
      /// Nothing, or a dash.
      case bare
    }

    /// The number in the base's texts; -1 when no address has it.
    let value: Int32
    let unit: Unit
    let place: Int
  }

  private(set) var scalars: [UInt32] = []
  private(set) var names: [Name] = []
  private(set) var numbers: [Number] = []
  /// Chinese characters that neither a name nor a number explains.
  private(set) var unexplained = 0
  /// Names by which the text is best explained, without overlaps; places in ``names``.
  private(set) var reading: [Int] = []

  private var covered: [Bool] = []

  init(_ text: some StringProtocol, base: AddressBase, likeness: CharacterLikeness) {
    scalars = AddressQuery.normalised(text)
    covered = [Bool](repeating: false, count: scalars.count)
    findExact(base.names)
    findSimilar(base.names, likeness)
    chooseReading()
    readNumbers(base.texts)
  }

  /// Folded, without blanks (a blank between figures becomes a dash) and with figures for Chinese numerals in names.
  private static func normalised(_ text: some StringProtocol) -> [UInt32] {
    let folded = AddressText(text).scalars.prefix(AddressScan.limit - 100)
    var result: [UInt32] = []
    result.reserveCapacity(folded.count)
    var hasGap = false
    for scalar in folded {
      if scalar == AddressText.space {
        hasGap = true
        continue
      }
      if hasGap, isFigure(scalar), let last = result.last, isFigure(last) { result.append(AddressText.dash) }
      hasGap = false
      result.append(scalar)
    }
    return AddressKey.figures(result)
  }

  @inline(__always)
  static func isFigure(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x30...0x39, 0x41...0x5A: true
    default: false
    }
  }

  @inline(__always)
  private static func isHan(_ scalar: UInt32) -> Bool { scalar >= 0x3400 }

  private mutating func findExact(_ finder: NameFinder) {
    for start in scalars.indices {
      finder.eachExact(scalars, from: start) { index, end in
        let form = finder.forms[Int(index)]
        names.append(Name(kind: form.kind, value: form.value, range: start..<end, isShort: form.isShort, slip: nil))
      }
    }
    // What lies inside a longer name is a part of that: 朝阳 in 朝阳西路.
    let all = names
    names.removeAll { name in
      all.contains {
        !$0.isShort && $0.range.count > name.range.count && $0.range.lowerBound <= name.range.lowerBound
          && $0.range.upperBound >= name.range.upperBound
      }
    }
  }

  private mutating func findSimilar(_ finder: NameFinder, _ likeness: CharacterLikeness) {
    let exact = names.filter { !$0.isShort }
    let hashes = PrefixHashes(scalars)
    var found: [Name] = []
    for start in scalars.indices where AddressQuery.isHan(scalars[start]) {
      var end = start + 1
      while end < scalars.count, end - start < NameFinder.longest, scalars[end] != AddressText.dash {
        end += 1
        guard AddressQuery.isHan(scalars[end - 1]) else { continue }
        let range = start..<end
        let isTaken = exact.contains {
          $0.range.overlaps(range) && ($0.kind <= .town || AddressQuery.rest(of: range, beside: $0.range) < 2)
        }
        if isTaken { continue }
        finder.eachSimilar(range, hashes) { index in
          let form = finder.forms[Int(index)]
          guard let slip = likeness.slip(from: form.scalars, to: scalars[range]) else { return }
          let name = Name(kind: form.kind, value: form.value, range: range, isShort: false, slip: slip)
          if let place = found.firstIndex(where: {
            $0.kind == name.kind && $0.value == name.value && $0.range.overlaps(range)
          }) {
            if found[place].weight < name.weight { found[place] = name }
          } else {
            found.append(name)
          }
        }
      }
    }
    names += found
  }

  /// How many characters of `range` do not lie in `other`.
  private static func rest(of range: Range<Int>, beside other: Range<Int>) -> Int {
    range.count - range.clamped(to: other).count
  }

  private mutating func chooseReading() {
    let order = names.indices.sorted {
      (names[$0].isCertain ? 1 : 0, names[$0].weight) > (names[$1].isCertain ? 1 : 0, names[$1].weight)
    }
    for index in order {
      let name = names[index]
      guard !name.range.contains(where: { covered[$0] }) else { continue }
      // A weak guess must not take the numbers' own words.
      if name.slip != nil, name.weight < 1.4 { continue }
      reading.append(index)
      for place in name.range { covered[place] = true }
    }
  }
}

extension AddressQuery {
  private mutating func readNumbers(_ texts: TextPool) {
    var place = 0
    var isSub = false
    while place < scalars.count {
      if covered[place] {
        place += 1
        isSub = false
        continue
      }
      let scalar = scalars[place]
      if scalar == 0x9644 || scalar == 0x4E4B {  // 附, 之
        isSub = true
        place += 1
        continue
      }
      var value: [UInt8] = []
      var end = place
      if scalar == 0x8D1F, place + 1 < scalars.count {  // 负
        value.append(UInt8(ascii: "-"))
        end += 1
      }
      let start = end
      while end < scalars.count, !covered[end], AddressQuery.isFigure(scalars[end]) {
        value.append(UInt8(truncatingIfNeeded: scalars[end]))
        end += 1
      }
      if end == start { end = readNumeral(from: start, &value) }
      guard end > start else {
        if AddressQuery.isHan(scalar), !AddressQuery.isEmptyWord(scalar) { unexplained += 1 }
        if scalar != AddressText.dash { isSub = false }
        place += 1
        continue
      }
      var (unit, next) = unit(at: end)
      if isSub { unit = .sub }
      let text = value.drop { $0 == 0x30 }
      numbers.append(
        Number(value: texts.find(text.isEmpty ? value[...] : text) ?? -1, unit: unit, place: place))
      isSub = false
      place = next
    }
  }

  /// Chinese numerals and 甲乙丙丁 where a word of number follows.
  private func readNumeral(from start: Int, _ value: inout [UInt8]) -> Int {
    var end = start
    while end < scalars.count, !covered[end], ChineseNumeral.value(scalars[end]) != nil { end += 1 }
    if end > start, unit(at: end).0 != .bare || end - start > 1,
      let number = ChineseNumeral.number(scalars, start..<end)
    {
      value += Array(String(number).utf8)
      return end
    }
    if start + 1 < scalars.count, [0x7532, 0x4E59, 0x4E19, 0x4E01].contains(scalars[start]),
      unit(at: start + 1).0 != .bare
    {
      value += Array(AddressText.string(scalars[start...start]).utf8)
      return start + 1
    }
    return start
  }

  /// The word that stands behind a number, and where what follows begins.
  private func unit(at place: Int) -> (Number.Unit, Int) {
    func next(_ step: Int) -> UInt32 {
      place + step < scalars.count && !covered[place + step] ? scalars[place + step] : 0
    }
    switch next(0) {
    case 0x53F7:  // 号
      switch next(1) {
      case 0x697C: return (.building, place + 2)  // 号楼
      case 0x623F, 0x5BA4: return (.room, place + 2)  // 号房, 号室
      case 0x9662: return (.plain, place + 2)  // 号院
      default: return (.plain, place + 1)
      }
    case 0x680B, 0x5E62, 0x5EA7: return (.building, place + 1)  // 栋幢座
    case 0x697C: return (next(1) == 0x680B ? .building : .storey, next(1) == 0x680B ? place + 2 : place + 1)  // 楼
    case 0x5355: return (.unit, next(1) == 0x5143 ? place + 2 : place + 1)  // 单元
    case 0x95E8: return (.unit, place + 1)  // 门
    case 0x5C42: return (.floor, place + 1)  // 层
    case 0x5BA4, 0x623F, 0x6237: return (.room, place + 1)  // 室房户
    case 0x7EC4, 0x793E, 0x961F: return (.group, place + 1)  // 组社队
    case 0x6751:  // 村民小组
      return next(1) == 0x6C11 && next(2) == 0x5C0F && next(3) == 0x7EC4 ? (.group, place + 4) : (.bare, place)
    default: return (.bare, place)
    }
  }

  /// 第, 的, 内 and others that add nothing.
  private static func isEmptyWord(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x7B2C, 0x7684, 0x5185, 0x91CC, 0x5728: true
    default: false
    }
  }
}
