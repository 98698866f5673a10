/// Groups places by a grid of the map's pixels, for markers that would overlap (聚合).
package struct ClusterGrid: Sendable, Hashable {
  /// A cell of the grid; the same for every request at one zoom, so markers do not jump when the map moves.
  package struct Cell: Sendable, Hashable {
    package let column: Int
    package let row: Int
  }

  /// The places of one cell.
  package struct Cluster: Sendable, Hashable {
    package let cell: Cell
    package let count: Int
    /// The mean of the places.
    package let center: Coordinate
    package let bounds: BoundingBox
  }

  package let z: Int
  private let cells: Double

  /// - Parameters:
  ///   - z: the zoom of the map, from 0 to 24.
  ///   - pixels: the side of a cell on a map of 256-pixel tiles.
  package init(z: Int, pixels: Int = 64) {
    precondition((0...Tile.deepest).contains(z) && pixels > 0, "zoom or cell out of range")
    self.z = z
    cells = Double(1 << z) * 256 / Double(pixels)
  }

  package func cell(of place: Coordinate) -> Cell {
    let point = WebMercator(place)
    let side = 2 * WebMercator.limit
    return Cell(
      column: Int(((point.x + WebMercator.limit) / side * cells).rounded(.down)),
      row: Int(((WebMercator.limit - point.y) / side * cells).rounded(.down)))
  }

  /// The clusters of some places, the largest first.
  ///
  /// - Complexity: O(n).
  package func clusters(_ places: some Sequence<Coordinate>) -> [Cluster] {
    struct Sum {
      var count = 0
      var longitude = 0.0
      var latitude = 0.0
      var bounds: BoundingBox
    }
    var sums: [Cell: Sum] = [:]
    for place in places {
      let point = BoundingBox(unchecked: place.longitude, place.latitude, place.longitude, place.latitude)
      let cell = cell(of: place)
      var sum = sums[cell] ?? Sum(bounds: point)
      sum.count += 1
      sum.longitude += place.longitude
      sum.latitude += place.latitude
      sum.bounds = sum.bounds.union(point)
      sums[cell] = sum
    }
    return sums.map { cell, sum in
      let count = Double(sum.count)
      return Cluster(
        cell: cell, count: sum.count, center: Coordinate(clamping: sum.longitude / count, sum.latitude / count),
        bounds: sum.bounds)
    }
    .sorted { ($1.count, $0.cell.row, $0.cell.column) < ($0.count, $1.cell.row, $1.cell.column) }
  }
}
