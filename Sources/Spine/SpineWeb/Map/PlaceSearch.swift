package import Access
package import Addresses
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
  let segmenter: AddressSegmenter

  package init(database: Database, store: RecordStore, gazetteer: Gazetteer) {
    self.database = database
    self.store = store
    segmenter = AddressSegmenter(gazetteer: gazetteer)
  }

  /// At most twenty places for `text`, of those the principal may see.
  ///
  /// - Parameter division: where they lie.
  package func find(
    _ text: String, in division: DivisionCode? = nil, for principal: Principal
  ) async throws -> [Place] {
    let text = TextForms.trimmed(text)
    guard !text.isEmpty else { return [] }
    if let place = try? Coordinate(text) { return try await addresses(near: place, for: principal) }
    guard principal.may(Permission("address", "view")) else { return [] }
    let query = ListQuery(
      "address", filters: PlaceSearch.filters(division), search: text, columns: ["full_name", "code", "location"],
      limit: 20)
    return try await store.records(as: principal).list(query).records.map { record in
      let place = record["location"].point
      return Place(
        id: record.id, title: record["full_name"].text ?? "", detail: record["code"].text ?? "", note: nil,
        longitude: place?.longitude, latitude: place?.latitude, path: "/r/address/\(record.id)")
    }
  }

  private static func filters(_ division: DivisionCode?) -> [ListFilter] {
    division.map { [ListFilter("division_code", .prefix($0.text))] } ?? []
  }

  /// Everything on the map by name or code: what ``find(_:in:for:)`` finds, before it the roads, compounds, divisions,
  /// facilities and stations that are called so (D1-195, D3-014); and what is described from one of these by direction
  /// and distance (D3-013).
  package func everything(_ text: String, for principal: Principal) async throws -> [Place] {
    let text = TextForms.trimmed(text)
    if text.isEmpty || (try? Coordinate(text)) != nil { return try await find(text, for: principal) }
    let relative = RelativePlace(text)
    // With a distance in it, it is no name; 公园旁 may well be one.
    if let relative, relative.metres != nil {
      let described = try await beside(relative, for: principal)
      if !described.isEmpty { return described }
    }
    let found = try await named(text, for: principal)
    if found.isEmpty, let relative { return try await beside(relative, for: principal) }
    return found
  }

  /// Places of that name; when none is called so, those called like the rest of it in the division it begins with.
  private func named(_ text: String, for principal: Principal) async throws -> [Place] {
    let found = try await named(text, in: nil, for: principal)
    guard found.isEmpty else { return found }
    let read = segmenter.segment(text)
    guard let division = read.divisions.code else { return [] }
    let divisions: Set<AddressLabel> = [.country, .prov, .city, .district, .town, .devzone, .redundant]
    let name = read.segments.filter { !divisions.contains($0.label) }.map(read.text(of:)).joined()
    return name.isEmpty ? [] : try await named(name, in: division, for: principal)
  }

  private func named(_ text: String, in division: DivisionCode?, for principal: Principal) async throws -> [Place] {
    var named: [Place] = []
    for entity in PlaceSearch.named { named += try await called(text, entity, in: division, for: principal) }
    return try await named + find(text, in: division, for: principal)
  }

  /// What is described from places that are found and have a position; each is only about where it says.
  private func beside(_ relative: RelativePlace, for principal: Principal) async throws -> [Place] {
    var bases = try await named(relative.base, for: principal)
    if bases.isEmpty, let bare = relative.bareBase { bases = try await named(bare, for: principal) }
    return bases.compactMap { base in
      guard let longitude = base.longitude, let latitude = base.latitude,
        let at = try? Coordinate(longitude: longitude, latitude: latitude)
      else { return nil }
      let place = relative.place(from: at)
      let isReckoned = place != at
      return Place(
        id: base.id, title: "\(base.title)\(relative.words)", detail: base.detail,
        note: isReckoned ? "概略位置" : "在它附近", longitude: place.rounded.longitude, latitude: place.rounded.latitude,
        path: base.path)
    }
  }

  /// The registers of named places, the narrower first.
  private static let named = ["building", "public_facility", "police_station", "compound", "road", "division"]

  /// Five at most, of those the principal may see.
  private func called(
    _ text: String, _ name: String, in division: DivisionCode?, for principal: Principal
  ) async throws -> [Place] {
    guard let entity = store.catalog.entity(name), let geometry = entity.map?.geometry,
      principal.may(Permission(name, "view")), division == nil || entity.field("division_code") != nil
    else { return [] }
    // Of buildings only those by which one finds one's way (突出建筑库, D1-193).
    let isBuilding = name == "building"
    let columns = [isBuilding ? "prominence" : "kind", "name", "division_code", geometry].filter {
      entity.field($0) != nil
    }
    let filters = PlaceSearch.filters(division) + (isBuilding ? [ListFilter("prominence", .empty(false))] : [])
    let found = try await store.records(as: principal).list(
      ListQuery(name, filters: filters, search: text, columns: columns, limit: 5))
    return found.records.map { record in
      let shape = record[geometry].geometry.flatMap { try? Geometry(geoJSON: $0) }
      let at = shape.map(PlaceSearch.point)
      let kind = entity.field(columns[0]).map { store.catalog.text($0, of: record) }
      return Place(
        id: record.id, title: record["name"].text ?? "",
        detail: [kind, record.titles["division_code"]].compactMap(\.self).filter { !$0.isEmpty }
          .joined(separator: " · "), note: isBuilding ? "突出建筑" : entity.label, longitude: at?.longitude,
        latitude: at?.latitude,
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
