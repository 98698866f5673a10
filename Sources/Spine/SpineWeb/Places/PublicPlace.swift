import Core
package import Entities
package import Shell

/// Something that residents look for (公共资源), as anybody may know it: an office, a police room, a facility.
package struct PublicPlace: Sendable, Hashable {
  /// The register it stands in.
  package enum Source: String, Sendable, Hashable, CaseIterable {
    case facility, station
  }

  package let source: Source
  package let id: Int64
  package let name: String
  /// A code of `facility_kind`; of stations `police_station` or `police_room`.
  package let kind: String
  package let address: String
  package let phone: String?
  package let hours: String?
  package let lines: String?
  /// From whoever asks, as the crow flies.
  package let metres: Int?
  package var longitude: Double?
  package var latitude: Double?

  package static func path(_ source: Source, _ id: Int64) -> String { "/places/\(source.rawValue)/\(id)" }

  package var path: String { PublicPlace.path(source, id) }

  init?(_ json: JSON) {
    guard let source = json["source"]?.string.flatMap(Source.init(rawValue:)), let id = json["id"]?.int else {
      return nil
    }
    self.source = source
    self.id = id
    name = json["name"]?.string ?? ""
    kind = json["kind"]?.string ?? ""
    address = json["address"]?.string ?? ""
    phone = json["phone"]?.string
    hours = json["hours"]?.string
    lines = json["lines"]?.string
    metres = json["metres"]?.int.map { Int($0) }
    longitude = json["x"]?.double
    latitude = json["y"]?.double
  }

  /// What a kind is called.
  package static func label(_ kind: String, _ catalog: Catalog) -> String {
    switch kind {
    case "police_station": catalog.dictionary("police_station_kind")?.label(of: "station") ?? kind
    case "police_room": catalog.dictionary("police_station_kind")?.label(of: "room") ?? kind
    default: catalog.dictionary("facility_kind")?.label(of: kind) ?? kind
    }
  }

  package static func icon(_ kind: String) -> Icon {
    switch kind {
    case "bus_stop": .bus
    case "hospital", "clinic": .hospital
    case "school", "kindergarten", "library": .school
    case "park", "scenic": .leaf
    case "market", "bank", "post": .shop
    case "street_office", "community_office", "government", "elderly": .community
    case "police", "police_station", "police_room", "kiosk": .police
    default: .pin
    }
  }

  /// Timetables of stops, opening hours of everything else.
  package static func hoursLabel(_ kind: String) -> String {
    switch kind {
    case "bus_stop": "首末班"
    case "street_office", "community_office", "government", "police_station", "police_room", "kiosk": "办公时间"
    default: "开放时间"
    }
  }

  /// A line of a list.
  package func row(_ catalog: Catalog) -> NearbyList.Place {
    NearbyList.Place(
      name: name, kind: PublicPlace.label(kind, catalog), icon: PublicPlace.icon(kind), distance: metres,
      address: lines ?? address, phone: phone, path: path,
      hours: hours.map { "\(PublicPlace.hoursLabel(kind)) \($0)" })
  }
}
