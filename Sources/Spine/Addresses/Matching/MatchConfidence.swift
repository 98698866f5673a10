import Glibc

/// The chance that the best candidate is the address that was meant (置信度): a logistic function of ``MatchFeatures``,
/// fitted on addresses of invented cities written wrongly in known ways; see `Benchmarks/README.md`.
package enum MatchConfidence {
  /// Matches of at least this confidence are accepted.
  package static let threshold = 0.97

  static func probability(_ features: MatchFeatures) -> Double {
    let z =
      -1.492 - 1.66 * features.loss + 0.701 * features.margin + 2.495 * min(features.margin, 1) + 1.206 * features.slips
      - 1.787 * min(features.conflicts, 2) - 10.923 * features.depth - 0.254 * features.unexplained
      + 0.948 * min(features.shared, 4)
    return 1 / (1 + exp(-Double(z)))
  }
}
