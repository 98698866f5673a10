package import Core
import Glibc

/// A map tile (瓦片) of the scheme that web maps share: 2^z × 2^z squares of Web Mercator, (0, 0) in the north-west.
package struct Tile: Sendable, Hashable {
  package let z: Int
  package let x: Int
  package let y: Int

  package static let deepest = 24

  /// - Throws: ``Refusal`` `tile-invalid` unless 0 ≤ z ≤ 24 and x, y lie in the grid.
  package init(z: Int, x: Int, y: Int) throws(Refusal) {
    guard (0...Tile.deepest).contains(z), (0..<1 << z).contains(x), (0..<1 << z).contains(y) else {
      throw Refusal(.notFound, "tile-invalid", "没有这张地图瓦片。请刷新地图后重试。")
    }
    self.init(unchecked: z, x, y)
  }

  private init(unchecked z: Int, _ x: Int, _ y: Int) {
    self.z = z
    self.x = x
    self.y = y
  }

  /// The tile in which a place lies; beyond 85.05° north or south, the outermost one.
  ///
  /// - Parameter z: from 0 to 24.
  package init(containing place: Coordinate, z: Int) {
    precondition((0...Tile.deepest).contains(z), "zoom out of range")
    let count = Double(1 << z)
    let point = WebMercator(place)
    func index(_ share: Double) -> Int { min(max(Int((share * count).rounded(.down)), 0), (1 << z) - 1) }
    let side = 2 * WebMercator.limit
    self.init(
      unchecked: z, index((point.x + WebMercator.limit) / side), index((WebMercator.limit - point.y) / side))
  }

  /// West, south, east and north in metres of EPSG:3857.
  package var mercatorBounds: (west: Double, south: Double, east: Double, north: Double) {
    let side = 2 * WebMercator.limit / Double(1 << z)
    let west = Double(x) * side - WebMercator.limit
    let north = WebMercator.limit - Double(y) * side
    return (west, north - side, west + side, north)
  }

  /// The tile in degrees of EPSG:4326.
  package var bounds: BoundingBox {
    let (west, south, east, north) = mercatorBounds
    let low = WebMercator(x: west, y: south).coordinate
    let high = WebMercator(x: east, y: north).coordinate
    return BoundingBox(unchecked: low.longitude, low.latitude, high.longitude, high.latitude)
  }

  /// The tile one level up that contains this one; `nil` at level 0.
  package var parent: Tile? { z == 0 ? nil : Tile(unchecked: z - 1, x / 2, y / 2) }

  /// The tiles of level `z` that touch a box, at most `limit` of them.
  ///
  /// - Throws: ``Refusal`` `too-many-tiles`.
  package static func covering(_ box: BoundingBox, z: Int, limit: Int = 4096) throws(Refusal) -> [Tile] {
    let first = Tile(containing: Coordinate(clamping: box.west, box.north), z: z)
    let last = Tile(containing: Coordinate(clamping: box.east, box.south), z: z)
    guard (last.x - first.x + 1) * (last.y - first.y + 1) <= limit else {
      throw Refusal(.tooLarge, "too-many-tiles", "地图范围过大。请放大地图或缩小范围后重试。")
    }
    return (first.y...last.y).flatMap { y in (first.x...last.x).map { Tile(unchecked: z, $0, y) } }
  }
}

/// A point in metres of Web Mercator (EPSG:3857).
package struct WebMercator: Sendable, Hashable {
  package var x: Double
  package var y: Double

  /// Half the side of the world square.
  package static let limit = Double.pi * Ellipsoid.semiMajorAxis

  package init(x: Double, y: Double) {
    self.x = x
    self.y = y
  }

  /// Latitudes beyond 85.05° come out at the edge of the square.
  package init(_ place: Coordinate) {
    x = place.longitude / 180 * WebMercator.limit
    let sine = sin(place.latitude * .pi / 180)
    let height = Ellipsoid.semiMajorAxis * atanh(min(max(sine, -0.999_999_999), 0.999_999_999))
    y = min(max(height, -WebMercator.limit), WebMercator.limit)
  }

  package var coordinate: Coordinate {
    Coordinate(
      clamping: x / WebMercator.limit * 180, atan(sinh(y / Ellipsoid.semiMajorAxis)) * 180 / .pi)
  }
}
