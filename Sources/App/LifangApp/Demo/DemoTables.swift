import Addresses
import Core
import DemoCity
import Entities
import Geo
import SQL

/// The rows of the demo city in the fields of the registers.
struct DemoTables: Sendable {
  /// In the order in which they refer to each other.
  static let names = [
    "division", "grid", "police_station", "road", "compound", "address", "building", "building_unit", "room",
    "organisation", "person", "residence", "public_facility",
  ]

  private typealias Cell = BulkLoader.Cell
  private typealias Row = BulkLoader.Row

  private let division: BulkLoader
  private let grid: BulkLoader
  private let station: BulkLoader
  private let road: BulkLoader
  private let compound: BulkLoader
  private let address: BulkLoader
  private let building: BulkLoader
  private let unit: BulkLoader
  private let room: BulkLoader
  private let organisation: BulkLoader
  private let person: BulkLoader
  private let residence: BulkLoader
  private let facility: BulkLoader

  init(_ store: RecordStore) throws {
    func loader(_ name: String, _ fields: String) throws -> BulkLoader {
      try BulkLoader(store, name, fields: fields.split(separator: " ").map(String.init))
    }
    division = try loader("division", "code name full_name short_name level kind parent_id parent_code boundary")
    grid = try loader(
      "grid", "code name kind division_code worker_name worker_phone boundary household_count status")
    station = try loader(
      "police_station",
      "code name kind parent_id division_code phone officer_name officer_number officer_phone office_hours location jurisdiction status"
    )
    road = try loader("road", "code name kind division_code smallest_number largest_number line length status")
    compound = try loader(
      "compound",
      "code name kind division_code road_id house_number boundary grid_id building_count household_count built_year status"
    )
    let derived = StandardAddress.fieldNames.joined(separator: " ")
    address = try loader(
      "address",
      "code status \(derived) location location_source road_id compound_id parent_id grid_id police_station_id beat plate_kind plate_status data_source"
    )
    building = try loader(
      "building",
      "code name kind address_id compound_id division_code grid_id building_number storeys storeys_below unit_count room_count built_year has_lift is_economic footprint status"
    )
    unit = try loader(
      "building_unit",
      "name building_id unit_number address_id division_code storeys rooms_per_storey has_lift location"
    )
    room = try loader(
      "room", "name building_id unit_id address_id division_code floor room_number usage state area is_let")
    organisation = try loader(
      "organisation",
      "name credit_code kind industry status address_id division_code grid_id legal_person phone staff_count registered_on is_key location"
    )
    person = try loader(
      "person",
      "name document_kind resident_id document_number sex birth_date nationality ethnicity phone residency division_code address_id room_id household_number relation_to_head special_group"
    )
    residence = try loader(
      "residence",
      "label person_id address_id room_id division_code kind relation basis since source_kind state confirmed_on")
    facility = try loader(
      "public_facility",
      "code name kind division_code address_text phone opening_hours bus_lines capacity is_free is_accessible location status"
    )
  }

  // MARK: The city

  func loadCity(_ city: DemoCity, in transaction: Transaction) async throws {
    let codes = Dictionary(city.divisions.map { ($0.id, $0.code.text) }, uniquingKeysWith: { first, _ in first })
    try await division.load(
      city.divisions.map { item in
        Row(
          item.id,
          [
            .text(item.code.text), .text(item.name), .text(item.fullName), .text(item.shortName),
            .text("\(item.code.level)"), .text(item.kind), .integer(item.parentID),
            .text(item.parentID.flatMap { codes[$0] }), .geometry(item.boundary.map { .polygon($0) }),
          ])
      }, in: transaction)
    try await grid.load(
      city.grids.map { item in
        Row(
          item.id,
          [
            .text(item.code.text), .text(item.name), .text("work"), .text(item.community.text), .text(item.workerName),
            .text(item.workerPhone.text), .geometry(.polygon(item.boundary)), .integer(Int64(item.households)),
            .text("active"),
          ])
      }, in: transaction)
    try await station.load(
      city.policeStations.map { item in
        Row(
          item.id,
          [
            .text(item.code), .text(item.name), .text(item.kind), .integer(item.parentID), .text(item.division.text),
            .text(item.phone.text), .text(item.officerName), .text(item.officerNumber), .text(item.officerPhone.text),
            .text(item.kind == "station" ? "全天" : "工作日 9:00 至 17:00"), .geometry(.point(item.location)),
            .geometry(.polygon(item.jurisdiction)), .text("active"),
          ])
      }, in: transaction)
    try await road.load(
      city.roads.map { item in
        Row(
          item.id,
          [
            .text(item.code), .text(item.name), .text(item.kind), .text(item.division.text), .text(item.smallestNumber),
            .text(item.largestNumber), .geometry(.line(item.line)), decimal(item.line.length), .text("active"),
          ])
      }, in: transaction)
  }

  // MARK: Communities

