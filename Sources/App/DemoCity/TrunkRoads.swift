import Core
import Geo

/// Lays the trunk roads of a county: each town is joined with the nearest one that already has a way to the seat.
struct TrunkRoads {
  let lattice: HexLattice
  let terrain: Terrain
  let seed: UInt64

  /// The way of each centre, in their order, along the edges of `cells`; a single corner where the town is the seat.
  func ways(from seat: Int, to centres: [Int], over cells: [Int]) -> [[HexLattice.Point]] {
    let allowed = corners(of: cells)
    var joined = [lattice.corner(0, of: seat)]
    var ways = [[HexLattice.Point]](repeating: [], count: centres.count)
    let order = centres.indices.sorted {
      (distance(joined[0], start(centres[$0])), $0) < (distance(joined[0], start(centres[$1])), $1)
    }
    for index in order {
      let from = start(centres[index])
      var nearest = joined[0]
      for corner in joined where distance(corner, from) < distance(nearest, from) { nearest = corner }
      let way = way(from: from, to: nearest, within: allowed)
      ways[index] = way
      // Every few corners of the new road others may join it.
      for (number, corner) in way.enumerated() where number % 5 == 0 { joined.append(corner) }
    }
    return ways
  }

  private func start(_ cell: Int) -> HexLattice.Point { lattice.corner(0, of: cell) }

  private func corners(of cells: [Int]) -> Set<HexLattice.Point> {
    var corners: Set<HexLattice.Point> = []
    for cell in cells {
      for index in 0..<6 { corners.insert(lattice.corner(index, of: cell)) }
    }
    return corners
  }

  private func distance(_ a: HexLattice.Point, _ b: HexLattice.Point) -> Double {
    let offset = terrain.offset(from: terrain.place(of: a), to: terrain.place(of: b))
    return (offset.east * offset.east + offset.north * offset.north).squareRoot()
  }

  /// The shortest way over ground that is harder here and easier there (A*).
  private func way(
    from: HexLattice.Point, to: HexLattice.Point, within allowed: Set<HexLattice.Point>
  ) -> [HexLattice.Point] {
    var cost: [HexLattice.Point: Double] = [from: 0]
    var previous: [HexLattice.Point: HexLattice.Point] = [:]
    var closed: Set<HexLattice.Point> = []
    var open = LeastFirst<HexLattice.Point>()
    open.push(distance(from, to), from)
    while let corner = open.pop() {
      if corner == to { break }
      guard closed.insert(corner).inserted, let spent = cost[corner] else { continue }
      for next in HexLattice.joined(corner) where allowed.contains(next) && !closed.contains(next) {
        let total = spent + distance(corner, next) * hardness(next)
        if total < cost[next, default: .infinity] {
          cost[next] = total
          previous[next] = corner
          open.push(total + distance(next, to), next)
        }
      }
    }
    var way = [to]
    while let before = previous[way[way.count - 1]] { way.append(before) }
    return way.last == from ? way.reversed() : [from]
  }

  private func hardness(_ corner: HexLattice.Point) -> Double {
    1 + 1.2 * ValueNoise(seed: seed &+ 3, mesh: 7).height(Double(corner.x), Double(corner.y))
  }
}
