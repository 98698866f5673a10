import Access
import Core
package import Entities
package import Geo
import SQL

/// Finds public resources by place, kind and name; what is out of use is not found (A-108, A-146).
package struct PublicPlaces: Sendable {
  /// Rows of a page.
  package static let limit = 40

  package let store: RecordStore

  package init(store: RecordStore) { self.store = store }

  /// Both registers as one, for a query around it; conditions reach the indexes of each.
  static let all: SQL = """
    select 'facility' as source, f.id, f.name, f.kind, coalesce(f.address_text, \(region("f"))) as address, f.phone,
      f.opening_hours as hours, f.bus_lines as lines, f.location
    from public_facility f where f.status = 'active'
    union all
    select 'station', s.id, s.name, case s.kind when 'room' then 'police_room' else 'police_station' end,
      coalesce((select a.full_name from address a where a.id = s.address_id), \(region("s"))), s.phone, s.office_hours,
      null,
      s.location
    from police_station s where s.status = 'active'
    """

  /// From the county down, for what has no address of its own.
  private static func region(_ table: SQL) -> SQL {
    """
    (select coalesce(string_agg(d.name, '' order by d.code), '') from division d
      where d.code in (left(\(table).division_code, 6), left(\(table).division_code, 9), \(table).division_code))
    """
  }

  /// What is wanted; all of it must hold.
  package struct Wish: Sendable {
    package var text = ""
    package var kind: String?
    package var near: Coordinate?
    /// Only within so many metres of `near`.
    package var metres: Double?

    package init(text: String = "", kind: String? = nil, near: Coordinate? = nil, metres: Double? = nil) {
      self.text = text
      self.kind = kind
      self.near = near
      self.metres = metres
    }
  }

  /// The nearest first where a place is given, else by name.
  package func find(_ wish: Wish) async throws -> [PublicPlace] {
    var conditions: [SQL] = []
    if let kind = wish.kind { conditions.append("p.kind = \(kind)") }
    if !wish.text.isEmpty {
      let facilities = try await named("public_facility", wish.text)
      let stations = try await named("police_station", wish.text)
      conditions.append(
        "(p.source = 'facility' and p.id = any(\(facilities)) or p.source = 'station' and p.id = any(\(stations)))")
    }
    var distance: SQL = "null::int"
    var order: SQL = "p.name, p.id"
    if let near = wish.near {
      let point: SQL = "st_setsrid(st_makepoint(\(near.longitude), \(near.latitude)), 4490)"
      distance = "round(st_distancesphere(p.location, \(point)))::int"
      order = "st_distancesphere(p.location, \(point)) nulls last, p.id"
      if let metres = wish.metres {
        conditions.append("p.location && st_expand(\(point), \(metres / 94_000), \(metres / 111_000))")
        conditions.append("st_distancesphere(p.location, \(point)) <= \(metres)")
      }
    }
    let rows = try await store.database.query(
      """
      select row_to_json(r)::text as place from (
        select p.source, p.id, p.name, p.kind, p.address, p.phone, p.hours, p.lines, \(distance) as metres,
          st_x(p.location) as x, st_y(p.location) as y
        from (\(PublicPlaces.all)) p where \(conditions.isEmpty ? "true" : SQL.join(conditions, separator: " and "))
        order by \(order) limit \(PublicPlaces.limit)) r
      """)
    return try rows.compactMap { row in
      let text: String = try row.get("place")
      return PublicPlace(try JSON(parsing: text))
    }
  }

  /// Which of a register are called so, by name, code or pinyin, through the index of the list's search.
  private func named(_ entity: String, _ text: String) async throws -> [Int64] {
    try await store.records(as: .system).list(
      ListQuery(
        entity, filters: [ListFilter("status", .equals(.text("active")))], search: text, columns: ["name"], limit: 200)
    ).records.map(\.id)
  }

  /// One in use, with all that is shown of it.
  ///
  /// - Throws: ``Refusal`` `place-missing`.
  package func one(_ source: PublicPlace.Source, _ id: Int64) async throws -> Record {
    let entity = source == .facility ? "public_facility" : "police_station"
    let columns =
      source == .facility
      ? [
        "name", "kind", "division_code", "address_text", "contact", "phone", "opening_hours", "bus_lines", "capacity",
        "is_free", "is_accessible", "photo", "introduction", "location",
      ]
      : [
        "name", "kind", "division_code", "address_id", "parent_id", "phone", "officer_name", "officer_number",
        "officer_phone", "officer_photo", "office_hours", "unit_id", "photo", "introduction", "location",
      ]
    let found = try await store.records(as: .system).list(
      ListQuery(
        entity, filters: [ListFilter("id", .equals(.integer(id))), ListFilter("status", .equals(.text("active")))],
        columns: columns, limit: 1)
    ).records.first
    guard let found else {
      throw Refusal(.notFound, "place-missing", "没有找到这个地方，可能已经停用。请从“公共资源”重新查找。")
    }
    return found
  }
}
