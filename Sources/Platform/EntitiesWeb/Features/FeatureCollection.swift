import Core
import Entities
import HTTP

/// A register as a feature collection (要素集): which of its fields is the geometry, what its features say.
struct FeatureCollection {
  let entity: EntityDeclaration
  /// The shape of a feature; other shapes of the register stand among the properties.
  let geometry: FieldDeclaration

  /// `nil` for a register without a place.
  init?(_ entity: EntityDeclaration) {
    let shapes = entity.fields.filter { $0.type.isGeometry && $0.isStored && !$0.encrypted && !$0.hidden }
    guard let geometry = shapes.first(where: { $0.name == entity.map?.geometry }) ?? shapes.first else { return nil }
    self.entity = entity
    self.geometry = geometry
  }

  /// What a feature says besides its shape, in declared order.
  var properties: [FieldDeclaration] {
    entity.fields.filter { $0.name != geometry.name && !$0.hidden && $0.type != .json }
  }

  /// The fields that are read.
  var columns: [String] { [geometry.name] + properties.map(\.name) }

  // MARK: About the collection

  /// The collection as `/collections` lists it (17-069r4 §7.14).
  func description(root: String) -> JSON {
    let path = "\(root)/collections/\(entity.name)"
    return [
      "id": .string(entity.name), "title": .string(entity.label),
      "description": .string(entity.help ?? "\(entity.label)，位置取“\(geometry.label)”；时间为最近更新时间。"),
      "itemType": "feature", "crs": [.string(FeatureCollection.crs84)],
      "links": [
        FeatureRoutes.link(path, "self", entity.label),
        FeatureRoutes.link("\(path)/items", "items", "\(entity.label)的要素", type: FeatureRoutes.geoJSON),
      ],
    ]
  }

  static let crs84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

  // MARK: Features

  /// The record as a GeoJSON feature (RFC 7946 §3.2); what is masked shows its mask.
  func feature(_ record: Record) -> JSON {
    var values: [(key: String, value: JSON)] = properties.map { field in
      (field.name, FeatureCollection.property(record[field.name]))
    }
    values.append(("updated_at", .string(record.updatedAt.iso8601)))
    return [
      "type": "Feature", "id": .int(record.id), "geometry": record[geometry.name].geometry ?? .null,
      "properties": .object(values),
    ]
  }

  /// Numbers as numbers, which maps can be coloured by; several codes as one text, since most programs know no lists.
  private static func property(_ value: Value) -> JSON {
    switch value {
    case .decimal(let number): Double(number.description).map { .double($0) } ?? .null
    case .money(let money): Double(money.plain).map { .double($0) } ?? .null
    case .instant(let instant): .string(instant.iso8601)
    case .list(let texts): .string(texts.joined(separator: ","))
    default: RecordJSON.encode(value)
    }
  }
}
