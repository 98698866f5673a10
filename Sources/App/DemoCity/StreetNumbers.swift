import Core
import Geo

/// Door numbers of the blocks along a grid's street: odd on one side, even on the other, ten to a block and side.
struct StreetNumbers {
  private var blocks: [Int: (rank: Int, isOdd: Bool, frontage: Coordinate)] = [:]

  init(plan: CityPlan, grid: CityPlan.Grid) {
    let path = grid.path.map { plan.terrain.place(of: $0) }
    guard path.count > 1 else { return }
    var sides: [[(order: Int, cell: Int, frontage: Coordinate)]] = [[], []]
    for cell in grid.cells {
      let centre = CellGround(plan: plan, cell: cell).centre
      var nearest = 0
      var least = Double.infinity
      for (index, corner) in path.enumerated() {
        let offset = plan.terrain.offset(from: centre, to: corner)
        let distance = offset.east * offset.east + offset.north * offset.north
        if distance < least {
          least = distance
          nearest = index
        }
      }
      let from = path[nearest > 0 ? nearest - 1 : 0]
      let to = path[nearest > 0 ? nearest : 1]
      let way = plan.terrain.offset(from: from, to: to)
      let aside = plan.terrain.offset(from: from, to: centre)
      let isLeft = way.east * aside.north - way.north * aside.east > 0
      let frontage = Terrain.coordinate(
        centre.longitude + (path[nearest].longitude - centre.longitude) * 0.9,
        centre.latitude + (path[nearest].latitude - centre.latitude) * 0.9)
      sides[isLeft ? 0 : 1].append((nearest, cell, frontage))
    }
    for (side, cells) in sides.enumerated() {
      for (rank, block) in cells.sorted(by: { ($0.order, $0.cell) < ($1.order, $1.cell) }).enumerated() {
        blocks[block.cell] = (rank, side == 0, block.frontage)
      }
    }
  }

  /// The number of the `slot`-th door (0 to 9) of a block.
  func number(_ cell: Int, _ slot: Int) -> String {
    let block = blocks[cell]
    return "\((block?.rank ?? 0) * 20 + slot * 2 + (block?.isOdd ?? true ? 1 : 2))号"
  }

  /// A place at the street before the block.
  func frontage(_ cell: Int) -> Coordinate? { blocks[cell]?.frontage }
}
