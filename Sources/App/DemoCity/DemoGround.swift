import Addresses
import Core
import Geo

/// The sheet of cells that covers the simplified outline of the city, and how it lies on the ground.
struct DemoGround {
  let lattice: HexLattice
  let terrain: Terrain
  let seats: [DivisionCode: Coordinate]
  /// Places roughly inside each county.
  let anchors: [DivisionCode: [Coordinate]]

  /// Throws a `Fault` when a file of `folder` is missing or wrong.
  ///
  /// - Parameter cells: about how many cells the city is made of.
  init(folder: String, seed: UInt64, cells: Int) throws {
    var corners: [Coordinate] = []
    for row in try TextTable(path: "\(folder)/outline.tsv").rows { corners.append(try DemoGround.place(row, 0)) }
    guard corners.count > 2 else { throw Fault("demo-outline") }
    let shape = Polygon(exterior: try Ring(DemoGround.roughened(corners, seed)))
    let middle = shape.bounds.center
    var seats: [DivisionCode: Coordinate] = [:]
    var cores: [Terrain.Core] = []
    let flat = Terrain(
      stepX: 1, stepY: 1, originX: 0, originY: 0, centreLongitude: middle.longitude, centreLatitude: middle.latitude,
      cores: [], seed: seed)
    for row in try TextTable(path: "\(folder)/seats.tsv").rows {
      guard let code = DivisionCode(try row.cell(0)), let span = Double(try row.cell(3)) else { throw row.fault }
      let place = try DemoGround.place(row, 1)
      seats[code] = place
      let (x, y) = flat.kilometres(place)
      // Seats on both banks of one river share a core.
      if cores.contains(where: { abs($0.x - x) + abs($0.y - y) < 10 }) { continue }
      cores.append(Terrain.Core(x: x, y: y, reach: span * 5, least: 0.2))
    }
    // Square kilometres of a cell on the sheet, before cores draw cells together.
    let cellArea = shape.area / 1e6 / Double(cells)
    var anchors: [DivisionCode: [Coordinate]] = [:]
    for row in try TextTable(path: "\(folder)/anchors.tsv").rows {
      guard let code = DivisionCode(try row.cell(0)) else { throw row.fault }
      anchors[code, default: []].append(try DemoGround.place(row, 1))
    }
    self.anchors = anchors
    let width = (cellArea * 2 / 1.7320508).squareRoot()
    let box = shape.bounds
    let corner = flat.kilometres(try Coordinate(longitude: box.west, latitude: box.south))
    let opposite = flat.kilometres(try Coordinate(longitude: box.east, latitude: box.north))
    let ground = Terrain(
      stepX: width / 2, stepY: width / 2 / 1.7320508, originX: corner.x, originY: corner.y,
      centreLongitude: middle.longitude, centreLatitude: middle.latitude, cores: cores, seed: seed)
    terrain = ground
    self.seats = seats
    let outline = BandedOutline(shape.exterior)
    lattice = HexLattice(
      columns: Int((opposite.x - corner.x) / width) + 2,
      rows: Int((opposite.y - corner.y) / (width / 2 * 1.7320508)) + 2
    ) { outline.contains(ground.centre(of: $0)) }
  }

  /// The closed outline with every side broken up and its middles pushed aside, again and again.
  private static func roughened(_ corners: [Coordinate], _ seed: UInt64) -> [Coordinate] {
    var random = SeededRandom(seed: seed).stream(2)
    var line = corners + [corners[0]]
    for _ in 0..<4 {
      var finer: [Coordinate] = []
      for (a, b) in zip(line, line.dropFirst()) {
        let push = (random.unit() - 0.5) * 0.22
        let (dx, dy) = (b.longitude - a.longitude, b.latitude - a.latitude)
        finer.append(a)
        finer.append(Terrain.coordinate(a.longitude + dx / 2 - dy * push, a.latitude + dy / 2 + dx * push))
      }
      line = finer + [finer[0]]
    }
    return line
  }

  private static func place(_ row: TextTable.Row, _ column: Int) throws -> Coordinate {
    guard let longitude = Double(try row.cell(column)), let latitude = Double(try row.cell(column + 1)) else {
      throw row.fault
    }
    return try Coordinate(longitude: longitude, latitude: latitude)
  }
}
