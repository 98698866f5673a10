import Access
import Core
import Entities
import Feeds
import Peers
import SQL
import Testing

/// Identity cards that were made come back into the register of people (C-555).
@Suite struct CardFeedTests {
  private static func day(_ text: String) -> Value { CivilDate(text).map { .date($0) } ?? .null }

  private static func person(_ city: FeedFixture, _ name: String, _ number: String, sex: String) async throws -> Int64 {
    try await city.store.records(as: .system).insert(
      "person",
      [
        "name": .text(name), "document_kind": .text("resident_id"), "resident_id": .text(number), "sex": .text(sex),
        "birth_date": Self.day(
          "\(number.dropFirst(6).prefix(4))-\(number.dropFirst(10).prefix(2))-\(number.dropFirst(12).prefix(2))"),
        "residency": .text("registered"), "division_code": .text("511702001001"),
      ], input: .code
    ).id
  }

  private static func card(_ city: FeedFixture, _ id: Int64) async throws -> [Value] {
    let record = try await city.store.records(as: .system, purpose: "测试").get("person", id, reveal: true)
    return [record["card_issued_on"], record["card_expires_on"]]
  }

  @Test func aCardThatWasMadeIsEnteredWithItsHolderAndNobodyIsMadeByIt() async throws {
    try await FeedFixture.run { city in
      let known = try await Self.person(city, "刘芳", "511702199603071223", sex: "female")
      let named = try await Self.person(city, "张志强", "511702199408161215", sex: "male")
      let run = try await city.sync("identity_cards")
      #expect(run.tally[.updated] == 1 && run.tally[.refused] == 2, "\(run.tally.words)")
      #expect(try await Self.card(city, known) == [Self.day("2016-11-02"), Self.day("2036-11-02")])
      #expect(try await Self.card(city, named) == [.null, .null], "the name differs")
      // A new card takes the place of the old one; who is registered meanwhile is found by itself.
      let late = try await Self.person(city, "外乡人", "511702198001012432", sex: "male")
      city.peers.grow("cards", by: 1)
      try await city.sync("identity_cards")
      #expect(try await Self.card(city, known) == [Self.day("2017-11-02"), Self.day("2037-11-02")])
      #expect(try await Self.card(city, late) == [Self.day("2016-11-02"), Self.day("2036-11-02")])
      for table in ["feed_link", "feed_row", "feed_difference"] {
        let rows = try await city.count(
          "select count(*) from \(identifier: table) t where t::text like '%511702199603071223%' or t::text like '%刘芳%'"
        )
        #expect(rows == 0, "\(table)")
      }
    }
  }

  @Test func whatWasEnteredByHandWaitsForAPerson() async throws {
    try await FeedFixture.run { city in
      let known = try await Self.person(city, "刘芳", "511702199603071223", sex: "female")
      try await city.store.records(as: .system).update(
        "person", known, version: nil, ["card_issued_on": Self.day("2019-05-01")], input: .code)
      let run = try await city.sync("identity_cards")
      #expect(run.tally[.held] == 1, "\(run.tally.words)")
      #expect(try await Self.card(city, known)[0] == Self.day("2019-05-01"))
      #expect(try await city.openDifference()["state"] == .text("open"))
    }
  }
}