  func load(_ group: DemoGroup, in transaction: Transaction) async throws {
    let batches = group.batches
    let names = Dictionary(
      batches.flatMap(\.addresses).map { ($0.id, $0.standard.localName) }, uniquingKeysWith: { first, _ in first })
    try await compound.load(batches.flatMap(\.compounds).map(row), in: transaction)
    try await address.load(batches.flatMap(\.addresses).map(row), in: transaction)
    try await building.load(batches.flatMap(\.buildings).map(row), in: transaction)
    try await unit.load(batches.flatMap(\.units).map(row), in: transaction)
    try await room.load(batches.flatMap(\.rooms).map(row), in: transaction)
    try await organisation.load(batches.flatMap(\.organisations).map(row), in: transaction)
    try await person.load(batches.flatMap(\.persons).map(row), in: transaction)
    let people = Dictionary(
      batches.flatMap(\.persons).map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
    try await residence.load(
      batches.flatMap(\.residences).map { item in
        let label = [people[item.personID], names[item.addressID]].compactMap(\.self).joined(separator: " · ")
        return Row(
          item.id,
          [
            .text(String(label.prefix(120))), .integer(item.personID), .integer(item.addressID), .integer(item.roomID),
            .text(item.division.text), .text(item.kind), .text(item.relation), .text(item.basis), .date(item.since),
            .text("police"), .text("confirmed"), .date(item.since),
          ])
      }, in: transaction)
    try await facility.load(batches.flatMap(\.facilities).map(row), in: transaction)
  }

  private func row(_ item: DemoCompound) -> Row {
    Row(
      item.id,
      [
        .text(item.code), .text(item.name), .text(item.kind), .text(item.division.text), .integer(item.roadID),
        .text(item.houseNumber), .geometry(.polygon(item.boundary)), .integer(item.gridID),
        .integer(Int64(item.buildings)), .integer(Int64(item.households)), .integer(Int64(item.builtYear)),
        .text("active"),
      ])
  }

  private func row(_ item: DemoAddress) -> Row {
    let derived = item.standard.fieldTexts.map { Cell.text($0) }
    return Row(
      item.id,
      [.text(item.code.text), .text(item.status)] + derived + [
        .geometry(.point(item.location)), .text("surveyed"), .integer(item.roadID), .integer(item.compoundID),
        .integer(item.parentID), .integer(item.gridID), .integer(item.policeStationID), .text(item.beat),
        .text(item.plateKind), .text(item.plateStatus), .text("survey"),
      ])
  }

  private func row(_ item: DemoBuilding) -> Row {
    Row(
      item.id,
      [
        .text(item.code), .text(item.name), .text(item.kind), .integer(item.addressID), .integer(item.compoundID),
        .text(item.division.text), .integer(item.gridID), .text(item.number), .integer(Int64(item.storeys)),
        .integer(0), .integer(Int64(item.units)), .integer(Int64(item.rooms)), .integer(Int64(item.builtYear)),
        .value(.boolean(item.storeys > 7)), .value(.boolean(false)), .geometry(.polygon(item.footprint)),
        .text("active"),
      ])
  }

  private func row(_ item: DemoUnit) -> Row {
    Row(
      item.id,
      [
        .text(item.name), .integer(item.buildingID), .text(item.number), .integer(item.addressID),
        .text(item.division.text), .integer(Int64(item.storeys)), .integer(Int64(item.roomsPerStorey)),
        .value(.boolean(item.storeys > 7)), .geometry(.point(item.location)),
      ])
  }

  private func row(_ item: DemoRoom) -> Row {
    Row(
      item.id,
      [
        .text(item.name), .integer(item.buildingID), .integer(item.unitID), .integer(item.addressID),
        .text(item.division.text), .integer(Int64(item.floor)), .text(item.number), .text(item.usage),
        .text(item.state), decimal(Double(item.areaHundredths) / 100), .value(.boolean(item.isLet)),
      ])
  }

  private func row(_ item: DemoOrganisation) -> Row {
    Row(
      item.id,
      [
        .text(item.name), .text(item.creditCode.text), .text(item.kind), .text(item.industry), .text("open"),
        .integer(item.addressID), .text(item.division.text), .integer(item.gridID), .text(item.legalPerson),
        .text(item.phone.text), .integer(Int64(item.staff)), .date(item.registeredOn), .value(.boolean(false)),
        .geometry(.point(item.location)),
      ])
  }

  private func row(_ item: DemoPerson) -> Row {
    Row(
      item.id,
      [
        .text(item.name), .text(item.document?.kind.rawValue ?? "resident_id"), .text(item.residentID?.text),
        .text(item.document?.text), .text(item.sex.rawValue), .date(item.birthDate), .text(item.nationality),
        .text(item.ethnicity), .text(item.phone?.text), .text(item.residency), .text(item.division.text),
        .integer(item.addressID), .integer(item.roomID), .text(item.householdNumber), .text(item.relation),
        .value(item.specialGroups.isEmpty ? .null : .list(item.specialGroups)),
      ])
  }

  private func row(_ item: DemoFacility) -> Row {
    Row(
      item.id,
      [
        .text(item.code), .text(item.name), .text(item.kind), .text(item.division.text), .text(item.addressText),
        .text(item.phone?.text), .text(item.openingHours), .text(item.busLines),
        .integer(item.capacity.map { Int64($0) }), .value(.null), .value(.null), .geometry(.point(item.location)),
        .text("active"),
      ])
  }

  private func decimal(_ number: Double) -> Cell {
    let hundredths = Int64((number * 100).rounded())
    let rest = String(hundredths % 100)
    return .value(
      FixedDecimal("\(hundredths / 100).\(rest.count < 2 ? "0" + rest : rest)").map { .decimal($0) } ?? .null)
  }
}
