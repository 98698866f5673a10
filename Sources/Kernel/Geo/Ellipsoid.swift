import Glibc

/// The ellipsoid of WGS-84; that of CGCS2000 differs by a tenth of a millimetre.
enum Ellipsoid {
  static let semiMajorAxis = 6_378_137.0
  static let flattening = 1 / 298.257_223_563
  static let semiMinorAxis = semiMajorAxis * (1 - flattening)
  static let eccentricitySquared = flattening * (2 - flattening)
  /// The sphere that haversine uses (IUGG mean radius).
  static let meanRadius = 6_371_008.8

  /// The area between the equator and a latitude over one radian of longitude, in square metres (authalic integral).
  static func zone(to latitude: Double) -> Double {
    let sine = sin(latitude * .pi / 180)
    let eccentricity = eccentricitySquared.squareRoot()
    let product = eccentricity * sine
    let integral = sine / (1 - product * product) + atanh(product) / eccentricity
    return semiMinorAxis * semiMinorAxis / 2 * integral
  }
}

extension Coordinate {
  /// Distance on the mean sphere in metres; up to half a percent off, and quick.
  package func haversineDistance(to other: Coordinate) -> Double {
    let (a, b) = (latitude * .pi / 180, other.latitude * .pi / 180)
    let sineLatitude = sin((b - a) / 2)
    let sineLongitude = sin((other.longitude - longitude) * .pi / 360)
    let square = sineLatitude * sineLatitude + cos(a) * cos(b) * sineLongitude * sineLongitude
    return 2 * Ellipsoid.meanRadius * asin(min(1, square.squareRoot()))
  }

  /// The place so many metres away in a direction, in degrees from north, clockwise; on the mean sphere.
  package func moved(by metres: Double, towards bearing: Double) -> Coordinate {
    let (way, turn) = (metres / Ellipsoid.meanRadius, bearing * .pi / 180)
    let from = latitude * .pi / 180
    let to = asin(sin(from) * cos(way) + cos(from) * sin(way) * cos(turn))
    let east = atan2(sin(turn) * sin(way) * cos(from), cos(way) - sin(from) * sin(to))
    return Coordinate(clamping: longitude + east * 180 / .pi, to * 180 / .pi)
  }

  /// The middle of the great circle to another place less than half the earth away.
  func midpoint(to other: Coordinate) -> Coordinate {
    let (a, b) = (latitude * .pi / 180, other.latitude * .pi / 180)
    let turn = (other.longitude - longitude) * .pi / 180
    let (x, y) = (cos(b) * cos(turn), cos(b) * sin(turn))
    let middle = atan2(sin(a) + sin(b), ((cos(a) + x) * (cos(a) + x) + y * y).squareRoot())
    return Coordinate(clamping: longitude + atan2(y, cos(a) + x) * 180 / .pi, middle * 180 / .pi)
  }

  /// Distance on the ellipsoid in metres, to the millimetre (Vincenty 1975); nearly opposite places of the earth, where
  /// the method does not converge, get the haversine distance.
  package func distance(to other: Coordinate) -> Double {
    guard self != other else { return 0 }
    let f = Ellipsoid.flattening
    let difference = (other.longitude - longitude) * .pi / 180
    let u1 = atan((1 - f) * tan(latitude * .pi / 180))
    let u2 = atan((1 - f) * tan(other.latitude * .pi / 180))
    let (sinU1, cosU1, sinU2, cosU2) = (sin(u1), cos(u1), sin(u2), cos(u2))
    var lambda = difference
    for _ in 0..<100 {
      let (sinLambda, cosLambda) = (sin(lambda), cos(lambda))
      let across = cosU2 * sinLambda
      let along = cosU1 * sinU2 - sinU1 * cosU2 * cosLambda
      let sinSigma = (across * across + along * along).squareRoot()
      guard sinSigma > 0 else { return 0 }
      let cosSigma = sinU1 * sinU2 + cosU1 * cosU2 * cosLambda
      let sigma = atan2(sinSigma, cosSigma)
      let sinAlpha = cosU1 * cosU2 * sinLambda / sinSigma
      let cosSquared = 1 - sinAlpha * sinAlpha
      let middle = cosSquared > 1e-15 ? cosSigma - 2 * sinU1 * sinU2 / cosSquared : 0
      let c = f / 16 * cosSquared * (4 + f * (4 - 3 * cosSquared))
      let inner = middle + c * cosSigma * (2 * middle * middle - 1)
      let next = difference + (1 - c) * f * sinAlpha * (sigma + c * sinSigma * inner)
      guard abs(next - lambda) > 1e-13 else {
        return Coordinate.length(sigma, sinSigma, cosSigma, middle, cosSquared)
      }
      lambda = next
      if abs(lambda) > .pi { break }
    }
    return haversineDistance(to: other)
  }

  private static func length(
    _ sigma: Double, _ sinSigma: Double, _ cosSigma: Double, _ middle: Double, _ cosSquared: Double
  ) -> Double {
    let b = Ellipsoid.semiMinorAxis
    let square = cosSquared * (Ellipsoid.semiMajorAxis * Ellipsoid.semiMajorAxis - b * b) / (b * b)
    let major = 1 + square / 16384 * (4096 + square * (-768 + square * (320 - 175 * square)))
    let minor = square / 1024 * (256 + square * (-128 + square * (74 - 47 * square)))
    let last = minor / 6 * middle * (4 * sinSigma * sinSigma - 3) * (4 * middle * middle - 3)
    let inner = cosSigma * (2 * middle * middle - 1) - last
    return b * major * (sigma - minor * sinSigma * (middle + minor / 4 * inner))
  }
}
