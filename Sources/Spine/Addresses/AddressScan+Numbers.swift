/// What the unit behind a number says about it.
enum NumberUnit: Int32 {
  /// 号: a door plate.
  case plate = 1
  /// 栋, 幢, 座, 号楼.
  case building
  /// 单元.
  case cell
  /// 层; 楼 behind figures.
  case floor
  /// 室, 房.
  case room
  /// 组, 社, 队 of a village.
  case group
  /// 弄, 巷.
  case lane
  /// 号路, 大街, 国道.
  case road
  /// 区, 期.
  case area
  /// 号门.
  case gate
  /// 段 of a road.
  case section

  static let trie = NameTrie(
    words.flatMap { unit, list in list.split(separator: " ").map { (String($0), unit.rawValue) } })

  private static let words: [(NumberUnit, String)] = [
    (.plate, "号 好"), (.building, "号楼 栋 幢 座 号院 号搂 号大楼 撞 懂 排 号库 号厂房 号馆 栋楼 幢楼 号写字楼 号公寓楼"),
    (.cell, "单元 单无 单元楼 梯 号单元"), (.floor, "楼 层 F 层楼"), (.room, "室 房 房间 号房 号室 铺 店 号店 号铺 档 户 间 号商铺 号店面 号门面 办公室 门市"),
    (.group, "组 队 社 生产队 村民小组 小组"), (.lane, "弄 巷 号巷"), (.road, "路 街 大街 大道 号路 号街 号大街 国道 省道 县道 号公路 支路 马路 经路 纬路 横路 号支路"),
    (.area, "区 期 号区 组团 号地块 标段"), (.gate, "号门 门 号大门"), (.section, "段"),
  ]
}

/// A number in an address: figures with letters, or Chinese numerals, and the unit behind.
struct NumberToken {
  var start: Int
  /// End of the number without its unit.
  var end: Int
  var unit: NumberUnit?
  var unitEnd: Int
  /// How many figures.
  var figures: Int
  var isChinese: Bool
  var startsWithLetter: Bool
}

extension AddressScan {
  @inline(__always)
  func isFigure(_ index: Int) -> Bool { scalar(index) >= 0x30 && scalar(index) <= 0x39 }

  @inline(__always)
  func isLetter(_ index: Int) -> Bool { scalar(index) >= 0x41 && scalar(index) <= 0x5A }

  @inline(__always)
  func isDash(_ index: Int) -> Bool { scalar(index) == AddressText.dash }

  /// The number that starts at `start`: `12`, `A3`, `3B`, `附5号`, `十二栋`, `东单元`. Chinese numerals need a unit.
  func number(at start: Int) -> NumberToken? {
    guard AddressScan.mayStartNumber(scalar(start)) else { return nil }
    var index = start
    // 第, 附, 新, 老 and 甲乙丙丁 before figures belong to the number.
    switch scalar(index) {
    case 0x7B2C, 0x9644, 0x7532, 0x4E59, 0x4E19, 0x4E01, 0x8D1F: index += 1
    default: break
    }
    var letters = 0
    while isLetter(index), letters < 3 {
      index += 1
      letters += 1
    }
    if letters == 3 { return nil }
    var figures = 0
    while isFigure(index) {
      index += 1
      figures += 1
    }
    if figures > 0, isLetter(index), !isLetter(index + 1) {
      // A letter behind figures belongs to them (12A) unless it is the unit F.
      if scalar(index) != 0x46 || isFigure(index + 1) {
        index += 1
        while isFigure(index) { index += 1 }
      }
    }
    var token = NumberToken(
      start: start, end: index, unit: nil, unitEnd: index, figures: figures, isChinese: false,
      startsWithLetter: letters > 0)
    if figures == 0, letters == 0 {
      while ChineseNumeral.value(scalar(index)) != nil, index < start + 6 { index += 1 }
      let bare = index
      if index == start || index == start + 1 && scalar(start) == 0x9644 {
        // 东单元, 西楼: a direction may number a unit.
        guard AddressScan.isDirection(scalar(start)),
          spells("单元", at: start + 1) || scalar(start + 1) == 0x5E62 || scalar(start + 1) == 0x680B
        else { return nil }
        index = start + 1
      }
      token.end = index
      token.isChinese = true
      token.figures = max(1, bare - start)
    }
    guard token.end > start else { return nil }
    if let match = NumberUnit.trie.longestMatch(scalars, from: token.end) {
      token.unit = NumberUnit(rawValue: NumberUnit.trie.values[Int(match.first)])
      token.unitEnd = match.end
    } else if scalar(token.end) == 0x23 {
      token.unit = .building
      token.unitEnd = token.end + 1
      if scalar(token.unitEnd) == 0x697C { token.unitEnd += 1 }
    }
    if token.isChinese, token.unit == nil { return nil }
    return isUnitReal(token) ? token : withoutUnit(token)
  }

