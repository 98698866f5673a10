import Core
package import Entities
package import Geo

/// Places of records as coordinates, and lengths as the registers keep them.
package enum GroundPlace {
  /// The place of a point field; `nil` for anything else.
  package static func coordinate(_ value: Value) -> Coordinate? {
    guard let pair = value.geometry?["coordinates"]?.array, pair.count == 2, let x = pair[0].double,
      let y = pair[1].double
    else { return nil }
    return try? Coordinate(longitude: x, latitude: y)
  }

  package static func value(_ place: Coordinate) -> Value {
    .geometry(["type": "Point", "coordinates": [.double(place.longitude), .double(place.latitude)]])
  }

  /// Metres, rounded to a tenth: what a telephone measures is no better.
  package static func metres(_ length: Double) -> Value {
    guard length.isFinite, length >= 0, length < 1e8 else { return .null }
    return .decimal(FixedDecimal(millionths: Int64((length * 10).rounded()) * 100_000))
  }

  /// Metres between two places; `nil` unless both are known.
  static func distance(_ a: Value, _ b: Value) -> Double? {
    guard let a = coordinate(a), let b = coordinate(b) else { return nil }
    return a.distance(to: b)
  }
}
