/// The fields of the register of addresses that follow from a standard address and are never typed on their own.
extension StandardAddress {
  package static let fieldNames = [
    "full_name", "kind", "division_code", "province", "city", "district", "town", "zone", "community", "road", "lane",
    "house_number", "sub_number", "compound", "building_number", "unit_number", "floor", "room", "poi",
    "canonical_key", "match_key",
  ]

  /// In the order of ``fieldNames``.
  package var fieldTexts: [String?] {
    [
      fullName, kind.rawValue, division.text, province, city, district, town, parts.zone, parts.community, parts.road,
      parts.lane, parts.houseNumber, parts.subNumber, parts.compound, parts.buildingNumber, parts.unitNumber,
      parts.floor, parts.room, parts.poi, canonicalKey, matchKey,
    ]
  }
}

extension AddressParts {
  /// The parts as a record of the register holds them.
  init(fields text: (String) -> String?) {
    self.init()
    zone = text("zone")
    community = text("community")
    road = text("road")
    lane = text("lane")
    houseNumber = text("house_number")
    subNumber = text("sub_number")
    compound = text("compound")
    buildingNumber = text("building_number")
    unitNumber = text("unit_number")
    floor = text("floor")
    room = text("room")
    poi = text("poi")
  }
}
