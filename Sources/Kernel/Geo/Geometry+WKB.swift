package import Core

extension Geometry {
  /// The reference systems in which geometry is stored; both are degrees of (nearly) the same ellipsoid.
  package enum SRID: UInt32, Sendable, Hashable {
    case wgs84 = 4326
    case cgcs2000 = 4490
  }

  /// Reads well-known binary: OGC WKB and PostGIS's EWKB in either byte order. Heights and measures are dropped.
  ///
  /// - Throws: ``Refusal`` `wkb-invalid`, `srid-unsupported`, `geometry-unsupported`, `geometry-empty`,
  ///   `geometry-too-large`, `coordinate-invalid` and those of the parts.
  package init(wkb bytes: [UInt8], vertexLimit: Int = Geometry.vertexLimit) throws(Refusal) {
    var reader = WKBReader(bytes: bytes, left: vertexLimit)
    self = try reader.geometry()
    guard reader.position == bytes.count else { throw WKBReader.refusal }
  }

  /// The geometry as EWKB, little-endian, as PostGIS itself stores and sends it.
  package func ewkb(srid: SRID = .wgs84) -> [UInt8] {
    var writer = WKBWriter()
    writer.geometry(self, srid: srid)
    return writer.bytes
  }

  /// The same in capital hexadecimal digits, which PostgreSQL takes as the text of a geometry.
  package func ewkbHex(srid: SRID = .wgs84) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    let bytes = ewkb(srid: srid)
    return String(unsafeUninitializedCapacity: bytes.count * 2) { target in
      for (index, byte) in bytes.enumerated() {
        target[index * 2] = digits[Int(byte >> 4)]
        target[index * 2 + 1] = digits[Int(byte & 15)]
      }
      return bytes.count * 2
    }
  }
}

private enum WKBType: UInt32 {
  case point = 1
  case line, polygon, points, lines, polygons
}

private struct WKBWriter {
  var bytes: [UInt8] = []

  mutating func geometry(_ geometry: Geometry, srid: Geometry.SRID?) {
    switch geometry {
    case .point(let place):
      head(.point, srid)
      self.place(place)
    case .line(let line):
      head(.line, srid)
      places(line.coordinates)
    case .polygon(let polygon):
      head(.polygon, srid)
      integer(UInt32(polygon.rings.count))
      for ring in polygon.rings { places(ring.coordinates) }
    case .points(let items): many(.points, items.map { .point($0) }, srid)
    case .lines(let items): many(.lines, items.map { .line($0) }, srid)
    case .polygons(let items): many(.polygons, items.map { .polygon($0) }, srid)
    }
  }

  private mutating func many(_ type: WKBType, _ items: [Geometry], _ srid: Geometry.SRID?) {
    head(type, srid)
    integer(UInt32(items.count))
    for item in items { geometry(item, srid: nil) }
  }

  private mutating func head(_ type: WKBType, _ srid: Geometry.SRID?) {
    bytes.append(1)
    integer(type.rawValue | (srid == nil ? 0 : 0x2000_0000))
    if let srid { integer(srid.rawValue) }
  }

  private mutating func places(_ places: [Coordinate]) {
    integer(UInt32(places.count))
    for place in places { self.place(place) }
  }

  private mutating func place(_ place: Coordinate) {
    double(place.longitude)
    double(place.latitude)
  }

  private mutating func integer(_ value: UInt32) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  private mutating func double(_ value: Double) {
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
  }
}

private struct WKBReader {
  static let refusal = Refusal(.invalid, "wkb-invalid", "图形数据已损坏，没有保存。请重新画后提交。")

  let bytes: [UInt8]
  var left: Int
  var position = 0
  private var littleEndian = true
  private var extraDimensions = 0

  init(bytes: [UInt8], left: Int) {
    self.bytes = bytes
    self.left = left
  }

  mutating func geometry() throws(Refusal) -> Geometry {
    switch try head() {
    case .point: return .point(try place())
    case .line: return .line(try Line(try places()))
    case .polygon: return .polygon(try polygon())
    case .points:
      return .points(
        try parts { part throws(Refusal) in
          guard case .point(let place) = part else { throw WKBReader.refusal }
          return place
        })
    case .lines:
      return .lines(
        try parts { part throws(Refusal) in
          guard case .line(let line) = part else { throw WKBReader.refusal }
          return line
        })
    case .polygons:
      return .polygons(
        try parts { part throws(Refusal) in
          guard case .polygon(let polygon) = part else { throw WKBReader.refusal }
          return polygon
        })
    }
  }

