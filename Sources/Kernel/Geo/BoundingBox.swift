package import Core
import Glibc

/// A rectangle between meridians and parallels (范围); it does not cross the 180th meridian.
package struct BoundingBox: Sendable, Hashable {
  package let west: Double
  package let south: Double
  package let east: Double
  package let north: Double

  /// - Throws: ``Refusal`` `bounds-invalid` unless west ≤ east and south ≤ north within the earth's range.
  package init(west: Double, south: Double, east: Double, north: Double) throws(Refusal) {
    guard west.isFinite, east.isFinite, south.isFinite, north.isFinite, west >= -180, east <= 180, south >= -90,
      north <= 90, west <= east, south <= north
    else {
      throw Refusal(.invalid, "bounds-invalid", "地图范围无效，应为“西,南,东,北”四个经纬度。请重新选择范围。")
    }
    self.init(unchecked: west, south, east, north)
  }

  init(unchecked west: Double, _ south: Double, _ east: Double, _ north: Double) {
    self.west = west
    self.south = south
    self.east = east
    self.north = north
  }

  /// Reads `west,south,east,north`, as the `bbox` parameter of OGC API Features.
  ///
  /// - Throws: ``Refusal`` `bounds-invalid`.
  package init(_ text: String) throws(Refusal) {
    let numbers = text.split(separator: ",").map { Double($0.filter { $0 != " " }) ?? .nan }
    let four = numbers.count == 4 ? numbers : Array(repeating: .nan, count: 4)
    try self.init(west: four[0], south: four[1], east: four[2], north: four[3])
  }

  /// The smallest box around some places, or `nil` without any.
  package init?(around places: some Sequence<Coordinate>) {
    var (west, south, east, north) = (Double.infinity, Double.infinity, -Double.infinity, -Double.infinity)
    for place in places {
      (west, east) = (min(west, place.longitude), max(east, place.longitude))
      (south, north) = (min(south, place.latitude), max(north, place.latitude))
    }
    guard west <= east else { return nil }
    self.init(unchecked: west, south, east, north)
  }

  package var center: Coordinate { Coordinate(clamping: (west + east) / 2, (south + north) / 2) }

  /// Whether the place lies inside or on the edge.
  package func contains(_ place: Coordinate) -> Bool {
    place.longitude >= west && place.longitude <= east && place.latitude >= south && place.latitude <= north
  }

  package func intersects(_ other: BoundingBox) -> Bool {
    west <= other.east && other.west <= east && south <= other.north && other.south <= north
  }

  package func union(_ other: BoundingBox) -> BoundingBox {
    BoundingBox(
      unchecked: min(west, other.west), min(south, other.south), max(east, other.east), max(north, other.north))
  }

  /// The box grown by at least `metres` on each side, for a search by distance that an index can begin.
  package func expanded(metres: Double) -> BoundingBox {
    let degrees = metres / 110_500
    let widest = max(abs(south), abs(north)) + degrees
    let longitudes = widest >= 89.9 ? 360 : degrees / cos(widest * .pi / 180)
    return BoundingBox(
      unchecked: max(-180, west - longitudes), max(-90, south - degrees), min(180, east + longitudes),
      min(90, north + degrees))
  }
}
