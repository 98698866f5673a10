import Access
import Addresses
import Core
import Entities
import Geo
import SQL
import Testing

/// Random tilings of which it is known, cell by cell, what is missing, shared and outside; areas are measured by the
/// geometry module, which has nothing in common with the database's.
@Suite struct GridTilingTests {
  /// A lattice of crooked cells of some hundred metres, each in any number of grids. A grid is any set of cells: with holes,
  /// in several parts.
  private struct Tiling {
    static let side = 9
    static let grids = 6
    let cells: [Polygon]
    /// The grids of each cell.
    var members: [Set<Int>]

    init(_ random: inout SeededRandom) throws {
      let side = Tiling.side
      let vertices = try (0...side).flatMap { y in
        try (0...side).map { x in
          try Coordinate(
            longitude: 107.49 + (Double(x) + .random(in: -0.3...0.3, using: &random)) / 1000,
            latitude: 31.19 + (Double(y) + .random(in: -0.3...0.3, using: &random)) / 1000)
        }
      }
      cells = try (0..<side * side).map { cell in
        let corner = cell / side * (side + 1) + cell % side
        return Polygon(
          exterior: try Ring([corner, corner + 1, corner + side + 2, corner + side + 1, corner].map { vertices[$0] }))
      }
      members = (0..<side * side).map { cell -> Set<Int> in
        let own =
          cell % 7 == 0 ? Int.random(in: 0..<Tiling.grids, using: &random) : (cell / side / 3 * 2 + cell % side / 5)
        return switch Int.random(in: 0..<10, using: &random) {
        case 0: []
        case 1: [own, Int.random(in: 0..<Tiling.grids, using: &random)]
        default: [own]
        }
      }
      // Outside, only some cells have a grid.
      for cell in members.indices where !Tiling.isInside(cell) && Bool.random(using: &random) { members[cell] = [] }
    }

    /// The division has all cells but the outermost.
    static func isInside(_ cell: Int) -> Bool {
      (1..<side - 1).contains(cell % side) && (1..<side - 1).contains(cell / side)
    }

    func area(_ cells: some Sequence<Int>) -> Double { cells.reduce(0) { $0 + self.cells[$1].area } }

    var overlaps: [[Int]: Double] {
      var found: [[Int]: Double] = [:]
      for cell in cells.indices {
        for a in members[cell] { for b in members[cell] where a < b { found[[a, b], default: 0] += cells[cell].area } }
      }
      return found
    }

    var outside: [Int: Double] {
      var found: [Int: Double] = [:]
      for cell in cells.indices where !Tiling.isInside(cell) {
        for grid in members[cell] { found[grid, default: 0] += cells[cell].area }
      }
      return found
    }

    /// Cells without a grid, together when they share an edge.
    var gaps: [Double] {
      var left = Set(cells.indices.filter { members[$0].isEmpty && Tiling.isInside($0) })
      var found: [Double] = []
      while let first = left.first {
        var group: Set<Int> = []
        var edge = [first]
        while let cell = edge.popLast() {
          guard group.insert(cell).inserted else { continue }
          let side = Tiling.side
          for next in [cell - 1, cell + 1, cell - side, cell + side]
          where left.contains(next) && abs(next % side - cell % side) <= 1 { edge.append(next) }
        }
        left.subtract(group)
        found.append(area(group))
      }
      return found.sorted()
    }
  }

  private func multi(_ polygons: [Polygon]) -> SQL {
    let texts = polygons.map { Geometry.polygon($0).ewkbHex(srid: .cgcs2000) }
    return "(select st_multi(st_union(c::geometry)) from unnest(\(texts)::text[]) c)"
  }

  private func lay(_ tiling: Tiling, on city: QualityFixture) async throws -> [Int64: Int] {
    try await city.database.execute(
      """
      update division set boundary = \(multi(tiling.cells.indices.filter(Tiling.isInside).map { tiling.cells[$0] }))
      where code = \(QualityFixture.division)
      """)
    var grids: [Int64: Int] = [:]
    for grid in 0..<Tiling.grids {
      let cells = tiling.cells.indices.filter { tiling.members[$0].contains(grid) }.map { tiling.cells[$0] }
      guard !cells.isEmpty else { continue }
      let id = try await city.store.records(as: .system).insert(
        "grid",
        [
          "code": .text("\(QualityFixture.division)00\(grid + 1)"), "name": .text("第\(grid)网格"), "kind": .text("unit"),
          "division_code": .text(QualityFixture.division),
        ], input: .code
      ).id
      try await city.database.execute("update grid set boundary = \(multi(cells)) where id = \(id)")
      grids[id] = grid
    }
    return grids
  }