  /// Reads byte order, type, dimensions (EWKB flags or ISO thousands) and reference system.
  private mutating func head() throws(Refusal) -> WKBType {
    let order = try take(1)
    guard order == 0 || order == 1 else { throw WKBReader.refusal }
    littleEndian = order == 1
    let code = UInt32(try take(4))
    extraDimensions = (code & 0x8000_0000 != 0 ? 1 : 0) + (code & 0x4000_0000 != 0 ? 1 : 0)
    var plain = code & 0x0FFF_FFFF
    switch plain / 1000 {
    case 0: break
    case 1, 2: extraDimensions = 1
    case 3: extraDimensions = 2
    default: throw WKBReader.refusal
    }
    plain %= 1000
    if code & 0x2000_0000 != 0 {
      let srid = UInt32(try take(4))
      guard srid == 0 || Geometry.SRID(rawValue: srid) != nil else {
        throw Refusal(
          .unsupported, "srid-unsupported", "图形的坐标系是 EPSG:\(srid)，只支持 4326 和 4490。请转换后重新提交。")
      }
    }
    guard let type = WKBType(rawValue: plain) else { throw GeometryRefusal.unsupported("WKB \(plain)") }
    return type
  }

  private mutating func parts<Part>(
    _ pick: (Geometry) throws(Refusal) -> Part
  ) throws(Refusal) -> [Part] {
    var parts: [Part] = []
    // Each part takes at least a head and a count, so a false count cannot reserve more than the bytes justify.
    for _ in 0..<(try count(unit: 9)) { parts.append(try pick(try geometryPart())) }
    return parts
  }

  private mutating func geometryPart() throws(Refusal) -> Geometry {
    guard position + 5 <= bytes.count else { throw WKBReader.refusal }
    // A part is simple: nested collections would otherwise nest without end.
    let low = bytes[position] == 1 ? bytes[position + 1] : bytes[position + 4]
    let high = bytes[position] == 1 ? bytes[position + 2] : bytes[position + 3]
    let plain = (UInt32(high) << 8 | UInt32(low)) % 1000
    guard (1...3).contains(plain) else { throw WKBReader.refusal }
    return try geometry()
  }

  private mutating func polygon() throws(Refusal) -> Polygon {
    var rings: [Ring] = []
    for _ in 0..<(try count(unit: 4)) { rings.append(try Ring(try places())) }
    return Polygon(exterior: rings[0], holes: Array(rings.dropFirst()))
  }

  private mutating func places() throws(Refusal) -> [Coordinate] {
    let count = try count(unit: 16 + 8 * extraDimensions)
    var places: [Coordinate] = []
    places.reserveCapacity(count)
    for _ in 0..<count { places.append(try place()) }
    return places
  }

  private mutating func place() throws(Refusal) -> Coordinate {
    left -= 1
    guard left >= 0 else { throw GeometryRefusal.tooLarge }
    let longitude = Double(bitPattern: try take(8))
    let latitude = Double(bitPattern: try take(8))
    for _ in 0..<extraDimensions { _ = try take(8) }
    if longitude.isNaN, latitude.isNaN { throw GeometryRefusal.empty }
    return try Coordinate(longitude: longitude, latitude: latitude)
  }

  private mutating func count(unit: Int) throws(Refusal) -> Int {
    let count = Int(try take(4))
    guard count > 0 else { throw GeometryRefusal.empty }
    guard count <= (bytes.count - position) / unit else { throw WKBReader.refusal }
    return count
  }

  private mutating func take(_ width: Int) throws(Refusal) -> UInt64 {
    guard position + width <= bytes.count else { throw WKBReader.refusal }
    var value: UInt64 = 0
    for index in 0..<width {
      let byte = bytes[position + (littleEndian ? width - 1 - index : index)]
      value = value << 8 | UInt64(byte)
    }
    position += width
    return value
  }
}