  @inline(__always)
  private static func mayStartNumber(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x30...0x39, 0x41...0x5A, 0x7B2C, 0x9644, 0x7532, 0x4E59, 0x4E19, 0x4E01, 0x8D1F: true
    default: ChineseNumeral.value(scalar) != nil || isDirection(scalar)
    }
  }

  /// 东西南北中前后左右内外上下旁.
  @inline(__always)
  static func isDirection(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x4E1C, 0x897F, 0x5357, 0x5317, 0x4E2D, 0x524D, 0x540E, 0x5DE6, 0x53F3, 0x5185, 0x5916, 0x4E0A, 0x4E0B, 0x65C1:
      true
    default: false
    }
  }

  private func withoutUnit(_ token: NumberToken) -> NumberToken? {
    if token.isChinese { return nil }
    var bare = token
    bare.unit = nil
    bare.unitEnd = token.end
    return bare
  }

  /// Whether what looks like a unit does not begin another word: 12路口 no, 3区 yes, 三组团 no.
  private func isUnitReal(_ token: NumberToken) -> Bool {
    guard let unit = token.unit else { return true }
    let next = scalar(token.unitEnd)
    switch unit {
    case .room where token.isChinese:
      return token.figures > 1 || next == 0 || !(next >= 0x4E00)
    case .area where token.isChinese && token.end == token.unitEnd - 1:
      return next != 0x57DF
    case .group: return next != 0x56E2 && next != 0x957F && next != 0x533A
    case .building where token.isChinese: return scalar(token.end) != 0x6392 || next == 0
    case .road where token.isChinese: return false
    case .lane where token.isChinese: return token.start == place
    case .floor: return scalar(token.end) != 0x697C || next != 0x76D8
    case .gate where scalar(token.end) == 0x95E8:
      return next == 0 || !(next >= 0x4E00) || term(at: token.end) == nil
    default: return true
    }
  }

  /// How many numbers follow `token`, each behind a dash.
  func chained(after token: NumberToken) -> (count: Int, last: NumberToken) {
    var count = 0
    var current = token
    while count < 6 {
      var index = current.unitEnd
      guard isDash(index) || scalar(index) == 0x4E00 && current.unit == nil && isFigure(index + 1) else { break }
      while isDash(index) || scalar(index) == AddressText.space { index += 1 }
      if index == current.unitEnd { index += 1 }
      guard let next = number(at: index) else { break }
      current = next
      count += 1
    }
    return (count, current)
  }

  mutating func readNumber() -> Bool {
    guard let token = number(at: place) else { return false }
    if token.unit == nil, !isNumberAlone(token) { return false }
    switch token.unit {
    case .building: emit(.houseno, place..<token.unitEnd)
    case .cell: emit(.cellno, place..<token.unitEnd)
    case .floor: readFloor(token)
    case .room: emit(.roomno, place..<token.unitEnd)
    case .group: emit(.road, place..<token.unitEnd)
    case .lane: readLane(token)
    case .road:
      let isStall = last == .subpoi || last == .houseno || last == .floorno
      emit(isStall ? .cellno : last == .road ? .subroad : .road, place..<token.unitEnd)
    case .area: emit(last == .poi || last == .subpoi ? .subpoi : .poi, place..<token.unitEnd)
    case .section: emit(last == .road ? .subroad : .poi, place..<token.unitEnd)
    case .gate: emit(last == .poi || last == .subpoi ? .subpoi : .cellno, place..<token.unitEnd)
    case .plate: readPlate(token)
    case nil: readBare(token)
    }
    return true
  }

  /// A number without a unit stands alone before the end, a blank, a dash or a word that cannot continue a name.
  private func isNumberAlone(_ token: NumberToken) -> Bool {
    let next = scalar(token.end)
    if next < 0x4E00 { return !(token.startsWithLetter && token.figures == 0 && isLetter(token.end)) }
    if last == .road || last == .subroad { return token.figures > 0 }
    if last == .poi || last == .houseno || last == .cellno || last == .floorno || last == .roadno {
      return token.figures > 0
    }
    return false
  }

  private mutating func readFloor(_ token: NumberToken) {
    // 楼 counts floors behind figures and names a building behind a letter.
    let isBuilding = token.startsWithLetter && scalar(token.end) == 0x697C
    emit(isBuilding ? .houseno : .floorno, place..<token.unitEnd)
  }

  private mutating func readLane(_ token: NumberToken) {
    if last == .road, number(at: token.unitEnd) != nil {
      emit(.subroad, place..<token.unitEnd)
    } else {
      emit(last == .road ? .roadno : .road, place..<token.unitEnd)
    }
  }

  private mutating func readPlate(_ token: NumberToken) {
    var end = token.unitEnd
    switch last {
    case .road, .subroad:
      // 12号附3号, 12号之3, 12号-3.
      if scalar(end) == 0x9644 || scalar(end) == 0x4E4B, let sub = number(at: scalar(end) == 0x4E4B ? end + 1 : end) {
        end = sub.unitEnd
      }
      emit(last == .road ? .roadno : .subroadno, place..<end)
    case .roadno, .subroadno, .assist:
      emit(last == .assist && !segments.contains { $0.label == .roadno } ? .roadno : .houseno, place..<end)
    case .poi where !segments.contains { $0.label == .road || $0.label == .roadno } && lastNameIsBare:
      emit(.roadno, place..<end)
    case .poi, .subpoi: emit(.houseno, place..<end)
    case .houseno: emit(token.figures >= 3 ? .roomno : .cellno, place..<end)
    case .cellno, .floorno, .roomno, .person: emit(.roomno, place..<end)
    default: emit(.roadno, place..<end)
    }
  }

  private mutating func readBare(_ token: NumberToken) {
    let (following, final) = chained(after: token)
    switch last {
    case .road, .subroad:
      let label: AddressLabel = last == .road ? .roadno : .subroadno
      if following == 1, final.unit == nil || final.unit == .plate {
        emit(label, place..<final.unitEnd)
      } else {
        emit(label, place..<token.end)
      }
    case .houseno: emit(following > 0 || token.figures < 3 ? .cellno : .roomno, place..<token.end)
    case .cellno, .floorno: emit(.roomno, place..<token.end)
    case .community: emit(.roadno, place..<token.end)
    case .roadno, .subroadno, .poi, .subpoi, .town, .devzone:
      if following > 0 || token.figures < 3 {
        emit(.houseno, place..<token.end)
      } else {
        emit(.roomno, place..<token.end)
      }
    case .district, .city, .prov: emit(.poi, place..<token.end)
    default: emit(.roomno, place..<token.end)
    }
  }
}
