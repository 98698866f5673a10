/// Finds where a ring crosses or touches itself.
enum RingCrossing {
  private struct Edge {
    let index: Int
    let from: Coordinate
    let to: Coordinate
    var west: Double { min(from.longitude, to.longitude) }
    var east: Double { max(from.longitude, to.longitude) }
    var south: Double { min(from.latitude, to.latitude) }
    var north: Double { max(from.latitude, to.latitude) }
  }

  /// Pairs compared at most; what a shape from outside leaves unchecked beyond it, PostGIS still checks.
  private static let budget = 20_000_000

  /// Compares each edge with those that overlap it from west to east.
  ///
  /// - Complexity: O(n log n) for the shapes of buildings and districts, bounded for hostile ones.
  static func first(in ring: [Coordinate]) -> Coordinate? {
    let vertices = ring.indices.filter { $0 == 0 || ring[$0] != ring[$0 - 1] }.map { ring[$0] }
    let count = vertices.count - 1
    guard count >= 3 else { return vertices.first }
    let edges = (0..<count).map { Edge(index: $0, from: vertices[$0], to: vertices[$0 + 1]) }
      .sorted { $0.west < $1.west }
    var active: [Edge] = []
    var compared = 0
    for edge in edges {
      active.removeAll { $0.east < edge.west }
      compared += active.count
      guard compared <= budget else { return nil }
      for other in active where other.south <= edge.north && edge.south <= other.north {
        if let place = meeting(edge, other, count) { return place }
      }
      active.append(edge)
    }
    return nil
  }

  /// A place that two edges share and should not.
  private static func meeting(_ a: Edge, _ b: Edge, _ count: Int) -> Coordinate? {
    let (first, second) = a.index < b.index ? (a, b) : (b, a)
    if second.index - first.index == 1 { return foldsBack(first.from, first.to, second.to) ? second.from : nil }
    if first.index == 0, second.index == count - 1 {
      return foldsBack(second.from, second.to, first.to) ? first.from : nil
    }
    let (d1, d2) = (side(b.from, b.to, a.from), side(b.from, b.to, a.to))
    let (d3, d4) = (side(a.from, a.to, b.from), side(a.from, a.to, b.to))
    if d1 * d2 < 0, d3 * d4 < 0 {
      let share = d1 / (d1 - d2)
      return Coordinate(
        clamping: a.from.longitude + share * (a.to.longitude - a.from.longitude),
        a.from.latitude + share * (a.to.latitude - a.from.latitude))
    }
    for (distance, edge, place) in [(d1, b, a.from), (d2, b, a.to), (d3, a, b.from), (d4, a, b.to)]
    where distance == 0 && within(edge, place) {
      return place
    }
    return nil
  }

  /// Whether the way from `a` over `b` to `c` runs back on itself.
  private static func foldsBack(_ a: Coordinate, _ b: Coordinate, _ c: Coordinate) -> Bool {
    let along =
      (a.longitude - b.longitude) * (c.longitude - b.longitude) + (a.latitude - b.latitude) * (c.latitude - b.latitude)
    return side(a, b, c) == 0 && along > 0
  }

  private static func within(_ edge: Edge, _ place: Coordinate) -> Bool {
    place.longitude >= edge.west && place.longitude <= edge.east && place.latitude >= edge.south
      && place.latitude <= edge.north
  }

  private static func side(_ a: Coordinate, _ b: Coordinate, _ c: Coordinate) -> Double {
    (b.longitude - a.longitude) * (c.latitude - a.latitude) - (b.latitude - a.latitude) * (c.longitude - a.longitude)
  }
}
