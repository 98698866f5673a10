/// A plane of hexagons that meet three at a corner, so that the outline of any connected set of them is a simple line.
///
/// Cells and corners have whole-number coordinates: a cell's centre is `(2·column + row mod 2, 3·row)`, its corners lie
/// one or two steps away from it. One step is half a cell's width along x and a quarter of its height along y.
struct HexLattice: Sendable {
  struct Point: Sendable, Hashable, Comparable {
    var x: Int32
    var y: Int32

    static func < (a: Point, b: Point) -> Bool { (a.x, a.y) < (b.x, b.y) }
  }

  /// The six neighbours of a cell, counter-clockwise from the east.
  static let neighbours: [Point] = [
    Point(x: 2, y: 0), Point(x: 1, y: 3), Point(x: -1, y: 3), Point(x: -2, y: 0), Point(x: -1, y: -3),
    Point(x: 1, y: -3),
  ]

  /// The corners of a cell, counter-clockwise; the edge to neighbour `i` runs from corner `i` to corner `i + 1`.
  static let corners: [Point] = [
    Point(x: 1, y: -1), Point(x: 1, y: 1), Point(x: 0, y: 2), Point(x: -1, y: 1), Point(x: -1, y: -1),
    Point(x: 0, y: -2),
  ]

  /// The two or three corners that an edge joins with `corner`.
  static func joined(_ corner: Point) -> [Point] {
    // Corners whose y leaves 1 by three are the upper ends of upright edges, the others the lower ends.
    let up: Int32 = ((corner.y % 3) + 3) % 3 == 1 ? -1 : 1
    return [
      Point(x: corner.x, y: corner.y + 2 * up), Point(x: corner.x - 1, y: corner.y - up),
      Point(x: corner.x + 1, y: corner.y - up),
    ]
  }

  /// Centres of the cells, in the order of their numbers.
  let centres: [Point]
  private let numbers: [Int32]
  private let columns: Int32
  private let rows: Int32

  /// Keeps the cells of a `columns` × `rows` sheet that `isInside` accepts, and of those the largest connected part.
  init(columns: Int, rows: Int, isInside: (Point) -> Bool) {
    self.columns = Int32(columns)
    self.rows = Int32(rows)
    var kept: [Point] = []
    for row in 0..<Int32(rows) {
      for column in 0..<Int32(columns) {
        let centre = Point(x: 2 * column + row % 2, y: 3 * row)
        if isInside(centre) { kept.append(centre) }
      }
    }
    let part = HexLattice.largestPart(kept)
    var numbers = [Int32](repeating: -1, count: columns * rows)
    for (number, centre) in part.enumerated() {
      numbers[Int(centre.y / 3 * Int32(columns) + centre.x / 2)] = Int32(number)
    }
    centres = part
    self.numbers = numbers
  }

  var count: Int { centres.count }

  /// The number of the cell with this centre, or `nil` when it is not part of the lattice.
  func number(of centre: Point) -> Int? {
    guard centre.x >= 0, centre.y >= 0, centre.x / 2 < columns, centre.y / 3 < rows else { return nil }
    let number = numbers[Int(centre.y / 3 * columns + centre.x / 2)]
    return number < 0 ? nil : Int(number)
  }

  func neighbour(_ direction: Int, of cell: Int) -> Int? {
    let centre = centres[cell]
    let step = HexLattice.neighbours[direction]
    return number(of: Point(x: centre.x + step.x, y: centre.y + step.y))
  }

  func corner(_ index: Int, of cell: Int) -> Point {
    let centre = centres[cell]
    let step = HexLattice.corners[index % 6]
    return Point(x: centre.x + step.x, y: centre.y + step.y)
  }

  private static func largestPart(_ centres: [Point]) -> [Point] {
    var left = Set(centres)
    var largest: [Point] = []
    for start in centres where left.contains(start) {
      var part: [Point] = []
      var open = [start]
      left.remove(start)
      while let centre = open.popLast() {
        part.append(centre)
        for step in neighbours {
          let next = Point(x: centre.x + step.x, y: centre.y + step.y)
          if left.remove(next) != nil { open.append(next) }
        }
      }
      if part.count > largest.count { largest = part }
    }
    let kept = Set(largest)
    return centres.filter(kept.contains)
  }
}
