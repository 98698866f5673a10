import Geo

/// Answers quickly whether a place lies inside a closed line, by looking only at edges that cross the place's latitude.
struct BandedOutline {
  private struct Edge {
    let x1: Double
    let y1: Double
    let x2: Double
    let y2: Double
  }

  private var bands: [[Edge]]
  private let south: Double
  private let height: Double

  init(_ ring: Ring) {
    let places = ring.coordinates
    let lowest = places.reduce(90) { min($0, $1.latitude) }
    let highest = places.reduce(-90) { max($0, $1.latitude) }
    let count = 128
    south = lowest
    height = max(highest - lowest, 1e-9) / Double(count)
    bands = [[Edge]](repeating: [], count: count)
    for index in 1..<places.count {
      let (a, b) = (places[index - 1], places[index])
      let edge = Edge(x1: a.longitude, y1: a.latitude, x2: b.longitude, y2: b.latitude)
      let first = band(min(a.latitude, b.latitude))
      for number in first...max(first, band(max(a.latitude, b.latitude))) { bands[number].append(edge) }
    }
  }

  /// Counts how often a ray to the east crosses the line.
  func contains(_ place: Coordinate) -> Bool {
    guard place.latitude >= south, place.latitude <= south + height * Double(bands.count) else { return false }
    var isInside = false
    for edge in bands[band(place.latitude)] where (edge.y1 > place.latitude) != (edge.y2 > place.latitude) {
      let x = edge.x1 + (place.latitude - edge.y1) / (edge.y2 - edge.y1) * (edge.x2 - edge.x1)
      if x > place.longitude { isInside.toggle() }
    }
    return isInside
  }

  private func band(_ latitude: Double) -> Int {
    min(bands.count - 1, max(0, Int((latitude - south) / height)))
  }
}
