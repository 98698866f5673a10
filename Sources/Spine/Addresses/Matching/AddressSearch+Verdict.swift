extension AddressSearch {
  /// How the names of `site` agree with those of the text.
  func verdict(of site: AddressBase.Site) -> SiteVerdict {
    var verdict = SiteVerdict()
    var explainsDistrict = false
    for index in query.reading {
      let read = query.names[index]
      var best: AddressQuery.Name?
      for name in query.names where name.range.overlaps(read.range) && isName(name, of: site) {
        if name.weight > best?.weight ?? -.infinity { best = name }
      }
      if let best {
        let worth = min(best.weight, 4) * AddressSearch.worth(best.kind)
        verdict.score += worth
        verdict.shared += 1
        if let slip = best.slip {
          verdict.slips += slip.cost
          verdict.loss += slip.cost
          if slip == .telling { verdict.nameConflicts += 1 }
        }
        switch best.kind {
        case .compound, .place: verdict.hasCompound = true
        case .road, .lane: verdict.hasRoad = true
        case .district, .city, .province: explainsDistrict = true
        default: break
        }
      } else {
        let isWeak = read.isShort || read.slip != nil
        verdict.lose(isWeak ? 0.5 : AddressSearch.conflictCost(read.kind))
        guard !isWeak else { continue }
        if read.kind >= .road { verdict.nameConflicts += 1 } else { verdict.divisionConflicts += 1 }
      }
    }
    if !explainsDistrict { verdict.lose(0.1) }
    if site.road != 0, !site.isGroup, !verdict.hasRoad { verdict.lose(0.4) }
    if site.compound != 0, !verdict.hasCompound { verdict.lose(0.3) }
    return verdict
  }

  /// Whether `name` is one of the names of `site`.
  private func isName(_ name: AddressQuery.Name, of site: AddressBase.Site) -> Bool {
    switch name.kind {
    case .province: base.texts.isPrefix(name.value, of: site.district)
    case .city: base.texts.isPrefix(name.value, of: site.district)
    case .district: name.value == site.district
    case .town: name.value == site.town
    case .community: name.value == site.community
    case .road: name.value == site.road
    case .lane: name.value == site.lane
    case .compound: name.value == site.compound
    case .place: name.value == site.place
    }
  }

  private static func worth(_ kind: NameFinder.Kind) -> Float {
    switch kind {
    case .province, .city: 0.05
    case .district: 0.5
    case .town: 0.5
    case .community: 0.8
    case .road, .lane, .compound, .place: 1
    }
  }

  private static func conflictCost(_ kind: NameFinder.Kind) -> Float {
    switch kind {
    case .province, .city: 5
    case .district: 4
    case .town, .community: 2.5
    case .road, .lane: 4
    case .compound: 3
    case .place: 1.5
    }
  }

  /// Adds the best records of `site` for one reading of the numbers.
  mutating func find(in site: Int32, _ verdict: SiteVerdict, _ assignment: NumberAssignment, _ group: Int32) {
    var features = MatchFeatures()
    var score = verdict.score - assignment.cost
    var loss = verdict.loss + assignment.cost
    var differs = false
    func lose(_ points: Float) {
      score -= points
      loss += points
    }
    let its = base.sites[Int(site)]
    switch (its.number, assignment.number) {
    case (0, 0): break
    case (let a, let b) where a == b: score += 2.5
    case (_, 0): lose(verdict.hasCompound ? 0.3 : 2)
    case (0, _): lose(2)
    default:
      guard verdict.hasCompound else { return }
      lose(3)
      features.conflicts += 1
      differs = true
    }
    switch (its.subNumber, assignment.subNumber) {
    case (0, 0): break
    case (let a, let b) where a == b: score += 1.5
    case (_, 0), (0, _):
      lose(2.5)
      features.depth += 1
    default: return
    }
    switch (its.isGroup ? its.road : 0, group) {
    case (0, 0): break
    case (let a, let b) where a == b: score += 2
    case (_, 0): lose(1)
    case (0, _): lose(2)
    default: return
    }
    var best: (points: Float, id: Int64, depth: Float, isShallow: Bool)?
    var second: (points: Float, id: Int64, depth: Float, isShallow: Bool)?
    for record in base.records(of: site) {
      guard let points = AddressSearch.points(record, assignment) else { continue }
      if points.points > best?.points ?? -.infinity {
        second = best
        best = (points.points, record.id, points.depth, points.isShallow)
      } else if points.points > second?.points ?? -.infinity {
        second = (points.points, record.id, points.depth, points.isShallow)
      }
    }
    for record in [best, second] {
      guard let record else { continue }
      var own = features
      own.depth += record.depth
      own.loss = loss + max(0, -record.points)
      own.slips = verdict.slips
      own.conflicts += verdict.nameConflicts + verdict.divisionConflicts
      own.shared = verdict.shared
      found.append(
        Found(
          id: record.id, score: score + record.points, verdict: verdict, features: own, isShallow: record.isShallow,
          numberDiffers: differs))
    }
  }

  /// How building, unit, floor and room agree; `nil` where they contradict each other.
  private static func points(
    _ record: AddressBase.Record, _ assignment: NumberAssignment
  ) -> (points: Float, depth: Float, isShallow: Bool)? {
    var points: Float = 0
    var depth: Float = 0
    var isShallow = false
    func compare(_ mine: Int32, _ asked: Int32, gain: Float, omitted: Float, missing: Float) -> Bool {
      if mine == asked {
        if mine != 0 { points += gain }
      } else if asked == 0 {
        points -= omitted
        if omitted >= 1 { depth += 1 }
      } else if mine == 0 {
        points -= missing
        if missing >= 1 {
          depth += 1
          isShallow = true
        }
      } else {
        return false
      }
      return true
    }
    guard compare(record.building, assignment.building, gain: 1.5, omitted: 1.5, missing: 2.5),
      compare(record.unit, assignment.unit, gain: 1.2, omitted: record.room != 0 ? 0.8 : 2, missing: 1.5),
      compare(record.room, assignment.room, gain: 2, omitted: 3, missing: 2.5),
      compare(record.floor, assignment.floor, gain: 1, omitted: 1, missing: assignment.room != 0 ? 0.1 : 2)
    else { return nil }
    return (points, depth, isShallow)
  }
}

extension TextPool {
  /// Whether one text begins with the other, as the code of a district does with that of its city.
  func isPrefix(_ short: Int32, of long: Int32) -> Bool { self[long].hasPrefix(self[short]) }
}
