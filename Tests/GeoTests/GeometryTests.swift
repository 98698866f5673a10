import Core
import Geo
import Testing

@Suite struct GeometryTests {
  private func shapes() throws -> [Geometry] {
    let square = Polygon(
      exterior: try ring([(107, 31), (107.1, 31), (107.1, 31.1), (107, 31.1)]),
      holes: [try ring([(107.02, 31.02), (107.04, 31.02), (107.04, 31.04)])])
    let line = try Line(try places([(107, 31), (107.5, 31.25), (107.25, 31)]))
    return [
      .point(try place(107.468, 31.2096)), .line(line), .polygon(square), .points(try places([(1, 2), (-3, -4)])),
      .lines([line, line]), .polygons([square, Polygon(exterior: try ring([(0, 0), (1, 0), (0, 1)]))]),
    ]
  }

  @Test func comesBackFromGeoJSONAndWKB() throws {
    for shape in try shapes() {
      #expect(try Geometry(geoJSON: JSON(parsing: shape.geoJSON.text)) == shape)
      #expect(try Geometry(wkb: shape.ewkb()) == shape)
      #expect(try Geometry(wkb: shape.ewkb(srid: .cgcs2000)) == shape)
    }
  }

  /// As PostGIS 3.3 prints ST_SetSRID(ST_MakePoint(107.5, 31.25), 4490) and, in the other byte order,
  /// ST_AsBinary('POINT Z (107.5 31.25 7)', 'XDR').
  @Test func speaksTheBinaryOfPostGIS() throws {
    let point = Geometry.point(try place(107.5, 31.25))
    #expect(point.ewkbHex(srid: .cgcs2000) == "01010000208A1100000000000000E05A400000000000403F40")
    let big: [UInt8] =
      [0, 0, 0, 3, 0xE9] + [0x40, 0x5A, 0xE0, 0, 0, 0, 0, 0] + [0x40, 0x3F, 0x40, 0, 0, 0, 0, 0]
      + [0x40, 0x1C, 0, 0, 0, 0, 0, 0]
    #expect(try Geometry(wkb: big) == point)
  }

  @Test func acceptsFeaturesAndHeights() throws {
    let json = try JSON(
      parsing: #"{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[107.5,31.25,300]}}"#)
    #expect(try Geometry(geoJSON: json) == .point(try place(107.5, 31.25)))
  }

  @Test func keepsBoundariesCounterClockwise() throws {
    let clockwise = Polygon(
      exterior: try ring([(0, 0), (0, 1), (1, 1), (1, 0)]), holes: [try ring([(0.2, 0.2), (0.4, 0.2), (0.3, 0.4)])])
    #expect(clockwise.exterior.coordinates.map(\.longitude) == [0, 1, 1, 0, 0])
    #expect(clockwise.holes[0].coordinates.map(\.longitude) == [0.2, 0.3, 0.4, 0.2])
  }

  @Test(arguments: [
    (#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}"#, "ring-open"),
    (#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[0,0]]]}"#, "ring-too-short"),
    (#"{"type":"Polygon","coordinates":[[[0,0],[1,1],[2,2],[0,0]]]}"#, "ring-flat"),
    (#"{"type":"Polygon","coordinates":[[[0,0],[2,2],[2,0],[0,1],[0,0]]]}"#, "ring-crossing"),
    (#"{"type":"Polygon","coordinates":[]}"#, "geometry-empty"),
    (#"{"type":"LineString","coordinates":[[0,0]]}"#, "line-too-short"),
    (#"{"type":"Point","coordinates":[200,0]}"#, "coordinate-invalid"),
    (#"{"type":"Point","coordinates":[1]}"#, "geojson-invalid"),
    (#"{"type":"Point","coordinates":["1","2"]}"#, "geojson-invalid"),
    (#"{"type":"Point"}"#, "geojson-invalid"), (#"[]"#, "geojson-invalid"),
    (#"{"type":"GeometryCollection","geometries":[]}"#, "geometry-unsupported"),
  ])
  func refusesBrokenGeoJSON(text: String, code: String) throws {
    let json = try JSON(parsing: text)
    #expect(#expect(throws: Refusal.self) { try Geometry(geoJSON: json) }?.code == code)
  }

  @Test func findsRingsThatTouchThemselves() throws {
    for corners in [
      [(0.0, 0.0), (4, 0), (4, 4), (2, 0), (0, 4)], [(0, 0), (4, 0), (2, 0), (2, 4)],
      [(0, 0), (4, 0), (4, 4), (0, 4), (0, 2), (4, 2), (0, 2)],
    ] {
      #expect(#expect(throws: Refusal.self) { try ring(corners) }?.code == "ring-crossing")
    }
    _ = try ring([(0, 0), (2, 0), (2, 0), (4, 0), (4, 4), (0, 4)])
  }

  @Test func refusesTooManyVertices() throws {
    let many = Geometry.points(try (0..<101).map { try place(Double($0), 0) })
    #expect(throws: Refusal.self) { try Geometry(geoJSON: many.geoJSON, vertexLimit: 100) }
    #expect(throws: Refusal.self) { try Geometry(wkb: many.ewkb(), vertexLimit: 100) }
    #expect(try Geometry(wkb: many.ewkb(), vertexLimit: 101) == many)
  }

  @Test func checksLongRingsQuickly() throws {
    let count = 20_000
    let upper = (0..<count).map { (Double($0) / 1000, 1 + Double($0 % 2) / 1000) }
    let lower = (0..<count).reversed().map { (Double($0) / 1000, 0.0) }
    #expect(try ring(upper + lower).coordinates.count == 2 * count + 1)
  }

  /// Every cut and every changed byte of valid input is refused or read, never a trap.
  @Test func survivesDamagedBinary() throws {
    var random = SeededRandom(seed: 2)
    for shape in try shapes() {
      let bytes = shape.ewkb()
      for count in 0..<bytes.count {
        #expect(throws: Refusal.self) { try Geometry(wkb: Array(bytes.prefix(count))) }
      }
      #expect(throws: Refusal.self) { try Geometry(wkb: bytes + [0]) }
      for _ in 0..<2000 {
        var changed = bytes
        changed[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
        _ = try? Geometry(wkb: changed)
      }
    }
    let wrong = Geometry.point(try place(1, 2)).ewkb().map { $0 == 0xE6 ? 0x10 : $0 }
    #expect(#expect(throws: Refusal.self) { try Geometry(wkb: wrong) }?.code == "srid-unsupported")
  }

  @Test(.enabled(if: hasGDAL))
  func isReadByGDAL() throws {
    for (shape, text) in zip(
      try shapes(),
      [
        "POINT (107.468 31.2096)", "LINESTRING (107 31,107.5 31.25,107.25 31.0)",
        "POLYGON ((107 31,107.1 31.0,107.1 31.1,107.0 31.1,107 31),", "MULTIPOINT (", "MULTILINESTRING ((107 31,",
        "MULTIPOLYGON (((107 31,",
      ])
    {
      let found = try #require(output(of: "ogrinfo -al -q '\(shape.geoJSON.text)'"))
      #expect(found.contains(text), "\(found)")
    }
  }
}
