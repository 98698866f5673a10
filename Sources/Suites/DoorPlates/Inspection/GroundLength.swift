import Core
package import Entities
import Geo

/// Lengths on the ground as the registers keep them.
package enum GroundLength {
  /// Metres, rounded to a tenth: what a telephone measures is no better.
  package static func metres(_ length: Double) -> Value {
    guard length.isFinite, length >= 0, length < 1e8 else { return .null }
    return .decimal(FixedDecimal(millionths: Int64((length * 10).rounded()) * 100_000))
  }

  /// Metres between two places; `nil` unless both are known.
  static func distance(_ a: Value, _ b: Value) -> Double? {
    guard let a = a.point, let b = b.point else { return nil }
    return a.distance(to: b)
  }
}
