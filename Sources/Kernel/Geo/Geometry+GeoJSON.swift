package import Core

extension Geometry {
  /// Reads a geometry or a feature of GeoJSON (RFC 7946). Heights are dropped; collections are refused.
  ///
  /// - Throws: ``Refusal`` `geojson-invalid`, `geometry-unsupported`, `geometry-too-large`, `coordinate-invalid` and
  ///   those of the parts.
  package init(geoJSON json: JSON, vertexLimit: Int = Geometry.vertexLimit) throws(Refusal) {
    let type = json["type"]?.string
    if type == "Feature", let geometry = json["geometry"] {
      try self.init(geoJSON: geometry, vertexLimit: vertexLimit)
      return
    }
    guard let type else { throw GeoJSONReader.refusal }
    guard GeoJSONReader.types.contains(type) else { throw GeometryRefusal.unsupported(type) }
    guard let coordinates = json["coordinates"] else { throw GeoJSONReader.refusal }
    var reader = GeoJSONReader(left: vertexLimit)
    switch type {
    case "Point": self = .point(try reader.place(coordinates))
    case "LineString": self = .line(try reader.line(coordinates))
    case "Polygon": self = .polygon(try reader.polygon(coordinates))
    case "MultiPoint": self = .points(try reader.places(coordinates))
    case "MultiLineString": self = .lines(try reader.list(coordinates) { r, j throws(Refusal) in try r.line(j) })
    default: self = .polygons(try reader.list(coordinates) { r, j throws(Refusal) in try r.polygon(j) })
    }
  }

  /// The geometry as GeoJSON, with seven decimals.
  package var geoJSON: JSON {
    let coordinates: JSON =
      switch self {
      case .point(let place): place.geoJSON
      case .line(let line): line.geoJSON
      case .polygon(let polygon): polygon.geoJSON
      case .points(let places): .array(places.map(\.geoJSON))
      case .lines(let lines): .array(lines.map(\.geoJSON))
      case .polygons(let polygons): .array(polygons.map(\.geoJSON))
      }
    return .object([("type", .string(typeName)), ("coordinates", coordinates)])
  }
}

extension Coordinate {
  var geoJSON: JSON {
    let place = rounded
    return .array([.double(place.longitude), .double(place.latitude)])
  }
}

extension Line {
  var geoJSON: JSON { .array(coordinates.map(\.geoJSON)) }
}

extension Polygon {
  var geoJSON: JSON { .array(rings.map { .array($0.coordinates.map(\.geoJSON)) }) }
}

/// The refusals that both formats share.
enum GeometryRefusal {
  static func unsupported(_ type: String) -> Refusal {
    Refusal(.unsupported, "geometry-unsupported", "不支持“\(type.prefix(40))”类型的图形。请使用点、线、面。")
  }

  static let empty = Refusal(.invalid, "geometry-empty", "图形里没有任何点。请重新画后提交。")

  static let tooLarge = Refusal(.tooLarge, "geometry-too-large", "图形的点太多。请简化后重新提交。")
}

private struct GeoJSONReader {
  static let types = ["Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"]
  static let refusal = Refusal(.invalid, "geojson-invalid", "图形不是有效的 GeoJSON。请检查格式后重新提交。")

  /// Vertices that may still come.
  var left: Int

  mutating func place(_ json: JSON) throws(Refusal) -> Coordinate {
    guard let numbers = json.array, (2...4).contains(numbers.count), let longitude = numbers[0].double,
      let latitude = numbers[1].double
    else { throw GeoJSONReader.refusal }
    left -= 1
    guard left >= 0 else { throw GeometryRefusal.tooLarge }
    return try Coordinate(longitude: longitude, latitude: latitude)
  }

  mutating func list<Part>(
    _ json: JSON, _ read: (inout GeoJSONReader, JSON) throws(Refusal) -> Part
  ) throws(Refusal) -> [Part] {
    guard let items = json.array else { throw GeoJSONReader.refusal }
    guard !items.isEmpty else { throw GeometryRefusal.empty }
    var parts: [Part] = []
    for item in items { parts.append(try read(&self, item)) }
    return parts
  }

  mutating func places(_ json: JSON) throws(Refusal) -> [Coordinate] {
    try list(json) { reader, item throws(Refusal) in try reader.place(item) }
  }

  mutating func line(_ json: JSON) throws(Refusal) -> Line { try Line(try places(json)) }

  mutating func polygon(_ json: JSON) throws(Refusal) -> Polygon {
    let rings = try list(json) { reader, item throws(Refusal) in try Ring(try reader.places(item)) }
    return Polygon(exterior: rings[0], holes: Array(rings.dropFirst()))
  }
}
