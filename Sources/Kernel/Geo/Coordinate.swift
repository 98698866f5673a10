package import Core

/// A place on the ground (坐标) in degrees of WGS-84, which agrees with CGCS2000 (EPSG:4490) to a few centimetres.
///
/// Every stored coordinate is one of these; the shifted systems of map providers exist at the edges only, see ``Datum``.
package struct Coordinate: Sendable, Hashable {
  /// East is positive, from -180 to 180.
  package let longitude: Double
  /// North is positive, from -90 to 90.
  package let latitude: Double

  /// - Throws: ``Refusal`` `coordinate-invalid` when a number is not finite or out of range.
  package init(longitude: Double, latitude: Double) throws(Refusal) {
    guard longitude.isFinite, latitude.isFinite, abs(longitude) <= 180, abs(latitude) <= 90 else {
      let swapped = abs(latitude) <= 180 && abs(longitude) <= 90
      throw Refusal(
        .invalid, "coordinate-invalid",
        "坐标无效：经度应在 -180 到 180 之间，纬度应在 -90 到 90 之间。\(swapped ? "经度和纬度可能写反了。" : "")请改正后重新提交。")
    }
    self.longitude = longitude
    self.latitude = latitude
  }

  /// For results of calculations that cannot leave the range but by rounding.
  init(clamping longitude: Double, _ latitude: Double) {
    self.longitude = min(max(longitude, -180), 180)
    self.latitude = min(max(latitude, -90), 90)
  }

  /// Reads `104.0668,30.5728` (longitude first), with a comma, full-width comma or spaces between.
  ///
  /// - Throws: ``Refusal`` `coordinate-invalid`.
  package init(_ text: String) throws(Refusal) {
    let parts = text.split(whereSeparator: { ",， \t".contains($0) }).map { Double($0) ?? .nan }
    guard parts.count == 2 else {
      throw Refusal(.invalid, "coordinate-invalid", "坐标应写成“经度,纬度”，例如 107.4680,31.2096。请改正后重新提交。")
    }
    try self.init(longitude: parts[0], latitude: parts[1])
  }

  /// Rounded to seven decimals, about a centimetre: what is worth sending to a map.
  package var rounded: Coordinate {
    Coordinate(clamping: (longitude * 1e7).rounded() / 1e7, (latitude * 1e7).rounded() / 1e7)
  }
}
