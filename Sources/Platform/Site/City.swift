package import Core
package import Geo

/// The city that an installation serves (城市).
package struct City: Sendable, Hashable {
  /// 达州市; stands beside the product's name.
  package let name: String
  /// Where maps open when nobody says where.
  package let centre: Coordinate

  /// - Throws: ``Refusal`` `coordinate-invalid`.
  package init(name: String, longitude: Double, latitude: Double) throws(Refusal) {
    self.name = name
    centre = try Coordinate(longitude: longitude, latitude: latitude)
  }
}
