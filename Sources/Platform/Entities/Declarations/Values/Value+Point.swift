package import Geo

extension Value {
  package static func point(_ place: Coordinate) -> Value { .geometry(Geometry.point(place).geoJSON) }

  /// The place of a point field; `nil` for anything else.
  package var point: Coordinate? {
    guard let geometry, case .point(let place)? = try? Geometry(geoJSON: geometry) else { return nil }
    return place
  }
}
