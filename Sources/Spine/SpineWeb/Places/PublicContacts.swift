import Access
import Core
package import Entities
package import SQL

/// Who answers for the places of the city and may be called by anybody (公开联系人): stations with the officers of their
/// beats, grids with their workers, communities. Kept until the directory changes: every plate that is scanned asks for
/// four of them, and they are a few thousand where addresses are millions.
package struct PublicContacts: Sendable {
  private let kept: Kept<Directory>
  private let catalogs: LiveCatalog

  package init(_ database: Database, _ catalogs: LiveCatalog) {
    self.catalogs = catalogs
    kept = Kept {
      let (catalog, revision) = catalogs.revised
      return try await Directory(reading: database, what: PublicFields(catalog), revision: revision)
    }
  }

  /// The directory has changed, or may have.
  package func forget() { kept.forget() }

  /// With what is labelled as sensitive (敏感标记) left out, from the moment it is (D2-570).
  func directory() async throws -> Directory {
    let directory = try await kept.value()
    if directory.revision == catalogs.revised.revision { return directory }
    kept.forget()
    return try await kept.value()
  }

  /// What an address says of who is in charge of it.
  struct Charge: Sendable {
    let station: Int64?
    /// 警务区.
    let beat: String?
    let grid: Int64?
    let division: String
  }

  struct Directory: Sendable {
    fileprivate struct Station: Sendable {
      let name: String
      let phone: String?
      /// What is typed by hand at the station: it counts only where the directory of users has nobody at all.
      let officer: (name: String, phone: String?, hasPhoto: Bool)?
      /// By beat; `nil` when the directory knows none of the station.
      var officers: [String: DutyOfficers.Officer]?
    }

    fileprivate let revision: Int
    private var stations: [Int64: Station] = [:]
    private var workers: [Int64: PublicAddress.Contact] = [:]
    private var communities: [String: PublicAddress.Contact] = [:]

    /// Those in charge of an address, nearest first.
    func contacts(_ charge: Charge) -> [PublicAddress.Contact] {
      var contacts: [PublicAddress.Contact] = []
      if let id = charge.station, let station = stations[id] {
        if let officer = officer(of: charge, at: id, station) { contacts.append(officer) }
        contacts.append(.init(role: "派出所值班", name: station.name, unit: "24 小时值班", phone: station.phone))
      }
      if let worker = charge.grid.flatMap({ workers[$0] }) { contacts.append(worker) }
      if let community = communities[charge.division] { contacts.append(community) }
      return contacts
    }

    private func officer(of charge: Charge, at id: Int64, _ station: Station) -> PublicAddress.Contact? {
      let listed = station.officers.map { officers in charge.beat.flatMap { officers[$0] } }
      let (name, phone) =
        listed == nil ? (station.officer?.name, station.officer?.phone) : (listed??.name, listed??.phone)
      guard let name else { return nil }
      let unit = charge.beat.map { "\(station.name) · 警务区 \($0)" } ?? station.name
      var contact = PublicAddress.Contact(role: "社区民警", name: name, unit: unit, phone: phone)
      // The picture at the station is of whoever was typed in there.
      if listed == nil, station.officer?.hasPhoto == true {
        contact.photo = "\(PublicPlace.path(.station, id))/officer"
      }
      return contact
    }
  }
}

extension PublicContacts.Directory {
  fileprivate init(reading session: any SQLSession, what fields: PublicFields, revision: Int) async throws {
    self.revision = revision
    for row in try await session.query(
      "select id, name, phone, officer_name, officer_phone, officer_photo is not null as has_photo from police_station")
    {
      func text(_ field: String) throws -> String? {
        fields.hold("police_station", field) ? try row.get(field) : nil
      }
      let phone = try text("officer_phone")
      let hasPhoto = try row.get("has_photo", as: Bool.self) && fields.hold("police_station", "officer_photo")
      stations[try row.get("id")] = Station(
        name: try row.get("name"), phone: try text("phone"),
        officer: try text("officer_name").map { ($0, phone, hasPhoto) })
    }
    for (station, officers) in try await DutyOfficers(session).byStation() {
      stations[station]?.officers = fields.hold("app_user", "name") ? officers.mapValues(fields.shown) : [:]
    }
    for row in try await session.query(
      "select id, name, worker_name, worker_phone from grid where worker_name is not null")
    where fields.hold("grid", "worker_name") {
      workers[try row.get("id")] = .init(
        role: "网格员", name: try row.get("worker_name"), unit: try row.get("name"),
        phone: fields.hold("grid", "worker_phone") ? try row.get("worker_phone") : nil)
    }
    for row in try await session.query("select code, name, contact, office_address from division") {
      communities[try row.get("code")] = .init(
        role: "社区（村）", name: try row.get("name"),
        unit: try row.get("office_address", as: String?.self) ?? "居民服务",
        phone: fields.hold("division", "contact") ? try row.get("contact") : nil)
    }
  }
}

/// Which fields may be told to anybody: as delivered (a service telephone is there to be told), unless the installation has
/// labelled them as sensitive since.
private struct PublicFields {
  private let catalog: Catalog

  init(_ catalog: Catalog) { self.catalog = catalog }

  func hold(_ entity: String, _ field: String) -> Bool {
    catalog.entity(entity)?.field(field).map {
      $0.classification < .sensitive || $0.classification == $0.declaredClassification
    } ?? false
  }

  func shown(_ officer: DutyOfficers.Officer) -> DutyOfficers.Officer {
    hold("app_user", "service_phone")
      ? officer : DutyOfficers.Officer(name: officer.name, beat: officer.beat, phone: nil)
  }
}

extension DutyOfficers {
  /// Each beat's officer, by the name of the beat or of the police room where they are posted; of several the first by
  /// account. Stations of which the directory knows nobody are missing.
  fileprivate func byStation() async throws -> [Int64: [String: Officer]] {
    let rows = try await session.query(
      """
      select s.id, u.name, u.beat, u.service_phone, coalesce((
          select array_agg(r.name) from police_station r
          where r.kind = 'room' and r.parent_id = s.id and r.unit_id = n.id), '{}') as rooms
      from police_station s join unit o on o.id = s.unit_id join unit n on starts_with(n.path, o.path)
        join app_user u on u.unit_id = n.id
      where u.status = 'active' and u.beat is not null order by s.id, u.account
      """)
    var stations: [Int64: [String: Officer]] = [:]
    for row in rows {
      let beat: String = try row.get("beat")
      let officer = Officer(name: try row.get("name"), beat: beat, phone: try row.get("service_phone"))
      let rooms: [String] = try row.get("rooms")
      let station: Int64 = try row.get("id")
      for name in [beat] + rooms where stations[station]?[name] == nil {
        stations[station, default: [:]][name] = officer
      }
    }
    return stations
  }
}
