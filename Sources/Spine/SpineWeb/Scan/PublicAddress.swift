package import Core
package import SQL

/// What anybody may know of an address who scans its plate (公众信息): the address itself, who is responsible for it,
/// what is near it and what can be done from it. Nothing about who lives there.
package struct PublicAddress: Sendable {
  package struct Contact: Sendable, Hashable {
    package let role: String
    package let name: String
    package let unit: String
    package let phone: String?
    package var photo: String?
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
  /// The page of the police room or station in charge.
  package let station: String?
  package let places: [PublicPlace]
  package let services: [Service]
  /// What merchants here and nearby have to say, reviewed and in force.
  package let offers: [Story]
  /// The history and culture of the road and the area.
  package let culture: [Story]

  /// A page that the scan page leads to, in a line.
  package struct Story: Sendable, Hashable {
    package let title: String
    package let detail: String
    package let path: String
    /// A code of `public_notice_kind`.
    package let kind: String?
  }
}

/// Reads public faces by address code, many at a time.
package struct PublicAddresses: Sendable {
  /// How far around an address facilities are shown, in metres.
  package static let radius = 1500.0
  static let shownPlaces = 12

  let database: Database
  let contacts: PublicContacts
  let clock: WallClock

  package init(database: Database, contacts: PublicContacts, clock: WallClock) {
    self.database = database
    self.contacts = contacts
    self.clock = clock
  }

  /// The public faces of those codes that exist.
  ///
  /// - Parameter surroundings: whether places nearby and services are wanted too, which cost most of the work.
  package func load(_ codes: [String], surroundings: Bool = true) async throws -> [String: PublicAddress] {
    let directory = try await contacts.directory()
    let rows = try await database.query(PublicAddresses.statement(codes, surroundings ? clock.today() : nil))
    var found: [String: PublicAddress] = [:]
    for row in rows {
      let address = try PublicAddresses.decode(row, directory, surroundings)
      found[address.code] = address
    }
    return found
  }

  /// One row an address: its own columns, and what hangs on it as JSON, so that a page costs one round trip.
  private static func statement(_ codes: [String], _ today: CivilDate?) -> SQL {
    let more: SQL = if let today { "\(around)\(stories(today))" } else { "" }
    return """
      select a.id, a.code, a.full_name, a.kind, a.status, a.division_code, a.beat, a.police_station_id, a.grid_id,
        concat_ws(' ', a.city, a.district, a.town, a.community) as region,
        st_x(a.location) as longitude, st_y(a.location) as latitude\(more)
      from address a
      where a.code = any(\(codes))
      """
  }

  private static let around: SQL = """
    ,
      (select json_agg(p)::text from (
        select f.source, f.id, f.name, f.kind, f.address, f.phone, f.hours, f.lines,
          round(st_distancesphere(f.location, a.location))::int as metres
        from (\(PublicPlaces.all)) f
        where f.location && st_expand(a.location, 0.016, 0.0136)
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

  /// Told as of a day: what merchants publish ends with its last.
  private static func stories(_ today: CivilDate) -> SQL {
    """
    ,
      (select json_agg(o)::text from (
        select n.title, n.kind, '/offers/' || n.id as path, n.merchant_name || ' · 到 ' || n.shown_until ||
          case when b.id = a.id then '' else ' · ' || round(st_distancesphere(b.location, a.location)) || ' 米' end as detail
        from public_notice n join merchant m on m.id = n.merchant_id join address b on b.id = n.address_id
        where n.state = 'approved' and m.state = 'approved' and n.shown_from <= \(today.description)::date
          and n.shown_until >= \(today.description)::date
          and (b.id = a.id or b.location && st_expand(a.location, 0.016, 0.0136)
            and st_distancesphere(b.location, a.location) <= \(radius))
        order by b.id <> a.id, st_distancesphere(b.location, a.location), n.id desc limit 6) o) as offers,
      (select json_agg(c)::text from (
        select c.name as title, c.summary as detail, '/culture/' || c.id as path
        from culture_page c
        where c.state = 'published'
          and (c.road_id = a.road_id or c.road_id is null and starts_with(a.division_code, c.division_code))
        order by c.road_id is null, c.position, c.id limit 4) c) as culture
    """
  }

  private static func decode(
    _ row: Row, _ directory: PublicContacts.Directory, _ surroundings: Bool
  ) throws -> PublicAddress {
    let charge = PublicContacts.Charge(
      station: try row.get("police_station_id"), beat: try row.get("beat"), grid: try row.get("grid_id"),
      division: try row.get("division_code"))
    return PublicAddress(
      id: try row.get("id"), code: try row.get("code"), fullName: try row.get("full_name"), kind: try row.get("kind"),
      status: try row.get("status"), region: try row.get("region"), divisionCode: charge.division,
      longitude: try row.get("longitude"), latitude: try row.get("latitude"), contacts: directory.contacts(charge),
      station: charge.station.map { PublicPlace.path(.station, $0) },
      places: surroundings ? try list(row, "places").compactMap(PublicPlace.init) : [],
      services: surroundings ? try list(row, "services").map(service) : [],
      offers: surroundings ? try list(row, "offers").map(story) : [],
      culture: surroundings ? try list(row, "culture").map(story) : [])
  }

  private static func list(_ row: Row, _ column: String) throws -> [JSON] {
    guard let text = try row.get(column, as: String?.self) else { return [] }
    return try JSON(parsing: text).array ?? []
  }

  private static func story(_ json: JSON) -> PublicAddress.Story {
    PublicAddress.Story(
      title: json["title"]?.string ?? "", detail: json["detail"]?.string ?? "", path: json["path"]?.string ?? "/",
      kind: json["kind"]?.string)
  }

  private static func service(_ json: JSON) -> PublicAddress.Service {
    PublicAddress.Service(
      name: json["name"]?.string ?? "", detail: json["detail"]?.string, kind: json["kind"]?.string ?? "",
      target: json["target"]?.string ?? "/")
  }
}
