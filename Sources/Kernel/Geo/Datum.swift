package import Core
import Glibc

/// The coordinate systems that Chinese maps use (坐标系).
package enum Datum: String, Sendable, Hashable, CaseIterable {
  /// GPS, BeiDou, 天地图 and everything stored.
  case wgs84
  /// 国测局坐标, shifted by a published-by-nobody, well-known formula: 高德, 腾讯.
  case gcj02
  /// 百度坐标, GCJ-02 shifted once more.
  case bd09
}

extension Coordinate {
  /// Takes numbers in any of the systems.
  ///
  /// - Throws: ``Refusal`` `coordinate-invalid`.
  package init(longitude: Double, latitude: Double, in datum: Datum) throws(Refusal) {
    let given = try Coordinate(longitude: longitude, latitude: latitude)
    switch datum {
    case .wgs84: self = given
    case .gcj02: self = Coordinate(DatumShift.wgs84(fromGCJ02: given.pair))
    case .bd09: self = Coordinate(DatumShift.wgs84(fromGCJ02: DatumShift.gcj02(fromBD09: given.pair)))
    }
  }

  /// The numbers of this place in another system, for a map that uses it. Never store them.
  package func position(in datum: Datum) -> (longitude: Double, latitude: Double) {
    switch datum {
    case .wgs84: (longitude, latitude)
    case .gcj02: DatumShift.gcj02(fromWGS84: pair)
    case .bd09: DatumShift.bd09(fromGCJ02: DatumShift.gcj02(fromWGS84: pair))
    }
  }

  private var pair: DatumShift.Pair { (longitude, latitude) }

  private init(_ pair: DatumShift.Pair) { self.init(clamping: pair.longitude, pair.latitude) }

  /// Whether the shift applies here: the rectangle that all map providers use for China, which is not its border.
  package var isInShiftedArea: Bool { DatumShift.applies(pair) }
}

/// The formulas between the systems; the inverses iterate until they agree to less than a hundredth of a millimetre.
enum DatumShift {
  typealias Pair = (longitude: Double, latitude: Double)

  // The ellipsoid of Krasovsky (1940).
  private static let semiMajorAxis = 6_378_245.0
  private static let eccentricitySquared = 0.006_693_421_622_965_943_23
  private static let baiduTurn = Double.pi * 3000 / 180

  static func applies(_ place: Pair) -> Bool {
    (72.004...137.8347).contains(place.longitude) && (0.8293...55.8271).contains(place.latitude)
  }

  static func gcj02(fromWGS84 place: Pair) -> Pair {
    guard applies(place) else { return place }
    let shift = shift(at: place)
    return (place.longitude + shift.longitude, place.latitude + shift.latitude)
  }

  static func wgs84(fromGCJ02 place: Pair) -> Pair {
    guard applies(place) else { return place }
    return invert(place) { candidate in
      let shift = shift(at: candidate)
      return (candidate.longitude + shift.longitude, candidate.latitude + shift.latitude)
    }
  }

  static func bd09(fromGCJ02 place: Pair) -> Pair {
    let (x, y) = place
    let radius = (x * x + y * y).squareRoot() + 0.00002 * sin(y * baiduTurn)
    let angle = atan2(y, x) + 0.000003 * cos(x * baiduTurn)
    return (radius * cos(angle) + 0.0065, radius * sin(angle) + 0.006)
  }

  static func gcj02(fromBD09 place: Pair) -> Pair { invert(place, bd09(fromGCJ02:)) }

  /// Finds what `forward` takes to `target`; the shifts change by less than a percent a step, so a few steps suffice.
  private static func invert(_ target: Pair, _ forward: (Pair) -> Pair) -> Pair {
    var candidate = target
    for _ in 0..<30 {
      let reached = forward(candidate)
      let error = (target.longitude - reached.longitude, target.latitude - reached.latitude)
      candidate = (candidate.longitude + error.0, candidate.latitude + error.1)
      if abs(error.0) < 1e-12, abs(error.1) < 1e-12 { break }
    }
    return candidate
  }

  /// The offset of GCJ-02 from WGS-84 in degrees.
  private static func shift(at place: Pair) -> Pair {
    let x = place.longitude - 105
    let y = place.latitude - 35
    let root = abs(x).squareRoot()
    let waves = (20 * sin(6 * x * .pi) + 20 * sin(2 * x * .pi)) * 2 / 3
    var north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    north += (20 * sin(y * .pi) + 40 * sin(y / 3 * .pi)) * 2 / 3
    north += (160 * sin(y / 12 * .pi) + 320 * sin(y * .pi / 30)) * 2 / 3
    var east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    east += (20 * sin(x * .pi) + 40 * sin(x / 3 * .pi)) * 2 / 3
    east += (150 * sin(x / 12 * .pi) + 300 * sin(x / 30 * .pi)) * 2 / 3

    let radians = place.latitude / 180 * .pi
    let flattening = 1 - eccentricitySquared * sin(radians) * sin(radians)
    let meridian = semiMajorAxis * (1 - eccentricitySquared) / (flattening * flattening.squareRoot())
    let parallel = semiMajorAxis / flattening.squareRoot() * cos(radians)
    return (east * 180 / (parallel * .pi), north * 180 / (meridian * .pi))
  }
}
