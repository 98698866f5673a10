/// The weights of all features while they are learned, with the sums of squared gradients of AdaGrad.
final class FeatureWeights {
  private typealias Lane = SIMD16<Float>
  private let count: Int
  private var weights: [SIMD16<Float>]
  private var squares: [SIMD16<Float>]
  private var seen: [Int32]
  /// ``LabelHistory/width`` numbers for each unit.
  private(set) var scores: [Float] = []

  init(count: Int) {
    self.count = count
    weights = [SIMD16<Float>](repeating: .zero, count: count * 3)
    squares = [SIMD16<Float>](repeating: SIMD16(repeating: 0.01), count: count * 3)
    seen = [Int32](repeating: 0, count: count)
  }

  func score(_ features: [Int32], _ offsets: [Int32], _ isKept: [Bool], scale: Float) {
    let units = offsets.count - 1
    scores = [Float](repeating: 0, count: units * LabelHistory.width)
    weights.withUnsafeBufferPointer { weights in
      scores.withUnsafeMutableBytes { scores in
        for unit in 0..<units {
          var sum = (Lane(), Lane(), Lane())
          for index in Int(offsets[unit])..<Int(offsets[unit + 1]) where isKept[index] {
            let row = Int(features[index]) * 3
            sum.0 += weights[row]
            sum.1 += weights[row + 1]
            sum.2 += weights[row + 2]
          }
          scores.storeBytes(of: sum.0 * scale, toByteOffset: unit * 192, as: Lane.self)
          scores.storeBytes(of: sum.1 * scale, toByteOffset: unit * 192 + 64, as: Lane.self)
          scores.storeBytes(of: sum.2 * scale, toByteOffset: unit * 192 + 128, as: Lane.self)
        }
      }
    }
  }

  func learn(
    _ features: [Int32], _ offsets: [Int32], _ isKept: [Bool], _ gradient: [Float], rate: Float, decay: Float,
    step: Int32
  ) {
    weights.withUnsafeMutableBufferPointer { weights in
      squares.withUnsafeMutableBufferPointer { squares in
        gradient.withUnsafeBytes { gradient in
          for unit in 0..<(offsets.count - 1) {
            let g = (
              gradient.loadUnaligned(fromByteOffset: unit * 192, as: Lane.self),
              gradient.loadUnaligned(fromByteOffset: unit * 192 + 64, as: Lane.self),
              gradient.loadUnaligned(fromByteOffset: unit * 192 + 128, as: Lane.self)
            )
            // Most units are soon right; leaving them saves most of the time.
            let least = Swift.min(g.0.min(), g.1.min(), g.2.min())
            let most = Swift.max(g.0.max(), g.1.max(), g.2.max())
            if most < 0.002, least > -0.002 { continue }
            let q = (g.0 * g.0, g.1 * g.1, g.2 * g.2)
            for index in Int(offsets[unit])..<Int(offsets[unit + 1]) where isKept[index] {
              let feature = Int(features[index])
              let row = feature * 3
              let shrink = 1 - decay * Float(step - seen[feature])
              seen[feature] = step
              squares[row] += q.0
              squares[row + 1] += q.1
              squares[row + 2] += q.2
              weights[row] = weights[row] * shrink + g.0 * rate / squares[row].squareRoot()
              weights[row + 1] = weights[row + 1] * shrink + g.1 * rate / squares[row + 1].squareRoot()
              weights[row + 2] = weights[row + 2] * shrink + g.2 * rate / squares[row + 2].squareRoot()
            }
          }
        }
      }
    }
  }

  /// The `limit` features with the largest weights, in the order wanted, with their rows in whole steps.
  func quantised(limit: Int, by isBefore: (Int, Int) -> Bool) -> (kept: [Int], rows: [Int8], step: Float) {
    let sizes = (0..<count).map { feature in
      (0..<3).reduce(Float(0)) { $0 + (weights[feature * 3 + $1] * weights[feature * 3 + $1]).sum() }
    }
    let order = (0..<count).sorted { (sizes[$0], $1) > (sizes[$1], $0) }
    let kept = order.prefix(limit).sorted(by: isBefore)
    // Larger weights are cut off: they are rare, and the next step of training would not miss them.
    let largest: Float = 2.5
    let step = largest / 127
    var rows: [Int8] = []
    rows.reserveCapacity(kept.count * LabelHistory.width)
    for feature in kept {
      for part in 0..<3 {
        let lane = weights[feature * 3 + part]
        for index in 0..<16 { rows.append(Int8((max(-largest, min(largest, lane[index])) / step).rounded())) }
      }
    }
    return (kept, rows, step)
  }
}
