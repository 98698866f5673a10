import Core
import DoorPlates
import Entities
import Geo
import HTTP
import Shell

/// A place that somebody stood at, as the form sends it: what is to count, what the device measured, how exactly (纠偏).
struct FieldPosition: Sendable {
  let place: Coordinate?
  let measured: Coordinate?
  /// In metres.
  let accuracy: Double?

  /// - Throws: ``Refusal`` at `name` for what is no place.
  init(_ form: FormData, _ name: String) throws(Refusal) {
    place = try FieldPosition.coordinate(form, name, at: name)
    measured = try FieldPosition.coordinate(form, "\(name).measured", at: name)
    accuracy = form.first("\(name).accuracy").flatMap(Double.init).flatMap { $0 >= 0 && $0 <= 100_000 ? $0 : nil }
  }

  private static func coordinate(_ form: FormData, _ name: String, at field: String) throws(Refusal) -> Coordinate? {
    let x = form.first("\(name).lon") ?? ""
    let y = form.first("\(name).lat") ?? ""
    if x.isEmpty, y.isEmpty { return nil }
    guard let longitude = Double(x), let latitude = Double(y) else {
      throw Refusal(.invalid, "coordinate-invalid", "位置的经纬度不是数字。请按“用我的位置”，或在地图上选。", field: field)
    }
    do {
      return try Coordinate(longitude: longitude, latitude: latitude)
    } catch {
      throw Refusal(.invalid, error.code, error.message, field: field)
    }
  }

  /// The values of the fields of a register that hold it; what is missing is left out.
  func values(place field: String, measured measuredField: String? = nil, accuracy accuracyField: String? = nil)
    -> [String: Value]
  {
    var values: [String: Value] = [:]
    if let place { values[field] = .point(place) }
    if let measured, let measuredField { values[measuredField] = .point(measured) }
    if let accuracy, let accuracyField { values[accuracyField] = GroundLength.metres(accuracy) }
    return values
  }

  /// The control for it: filled from what was typed, or with nothing; the map opens at `start`.
  static func control(_ form: FormData?, _ name: String, start: Coordinate?) -> Control {
    .point(
      Control.Point(
        longitude: form?.first("\(name).lon") ?? "", latitude: form?.first("\(name).lat") ?? "",
        start: start.map { "\($0.longitude),\($0.latitude),18" }, keepsMeasured: true))
  }
}
