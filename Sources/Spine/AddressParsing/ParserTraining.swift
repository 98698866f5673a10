import Addresses
import Core
import Glibc

/// Learns a model from a labelled corpus (训练): a conditional random field over ``LabelHistory``, fitted one address
/// after the other by AdaGrad with a falling rate, while half of the features are left out at random each time.
///
/// The same corpus, names and settings give the same bytes: there is one thread, and chance comes from a seed.
package struct ParserTraining: Sendable {
  package struct Settings: Sendable {
    package var seed: UInt64 = 1
    /// How often the corpus is gone through.
    package var rounds = 6
    /// The rate of learning at the beginning; it falls evenly to a fiftieth.
    package var rate: Float = 0.03
    /// The share of features that is left out.
    package var dropout: Float = 0.5
    /// How much weights shrink with each address in which their feature holds, for each address since the last.
    package var decay: Float = 1e-6
    /// How often a feature must occur in the corpus to count.
    package var rarest = 2
    /// How many features the model keeps: those with the largest weights.
    package var limit = 150_000

    package init() {}
  }

  let settings: Settings
  let names: PlaceNames

  package init(_ settings: Settings, names: PlaceNames) {
    self.settings = settings
    self.names = names
  }

  private struct Example {
    var features: [Int32] = []
    var offsets: [Int32] = []
    var tags: [UInt8] = []
  }

  /// - Parameters:
  ///   - corpus: addresses with their parts, not empty.
  ///   - report: told after each round its number and the mean logarithm of the probability of an address.
  package func run(_ corpus: [LabelledAddress], report: (Int, Double) -> Void = { _, _ in }) -> ParserModel {
    var (examples, keys) = prepare(corpus)
    let weights = FeatureWeights(count: keys.count)
    var transitions = [Float](repeating: 0, count: LabelHistory.states * 24)
    var squares = [Float](repeating: 0.01, count: transitions.count)
    var random = SeededRandom(seed: settings.seed)
    var lattice = LabelLattice()
    var isKept: [Bool] = []
    let total = Float(settings.rounds * examples.count)
    var step: Int32 = 0
    for round in 1...settings.rounds {
      for index in stride(from: examples.count - 1, to: 0, by: -1) { examples.swapAt(index, random.below(index + 1)) }
      var sum = 0.0
      for example in examples {
        step += 1
        let rate = settings.rate * max(0.02, 1 - Float(step) / total)
        choose(example.features.count, &isKept, &random)
        weights.score(example.features, example.offsets, isKept, scale: 1 / (1 - settings.dropout))
        sum += weights.scores.withUnsafeBufferPointer {
          lattice.read($0, tags: example.tags, transitions: transitions)
        }
        weights.learn(
          example.features, example.offsets, isKept, lattice.gradient, rate: rate, decay: settings.decay, step: step)
        let gradient = lattice.transitionGradient
        for slot in 0..<gradient.count where gradient[slot] != 0 {
          squares[slot] += gradient[slot] * gradient[slot]
          transitions[slot] += rate * gradient[slot] / squares[slot].squareRoot()
        }
      }
      report(round, sum / Double(max(1, examples.count)))
    }
    var uses = [Int](repeating: 0, count: keys.count)
    for example in examples { for feature in example.features { uses[Int(feature)] += 1 } }
    // What is used most stands together, so that it stays in the caches.
    let (kept, rows, unit) = weights.quantised(limit: settings.limit) { (uses[$1], keys[$0]) < (uses[$0], keys[$1]) }
    return ParserModel(
      names: names, keys: kept.map { keys[$0] }, weights: rows, step: unit, transitions: transitions)
  }

  /// Units, tags and the features that occur often enough, numbered in the order of their keys.
  private func prepare(_ corpus: [LabelledAddress]) -> (examples: [Example], keys: [UInt64]) {
    var units = AddressUnits()
    var extractor = FeatureExtractor()
    var all: [UInt64] = []
    for address in corpus {
      units.read(address.scalars)
      extractor.read(units, names: names)
      for unit in 0..<units.count { all += extractor.keys(of: unit, in: units) }
    }
    all.sort()
    var keys: [UInt64] = []
    var index = 0
    while index < all.count {
      var end = index
      while end < all.count, all[end] == all[index] { end += 1 }
      if end - index >= settings.rarest { keys.append(all[index]) }
      index = end
    }
    let table = KeyTable(keys)
    var examples: [Example] = []
    for address in corpus {
      units.read(address.scalars)
      extractor.read(units, names: names)
      var example = Example()
      for unit in 0..<units.count {
        example.offsets.append(Int32(example.features.count))
        for key in extractor.keys(of: unit, in: units) {
          if let feature = table[key] { example.features.append(Int32(feature)) }
        }
      }
      example.offsets.append(Int32(example.features.count))
      example.tags = ParserTraining.tags(of: address, units.starts)
      examples.append(example)
    }
    return (examples, keys)
  }

  /// The tag of each unit. Where a part begins inside a run of figures, which happens since the corpus lost its
  /// spaces, the whole run belongs to the part before.
  static func tags(of address: LabelledAddress, _ starts: [Int]) -> [UInt8] {
    var tags: [UInt8] = []
    var part = 0
    var current = -1
    for start in starts.dropLast() {
      while part + 1 < address.parts.count, address.parts[part].range.upperBound <= start { part += 1 }
      let label = address.parts[part].label.rawValue
      tags.append(part == current ? label + UInt8(LabelHistory.inside) : label)
      current = part
    }
    return tags
  }

  private func choose(_ count: Int, _ isKept: inout [Bool], _ random: inout SeededRandom) {
    if isKept.count < count { isKept = [Bool](repeating: true, count: count) }
    let threshold = UInt64(settings.dropout * 65536)
    var index = 0
    while index < count {
      var bits = random.next()
      for _ in 0..<4 where index < count {
        isKept[index] = bits & 0xFFFF >= threshold
        bits >>= 16
        index += 1
      }
    }
  }
}
