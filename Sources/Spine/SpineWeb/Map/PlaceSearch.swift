package import Access
package import Core
package import Entities
package import Geo
package import SQL

/// Finds places by what a person types: an address code, coordinates, or words of an address (A-027, A-028, A-108).
package struct PlaceSearch: Sendable {
  package struct Place: Sendable, Hashable {
    /// Of the record.
    package let id: Int64
    package let title: String
    package let detail: String
    package let note: String?
    package let longitude: Double?
    package let latitude: Double?
    package let path: String

    package var json: JSON {
      var members: [(key: String, value: JSON)] = [
        ("title", .string(title)), ("detail", .string(detail)), ("note", note.map { .string($0) } ?? .null),
        ("path", .string(path)),
      ]
      if let longitude, let latitude { members.append(("at", [.double(longitude), .double(latitude)])) }
      return .object(members)
    }
  }

  let database: Database
  let store: RecordStore

  package init(database: Database, store: RecordStore) {
    self.database = database
    self.store = store
  }

  /// At most twenty places for `text`, of those the principal may see.
  package func find(_ text: String, for principal: Principal) async throws -> [Place] {
    let text = TextForms.trimmed(text)
    guard !text.isEmpty else { return [] }
    if let place = try? Coordinate(text) { return try await addresses(near: place, for: principal) }
    guard principal.may(Permission("address", "view")) else { return [] }
    let query = ListQuery("address", search: text, columns: ["full_name", "code", "location"], limit: 20)
    return try await store.records(as: principal).list(query).records.map { record in
      let place = record["location"].point
      return Place(
        id: record.id, title: record["full_name"].text ?? "", detail: record["code"].text ?? "", note: nil,
        longitude: place?.longitude, latitude: place?.latitude, path: "/r/address/\(record.id)")
    }
  }

  /// Everything on the map by name or code: what ``find(_:for:)`` finds, before it the roads, compounds, divisions,
  /// facilities and stations that are called so (D1-195, D3-014).
  package func everything(_ text: String, for principal: Principal) async throws -> [Place] {
    let addresses = try await find(text, for: principal)
    let text = TextForms.trimmed(text)
    guard !text.isEmpty, (try? Coordinate(text)) == nil else { return addresses }
    var named: [Place] = []
    for entity in PlaceSearch.named { named += try await called(text, entity, for: principal) }
    return named + addresses
  }

  /// The registers of named places, the narrower first.
  private static let named = ["public_facility", "police_station", "compound", "road", "division"]

  /// Five at most, of those the principal may see.
  private func called(_ text: String, _ name: String, for principal: Principal) async throws -> [Place] {
    guard let entity = store.catalog.entity(name), let geometry = entity.map?.geometry,
      principal.may(Permission(name, "view"))
    else { return [] }
    let columns = ["name", "kind", "division_code", geometry].filter { entity.field($0) != nil }
    let found = try await store.records(as: principal).list(
      ListQuery(name, search: text, columns: columns, limit: 5))
    return found.records.map { record in
      let shape = record[geometry].geometry.flatMap { try? Geometry(geoJSON: $0) }
      let at = shape.map(PlaceSearch.point)
      let kind = entity.field("kind").map { store.catalog.text($0, of: record) }
      return Place(
        id: record.id, title: record["name"].text ?? "",
        detail: [kind, record.titles["division_code"]].compactMap(\.self).filter { !$0.isEmpty }
          .joined(separator: " · "), note: entity.label, longitude: at?.longitude, latitude: at?.latitude,
        path: "/r/\(name)/\(record.id)")
    }
  }

  /// Where a shape is pointed out: on the middle of a line, in the middle of an area's bounds.
  private static func point(_ shape: Geometry) -> Coordinate {
    if case .line(let line) = shape { return line.coordinates[line.coordinates.count / 2] }
    return shape.bounds.center
  }

  /// Plates by road and number for anybody (A-028): the public names of plates on roads, compounds and buildings, no
  /// homes, and only for words with a number in them, so that nobody reads whole roads, nor codes that are guessed.
  package func plates(_ text: String) async throws -> [Place] {
    let text = TextForms.trimmed(text)
    let isGuessedCode = text.split(whereSeparator: { !$0.isASCII || !$0.isNumber }).contains { $0.count > 6 }
    guard text.count >= 3, !isGuessedCode, text.contains(where: \.isNumber), text.contains(where: { !$0.isASCII })
    else { return [] }
    let query = ListQuery(
      "address",
      filters: [
        ListFilter("kind", .oneOf(["roadside", "compound", "building"].map { .text($0) })),
        ListFilter("status", .oneOf(["pending", "confirmed", "doubtful"].map { .text($0) })),
      ], search: text, columns: ["full_name", "code"], limit: 10)
    return try await store.records(as: .system).list(query).records.map { record in
      let code = record["code"].text ?? ""
      return Place(
        id: record.id, title: record["full_name"].text ?? "", detail: code, note: nil, longitude: nil, latitude: nil,
        path: "/d/\(code)")
    }
  }

  /// The address with that code, as anybody may know it.
  package func address(_ code: String) async throws -> Place? {
    let rows = try await database.query(
      """
      select id, full_name, code, st_x(location) as x, st_y(location) as y from address
      where code = \(code) and status <> 'cancelled'
      """)
    return try rows.first.map { try PlaceSearch.place($0, note: nil) }
  }

  /// The addresses nearest to a place, within 200 metres.
  private func addresses(near place: Coordinate, for principal: Principal) async throws -> [Place] {
    guard principal.may(Permission("address", "view")) else { return [] }
    let rows = try await NearbyAddresses(store: store).around(place, within: 200, for: principal)
    return try rows.map { row in
      let metres = Int(try row.get("metres", as: Double.self).rounded())
      return try PlaceSearch.place(row, note: "\(metres) 米")
    }
  }

  static func place(_ row: Row, note: String?) throws -> Place {
    let id = try row.get("id", as: Int64.self)
    return Place(
      id: id, title: try row.get("full_name"), detail: try row.get("code"), note: note, longitude: try row.get("x"),
      latitude: try row.get("y"), path: "/r/address/\(id)")
  }

  /// Public facilities around a place, nearest first.
  package func facilities(around place: Coordinate, metres: Double, kind: String?) async throws -> [Place] {
    let box = (latitude: metres / 111_000, longitude: metres / 94_000)
    let point: SQL = "st_setsrid(st_makepoint(\(place.longitude), \(place.latitude)), 4490)"
    let ofKind: SQL = kind.map { "and f.kind = \($0)" } ?? ""
    let rows = try await database.query(
      """
      select f.id, f.name, f.kind, coalesce(f.address_text, '') as address, st_x(f.location) as x,
        st_y(f.location) as y, round(st_distancesphere(f.location, \(point)))::int as metres
      from public_facility f
      where f.status = 'active' and f.location && st_expand(\(point), \(box.longitude), \(box.latitude))
        and st_distancesphere(f.location, \(point)) <= \(metres) \(ofKind)
      order by st_distancesphere(f.location, \(point)), f.id limit 50
      """)
    let kinds = store.catalog.dictionary("facility_kind")
    return try rows.map { row in
      let kind = try row.get("kind", as: String.self)
      let address = try row.get("address", as: String.self)
      return Place(
        id: try row.get("id"), title: try row.get("name"),
        detail: [kinds?.label(of: kind) ?? kind, address].filter { !$0.isEmpty }
          .joined(separator: " · "), note: "\(try row.get("metres", as: Int.self)) 米", longitude: try row.get("x"),
        latitude: try row.get("y"), path: "/r/public_facility/\(try row.get("id", as: Int64.self))")
    }
  }
}
