import Core
import Geo

/// How the shapes of fields are stored: lines and areas as multi-parts, so that one column holds both.
enum GeometryForm {
  /// The shape of `json` as PostGIS text of the stored coordinate system.
  ///
  /// - Throws: ``Refusal`` `geometry-kind` for another kind of shape than the field's, and those of `Geometry`, each
  ///   naming the field.
  static func stored(_ json: JSON, for field: FieldDeclaration) throws(Refusal) -> String {
    let geometry: Geometry
    do {
      geometry = try Geometry(geoJSON: json)
    } catch {
      throw Refusal(error.kind, error.code, "\(field.label)：\(error.message)", field: field.name)
    }
    let stored: Geometry? =
      switch (field.type, geometry) {
      case (.point, .point), (.line, .lines), (.polygon, .polygons): geometry
      case (.line, .line(let line)): .lines([line])
      case (.polygon, .polygon(let polygon)): .polygons([polygon])
      default: nil
      }
    guard let stored else {
      throw Refusal(
        .unprocessable, "geometry-kind", "\(field.label)要求\(field.type.label)，收到的是 \(geometry.typeName)。请重新绘制后提交。",
        field: field.name)
    }
    return stored.ewkbHex(srid: .cgcs2000)
  }
}
