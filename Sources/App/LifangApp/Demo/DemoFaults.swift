import Access
import Addresses
import Core
import Entities
import Jobs
import SQL

/// A few true errors in the base of the demo city, so that the inspection of addresses has something to find.
enum DemoFaults {
  /// Towns whose addresses are spoilt: where the demo's station is.
  private static let town = "511702001"

  /// Begins the first inspection; later ones come each night.
  static func inspect(_ store: RecordStore, _ jobs: JobQueue) async throws {
    guard try await jobs.list(kind: AddressQualityJob.kind, limit: 1).isEmpty else { return }
    _ = try await jobs.add(
      AddressQualityJob(), label: AddressQualityJob.label, by: .system, uniqueKey: AddressQualityJob.uniqueKey)
  }

  /// The last addresses of the town by code are taken, each for one error.
  static func sow(_ records: Records, in transaction: Transaction) async throws {
    var plates = try await read("roadside", 5, in: transaction)[...]
    // Twice, and once without its community.
    for plate in plates.prefix(2) {
      try await insert(plate, ["division_code": .text(town)], leaving: ["community"], records)
    }
    plates = plates.dropFirst(2)
    if let plate = plates.popFirst() {
      try await insert(plate, ["sub_number": .text("附3号")], moved: 0.003, records)
    }
    if let plate = plates.popFirst() { try await insert(plate, ["house_number": .text("0号")], records) }
    if let plate = plates.popFirst() {
      let other = try await transaction.query(
        """
        select code from division where parent_code = \(town) and level = 'community'
          and code <> \(plate.values["division_code"]?.text ?? "") order by code limit 1
        """
      ).first
      if let other {
        try await records.update(
          "address", plate.id, version: nil, ["division_code": .text(try other.get("code"))], input: .code)
      }
    }
    if let building = try await read("building", 1, where: "compound ~ '[园城诚苑]'", in: transaction).first {
      let name = building.values["compound"]?.text ?? ""
      let slips: [Character: Character] = ["园": "圆", "城": "诚", "诚": "城", "苑": "宛"]
      try await insert(building, ["compound": .text(String(name.map { slips[$0] ?? $0 }))], moved: 0.0001, records)
    }
    for room in try await read("room", 2, in: transaction) {
      try await records.update("address", room.id, version: nil, ["floor": .text("88层")], input: .code)
    }
  }

  private struct Address: Sendable {
    let id: Int64
    let place: (x: Double, y: Double)
    let values: [String: Value]
  }

  private static let texts = [
    "division_code", "community", "road", "house_number", "compound", "building_number", "beat",
  ]

  private static func read(
    _ kind: String, _ count: Int, where condition: SQL = "true", in transaction: Transaction
  ) async throws -> [Address] {
    try await transaction.query(
      """
      select *, st_x(location) as x, st_y(location) as y from address
      where kind = \(kind) and starts_with(division_code, \(town)) and location is not null
        and (kind <> 'roadside' or road_id is not null) and \(condition)
      order by code desc limit \(count)
      """
    ).map { row in
      var values: [String: Value] = [:]
      for name in texts { values[name] = try row.get(name, as: String?.self).map { .text($0) } }
      for name in ["road_id", "compound_id", "grid_id", "police_station_id"] {
        values[name] = try row.get(name, as: Int64?.self).map { .integer($0) }
      }
      return Address(id: try row.get("id"), place: (try row.get("x"), try row.get("y")), values: values)
    }
  }

  /// Enters the address again with other values, `moved` degrees to the east.
  private static func insert(
    _ address: Address, _ changes: [String: Value], leaving: Set<String> = [], moved: Double = 0, _ records: Records
  ) async throws {
    var values = address.values.merging(changes) { $1 }
    for name in leaving { values[name] = nil }
    values["status"] = .text("pending")
    values["data_source"] = .text("import")
    values["location"] = .geometry(
      ["type": "Point", "coordinates": [.double(address.place.x + moved), .double(address.place.y)]])
    try await records.insert("address", values, input: .code)
  }
}
