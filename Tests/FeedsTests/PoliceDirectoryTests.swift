import Access
import Core
import Entities
import Feeds
import Peers
import SQL
import Testing

/// The directories of the police: units, stations and community officers.
@Suite struct PoliceDirectoryTests {
  @Test func unitsComeWithTheirTreeAndFollow() async throws {
    try await FeedFixture.run { city in
      let run = try await city.sync("police_units")
      #expect(run.tally[.created] == 7, "\(run.tally.words)")
      let station = try await city.record("GA511702001", of: "police_units")
      let bureau = try await city.record("GA511702", of: "police_units")
      #expect(station["parent_id"].integer == bureau.id && station["kind"].text == "police")
      #expect(station["path"].text?.hasPrefix(bureau["path"].text ?? "-") == true)
      #expect(station["division_code"].text == "511702001")
      let stations = try await city.sync("police_stations")
      #expect(stations.tally[.created] == 5 && stations.tally[.dropped] == 2, "\(stations.tally.words)")
      let place = try await city.record("GA511702001", of: "police_stations")
      #expect(place["unit_id"].integer == station.id)
      city.peers.grow("units", by: 3)
      #expect(try await city.sync("police_units").tally[.updated] == 3)
    }
  }

  @Test func aUnitThatIsThereAlreadyIsKnownByItsCode() async throws {
    try await FeedFixture.run { city in
      let made = try await city.store.records(as: .system).insert(
        "unit", ["code": .text("GA511702"), "name": .text("通川分局"), "kind": .text("police")], input: .code)
      let run = try await city.sync("police_units")
      #expect(run.tally[.created] == 6, "\(run.tally.words)")
      #expect(run.tally[.held] == 1)
      let known = try await city.record("GA511702", of: "police_units")
      #expect(known.id == made.id && known["name"].text == "通川分局" && known["division_code"].text == "511702")
    }
  }

  @Test func officersComeWithoutPasswordsAndLeaveDisabled() async throws {
    try await FeedFixture.run { city in
      let early = try await city.sync("police_officers")
      #expect(early.tally[.refused] == 10, "\(early.tally.words)")
      try await city.sync("police_units")
      let run = try await city.sync("police_officers")
      #expect(run.tally[.created] == 10, "\(run.tally.words)")
      let officer = try await city.record("051729", of: "police_officers")
      #expect(officer["account"].text == "051729" && officer["phone"].text?.hasPrefix("1398") == true)
      #expect(officer["beat"].text == "第10警务区" && officer["service_phone"] == officer["phone"])
      #expect(try await city.count("select count(*) from credential") == 0)
      city.peers.grow("officers", by: 10)
      let left = try await city.sync("police_officers")
      #expect(left.tally[.updated] == 9 && left.tally[.cancelled] == 1, "\(left.tally.words)")
      #expect(try await city.record("051729", of: "police_officers")["status"].text == "disabled")
      // No telephone number stands anywhere in clear but for its holder's record, where it is sealed.
      for table in ["feed_link", "feed_row", "feed_run", "feed_difference"] {
        let rows = try await city.count(
          "select count(*) from \(identifier: table) t where t::text ~ '13981[0-9]{6}'")
        #expect(rows == 0, "\(table)")
      }
    }
  }
}
