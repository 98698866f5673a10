import Glibc

/// All ways to label a scored address at once (前向—后向): what a path is worth beside all others.
///
/// Sums are kept as probabilities that are scaled at each unit. One thread at a time may use it.
struct LabelLattice {
  /// 24 numbers for each state: the gradient of the transitions for the address just read.
  private(set) var transitionGradient = [Float](repeating: 0, count: LabelHistory.states * 24)
  /// ``LabelHistory/width`` numbers for each unit: what was expected less what the model gives.
  private(set) var gradient: [Float] = []

  private var weights = [Float](repeating: 0, count: LabelHistory.states * 24)
  private var odds: [Float] = []
  private var forward: [Float] = []
  private var backward: [Float] = []
  private var scales: [Float] = []

  private typealias Lane = SIMD8<Float>
  private static let redundant = LabelHistory.redundant
  private static let assist = LabelHistory.assist
  private static let nodes = LabelHistory.states * 2

  /// Computes the gradient of the logarithm of the probability of `tags`.
  ///
  /// - Parameter scores: ``LabelHistory/width`` numbers for each unit.
  /// - Returns: that logarithm, at most 0.
  mutating func read(_ scores: UnsafeBufferPointer<Float>, tags: [UInt8], transitions: [Float]) -> Double {
    let count = tags.count
    for index in 0..<transitions.count {
      weights[index] = exp(transitions[index])
      transitionGradient[index] = 0
    }
    var result = 0.0
    var state = LabelHistory.start
    for (unit, tag) in tags.enumerated() {
      result += Double(scores[unit * LabelHistory.width + Int(tag)])
      guard tag < LabelHistory.inside else { continue }
      let slot = state * 24 + Int(tag)
      result += Double(transitions[slot])
      transitionGradient[slot] += 1
      state = LabelHistory.next(state, Int(tag))
    }
    odds = [Float](repeating: 0, count: count * LabelHistory.width)
    for unit in 0..<count {
      let base = unit * LabelHistory.width
      var top = scores[base]
      for label in 0..<LabelHistory.labels {
        top = max(top, scores[base + label], scores[base + LabelHistory.inside + label])
      }
      result -= Double(top)
      for label in 0..<LabelHistory.labels {
        odds[base + label] = exp(scores[base + label] - top)
        odds[base + LabelHistory.inside + label] = exp(scores[base + LabelHistory.inside + label] - top)
      }
    }
    forward = [Float](repeating: 0, count: count * LabelLattice.nodes)
    backward = [Float](repeating: 1, count: count * LabelLattice.nodes)
    scales = [Float](repeating: 1, count: count)
    gradient = [Float](repeating: 0, count: count * LabelHistory.width)
    weights.withUnsafeBufferPointer { weights in
      odds.withUnsafeBufferPointer { odds in
        forward.withUnsafeMutableBufferPointer { forward in
          scales.withUnsafeMutableBufferPointer { scales in
            for unit in 0..<count {
              scales[unit] = LabelLattice.advance(unit, weights, odds, forward)
              result += Double(log(scales[unit]))
            }
          }
          backward.withUnsafeMutableBufferPointer { backward in
            transitionGradient.withUnsafeMutableBufferPointer { gradient in
              for unit in (0..<count).reversed() {
                LabelLattice.retreat(unit, weights, odds, forward, backward, gradient, 1 / scales[unit])
              }
            }
          }
        }
      }
    }
    collect(tags)
    return result
  }

  /// How much stands behind the unit in a state; the state is left as a beginning or as a continuation.
  @inline(__always)
  private static func mass(_ forward: UnsafeMutableBufferPointer<Float>, _ unit: Int, _ state: Int) -> Float {
    if unit == 0 { return state == LabelHistory.start ? 1 : 0 }
    let place = (unit - 1) * nodes + 2 * state
    return forward[place] + forward[place + 1]
  }

