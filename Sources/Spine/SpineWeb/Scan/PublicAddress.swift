import Core
package import SQL

/// What anybody may know of an address who scans its plate (公众信息): the address itself, who is responsible for it,
/// what is near it and what can be done from it. Nothing about who lives there (A-030, A-107, A-146).
package struct PublicAddress: Sendable {
  package struct Contact: Sendable, Hashable {
    package let role: String
    package let name: String
    package let unit: String
    package let phone: String?
  }

  package struct Place: Sendable, Hashable {
    package let name: String
    package let kind: String
    package let address: String
    package let phone: String?
    /// In metres, as the crow flies.
    package let distance: Int
    package let lines: String?
  }

  package struct Service: Sendable, Hashable {
    package let name: String
    package let detail: String?
    package let kind: String
    package let target: String
  }

  package let id: Int64
  package let code: String
  package let fullName: String
  package let kind: String
  package let status: String
  /// 达州市 通川区 东城街道 …
  package let region: String
  package let divisionCode: String
  package let longitude: Double?
  package let latitude: Double?
  package let contacts: [Contact]
  package let places: [Place]
  package let services: [Service]
}

/// Reads public faces by address code, many at a time.
package struct PublicAddresses: Sendable {
  /// How far around an address facilities are shown, in metres (A-146).
  package static let radius = 1500.0
  static let shownPlaces = 12

  let database: Database

  package init(database: Database) { self.database = database }

  /// The public faces of those codes that exist.
  ///
  /// - Parameter surroundings: whether places nearby and services are wanted too, which cost most of the work.
  package func load(_ codes: [String], surroundings: Bool = true) async throws -> [String: PublicAddress] {
    let rows = try await database.query(PublicAddresses.statement(codes, surroundings))
    var found: [String: PublicAddress] = [:]
    for row in rows {
      let address = try PublicAddresses.decode(row, surroundings)
      found[address.code] = address
    }
    return found
  }

  /// One row an address: its own columns, and what hangs on it as JSON, so that a page costs one round trip.
  private static func statement(_ codes: [String], _ surroundings: Bool) -> SQL {
    """
    select a.id, a.code, a.full_name, a.kind, a.status, a.division_code,
      concat_ws(' ', a.city, a.district, a.town, a.community) as region,
      st_x(a.location) as longitude, st_y(a.location) as latitude,
      s.name as station, s.phone as station_phone, s.officer_name as officer, s.officer_phone, g.name as grid,
      g.worker_name as worker, g.worker_phone, d.name as community, d.contact as community_phone,
      d.office_address as community_office\(surroundings ? around : "")
    from address a
      left join police_station s on s.id = a.police_station_id
      left join grid g on g.id = a.grid_id
      left join division d on d.code = a.division_code
    where a.code = any(\(codes))
    """
  }

  private static let around: SQL = """
    ,
      (select json_agg(p)::text from (
        select f.name, f.kind, coalesce(f.address_text, '') as address, f.phone, f.bus_lines as lines,
          round(st_distancesphere(f.location, a.location))::int as distance
        from public_facility f
        where f.status = 'active' and f.location && st_expand(a.location, 0.016, 0.0136)
          and st_distancesphere(f.location, a.location) <= \(radius)
        order by st_distancesphere(f.location, a.location) limit \(shownPlaces)) p) as places,
      (select json_agg(v)::text from (
        select l.name, l.summary as detail, l."group" as kind,
          case l.target when 'phone' then 'tel:' || l.phone
            else replace(replace(l.url, '{code}', a.code), '{address}', a.full_name) end as target
        from service_link l
        where l.status = 'on' and (l.division_code is null or starts_with(a.division_code, l.division_code))
          and (coalesce(l.address_kinds, '{}') = '{}' or a.kind = any(l.address_kinds))
        order by l.position, l.name limit 24) v) as services
    """

  private static func decode(_ row: Row, _ surroundings: Bool) throws -> PublicAddress {
    PublicAddress(
      id: try row.get("id"), code: try row.get("code"), fullName: try row.get("full_name"), kind: try row.get("kind"),
      status: try row.get("status"), region: try row.get("region"), divisionCode: try row.get("division_code"),
      longitude: try row.get("longitude"), latitude: try row.get("latitude"), contacts: try people(row),
      places: surroundings ? try list(row, "places").map(place) : [],
      services: surroundings ? try list(row, "services").map(service) : [])
  }

  private static func list(_ row: Row, _ column: String) throws -> [JSON] {
    guard let text = try row.get(column, as: String?.self) else { return [] }
    return try JSON(parsing: text).array ?? []
  }

  private static func people(_ row: Row) throws -> [PublicAddress.Contact] {
    func text(_ column: String) throws -> String? { try row.get(column) }
    var contacts: [PublicAddress.Contact] = []
    let station = try text("station")
    if let officer = try text("officer") {
      contacts.append(.init(role: "社区民警", name: officer, unit: station ?? "", phone: try text("officer_phone")))
    }
    if let station {
      contacts.append(.init(role: "派出所值班", name: station, unit: "24 小时值班", phone: try text("station_phone")))
    }
    if let worker = try text("worker") {
      contacts.append(
        .init(role: "网格员", name: worker, unit: try text("grid") ?? "", phone: try text("worker_phone")))
    }
    if let community = try text("community") {
      contacts.append(
        .init(
          role: "社区（村）", name: community, unit: try text("community_office") ?? "居民服务",
          phone: try text("community_phone")))
    }
    return contacts
  }

  private static func place(_ json: JSON) -> PublicAddress.Place {
    PublicAddress.Place(
      name: json["name"]?.string ?? "", kind: json["kind"]?.string ?? "", address: json["address"]?.string ?? "",
      phone: json["phone"]?.string, distance: Int(json["distance"]?.int ?? 0), lines: json["lines"]?.string)
  }

  private static func service(_ json: JSON) -> PublicAddress.Service {
    PublicAddress.Service(
      name: json["name"]?.string ?? "", detail: json["detail"]?.string, kind: json["kind"]?.string ?? "",
      target: json["target"]?.string ?? "/")
  }
}
