import Core
package import SQL

/// The officers of all beats by station, kept until the directory changes: every plate that is scanned asks for one of
/// them, and who it is takes longer to find than the address itself.
package struct BeatOfficers: Sendable {
  /// Who answers for the beats of one station.
  struct Station: Sendable {
    fileprivate(set) var officers: [String: DutyOfficers.Officer] = [:]

    /// The officer of a beat; the directory knows the station, so nobody else is.
    func officer(of beat: String?) -> DutyOfficers.Officer? { beat.flatMap { officers[$0] } }
  }

  private let kept: Kept<[Int64: Station]>

  package init(_ database: Database) { kept = Kept { try await DutyOfficers(database).byStation() } }

  /// The directory has changed, or may have.
  package func forget() { kept.forget() }

  /// By the id of the station; one that is missing has nobody in the directory.
  func stations() async throws -> [Int64: Station] { try await kept.value() }
}

extension DutyOfficers {
  /// Each beat's officer, by the name of the beat or of the police room where they are posted; of several the first by
  /// account.
  func byStation() async throws -> [Int64: BeatOfficers.Station] {
    let rows = try await session.query(
      """
      select s.id, u.name, u.beat, u.service_phone, coalesce((
          select array_agg(r.name) from police_station r
          where r.kind = 'room' and r.parent_id = s.id and r.unit_id = n.id), '{}') as rooms
      from police_station s join unit o on o.id = s.unit_id join unit n on starts_with(n.path, o.path)
        join app_user u on u.unit_id = n.id
      where u.status = 'active' and u.beat is not null order by s.id, u.account
      """)
    var stations: [Int64: BeatOfficers.Station] = [:]
    for row in rows {
      let beat: String = try row.get("beat")
      let officer = Officer(name: try row.get("name"), beat: beat, phone: try row.get("service_phone"))
      let rooms: [String] = try row.get("rooms")
      let station: Int64 = try row.get("id")
      for name in [beat] + rooms where stations[station]?.officers[name] == nil {
        stations[station, default: .init()].officers[name] = officer
      }
    }
    return stations
  }
}
