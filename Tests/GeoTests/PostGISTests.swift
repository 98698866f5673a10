import Core
import Geo
import SQL
import TestSupport
import Testing

/// The same questions asked of PostGIS.
@Suite struct PostGISTests {
  private func shapes() throws -> [Geometry] {
    let block = Polygon(
      exterior: try ring([(107.46, 31.2), (107.48, 31.205), (107.475, 31.22), (107.462, 31.215)]),
      holes: [try ring([(107.465, 31.206), (107.468, 31.206), (107.467, 31.209)])])
    let line = try Line(try places([(107.46, 31.2), (107.48, 31.25), (107.5, 31.2)]))
    return [
      .point(try place(107.468, 31.2096)), .line(line), .polygon(block), .points(try places([(107, 31), (108, 32)])),
      .lines([line, line]), .polygons([block, Polygon(exterior: try ring([(107, 31), (107.1, 31), (107, 31.1)]))]),
    ]
  }

  @Test func readsItsBinaryAndWritesOurs() async throws {
    let database = try await TestDatabase.make()
    for shape in try shapes() {
      for srid in [Geometry.SRID.wgs84, .cgcs2000] {
        let rows = try await database.query(
          """
          select st_asewkb(g) as own, st_asbinary(st_force4d(g), 'XDR') as iso, st_srid(g)::bigint as srid,
            st_isvalid(g) and st_npoints(g) = \(shape.coordinates.count)::int as good
          from (select \(shape.ewkbHex(srid: srid))::geometry as g) as t
          """)
        let own: [UInt8] = try rows[0].get("own")
        let iso: [UInt8] = try rows[0].get("iso")
        let found: Int64 = try rows[0].get("srid")
        let good: Bool = try rows[0].get("good")
        #expect(own == shape.ewkb(srid: srid) && found == Int64(srid.rawValue) && good)
        #expect(try Geometry(wkb: iso) == shape)
      }
    }
  }

  @Test func measuresTheSame() async throws {
    let database = try await TestDatabase.make()
    for shape in try shapes() {
      let (a, b) = (shape.bounds.center, shape.labelPoint)
      let (first, second) = (Geometry.point(a).ewkbHex(), Geometry.point(b).ewkbHex())
      let rows = try await database.query(
        """
        select st_area(g::geography) as area, st_distance(\(first)::geography, \(second)::geography) as distance,
          st_x(st_centroid(g)) as x, st_intersects(g, \(second)::geometry) as touches
        from (select \(shape.ewkbHex())::geometry as g) as t
        """)
      let area: Double = try rows[0].get("area")
      let distance: Double = try rows[0].get("distance")
      let touches: Bool = try rows[0].get("touches")
      #expect(abs(shape.area - area) <= area * 1e-5)
      #expect(abs(a.distance(to: b) - distance) < 0.001)
      #expect(touches)
      if case .polygon(let polygon) = shape {
        let x: Double = try rows[0].get("x")
        #expect(abs(polygon.centroid.longitude - x) < 1e-9)
      }
    }
  }

  /// Random rings: what we take is valid for PostGIS, and what is valid for PostGIS we take.
  @Test func agreesWhichRingsAreSimple() async throws {
    let database = try await TestDatabase.make()
    var random = SeededRandom(seed: 21)
    var (taken, refused) = (0, 0)
    for _ in 0..<200 {
      let corners = (0..<Int.random(in: 3...6, using: &random)).map { _ in
        (Double(Int.random(in: 0...5, using: &random)), Double(Int.random(in: 0...5, using: &random)))
      }
      let text = (corners + corners.prefix(1)).map { "\($0.0) \($0.1)" }.joined(separator: ",")
      let rows = try await database.query("select st_isvalid(\("POLYGON((" + text + "))")::geometry) as valid")
      let valid: Bool = try rows[0].get("valid")
      let ours = (try? ring(corners)) != nil
      if ours { taken += 1 } else { refused += 1 }
      #expect(ours == valid, "\(text)")
    }
    #expect(taken > 20 && refused > 20)
  }
}
