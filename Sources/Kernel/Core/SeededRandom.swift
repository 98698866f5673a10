/// Numbers that look random and are the same for the same seed on every machine and in every version.
///
/// SplitMix64 (Steele, Lea, Flood 2014). Not for secrets. A generator can be split into named streams, so that one part
/// of a computation draws the same numbers whatever the others draw.
package struct SeededRandom: RandomNumberGenerator, Sendable {
  private let seed: UInt64
  private var state: UInt64

  package init(seed: UInt64) {
    self.seed = SeededRandom.mix(seed &+ 0x9E37_79B9_7F4A_7C15)
    state = self.seed
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return SeededRandom.mix(state)
  }

  /// An independent stream; depends on the seed and `key` alone, not on what was drawn before.
  package func stream(_ key: UInt64) -> SeededRandom {
    SeededRandom(seed: seed ^ SeededRandom.mix(key &* 0xD1B5_4A32_D192_ED03 &+ 1))
  }

  /// A number from 0 up to but not including `bound`.
  ///
  /// The remaining bias is below `bound / 2⁶⁴`. `Int.random(in:using:)` is not used because its algorithm is not promised.
  /// - Precondition: `bound` is positive.
  package mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0, "an empty range has no number")
    return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A number of a closed range.
  package mutating func within(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + below(range.upperBound - range.lowerBound + 1)
  }

  /// A number from 0 up to but not including 1.
  package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// `true` in `share` of the draws.
  package mutating func chance(_ share: Double) -> Bool { unit() < share }

  /// One of the elements.
  /// - Precondition: `elements` is not empty.
  package mutating func pick<Elements: RandomAccessCollection>(_ elements: Elements) -> Elements.Element {
    elements[elements.index(elements.startIndex, offsetBy: below(elements.count))]
  }

  /// An index drawn in proportion to its weight.
  /// - Precondition: `weights` has a positive sum.
  package mutating func weighted(_ weights: [Int]) -> Int {
    var rest = below(weights.reduce(0, +))
    for (index, weight) in weights.enumerated() {
      if rest < weight { return index }
      rest -= weight
    }
    return weights.count - 1
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
