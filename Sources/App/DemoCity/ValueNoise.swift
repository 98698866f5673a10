import Core

/// A gently rolling random surface: random heights on a square mesh, joined smoothly in between.
struct ValueNoise: Sendable {
  let seed: UInt64
  /// Kilometres from one random height to the next.
  let mesh: Double

  /// The height at a place, from 0 to 1.
  func height(_ x: Double, _ y: Double) -> Double {
    let (column, row) = ((x / mesh).rounded(.down), (y / mesh).rounded(.down))
    let (right, up) = (smooth(x / mesh - column), smooth(y / mesh - row))
    let (c, r) = (Int64(column), Int64(row))
    let lower = random(c, r) * (1 - right) + random(c + 1, r) * right
    let upper = random(c, r + 1) * (1 - right) + random(c + 1, r + 1) * right
    return lower * (1 - up) + upper * up
  }

  private func smooth(_ share: Double) -> Double { share * share * (3 - 2 * share) }

  private func random(_ column: Int64, _ row: Int64) -> Double {
    var random = SeededRandom(seed: seed).stream(UInt64(bitPattern: column &* 1_000_003 &+ row))
    return random.unit()
  }
}
