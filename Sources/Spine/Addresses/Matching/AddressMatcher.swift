/// Finds the standard address that a written one means (地址匹配).
///
/// The names and numbers of the text lead to the sites that have them; each is judged by what it explains of the text
/// and by what it contradicts, then the record inside it by building, unit and room.
package struct AddressMatcher: Sendable {
  /// The addresses to choose from: the whole base, and what changed since that was read.
  private let bases: [AddressBase]
  /// Addresses of the first base that are no longer as it says.
  private let outdated: Set<Int64>
  private let likeness: CharacterLikeness

  package init(base: AddressBase, likeness: CharacterLikeness) {
    self.init(base, changed: nil, outdated: [], likeness: likeness)
  }

  /// - Parameters:
  ///   - changed: the addresses of `outdated` as they are now; those that are gone are not in it.
  ///   - outdated: ids to leave out of `base`.
  package init(_ base: AddressBase, changed: AddressBase?, outdated: Set<Int64>, likeness: CharacterLikeness) {
    bases = [base] + (changed.map { [$0] } ?? [])
    self.outdated = outdated
    self.likeness = likeness
  }

  /// What `text` means; texts without any known name give an outcome of `none`.
  package func match(_ text: some StringProtocol) -> AddressMatch {
    var search = AddressSearch(base: bases[0], query: AddressQuery(text, base: bases[0], likeness: likeness))
    search.run()
    var best = outdated.isEmpty ? search.found : search.found.filter { !outdated.contains($0.id) }
    var query = search.query
    for base in bases.dropFirst() {
      var more = AddressSearch(base: base, query: AddressQuery(text, base: base, likeness: likeness))
      more.run()
      // What explains the text is what its best candidate's base knows.
      if more.found.first?.score ?? -.infinity > best.first?.score ?? -.infinity { query = more.query }
      best += more.found
    }
    best.sort { ($0.score, $1.id) > ($1.score, $0.id) }
    var seen: Set<Int64> = []
    // What contradicts more than it agrees is nobody's guess.
    best = best.filter { $0.score > 0 && seen.insert($0.id).inserted }
    guard let first = best.first else { return nothing(query, sawSites: search.sawSites) }
    return conclude(first, best, query)
  }

  private func nothing(_ query: AddressQuery, sawSites: Bool) -> AddressMatch {
    let hasName = query.reading.contains { query.names[$0].kind >= .road }
    let reason: AddressMatch.Reason =
      sawSites ? .numberDiffers : hasName && query.numbers.isEmpty ? .noNumber : .nothingFound
    return AddressMatch(
      outcome: .none, confidence: 0, reasons: [reason], candidates: [], features: MatchFeatures())
  }

  private func conclude(_ first: Found, _ all: [Found], _ query: AddressQuery) -> AddressMatch {
    var features = first.features
    features.margin = all.count > 1 ? min(MatchFeatures.widest, first.score - all[1].score) : MatchFeatures.widest
    features.unexplained = Float(query.unexplained)
    let confidence = MatchConfidence.probability(features)
    var reasons: [AddressMatch.Reason] = []
    if features.margin < 0.5 { reasons.append(.severalFit) }
    if features.depth > 0 { reasons.append(first.isShallow ? .notInBase : .incomplete) }
    if first.numberDiffers { reasons.append(.numberDiffers) }
    if first.verdict.divisionConflicts > 0 { reasons.append(.divisionDiffers) }
    if first.verdict.nameConflicts > 0 { reasons.append(.nameDiffers) }
    if features.slips > 0 { reasons.append(.misspelt) }
    if features.unexplained > 2 { reasons.append(.unexplained) }
    // A contradiction is for a person, however sure the rest is.
    let isAccepted = confidence >= MatchConfidence.threshold && features.conflicts == 0 && features.depth == 0
    if !isAccepted, reasons.isEmpty { reasons.append(.incomplete) }
    return AddressMatch(
      outcome: isAccepted ? .accepted : .doubtful, confidence: confidence, reasons: isAccepted ? [] : reasons,
      candidates: all.prefix(5).map { AddressMatch.Candidate(id: $0.id, score: $0.score) }, features: features)
  }
}
