extension AddressScan {
  /// Reads a town of the gazetteer, or a name with the ending of one.
  mutating func readTown() -> Bool {
    if let choice = chooseTown(at: place) {
      if choice.use == .repeats {
        emit(.redundant, place..<choice.end)
        return true
      }
      if choice.form == .former { reading.usesFormerName = true }
      if choice.use == .narrows { candidates = choice.divisions } else { reading.unknown.append(.town) }
      emit(.town, place..<choice.end)
      return true
    }
    guard last != .town, let end = genericTownEnd(from: place) else { return false }
    reading.unknown.append(.town)
    emit(.town, place..<end)
    return true
  }

  private func chooseTown(at start: Int) -> DivisionChoice? {
    guard last != .town else { return nil }
    var best: DivisionChoice?
    gazetteer.towns.eachMatch(scalars, from: start) { match in
      guard var choice = choice(for: match, in: gazetteer.towns) else { return }
      if choice.form == .short {
        guard choice.use == .narrows, !candidates.isEmpty, choice.divisions.count == 1, isShortTownHere(choice) else {
          return
        }
      } else if choice.form == .full, candidates.isEmpty, choice.divisions.count > 1 {
        // A name that many towns share says which level it is, not which town.
        choice.use = .contradicts
      }
      best = choice
    }
    if let end = best?.end, best?.form != .short, spells("办事处", at: end) { best?.end = end + 3 }
    return best
  }

  private func isShortTownHere(_ choice: DivisionChoice) -> Bool {
    let next = scalar(choice.end)
    if next == 0 || next == AddressText.space { return true }
    if let term = term(at: choice.end)?.term, term != .plain { return false }
    return roadEnd(after: choice.end) == nil
  }

  /// Two to five scalars and 镇, 乡, 街道 or 街道办事处.
  private func genericTownEnd(from start: Int) -> Int? {
    var index = start
    while index < min(start + 7, scalars.count) {
      let value = scalars[index]
      guard value >= 0x4E00 else { return nil }
      if let (term, end) = term(at: index) {
        switch term {
        case .town:
          guard index >= start + 1 else { return nil }
          if scalars[index] == 0x4E61 || scalars[index] == 0x9547, index < start + 1 { return nil }
          return isRoadAhead(end, within: 0) ? nil : end
        case .road, .community, .place, .zone, .assist, .part: return nil
        default:
          index = end
          continue
        }
      }
      index += 1
    }
    return nil
  }

  /// Reads a development zone right below the divisions.
  mutating func readZone() -> Bool {
    guard last != .devzone else { return false }
    var index = place
    while index < min(place + 14, scalars.count) {
      let value = scalars[index]
      guard value >= 0x4E00 else { return false }
      if let (term, end) = term(at: index) {
        switch term {
        case .zone:
          if roadEnd(after: end) != nil { return false }
          emit(.devzone, place..<end)
          return true
        case .road, .community, .assist, .part, .town: return false
        default: break
        }
      }
      index += 1
    }
    return false
  }
}
