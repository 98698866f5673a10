import Core
import Geo

/// One cell on the ground: a block between streets, with room for buildings in its middle.
struct CellGround {
  let plan: CityPlan
  let corners: [Coordinate]
  let centre: Coordinate
  /// Metres from the centre to the nearest edge.
  let radius: Double

  init(plan: CityPlan, cell: Int) {
    self.plan = plan
    corners = (0..<6).map { plan.terrain.place(of: plan.lattice.corner($0, of: cell)) }
    let longitude = corners.reduce(0) { $0 + $1.longitude } / 6
    let latitude = corners.reduce(0) { $0 + $1.latitude } / 6
    let centre = Terrain.coordinate(longitude, latitude)
    self.centre = centre
    let points = corners.map { plan.terrain.offset(from: centre, to: $0) }
    var nearest = Double.infinity
    for index in 0..<6 {
      let (a, b) = (points[index], points[(index + 1) % 6])
      let length = ((b.east - a.east) * (b.east - a.east) + (b.north - a.north) * (b.north - a.north)).squareRoot()
      guard length > 0 else { continue }
      nearest = min(nearest, abs(a.east * b.north - a.north * b.east) / length)
    }
    radius = nearest.isFinite ? nearest : 1
  }

  /// The block drawn in a little from its streets.
  func yard() throws -> Polygon {
    let inner = corners.map { corner in
      Terrain.coordinate(
        centre.longitude + (corner.longitude - centre.longitude) * 0.88,
        centre.latitude + (corner.latitude - centre.latitude) * 0.88)
    }
    return Polygon(exterior: try Ring(inner + [inner[0]]))
  }

  /// The `index`-th of `count` building plots, turned like the whole block: its middle and its rectangle.
  func plot(_ index: Int, of count: Int, turn: Int) throws -> (middle: Coordinate, footprint: Polygon) {
    var columns = 1
    while columns * columns < count { columns += 1 }
    let pitch = min(2 * radius * 0.66 / Double(columns), 90)
    let half = Double(columns - 1) / 2
    let (column, row) = (Double(index % columns) - half, Double(index / columns) - half)
    return try rectangle(east: column * pitch, north: row * pitch, width: pitch * 0.74, depth: pitch * 0.42, turn: turn)
  }

  /// A rectangle whose middle lies so many metres from the centre before turning.
  func rectangle(
    east: Double, north: Double, width: Double, depth: Double, turn: Int
  ) throws -> (middle: Coordinate, footprint: Polygon) {
    let (cosine, sine) = CellGround.turns[turn % CellGround.turns.count]
    func place(_ x: Double, _ y: Double) -> Coordinate {
      plan.terrain.place(near: centre, east: x * cosine - y * sine, north: x * sine + y * cosine)
    }
    let (w, d) = (max(width, 4) / 2, max(depth, 4) / 2)
    let ring = [
      place(east - w, north - d), place(east + w, north - d), place(east + w, north + d), place(east - w, north + d),
      place(east - w, north - d),
    ]
    return (place(east, north), Polygon(exterior: try Ring(ring)))
  }

  /// Cosines and sines of a few angles.
  private static let turns = [
    (1.0, 0.0), (0.96, 0.28), (0.96, -0.28), (0.8, 0.6), (0.9230769, 0.3846154), (0.9230769, -0.3846154),
  ]
}
