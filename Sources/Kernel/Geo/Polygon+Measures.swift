extension Polygon {
  /// In square metres on the ellipsoid, with the shortest ways between vertices as edges, as PostGIS measures
  /// geography; to a few parts in a million.
  package var area: Double {
    abs(Polygon.area(exterior)) - holes.reduce(0) { $0 + abs(Polygon.area($1)) }
  }

  private static func area(_ ring: Ring) -> Double {
    let base = ring.coordinates.first.map { Ellipsoid.zone(to: $0.latitude) } ?? 0
    return zip(ring.coordinates, ring.coordinates.dropFirst()).reduce(0) { sum, edge in
      sum + strip(under: edge.0, edge.1, base, depth: 0)
    }
  }

  /// The area between an edge and a parallel, on an equal-area cylinder. An edge is straight there only while it is
  /// short, so a long one is halved on the great circle.
  private static func strip(under a: Coordinate, _ b: Coordinate, _ base: Double, depth: Int) -> Double {
    if depth < 16, a.haversineDistance(to: b) > 500 {
      let middle = a.midpoint(to: b)
      return strip(under: a, middle, base, depth: depth + 1) + strip(under: middle, b, base, depth: depth + 1)
    }
    let width = (a.longitude - b.longitude) * .pi / 180
    return width * (Ellipsoid.zone(to: a.latitude) + Ellipsoid.zone(to: b.latitude) - 2 * base) / 2
  }

  /// The centre of area, holes left out; it may lie outside a bent shape, see ``labelPoint``.
  package var centroid: Coordinate {
    guard let origin = exterior.coordinates.first else { return Coordinate(clamping: 0, 0) }
    var (sum, x, y) = (0.0, 0.0, 0.0)
    for ring in rings {
      for (a, b) in zip(ring.coordinates, ring.coordinates.dropFirst()) {
        let (ax, ay) = (a.longitude - origin.longitude, a.latitude - origin.latitude)
        let (bx, by) = (b.longitude - origin.longitude, b.latitude - origin.latitude)
        let cross = ax * by - bx * ay
        sum += cross
        x += (ax + bx) * cross
        y += (ay + by) * cross
      }
    }
    guard sum != 0 else { return bounds.center }
    return Coordinate(clamping: origin.longitude + x / (3 * sum), origin.latitude + y / (3 * sum))
  }

  package var bounds: BoundingBox {
    BoundingBox(around: exterior.coordinates) ?? BoundingBox(unchecked: 0, 0, 0, 0)
  }

  /// Whether the place lies inside or on the boundary, holes left out.
  package func contains(_ place: Coordinate) -> Bool {
    guard bounds.contains(place), exterior.position(of: place) != .outside else { return false }
    return holes.allSatisfy { $0.position(of: place) != .inside }
  }

  /// A place inside for a name or a plate: the centroid, or else the middle of the widest part at its latitude.
  package var labelPoint: Coordinate {
    let center = centroid
    guard !contains(center) else { return center }
    for latitude in [center.latitude, bounds.center.latitude] {
      var crossings: [Double] = []
      for ring in rings {
        for (a, b) in zip(ring.coordinates, ring.coordinates.dropFirst())
        where (a.latitude > latitude) != (b.latitude > latitude) {
          let share = (latitude - a.latitude) / (b.latitude - a.latitude)
          crossings.append(a.longitude + share * (b.longitude - a.longitude))
        }
      }
      crossings.sort()
      let spans = stride(from: 0, to: crossings.count - 1, by: 2).map { (crossings[$0], crossings[$0 + 1]) }
      if let widest = spans.max(by: { $0.1 - $0.0 < $1.1 - $1.0 }) {
        return Coordinate(clamping: (widest.0 + widest.1) / 2, latitude)
      }
    }
    return exterior.coordinates.first ?? center
  }
}

extension Ring {
  enum Position { case inside, boundary, outside }

  /// Counts how often a ray to the east crosses the ring.
  func position(of place: Coordinate) -> Position {
    var inside = false
    for (a, b) in zip(coordinates, coordinates.dropFirst()) {
      let (ax, ay) = (a.longitude - place.longitude, a.latitude - place.latitude)
      let (bx, by) = (b.longitude - place.longitude, b.latitude - place.latitude)
      let cross = ax * by - bx * ay
      if cross == 0, ax * bx <= 0, ay * by <= 0 { return .boundary }
      if (ay > 0) != (by > 0), (cross > 0) == (by > ay) { inside.toggle() }
    }
    return inside ? .inside : .outside
  }
}

extension Geometry {
  /// In square metres; 0 for points and lines.
  package var area: Double {
    switch self {
    case .polygon(let polygon): polygon.area
    case .polygons(let polygons): polygons.reduce(0) { $0 + $1.area }
    default: 0
    }
  }

  /// A place on the shape for a name, a plate or a marker.
  package var labelPoint: Coordinate {
    switch self {
    case .point(let place): place
    case .polygon(let polygon): polygon.labelPoint
    case .polygons(let polygons): polygons.max { $0.area < $1.area }?.labelPoint ?? bounds.center
    case .line(let line): line.coordinates[line.coordinates.count / 2]
    case .lines(let lines):
      lines.max { $0.length < $1.length }.map { $0.coordinates[$0.coordinates.count / 2] } ?? bounds.center
    case .points(let places): places.first ?? bounds.center
    }
  }

  /// Whether the place lies in one of the areas; points and lines contain nothing.
  package func contains(_ place: Coordinate) -> Bool {
    switch self {
    case .polygon(let polygon): polygon.contains(place)
    case .polygons(let polygons): polygons.contains { $0.contains(place) }
    default: false
    }
  }
}
