/// Finds ways along the edges of cells.
struct StreetPath {
  let lattice: HexLattice

  /// The longest of the shortest ways between corners of `cells`, as a street that opens up all of them.
  func through(_ cells: [Int]) -> [HexLattice.Point] {
    let corners = self.corners(of: cells)
    guard let start = corners.first else { return [] }
    let allowed = Set(corners)
    let far = ways(from: start, within: allowed).last ?? start
    let tree = tree(from: far, within: allowed)
    guard let end = tree.order.last else { return [start] }
    var path = [end]
    while let previous = tree.previous[path[path.count - 1]] { path.append(previous) }
    return path
  }

  /// All corners of `cells` in a fixed order.
  private func corners(of cells: [Int]) -> [HexLattice.Point] {
    var seen: Set<HexLattice.Point> = []
    var corners: [HexLattice.Point] = []
    for cell in cells {
      for index in 0..<6 {
        let corner = lattice.corner(index, of: cell)
        if seen.insert(corner).inserted { corners.append(corner) }
      }
    }
    return corners
  }

  private func ways(from start: HexLattice.Point, within allowed: Set<HexLattice.Point>) -> [HexLattice.Point] {
    tree(from: start, within: allowed).order
  }

  private func tree(
    from start: HexLattice.Point, within allowed: Set<HexLattice.Point>
  ) -> (order: [HexLattice.Point], previous: [HexLattice.Point: HexLattice.Point]) {
    var order = [start]
    var previous: [HexLattice.Point: HexLattice.Point] = [:]
    var seen: Set<HexLattice.Point> = [start]
    var index = 0
    while index < order.count {
      let corner = order[index]
      index += 1
      for next in HexLattice.joined(corner) where allowed.contains(next) && seen.insert(next).inserted {
        previous[next] = corner
        order.append(next)
      }
    }
    return (order, previous)
  }
}