  /// Goes on by a unit; returns the sum that everything of the unit is then divided by.
  private static func advance(
    _ unit: Int, _ weights: UnsafeBufferPointer<Float>, _ odds: UnsafeBufferPointer<Float>,
    _ forward: UnsafeMutableBufferPointer<Float>
  ) -> Float {
    let base = unit * LabelHistory.width
    let own = unit * nodes
    let raw = UnsafeRawPointer(weights.baseAddress.unsafelyUnwrapped)
    for flag in 0..<LabelHistory.flags {
      var sums = (Lane(), Lane(), Lane())
      for mode in 0..<LabelHistory.modes {
        for last in 0..<LabelHistory.rows {
          let memory = flag * LabelHistory.rows + last
          let state = mode * LabelHistory.perMode + memory
          let mass = mass(forward, unit, state)
          if mass <= 1e-20 { continue }
          sums.0 += raw.loadUnaligned(fromByteOffset: state * 96, as: Lane.self) * mass
          sums.1 += raw.loadUnaligned(fromByteOffset: state * 96 + 32, as: Lane.self) * mass
          sums.2 += raw.loadUnaligned(fromByteOffset: state * 96 + 64, as: Lane.self) * mass
          let toRedundant = 2 * (LabelHistory.perMode + memory)
          let toAssist = 2 * (2 * LabelHistory.perMode + memory)
          forward[own + toRedundant] += odds[base + redundant] * mass * weights[state * 24 + redundant]
          forward[own + toAssist] += odds[base + assist] * mass * weights[state * 24 + assist]
          if unit > 0, mode > 0 || last < LabelHistory.start {
            forward[own + 2 * state + 1] = mass * odds[base + LabelHistory.inside + LabelHistory.label(state)]
          }
        }
      }
      for label in 0..<20 where label != assist {
        let sum = label < 8 ? sums.0[label] : label < 16 ? sums.1[label - 8] : sums.2[label - 16]
        let target = (flag | LabelHistory.flag(label)) * LabelHistory.rows + label
        forward[own + 2 * target] += odds[base + label] * sum
      }
    }
    var sum: Float = 0
    for node in own..<(own + nodes) { sum += forward[node] }
    let scale = 1 / sum
    for node in own..<(own + nodes) { forward[node] *= scale }
    return sum
  }

  /// Goes back by a unit, and adds what its transitions are expected to do to their gradient.
  private static func retreat(
    _ unit: Int, _ weights: UnsafeBufferPointer<Float>, _ odds: UnsafeBufferPointer<Float>,
    _ forward: UnsafeMutableBufferPointer<Float>, _ backward: UnsafeMutableBufferPointer<Float>,
    _ gradient: UnsafeMutableBufferPointer<Float>, _ scale: Float
  ) {
    let base = unit * LabelHistory.width
    let own = unit * nodes
    let raw = UnsafeRawPointer(weights.baseAddress.unsafelyUnwrapped)
    let target = UnsafeMutableRawPointer(gradient.baseAddress.unsafelyUnwrapped)
    for flag in 0..<LabelHistory.flags {
      var values = (Lane(), Lane(), Lane())
      for label in 0..<20 where label != assist {
        let next = (flag | LabelHistory.flag(label)) * LabelHistory.rows + label
        let value = odds[base + label] * backward[own + 2 * next] * scale
        if label < 8 {
          values.0[label] = value
        } else if label < 16 {
          values.1[label - 8] = value
        } else {
          values.2[label - 16] = value
        }
      }
      for last in 0..<LabelHistory.rows {
        let memory = flag * LabelHistory.rows + last
        values.2[redundant - 16] =
          odds[base + redundant] * backward[own + 2 * (LabelHistory.perMode + memory)] * scale
        values.2[assist - 16] =
          odds[base + assist] * backward[own + 2 * (2 * LabelHistory.perMode + memory)] * scale
        for mode in 0..<LabelHistory.modes {
          let state = mode * LabelHistory.perMode + memory
          let mass = mass(forward, unit, state)
          if mass <= 1e-12 {
            if unit > 0 {
              backward[own - nodes + 2 * state] = 0
              backward[own - nodes + 2 * state + 1] = 0
            }
            continue
          }
          var sum = Lane()
          func add(_ value: Lane, _ offset: Int) {
            let product = raw.loadUnaligned(fromByteOffset: state * 96 + offset, as: Lane.self) * value
            sum += product
            let old = target.loadUnaligned(fromByteOffset: state * 96 + offset, as: Lane.self)
            target.storeBytes(of: old - product * mass, toByteOffset: state * 96 + offset, as: Lane.self)
          }
          add(values.0, 0)
          add(values.1, 32)
          add(values.2, 64)
          guard unit > 0 else { continue }
          var total = sum.sum()
          if mode > 0 || last < LabelHistory.start {
            let odd = odds[base + LabelHistory.inside + LabelHistory.label(state)]
            total += odd * backward[own + 2 * state + 1] * scale
          }
          backward[own - nodes + 2 * state] = total
          backward[own - nodes + 2 * state + 1] = total
        }
      }
    }
  }

  /// What each unit is expected to be, taken from what it is.
  private mutating func collect(_ tags: [UInt8]) {
    for unit in 0..<tags.count {
      let base = unit * LabelHistory.width
      for state in 0..<LabelHistory.states {
        let node = unit * LabelLattice.nodes + 2 * state
        let label = LabelHistory.label(state)
        guard label < LabelHistory.start || state >= LabelHistory.perMode else { continue }
        gradient[base + label] -= forward[node] * backward[node]
        gradient[base + LabelHistory.inside + label] -= forward[node + 1] * backward[node + 1]
      }
      gradient[base + Int(tags[unit])] += 1
    }
  }
}
