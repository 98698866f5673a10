import Core

/// What other columns of a row say about where the address lies.
package struct AddressHints: Sendable, Hashable {
  /// 区划代码, when the list carries one; goes before the names.
  package var division: DivisionCode?
  package var province: String?
  package var city: String?
  package var district: String?
  package var town: String?
  package var community: String?

  package init() {}

  var isEmpty: Bool { division == nil && province == nil && city == nil && district == nil && town == nil }
}

/// One row understood, before it is compared with what is known.
package struct AddressReading: Sendable {
  /// `nil` for a rejected row.
  package let segmented: SegmentedAddress?
  /// `nil` when a doubt or rejection stands in the way.
  package let standard: StandardAddress?
  package let doubts: [AddressDoubt]
  package let rejection: AddressRejection?

  /// What to look up among the known addresses; `nil` when there is nothing to look up.
  package var matchKey: String? { rejection == nil ? standard?.matchKey : nil }
}

/// An address that is already in the register.
package struct KnownAddress: Sendable, Hashable {
  package let id: Int64
  package let canonicalKey: String

  package init(id: Int64, canonicalKey: String) {
    self.id = id
    self.canonicalKey = canonicalKey
  }
}

/// Decides what becomes of a row of an address list; pure, so that a batch can be read in parallel and looked up at once.
package struct AddressClassifier: Sendable {
  package let segmenter: AddressSegmenter
  /// The city being governed: addresses that name no city lie in it; `nil` for none.
  package let home: DivisionCode?
  /// Whether addresses outside ``home`` are doubtful rather than accepted.
  package let refusesOutside: Bool

  package init(gazetteer: Gazetteer, home: DivisionCode? = nil, refusesOutside: Bool = false) {
    segmenter = AddressSegmenter(gazetteer: gazetteer)
    self.home = home
    self.refusesOutside = refusesOutside
  }

  private var gazetteer: Gazetteer { segmenter.gazetteer }

  /// Understands one row: segments, division, standard form and everything doubtful about it.
  package func read(_ text: String, hints: AddressHints = AddressHints()) -> AddressReading {
    if let rejection = AddressClassifier.rejection(text) {
      return AddressReading(segmented: nil, standard: nil, doubts: [], rejection: rejection)
    }
    let known = division(of: hints)
    var segmented = segmenter.segment(text, within: known)
    if known == nil, let home, segmented.divisions.code == nil {
      segmented = segmenter.segment(text, within: home)
    }
    var leftover: [String] = []
    var isRelative = false
    var parts = AddressParts(segmented, leftover: &leftover, isRelative: &isRelative)
    parts.community = parts.community ?? hints.community
    guard AddressClassifier.locates(parts) else {
      return AddressReading(segmented: segmented, standard: nil, doubts: [], rejection: .noLocation)
    }
    var doubts = self.doubts(about: segmented)
    if isRelative { doubts.append(.relative) }
    if !leftover.isEmpty { doubts.append(.leftover(leftover.joined())) }
    var standard: StandardAddress?
    if let code = segmented.divisions.code, !doubts.contains(where: \.blocksStandard) {
      do throws(Refusal) {
        standard = try StandardAddress(division: code, parts: parts, gazetteer: gazetteer)
      } catch {
        doubts.append(error.code == "address-division" ? .missingDistrict : .incomplete(error.message))
      }
      if refusesOutside, let home, !home.contains(code) {
        doubts.append(.outsideJurisdiction(gazetteer.path(to: code).map(\.name).joined()))
      }
    }
    return AddressReading(segmented: segmented, standard: standard, doubts: doubts, rejection: nil)
  }

  /// Decides a row that was read, given the known addresses that share its match key.
  package func classify(_ reading: AddressReading, known: [KnownAddress]) -> AddressOutcome {
    if let rejection = reading.rejection { return .rejected(rejection) }
    guard reading.doubts.isEmpty, let standard = reading.standard else {
      return .doubtful(reading.doubts, reading.standard)
    }
    let key = AddressKey(standard)
    let text = key.text
    if let exact = known.first(where: { $0.canonicalKey == text }) { return .matched(id: exact.id, standard) }
    let agreeing = known.filter { AddressKey(text: $0.canonicalKey)?.agrees(with: key) ?? false }
    if agreeing.count == 1 { return .matched(id: agreeing[0].id, standard) }
    if agreeing.count > 1 { return .doubtful([.severalCandidates(agreeing.map(\.id))], standard) }
    // The same road and number in another town of the district is more often a slip than a second road; groups and their
    // numbers begin anew in every village.
    let isVillage = standard.parts.community?.hasSuffix("村") ?? false
    if let other = known.first, key[.road] != nil, key[.number] != nil, !isVillage {
      return .doubtful([.conflictsWith(id: other.id)], standard)
    }
    return .created(standard)
  }

  private static func rejection(_ text: String) -> AddressRejection? {
    var count = 0
    var han = 0
    for scalar in text.unicodeScalars {
      if AddressText.folded(scalar.value) == AddressText.space { continue }
      count += 1
      if scalar.value >= 0x3400 { han += 1 }
    }
    if count == 0 { return .empty }
    if count > 200 { return .tooLong }
    return han < 2 ? .notAnAddress : nil
  }

  private static func locates(_ parts: AddressParts) -> Bool {
    parts.road != nil || parts.lane != nil || parts.houseNumber != nil || parts.compound != nil || parts.poi != nil
      || parts.community != nil || parts.buildingNumber != nil || parts.room != nil
  }

  private func doubts(about address: SegmentedAddress) -> [AddressDoubt] {
    let reading = address.divisions
    var doubts: [AddressDoubt] = []
    if reading.isContradictory { doubts.append(.contradictoryDivision) }
    if reading.unknown.contains(.district), let district = address.first(.district) {
      doubts.append(.unknownDistrict(district))
    }
    if reading.unknown.contains(.town), let town = address.first(.town) { doubts.append(.unknownTown(town)) }
    if let code = reading.code {
      if code.level < .county, !isCityWithoutCounties(code) {
        if !reading.unknown.contains(.district) {
          doubts.append(reading.usesFormerName ? .formerDivision : .missingDistrict)
        }
      }
    } else if reading.alternatives.isEmpty {
      doubts.append(.missingDistrict)
    } else {
      let names = reading.alternatives.prefix(3).map { gazetteer.path(to: $0).map(\.name).joined() }
      doubts.append(.ambiguousDistrict(Array(names)))
    }
    return doubts
  }

  private func isCityWithoutCounties(_ code: DivisionCode) -> Bool {
    code.level == .city && !gazetteer.children(of: code).contains { $0.level == .county }
  }

  /// The narrowest division that the other columns name together.
  private func division(of hints: AddressHints) -> DivisionCode? {
    if hints.isEmpty { return nil }
    var code = hints.division.flatMap { gazetteer.nearest($0) }
    let levels: [(String?, DivisionCode.Level)] = [
      (hints.province, .province), (hints.city, .city), (hints.district, .county), (hints.town, .town),
    ]
    for (name, level) in levels {
      guard let name, !name.isEmpty, level > code?.level ?? .province || code == nil else { continue }
      let found = gazetteer.find(name, level: level, in: code ?? (level > .city ? home : nil))
      if found.count == 1 { code = found[0].code }
    }
    return code
  }
}

extension AddressDoubt {
  /// Whether no standard form can be made while this doubt stands.
  fileprivate var blocksStandard: Bool {
    switch self {
    case .missingDistrict, .ambiguousDistrict, .unknownDistrict, .formerDivision: true
    default: false
    }
  }
}

extension Gazetteer {
  /// The division of this code, or the narrowest known one that contains it.
  package func nearest(_ code: DivisionCode) -> DivisionCode? {
    for level in DivisionCode.Level.allCases.reversed() where level <= code.level {
      if let ancestor = code.ancestor(level), self[ancestor] != nil { return ancestor }
    }
    return nil
  }
}
