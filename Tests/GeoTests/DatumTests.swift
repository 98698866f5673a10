import Core
import Geo
import Testing

@Suite struct DatumTests {
  private func near(_ a: (longitude: Double, latitude: Double), _ longitude: Double, _ latitude: Double, _ e: Double)
    -> Bool
  { abs(a.longitude - longitude) < e && abs(a.latitude - latitude) < e }

  /// The figures of coordtransform (github.com/wandergis/coordtransform), the library most map pages use.
  @Test func agreesWithTheCustomaryFormula() throws {
    let tiananmen = try place(116.404, 39.915)
    #expect(near(tiananmen.position(in: .gcj02), 116.41024449916938, 39.91640428150164, 1e-12))
    let shifted = try Coordinate(longitude: 116.404, latitude: 39.915, in: .gcj02)
    #expect(near(shifted.position(in: .bd09), 116.41036949371029, 39.92133699351021, 1e-9))
  }

  /// Over the whole area, a tenth of a millimetre is 1e-9 degrees.
  @Test(arguments: [Datum.gcj02, .bd09])
  func comesBackFromEachSystem(datum: Datum) throws {
    var random = SeededRandom(seed: 7)
    for _ in 0..<5000 {
      let start = try place(.random(in: 73...136, using: &random), .random(in: 2...55, using: &random))
      let there = start.position(in: datum)
      let back = try Coordinate(longitude: there.longitude, latitude: there.latitude, in: datum)
      #expect(start.distance(to: back) < 1e-4)
    }
  }

  @Test func shiftsByHundredsOfMetresInChinaAndNotElsewhere() throws {
    let dazhou = try place(107.468, 31.2096)
    let there = dazhou.position(in: .gcj02)
    let distance = dazhou.distance(to: try place(there.longitude, there.latitude))
    #expect((100...800).contains(distance))
    for abroad in [try place(2.35, 48.85), try place(-122.4, 37.8), try place(151.2, -33.9)] {
      #expect(!abroad.isInShiftedArea && near(abroad.position(in: .gcj02), abroad.longitude, abroad.latitude, 1e-15))
    }
    #expect(dazhou.isInShiftedArea)
  }

  @Test func refusesWhatIsNotOnEarth() {
    for (longitude, latitude) in [(180.1, 0), (0, 90.1), (.nan, 0), (0, .infinity), (31.2, 107.4)] {
      let refusal = #expect(throws: Refusal.self) { try place(longitude, latitude) }
      #expect(refusal?.code == "coordinate-invalid")
      #expect(refusal?.message.contains("写反") == (latitude > 90 && latitude <= 180))
    }
    #expect(throws: Refusal.self) { try Coordinate("107.4;31.2") }
    #expect(throws: Refusal.self) { try Coordinate("107.4,31.2,5") }
  }

  @Test func readsTypedCoordinates() throws {
    for text in ["107.468,31.2096", "107.468， 31.2096", " 107.468 31.2096"] {
      #expect(try Coordinate(text) == place(107.468, 31.2096))
    }
  }
}
