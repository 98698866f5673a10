/// Finds what somebody probably meant.
package enum Suggestion {
  /// The closest of `candidates` within a third of the name's length (at least one, at most three edits).
  package static func closest(to name: String, among candidates: some Sequence<String>) -> String? {
    let wanted = Array(name.utf8)
    let limit = min(max(wanted.count / 3, 1), 3)
    var best: (distance: Int, candidate: String)?
    for candidate in candidates {
      let distance = editDistance(wanted, Array(candidate.utf8), limit: limit)
      guard distance <= limit else { continue }
      if let known = best, (known.distance, known.candidate) <= (distance, candidate) { continue }
      best = (distance, candidate)
    }
    return best?.candidate
  }

  /// `，是不是“building”？`, or nothing when no candidate is close.
  package static func text(for name: String, among candidates: some Sequence<String>) -> String {
    closest(to: name, among: candidates).map { "，是不是“\($0)”？" } ?? ""
  }

  /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment); more than `limit` is
  /// reported as `limit + 1`.
  private static func editDistance(_ a: [UInt8], _ b: [UInt8], limit: Int) -> Int {
    if abs(a.count - b.count) > limit { return limit + 1 }
    var before: [Int] = []
    var previous = Array(0...b.count)
    for i in 0..<a.count {
      var current = [i + 1]
      for j in 0..<b.count {
        var cost = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
        current.append(cost)
      }
      before = previous
      previous = current
    }
    return min(previous[b.count], limit + 1)
  }
}
