import Core
import Geo
import Testing

@Suite struct TileTests {
  /// The examples in the documentation of mercantile.
  @Test func findsPublishedTiles() throws {
    let tile = try Tile(z: 10, x: 486, y: 332)
    #expect(abs(tile.bounds.west - -9.140625) < 1e-9 && abs(tile.bounds.north - 53.33087298301705) < 1e-9)
    let metres = tile.mercatorBounds
    #expect(abs(metres.west - -1_017_529.7205322663) < 1e-6 && abs(metres.south - 7_005_300.768279833) < 1e-6)
    #expect(abs(metres.east - -978_393.962050256) < 1e-6 && abs(metres.north - 7_044_436.526761846) < 1e-6)
    #expect(Tile(containing: tile.bounds.center, z: 10) == tile)
  }

  @Test func placesLieInTheirTiles() throws {
    var random = SeededRandom(seed: 5)
    for _ in 0..<2000 {
      let here = try place(.random(in: -180...180, using: &random), .random(in: -85...85, using: &random))
      let tile = Tile(containing: here, z: Int.random(in: 0...20, using: &random))
      let bounds = tile.bounds.expanded(metres: 0.001)
      #expect(bounds.contains(here))
      #expect(Tile(containing: tile.bounds.center, z: tile.z) == tile)
      if let parent = tile.parent { #expect(parent.bounds.expanded(metres: 0.001).contains(tile.bounds.center)) }
    }
    #expect(Tile(containing: try place(180, -90), z: 3) == (try Tile(z: 3, x: 7, y: 7)))
  }

  @Test(arguments: [(-1, 0, 0), (25, 0, 0), (3, 8, 0), (3, 0, 8), (3, -1, 0)])
  func refusesTilesOutsideTheGrid(z: Int, x: Int, y: Int) {
    #expect(#expect(throws: Refusal.self) { try Tile(z: z, x: x, y: y) }?.code == "tile-invalid")
  }

  @Test func coversABox() throws {
    let box = try BoundingBox("107.3,31.1,107.6,31.3")
    let tiles = try Tile.covering(box, z: 12)
    #expect(tiles.contains(Tile(containing: box.center, z: 12)) && tiles.allSatisfy { $0.bounds.intersects(box) })
    #expect(throws: Refusal.self) { try Tile.covering(box, z: 20) }
  }

  @Test func mercatorComesBack() throws {
    for latitude in stride(from: -85.0, through: 85, by: 5) {
      let here = try place(latitude * 2, latitude)
      let back = WebMercator(here).coordinate
      #expect(abs(back.latitude - latitude) < 1e-9 && abs(back.longitude - latitude * 2) < 1e-9)
    }
  }

  @Test(.enabled(if: hasGDAL))
  func agreesWithGDAL() throws {
    for (longitude, latitude) in [(107.468, 31.2096), (116.404, 39.915), (-70.5, -33.25), (0.001, 0.002)] {
      let text = try #require(
        output(of: "echo \(longitude) \(latitude) | gdaltransform -s_srs EPSG:4326 -t_srs EPSG:3857 -output_xy"))
      let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
      let ours = WebMercator(try place(longitude, latitude))
      #expect(abs(numbers[0] - ours.x) < 0.001 && abs(numbers[1] - ours.y) < 0.001)
    }
  }

  @Test func clustersKeepEveryPlace() throws {
    var random = SeededRandom(seed: 9)
    let places = try (0..<3000).map { _ in
      try place(.random(in: 107.3...107.6, using: &random), .random(in: 31.1...31.3, using: &random))
    }
    for z in [0, 8, 12, 18] {
      let grid = ClusterGrid(z: z)
      let clusters = grid.clusters(places)
      #expect(clusters.reduce(0) { $0 + $1.count } == places.count)
      #expect(clusters.allSatisfy { $0.bounds.contains($0.center) && grid.cell(of: $0.center) == $0.cell })
      #expect(zip(clusters, clusters.dropFirst()).allSatisfy { $0.count >= $1.count })
    }
    #expect(ClusterGrid(z: 0).clusters(places).count == 1)
    #expect(ClusterGrid(z: 18).clusters(places).count > 2000)
  }
}
