/// What a person typed into a search box (检索词), as a `tsquery` over the lexemes of ``SearchText``.
///
/// Chinese words must appear with all their pairs; `18号` as exactly that number; letters stand for the beginning of a
/// word, of pinyin initials (`dztcq` finds 达州通川区, of which eight are compared) or of full pinyin; digits from five on for
/// the beginning of a number.
/// Everything that is neither letter nor digit separates, so no input can carry query operators.
package struct SearchQuery: Sendable, Hashable {
  /// The text of a `tsquery`, to be bound and cast: `… @@ $1::tsquery`.
  package let tsquery: String
  let text: String

  /// How many conditions a query may have; the rest of a longer text is left out.
  static let termLimit = 48
  static let prefixDigits = 5

  /// Returns `nil` when there is nothing to search for.
  package init?(_ text: String) {
    let terms = SearchQuery.terms(FoldedText(text))
    guard !terms.isEmpty else { return nil }
    self.text = text
    tsquery = terms.prefix(SearchQuery.termLimit).joined(separator: " & ")
  }

  private static func terms(_ folded: FoldedText) -> [String] {
    var terms: [String] = []
    func add(_ term: String) { if !terms.contains(term) { terms.append(term) } }
    var index = 0
    while index < folded.runs.count {
      let run = folded.runs[index]
      if run.kind == .han {
        if run.range.count > 1 {
          for pair in SearchText.bigrams(folded.scalars[run.range]) { add(SearchText.quoted(pair)) }
        } else if !isAttached(index, folded) {
          // Before a number a character ends its run, as 路 in 路18号, and is in the index by itself.
          let alone = folded.text(run.range)
          add(endsBeforeNumber(index, folded) ? SearchText.quoted(alone) : prefix(alone))
        }
        index += 1
        continue
      }
      var last = index
      while last + 1 < folded.runs.count, folded.runs[last + 1].continuesChain { last += 1 }
      if last > index {
        let chain = (index...last).map { folded.text(folded.runs[$0].range.prefix(SearchText.wordLimit)) }
          .suffix(8).joined(separator: "-")
        add("(\(SearchText.quoted(chain)) | \(prefix(chain + "-")))")
      }
      if let attached = attachment(of: last, folded) {
        add(SearchText.quoted(attached))
      } else if last == index {
        add(word(run, folded))
      }
      index = last + 1
    }
    return terms
  }

  /// A run of letters and digits with the Chinese character right behind it, as `18号`.
  private static func attachment(of index: Int, _ folded: FoldedText) -> String? {
    guard isAttached(index + 1, folded) else { return nil }
    let next = folded.runs[index + 1].range.lowerBound
    return folded.text(folded.runs[index].range.prefix(SearchText.wordLimit)) + String(folded.scalars[next])
  }

  /// Whether letters or digits follow a Chinese run without anything between.
  private static func endsBeforeNumber(_ index: Int, _ folded: FoldedText) -> Bool {
    guard index + 1 < folded.runs.count else { return false }
    let (run, next) = (folded.runs[index], folded.runs[index + 1])
    return next.kind != .han && next.joinsPrevious
      && folded.sources[run.range.upperBound - 1].upperBound == folded.sources[next.range.lowerBound].lowerBound
  }

  /// Whether a Chinese run follows letters or digits without anything, not even a space, between.
  private static func isAttached(_ index: Int, _ folded: FoldedText) -> Bool {
    guard index > 0, index < folded.runs.count else { return false }
    let (before, run) = (folded.runs[index - 1], folded.runs[index])
    guard run.kind == .han, before.kind != .han, run.joinsPrevious else { return false }
    return folded.sources[before.range.upperBound - 1].upperBound == folded.sources[run.range.lowerBound].lowerBound
  }

  private static func word(_ run: FoldedText.Run, _ folded: FoldedText) -> String {
    let whole = folded.text(run.range.prefix(SearchText.wordLimit))
    switch run.kind {
    case .digits: return run.range.count < prefixDigits ? SearchText.quoted(whole) : prefix(whole)
    case .mixed:
      // `cyl18h` may also be the initials of 朝阳路18号.
      let parts = folded.parts(run).prefix(6).map { part in
        let text = folded.text(part.range.prefix(SearchText.wordLimit))
        return part.kind == .digits ? SearchText.quoted(text) : prefix(text)
      }
      return "(\(prefix(whole)) | (\(parts.joined(separator: " & "))))"
    case .letters where run.range.count > SearchText.initialsLimit:
      let initials = folded.text(run.range.prefix(SearchText.initialsLimit))
      return "(\(prefix(whole)) | \(SearchText.quoted(initials)))"
    default: return prefix(whole)
    }
  }

  private static func prefix(_ token: String) -> String { SearchText.quoted(token) + ":*" }
}
