extension AddressScan {
  mutating func readCountry() -> Bool {
    guard scalar(place) == 0x4E2D else { return false }
    if spells("中华人民共和国", at: place) {
      emit(.country, place..<(place + 7))
    } else if spells("中国", at: place), let next = term(at: place + 2)?.term ?? .some(.plain), next == .plain {
      emit(.country, place..<(place + 2))
    } else {
      return false
    }
    return true
  }

  /// Reads a province, city or county; a division that is already known is redundant.
  mutating func readDivision() -> Bool {
    guard let choice = chooseDivision(at: place) else { return false }
    switch choice.use {
    case .narrows:
      let label = label(of: choice)
      candidates = choice.divisions
      if choice.form == .former { reading.usesFormerName = true }
      emit(label, place..<choice.end)
    case .contradicts:
      reading.isContradictory = true
      candidates = choice.divisions
      if choice.level < .county { discardDivisions() }
      emit(label(of: choice), place..<choice.end)
    case .repeats:
      repeatDivision(choice)
    }
    return true
  }

  /// A second province or city begins the address anew; what was named before it is redundant.
  private mutating func discardDivisions() {
    for index in segments.indices where segments[index].label != .country {
      segments[index] = AddressSegment(label: .redundant, range: segments[index].range)
    }
    last = nil
  }

  /// Of the same division named twice in a row (杭州 杭州市) the second is kept.
  private mutating func repeatDivision(_ choice: DivisionChoice) {
    guard let previous = segments.last, previous.label == label(of: choice), previous.range.upperBound == place else {
      emit(.redundant, place..<choice.end)
      return
    }
    segments[segments.count - 1] = AddressSegment(label: .redundant, range: previous.range)
    emit(previous.label, place..<choice.end)
  }

  /// Below the divisions a full name that repeats one of them is redundant.
  mutating func readRepeatedDivision() -> Bool {
    guard last != .road, let choice = chooseDivision(at: place), choice.form != .short else { return false }
    guard choice.use == .repeats || candidates.isEmpty && choice.use == .narrows else { return false }
    if choice.use == .narrows {
      candidates = choice.divisions
      emit(label(of: choice), place..<choice.end)
    } else {
      guard isEnd(choice.end) || isDivisionAhead(choice.end, inside: candidates) || last == .redundant else {
        return false
      }
      emit(.redundant, place..<choice.end)
    }
    return true
  }

  struct DivisionChoice {
    enum Use { case narrows, repeats, contradicts }
    var end: Int
    var level: DivisionCode.Level
    var form: Gazetteer.Form
    var use: Use
    var divisions: [Int32]
  }

  func label(of choice: DivisionChoice) -> AddressLabel {
    switch choice.level {
    case .province:
      guard let index = choice.divisions.first else { return .prov }
      // 直辖市 stand where cities stand; 北京市北京市 names the province first.
      let isMunicipality = [11, 12, 31, 50].contains(gazetteer.divisions[Int(index)].code.number / 10_000_000_000_000)
      return isMunicipality ? .city : .prov
    case .city: return .city
    default: return .district
    }
  }

  /// The best reading of a name of a province, city or county that starts at `start`.
  private func chooseDivision(at start: Int) -> DivisionChoice? {
    var best: DivisionChoice?
    gazetteer.upper.eachMatch(scalars, from: start) { match in
      guard let choice = choice(for: match, in: gazetteer.upper) else { return }
      if choice.form == .short, !isShortNameHere(choice) { return }
      // Of two lengths the longer wins unless it contradicts and the shorter does not.
      if let best, best.use != .contradicts, choice.use == .contradicts { return }
      best = choice
    }
    return best
  }

