package import Core

/// A shape on the ground (几何图形); every value is valid in itself, see the initialisers of its parts.
package enum Geometry: Sendable, Hashable {
  case point(Coordinate)
  case line(Line)
  case polygon(Polygon)
  case points([Coordinate])
  case lines([Line])
  case polygons([Polygon])

  /// How many vertices a shape from outside may have.
  package static let vertexLimit = 100_000

  /// All vertices, in order.
  package var coordinates: [Coordinate] {
    switch self {
    case .point(let place): [place]
    case .line(let line): line.coordinates
    case .polygon(let polygon): polygon.coordinates
    case .points(let places): places
    case .lines(let lines): lines.flatMap(\.coordinates)
    case .polygons(let polygons): polygons.flatMap(\.coordinates)
    }
  }

  package var bounds: BoundingBox {
    BoundingBox(around: coordinates) ?? BoundingBox(unchecked: 0, 0, 0, 0)
  }

  /// The name in GeoJSON and in PostGIS.
  package var typeName: String {
    switch self {
    case .point: "Point"
    case .line: "LineString"
    case .polygon: "Polygon"
    case .points: "MultiPoint"
    case .lines: "MultiLineString"
    case .polygons: "MultiPolygon"
    }
  }
}

/// A line of two or more places (线).
package struct Line: Sendable, Hashable {
  package let coordinates: [Coordinate]

  /// - Throws: ``Refusal`` `line-too-short`.
  package init(_ coordinates: [Coordinate]) throws(Refusal) {
    guard coordinates.count >= 2 else {
      throw Refusal(.invalid, "line-too-short", "线至少要有两个点。请补画后重新提交。")
    }
    self.coordinates = coordinates
  }

  /// In metres on the ellipsoid.
  package var length: Double { zip(coordinates, coordinates.dropFirst()).reduce(0) { $0 + $1.0.distance(to: $1.1) } }
}

/// A closed line that does not cross itself (环): the first place is repeated at the end.
package struct Ring: Sendable, Hashable {
  package let coordinates: [Coordinate]

  /// - Throws: ``Refusal`` `ring-open`, `ring-too-short`, `ring-flat`, `ring-crossing`.
  package init(_ coordinates: [Coordinate]) throws(Refusal) {
    guard coordinates.count >= 4 else {
      throw Refusal(.invalid, "ring-too-short", "面的边界至少要有三个点。请补画后重新提交。")
    }
    guard coordinates.first == coordinates.last else {
      throw Refusal(.invalid, "ring-open", "面的边界没有闭合，最后一个点应与第一个点相同。请改正后重新提交。")
    }
    guard Ring.planarArea(coordinates) != 0 else {
      throw Refusal(.invalid, "ring-flat", "面的边界没有围出面积。请重新画后提交。")
    }
    if let crossing = RingCrossing.first(in: coordinates) {
      throw Refusal(
        .invalid, "ring-crossing",
        "面的边界在 \(crossing.rounded.longitude),\(crossing.rounded.latitude) 附近与自身相交。请改正后重新提交。")
    }
    self.coordinates = coordinates
  }

  private init(reversing ring: Ring) { coordinates = ring.coordinates.reversed() }

  /// Twice the signed area in square degrees: positive when the ring runs counter-clockwise.
  static func planarArea(_ coordinates: [Coordinate]) -> Double {
    guard let origin = coordinates.first else { return 0 }
    return zip(coordinates, coordinates.dropFirst()).reduce(0) { sum, edge in
      sum + (edge.0.longitude - origin.longitude) * (edge.1.latitude - origin.latitude)
        - (edge.1.longitude - origin.longitude) * (edge.0.latitude - origin.latitude)
    }
  }

  var isCounterClockwise: Bool { Ring.planarArea(coordinates) > 0 }

  func oriented(counterClockwise: Bool) -> Ring {
    isCounterClockwise == counterClockwise ? self : Ring(reversing: self)
  }
}

/// An area with a boundary and perhaps holes (面). The boundary is kept counter-clockwise and holes clockwise
/// (RFC 7946 §3.1.6).
package struct Polygon: Sendable, Hashable {
  package let exterior: Ring
  package let holes: [Ring]

  package init(exterior: Ring, holes: [Ring] = []) {
    self.exterior = exterior.oriented(counterClockwise: true)
    self.holes = holes.map { $0.oriented(counterClockwise: false) }
  }

  package init(_ box: BoundingBox) throws(Refusal) {
    let corners = [
      Coordinate(clamping: box.west, box.south), Coordinate(clamping: box.east, box.south),
      Coordinate(clamping: box.east, box.north), Coordinate(clamping: box.west, box.north),
      Coordinate(clamping: box.west, box.south),
    ]
    self.init(exterior: try Ring(corners))
  }

  var rings: [Ring] { [exterior] + holes }

  package var coordinates: [Coordinate] { rings.flatMap(\.coordinates) }
}
