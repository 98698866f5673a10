extension AddressScan {
  /// Reads a word with a meaning of its own: 对面, 与, 电联, 前台.
  mutating func readWord() -> Bool {
    if last == .assist, readDistance() { return true }
    guard let (term, end) = term(at: place) else { return false }
    switch term {
    case .assist: emit(.assist, place..<end)
    case .joint where last == .road || last == .subroad: emit(.assist, place..<end)
    case .noise where isNoise(end): emit(.redundant, place..<end)
    case .person where isEnd(end): emit(.person, place..<end)
    case .part where last == .poi || last == .subpoi || last == .houseno || last == .roadno:
      guard isEnd(end) || number(at: end) != nil || self.term(at: end) != nil else { return false }
      emit(.subpoi, place..<end)
    case .roadPart where last == .road: emit(.subroad, place..<end)
    default: return readDirection()
    }
    return true
  }

  /// 往西100米: the distance belongs to the direction.
  private mutating func readDistance() -> Bool {
    var end = place
    while isFigure(end) { end += 1 }
    guard end > place, scalar(end) == 0x7C73 else { return false }
    emit(.assist, place..<(end + 1))
    return true
  }

  /// Reads what says nothing before the address begins: null, 市辖区.
  mutating func readNoise() -> Bool {
    guard let (term, end) = term(at: place), term == .noise, end - place > 1 else { return false }
    emit(.redundant, place..<end)
    return true
  }

  /// A direction alone before a separator, the end or a distance says where, not what.
  private mutating func readDirection() -> Bool {
    switch scalar(place) {
    case 0x4E1C, 0x897F, 0x5357, 0x5317, 0x5185, 0x5916, 0x65C1, 0x53E3:
      guard isEnd(place + 1) || isFigure(place + 1) && last != .road else { return false }
      emit(.assist, place..<(place + 1))
      return true
    default: return false
    }
  }

  private func isNoise(_ end: Int) -> Bool {
    // 收 and 转 are ordinary characters unless they end the text.
    end - place > 1 || isEnd(end)
  }

  func isEnd(_ index: Int) -> Bool {
    let value = scalar(index)
    return value == 0 || value == AddressText.space || value == AddressText.dash
  }

  /// Reads a name up to the word that ends it, a number or a separator, and labels it by that word.
  mutating func readName() {
    let start = place
    var index = start
    while index < scalars.count {
      let value = scalars[index]
      if value == AddressText.space || value == AddressText.dash && index > start { break }
      if index > start, isNumberBoundary(index) { break }
      if index == start, isFigure(index) || isLetter(index) {
        repeat { index += 1 } while isFigure(index) || isLetter(index)
        continue
      }
      if isLineRoad(index, from: start) {
        emitRoad(start..<(index + 1))
        return
      }
      guard let (term, end) = term(at: index) else {
        index += 1
        continue
      }
      switch term {
      case .road where index > start:
        emitRoad(start..<end)
        return
      case .community where index > start && scalar(end) != 0x9547 && !isRoadAhead(end, within: 1):
        emitCommunity(start..<end)
        return
      case .town where index > start && isTownHere(start, end):
        reading.unknown.append(.town)
        emit(.town, start..<end)
        return
      case .zone, .place:
        if let roadEnd = roadEnd(after: end) {
          emitRoad(start..<roadEnd)
          return
        }
        if term == .zone || index > start {
          emitPlace(start..<placeEnd(from: end))
          return
        }
        index = end
        continue
      case .part where index > start:
        if let roadEnd = roadEnd(after: end) {
          emitRoad(start..<roadEnd)
          return
        }
        // 缤纷北苑, 望花东区: too short a name to have parts of its own.
        if index - start <= 2, end - index == 2, scalars[end - 1] == 0x82D1 || scalars[end - 1] == 0x533A {
          index = end
          continue
        }
        emitPlace(start..<index)
        return
      case .assist where index > start:
        // 文三路口: the road ends before 口.
        if scalars[index] == 0x8DEF, end - index == 2 {
          emitRoad(start..<(index + 1))
          emit(.assist, (index + 1)..<end)
          return
        }
        emitPlace(start..<index)
        return
      case .noise where index > start && (end - index > 1 || isEnd(end)), .person where index > start && isEnd(end):
        emitPlace(start..<index)
        return
      case .plain: index = end
      default: index += 1
      }
    }
    lastNameIsBare = true
    emitPlace(start..<index)
  }

  /// Whether the name read so far ends at a number with a structural unit.
  private func isNumberBoundary(_ index: Int) -> Bool {
    guard let token = number(at: index) else { return false }
    switch token.unit {
    case nil: return token.figures > 0 && !token.isChinese && (isEnd(token.end) || !isLetter(index - 1))
    case .area where token.isChinese: return index > place + 1
    case .lane where token.isChinese, .group where token.isChinese: return index > place + 1
    case .gate where token.isChinese: return false
    default: return true
    }
  }

  /// 甬临线, 杨公堤: 线 and 堤 end a road's name only before a number, a direction or the end.
  private func isLineRoad(_ index: Int, from start: Int) -> Bool {
    guard index >= start + 2, scalars[index] == 0x7EBF || scalars[index] == 0x5824 else { return false }
    return isEnd(index + 1) || isFigure(index + 1) || scalar(index + 1) == 0x4E1C || scalar(index + 1) == 0x897F
  }

  private func isTownHere(_ start: Int, _ end: Int) -> Bool {
    guard !segments.contains(where: { $0.label == .town || $0.label == .road || $0.label == .poi }) else {
      return false
    }
    return end - start >= 3 && end - start <= 7 && roadEnd(after: end) == nil
  }

  /// The end of a road whose name goes on behind a place's: 公园 + 南路.
  func roadEnd(after index: Int) -> Int? {
    for offset in 0...2 {
      let place = index + offset
      if let (term, end) = term(at: place) { return term == .road ? end : nil }
      guard offset < 2, AddressScan.mayPrecedeRoadEnd(scalar(place)) else { return nil }
    }
    return nil
  }

  /// A place's name goes on when another ending follows at once: 花园 + 小区, 工业 + 园区.
  private func placeEnd(from index: Int) -> Int {
    var end = index
    while let (term, next) = term(at: end), term == .place, next - end <= 3 { end = next }
    return end
  }

  private mutating func emitRoad(_ range: Range<Int>) {
    let isSecond = last == .road || last == .assist && segments.contains { $0.label == .road }
    emit(isSecond ? .subroad : .road, range)
  }

  private mutating func emitCommunity(_ range: Range<Int>) {
    let isAfterPlace = segments.contains { $0.label == .poi || $0.label == .road || $0.label == .community }
    if isAfterPlace {
      lastNameIsBare = true
      emitPlace(range)
    } else {
      emit(.community, range)
    }
  }

  /// Names inside a place are its parts; names behind a floor, a room or a part are who is there.
  private var placeLabel: AddressLabel {
    switch last {
    case .poi: .subpoi
    case .subpoi, .floorno, .roomno: .person
    case .assist where segments.contains { $0.label == .poi }: .subpoi
    default: .poi
    }
  }

  /// 东西南北中, 一 to 十, 新前后大支: what stands between a name and its 路 or 街.
  private static func mayPrecedeRoadEnd(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x4E1C, 0x897F, 0x5357, 0x5317, 0x4E2D, 0x65B0, 0x524D, 0x540E, 0x5927, 0x652F: true
    default: ChineseNumeral.value(scalar) ?? 0 > 0
    }
  }

  private mutating func emitPlace(_ range: Range<Int>) {
    if range.isEmpty {
      emit(.otherinfo, place..<(place + 1))
    } else if range.count == 1 {
      emit(AddressScan.isDirection(scalars[range.lowerBound]) ? .assist : .redundant, range)
    } else {
      emit(placeLabel, range)
    }
  }
}
