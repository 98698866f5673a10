import Core
import Geo

/// Draws the boundary of a connected set of cells.
struct RegionOutline {
  let lattice: HexLattice
  let terrain: Terrain

  /// The area that the cells cover, with holes where other cells are enclosed.
  ///
  /// Throws when the cells are not connected.
  func polygon(of cells: [Int]) throws -> Polygon {
    let members = Set(cells)
    // Every corner of the outline has exactly one edge that leaves it with the area on its left.
    var next: [HexLattice.Point: HexLattice.Point] = [:]
    var starts: [HexLattice.Point] = []
    for cell in cells {
      for direction in 0..<6 {
        if let neighbour = lattice.neighbour(direction, of: cell), members.contains(neighbour) { continue }
        let start = lattice.corner(direction, of: cell)
        next[start] = lattice.corner(direction + 1, of: cell)
        starts.append(start)
      }
    }
    var exterior: Ring?
    var holes: [Ring] = []
    for start in starts {
      guard next[start] != nil else { continue }
      var corners = [start]
      var current = start
      while let following = next.removeValue(forKey: current) {
        corners.append(following)
        current = following
      }
      let ring = try Ring(corners.map(terrain.place(of:)))
      if RegionOutline.turnsLeft(corners) {
        guard exterior == nil else { throw Fault("demo-region-parted") }
        exterior = ring
      } else {
        holes.append(ring)
      }
    }
    guard let exterior else { throw Fault("demo-region-empty") }
    return Polygon(exterior: exterior, holes: holes)
  }

  private static func turnsLeft(_ corners: [HexLattice.Point]) -> Bool {
    var sum = 0
    for (a, b) in zip(corners, corners.dropFirst()) { sum += Int(a.x) * Int(b.y) - Int(b.x) * Int(a.y) }
    return sum > 0
  }
}