  private func isNear(_ a: Double, _ b: Double) -> Bool { abs(a - b) < 0.2 + b * 1e-5 }

  @Test(arguments: 1...8) func everythingAndNothingElseIsFound(_ seed: UInt64) async throws {
    var random = SeededRandom(seed: seed)
    let tiling = try Tiling(&random)
    let city = try await QualityFixture()
    let grids = try await lay(tiling, on: city)
    let inspection = GridInspection(store: city.store, owner: city.database)
    try await inspection.run()
    var overlaps: [[Int]: Double] = [:]
    var outside: [Int: Double] = [:]
    var gaps: [Double] = []
    for row in try await city.database.query(
      "select kind, grid_id, other_id, metres::float8 as metres from grid_defect where state = 'open'")
    {
      let metres: Double = try row.get("metres")
      let grid = try row.get("grid_id", as: Int64?.self).flatMap { grids[$0] }
      switch try row.get("kind", as: String.self) {
      case "overlap":
        let other = grids[try row.get("other_id")]
        overlaps[[try #require(grid), try #require(other)]] = metres
      case "outside": outside[try #require(grid)] = metres
      default: gaps.append(metres)
      }
    }
    #expect(Set(overlaps.keys) == Set(tiling.overlaps.keys))
    for (pair, area) in tiling.overlaps { #expect(isNear(overlaps[pair] ?? 0, area)) }
    #expect(Set(outside.keys) == Set(tiling.outside.keys))
    for (grid, area) in tiling.outside { #expect(isNear(outside[grid] ?? 0, area)) }
    #expect(gaps.count == tiling.gaps.count)
    for (found, area) in zip(gaps.sorted(), tiling.gaps) { #expect(isNear(found, area)) }
  }

  /// Whatever is decided of each, in whatever order: in the end the grids tile their division.
  @Test(arguments: 21...23) func mendingAllOfItEndsWithGridsThatTile(_ seed: UInt64) async throws {
    var random = SeededRandom(seed: seed)
    let city = try await QualityFixture()
    _ = try await lay(try Tiling(&random), on: city)
    let inspection = GridInspection(store: city.store, owner: city.database)
    let records = city.store.records(as: .system)
    for _ in 0..<4 {
      if try await inspection.run().found.isEmpty { break }
      let open = try await city.database.query("select id, kind from grid_defect where state = 'open' order by id")
      for row in open.shuffled(using: &random) {
        let id: Int64 = try row.get("id")
        let action =
          switch try row.get("kind", as: String.self) {
          case "overlap": Bool.random(using: &random) ? "give_first" : "give_second"
          case "outside": "clip"
          default: "absorb"
          }
        do {
          try await records.perform(action, on: GridDefect.entity, id, version: nil)
        } catch let refusal as Refusal where refusal.kind == .conflict {
          // Another one has settled it meanwhile, or its grid would have nothing left: it goes out of use.
          guard refusal.code == "grid-defect-nothing-left" else { continue }
          try await city.database.execute(
            """
            update grid set status = 'disused' where id in (select coalesce(other_id, grid_id) from grid_defect where id = \(id))
            """)
        }
      }
    }
    #expect(try await inspection.run().found.isEmpty)
    let row = try #require(
      try await city.database.query(
        """
        select st_area(st_union(g.boundary)::geography) as covered, sum(st_area(g.boundary::geography)) as added,
          (select st_area(boundary::geography) from division where code = \(QualityFixture.division)) as whole
        from grid g where status = 'active'
        """
      ).first)
    let (covered, added, whole): (Double, Double, Double) = (
      try row.get("covered"), try row.get("added"), try row.get("whole")
    )
    #expect(isNear(covered, whole) && isNear(added, whole))
  }
}
