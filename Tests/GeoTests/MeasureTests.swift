import Core
import Geo
import Testing

@Suite struct MeasureTests {
  /// Geoscience Australia's worked example, and the first example of GeographicLib's GeodSolve.
  @Test func measuresPublishedGeodesics() throws {
    func degrees(_ d: Double, _ m: Double, _ s: Double) -> Double { d + m / 60 + s / 3600 }
    let flinders = try place(degrees(144, 25, 29.52440), -degrees(37, 57, 3.72030))
    let buninyong = try place(degrees(143, 55, 35.38390), -degrees(37, 39, 10.15610))
    #expect(abs(flinders.distance(to: buninyong) - 54_972.271) < 0.001)
    #expect(abs(try place(-73.8, 40.6).distance(to: place(-0.5, 51.6)) - 5_551_759.400) < 0.001)
  }

  @Test func distanceIsSymmetricAndNearHaversine() throws {
    var random = SeededRandom(seed: 3)
    for _ in 0..<2000 {
      let a = try place(.random(in: -179...179, using: &random), .random(in: -85...85, using: &random))
      let b = try place(.random(in: -179...179, using: &random), .random(in: -85...85, using: &random))
      let distance = a.distance(to: b)
      #expect(abs(distance - b.distance(to: a)) < 1e-3)
      #expect(abs(distance - a.haversineDistance(to: b)) < 0.006 * distance + 1)
    }
    let here = try place(107.468, 31.2096)
    #expect(here.distance(to: here) == 0)
    #expect(try place(0, 0).distance(to: place(179.9, 0.1)) > 1.99e7)
  }

  /// The square degree at the equator, from the documentation of GeographicLib's Planimeter.
  @Test func measuresThePublishedArea() throws {
    let square = Polygon(exterior: try ring([(0, 0), (0, 1), (1, 1), (1, 0)]))
    #expect(abs(square.area / 12_308_778_361.469 - 1) < 1e-6)
  }

  @Test func leavesHolesOutOfAreaAndCentre() throws {
    let whole = Polygon(exterior: try ring([(107, 31), (107.02, 31), (107.02, 31.02), (107, 31.02)]))
    let half = try ring([(107.01, 31), (107.02, 31), (107.02, 31.02), (107.01, 31.02)])
    let holed = Polygon(
      exterior: whole.exterior,
      holes: [try ring([(107.011, 31.001), (107.019, 31.001), (107.019, 31.019), (107.011, 31.019)])])
    #expect(abs(Polygon(exterior: half).area / whole.area - 0.5) < 1e-6)
    #expect(holed.area < whole.area * 0.7)
    #expect(holed.centroid.longitude < 107.01)
    #expect(abs(whole.centroid.longitude - 107.01) < 1e-9 && abs(whole.centroid.latitude - 31.01) < 1e-9)
  }

  @Test func tellsInsideFromOutside() throws {
    let bent = Polygon(
      exterior: try ring([(0, 0), (10, 0), (10, 10), (7, 10), (7, 3), (3, 3), (3, 10), (0, 10)]),
      holes: [try ring([(1, 1), (2, 1), (2, 2), (1, 2)])])
    for (x, y, inside) in [
      (5.0, 1.5, true), (5, 5, false), (1.5, 1.5, false), (1, 1.5, true), (0, 5, true), (10, 10, true), (8, 9.9, true),
      (11, 5, false), (-1, 0, false), (5, 3, true), (5, 3.0001, false),
    ] {
      #expect(bent.contains(try place(x, y)) == inside, "\(x) \(y)")
    }
    #expect(!bent.contains(bent.centroid) && bent.contains(bent.labelPoint))
    #expect(Geometry.polygon(bent).contains(try place(5, 1)) && Geometry.polygon(bent).area > 0)
  }

  /// Random stars around a centre: what lies within the shortest ray is inside, beyond the longest outside.
  @Test func containsAgreesWithTheShapeOfStars() throws {
    var random = SeededRandom(seed: 11)
    for _ in 0..<200 {
      let spikes = Int.random(in: 5...40, using: &random)
      let radii = (0..<spikes).map { _ in Double.random(in: 0.5...1, using: &random) }
      let corners = (0..<spikes).map { index -> (Double, Double) in
        let turn = Double(index) / Double(spikes) * 2 * .pi
        return (107 + radii[index] * cosine(turn), 31 + radii[index] * cosine(turn - .pi / 2))
      }
      let star = Polygon(exterior: try ring(corners))
      #expect(star.contains(try place(107, 31)))
      #expect(!star.contains(try place(108.01, 31)))
      for (longitude, latitude) in corners { #expect(star.contains(try place(longitude, latitude))) }
    }
  }

  private func cosine(_ x: Double) -> Double {
    var (sum, term, square) = (1.0, 1.0, x * x)
    for step in 1...20 {
      term *= -square / Double((2 * step - 1) * (2 * step))
      sum += term
    }
    square = sum
    return square
  }

  @Test func boxesGrowByAtLeastTheDistance() throws {
    for latitude in [-80.0, 0, 31.2, 60, 84] {
      let here = try place(107, latitude)
      let box = try #require(BoundingBox(around: [here])).expanded(metres: 500)
      #expect(here.distance(to: try place(box.east, latitude)) >= 500)
      #expect(here.distance(to: try place(107, box.north)) >= 500)
      #expect(here.distance(to: try place(107, box.south)) >= 500)
    }
    #expect(throws: Refusal.self) { try BoundingBox("1,2,0,3") }
    #expect(throws: Refusal.self) { try BoundingBox("1,2,3") }
    let box = try BoundingBox("107,31,108,32")
    #expect(box.contains(try place(107, 32)))
    #expect(!box.contains(try place(106.9, 31.5)))
    #expect(box.intersects(try BoundingBox("108,32,109,33")))
    #expect(!box.intersects(try BoundingBox("109,31,110,32")))
    #expect(BoundingBox(around: []) == nil)
  }
}