  /// What the divisions called by one name mean after those already read.
  func choice(for match: NameTrie.Match, in trie: NameTrie) -> DivisionChoice? {
    if candidates.count == 1, let choice = plainChoice(for: match, in: trie) { return choice }
    var inside: [Int32] = []
    var repeated = false
    var others: [Int32] = []
    var level = DivisionCode.Level.grid
    var form = Gazetteer.Form.former
    for slot in Int(match.first)..<Int(match.first + match.count) {
      let entry = gazetteer.entries[Int(trie.values[slot])]
      var isInside = candidates.isEmpty
      for candidate in candidates {
        let code = gazetteer.divisions[Int(candidate)].code
        if entry.form == .former, entry.level > entry.code.level, code == entry.code {
          // A district that was split up: it narrows nothing but is no repetition.
          isInside = true
        } else if code == entry.code || entry.code.contains(code) {
          repeated = repeated || entry.form != .former
        } else if code.contains(entry.code) {
          isInside = true
        }
      }
      if isInside || inside.isEmpty {
        // Full names go before short ones and short ones before former ones; the wider level before the narrower.
        let isBetter = isInside && inside.isEmpty || entry.form.rawValue < form.rawValue
        if isBetter || others.isEmpty && inside.isEmpty {
          form = entry.form
          level = entry.level
          if isInside { inside.removeAll() }
          others.removeAll()
        }
      }
      guard entry.form == form else { continue }
      if isInside {
        if entry.level < level {
          level = entry.level
          inside.removeAll()
        }
        if entry.level == level, !inside.contains(entry.division) { inside.append(entry.division) }
      } else if inside.isEmpty, entry.level == level {
        others.append(entry.division)
      }
    }
    if !inside.isEmpty {
      return DivisionChoice(end: match.end, level: level, form: form, use: .narrows, divisions: inside)
    }
    if repeated {
      return DivisionChoice(end: match.end, level: level, form: form, use: .repeats, divisions: candidates)
    }
    guard !others.isEmpty, form == .full else { return nil }
    return DivisionChoice(
      end: match.end, level: level, form: form, use: candidates.isEmpty ? .narrows : .contradicts, divisions: others)
  }

  /// The common case without detours: one division is known and exactly one in force inside it has the name.
  private func plainChoice(for match: NameTrie.Match, in trie: NameTrie) -> DivisionChoice? {
    let known = gazetteer.divisions[Int(candidates[0])].code
    var found: Gazetteer.Entry?
    for slot in Int(match.first)..<Int(match.first + match.count) {
      let entry = gazetteer.entries[Int(trie.values[slot])]
      if entry.code.contains(known) { return nil }
      guard known.contains(entry.code) else { continue }
      if found != nil || entry.form == .former { return nil }
      found = entry
    }
    guard let found else { return nil }
    return DivisionChoice(
      end: match.end, level: found.level, form: found.form, use: .narrows, divisions: [found.division])
  }

  /// Whether a short name (达州) stands for a division here and does not begin another name (达州大道, 宁波银行).
  private func isShortNameHere(_ choice: DivisionChoice) -> Bool {
    if choice.use == .contradicts { return false }
    let next = scalar(choice.end)
    if next == 0 || next == AddressText.space || next == AddressText.dash { return !candidates.isEmpty }
    if let term = term(at: choice.end)?.term, term != .plain, term != .noise { return false }
    if roadEnd(after: choice.end) != nil { return false }
    if choice.level == .county, candidates.isEmpty, choice.divisions.count > 1 { return false }
    // What follows is a division or a town inside it: certain.
    if isDivisionAhead(choice.end, inside: choice.divisions) { return true }
    return choice.use != .repeats
  }

  /// Whether a road's end follows `index` after at most `within` scalars: 南路, 一马路.
  func isRoadAhead(_ index: Int, within: Int) -> Bool {
    for offset in 0...within {
      guard let term = term(at: index + offset) else { continue }
      return term.term == .road
    }
    return false
  }

  func isDivisionAhead(_ index: Int, inside parents: [Int32]) -> Bool {
    var found = false
    let check: (NameTrie) -> Void = { trie in
      trie.eachMatch(scalars, from: index) { match in
        for slot in Int(match.first)..<Int(match.first + match.count) where !found {
          let entry = gazetteer.entries[Int(trie.values[slot])]
          guard entry.form != .short else { continue }
          found = parents.contains { gazetteer.divisions[Int($0)].code.contains(entry.code) }
        }
      }
    }
    check(gazetteer.upper)
    if !found { check(gazetteer.towns) }
    return found
  }

  /// Two or three scalars and 区, 县 or 市 where a county is expected but the gazetteer has none of this name.
  mutating func readUnknownDistrict() -> Bool {
    guard let last, last == .prov || last == .city, let end = genericDistrictEnd(from: place) else { return false }
    reading.unknown.append(.district)
    emit(.district, place..<end)
    return true
  }

  private func genericDistrictEnd(from start: Int) -> Int? {
    for index in start..<min(start + 4, scalars.count) {
      guard scalars[index] >= 0x4E00 else { return nil }
      let isEnding = scalars[index] == 0x533A || scalars[index] == 0x53BF || scalars[index] == 0x5E02
      if isEnding, index >= start + 2 {
        return term(at: index + 1)?.term == .place || roadEnd(after: index + 1) != nil ? nil : index + 1
      }
      if let term = term(at: index)?.term, term != .plain { return nil }
    }
    return nil
  }

  /// Turns the candidates that remain into the reading.
  mutating func finishReading() {
    let codes = candidates.map { gazetteer.divisions[Int($0)].code }
    if codes.count == 1 {
      reading.code = codes[0]
    } else if codes.count > 1 {
      reading.alternatives = codes
    }
  }
}
