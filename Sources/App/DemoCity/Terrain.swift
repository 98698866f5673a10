import Core
import Geo

/// Where the corners of the lattice lie on the ground.
///
/// Corners are shifted a little at random, then drawn together around the seats of the counties, so that cells are small
/// where many people live. Both keep neighbours in order: no cell folds, and cells that share a corner on the lattice
/// share it on the ground to the last digit.
struct Terrain: Sendable {
  /// An urban core: cells in its middle are drawn together to `least` of their width, those at `reach` kilometres keep it.
  struct Core: Sendable {
    let x: Double
    let y: Double
    let reach: Double
    let least: Double
  }

  static let kilometresPerDegree = 110.9

  /// Kilometres from one step of lattice x and y to the next.
  let stepX: Double
  let stepY: Double
  /// The ground position of lattice (0, 0) in kilometres from `origin`.
  let originX: Double
  let originY: Double
  let centreLongitude: Double
  let centreLatitude: Double
  let cores: [Core]
  let seed: UInt64

  private var kilometresPerLongitude: Double { Terrain.cosine(centreLatitude) * 111.32 }

  /// The place of a corner on the ground, rounded to seven decimals; always the same for the same corner.
  func place(of corner: HexLattice.Point) -> Coordinate {
    var random = SeededRandom(
      seed: seed ^ UInt64(UInt32(bitPattern: corner.x)) << 32 | UInt64(UInt32(bitPattern: corner.y)))
    let angleX = random.unit() - 0.5
    let angleY = random.unit() - 0.5
    return place(
      x: originX + (Double(corner.x) + angleX * 0.7) * stepX, y: originY + (Double(corner.y) + angleY * 0.8) * stepY)
  }

  /// The place of a cell's centre before any corner is shifted.
  func centre(of cell: HexLattice.Point) -> Coordinate {
    place(x: originX + Double(cell.x) * stepX, y: originY + Double(cell.y) * stepY)
  }

  private func place(x: Double, y: Double) -> Coordinate {
    var (x, y) = (x, y)
    for core in cores { (x, y) = Terrain.drawn(x, y, to: core) }
    return Terrain.coordinate(
      x / kilometresPerLongitude + centreLongitude, y / Terrain.kilometresPerDegree + centreLatitude)
  }

  func kilometres(_ place: Coordinate) -> (x: Double, y: Double) {
    (
      (place.longitude - centreLongitude) * kilometresPerLongitude,
      (place.latitude - centreLatitude) * Terrain.kilometresPerDegree
    )
  }

  /// A place near `place`, so many metres to the east and north.
  func place(near place: Coordinate, east: Double, north: Double) -> Coordinate {
    Terrain.coordinate(
      place.longitude + east / 1000 / kilometresPerLongitude,
      place.latitude + north / 1000 / Terrain.kilometresPerDegree)
  }

  /// Metres from `a` to `b` on the flat sheet; good enough within a cell.
  func offset(from a: Coordinate, to b: Coordinate) -> (east: Double, north: Double) {
    (
      (b.longitude - a.longitude) * kilometresPerLongitude * 1000,
      (b.latitude - a.latitude) * Terrain.kilometresPerDegree * 1000
    )
  }

  /// Inside the disc everything is drawn towards its middle, most strongly there and less and less outwards.
  private static func drawn(_ x: Double, _ y: Double, to core: Core) -> (Double, Double) {
    let (dx, dy) = (x - core.x, y - core.y)
    let share = (dx * dx + dy * dy) / (core.reach * core.reach)
    guard share < 1 else { return (x, y) }
    let least = core.least * core.least
    let factor = (least + (1 - least) * share).squareRoot()
    return (core.x + dx * factor, core.y + dy * factor)
  }

  /// Rounded to seven decimals, so that text and binary forms agree. The city lies far from the edges of the range.
  static func coordinate(_ longitude: Double, _ latitude: Double) -> Coordinate {
    let place = try? Coordinate(
      longitude: (longitude * 1e7).rounded() / 1e7, latitude: (latitude * 1e7).rounded() / 1e7)
    guard let place else { preconditionFailure("a place of the demo city lies off the earth") }
    return place
  }

  /// Cosine of degrees by its series; exact to twelve digits here and the same on every machine.
  static func cosine(_ degrees: Double) -> Double {
    let x = degrees * 3.141592653589793 / 180
    var term = 1.0
    var sum = 1.0
    for n in 1...12 {
      term *= -x * x / Double((2 * n - 1) * 2 * n)
      sum += term
    }
    return sum
  }
}
