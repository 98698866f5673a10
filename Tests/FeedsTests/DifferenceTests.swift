import Access
import Core
import Entities
import Feeds
import SQL
import Testing

/// What was corrected here is never overwritten silently.
@Suite struct DifferenceTests {
  private func corrected(_ city: FeedFixture) async throws -> Int64 {
    try await city.load(FeedFixture.address("X1", "四川省达州市通川区东城街道荷叶街88号"))
    let id = try await city.record("X1").id
    try await city.store.records(as: .system).update(
      "address", id, version: nil, ["house_number": .text("86号")], input: .code)
    return id
  }

  @Test func aCorrectedFieldBecomesADifferenceWithAllThatBelongsToIt() async throws {
    try await FeedFixture.run { city in
      _ = try await corrected(city)
      let same = try await city.load(FeedFixture.address("X1", "四川省达州市通川区东城街道荷叶街88号"))
      #expect(same.tally[.unchanged] == 1)
      let run = try await city.load(FeedFixture.address("X1", "四川省达州市通川区东城街道莲花路90号"))
      #expect(run.tally[.held] == 1, "\(run.tally.words)")
      let record = try await city.record("X1")
      #expect(record["road"].text == "荷叶街" && record["house_number"].text == "86号")
      let difference = try await city.openDifference()
      #expect(difference["cause"].text == "corrected")
      #expect(difference["ours"].text?.contains("门牌号：86号") == true)
      #expect(difference["theirs"].text?.contains("街路巷：莲花路") == true)
    }
  }

  @Test func takingTheirsChangesOursAndKeepingLeavesIt() async throws {
    try await FeedFixture.run { city in
      _ = try await corrected(city)
      try await city.load(FeedFixture.address("X1", "四川省达州市通川区东城街道荷叶街90号"))
      let records = city.store.records(as: .system, purpose: "测试")
      await #expect(throws: Refusal.self) {
        try await records.perform("keep", on: "feed_difference", try await city.openDifference().id, version: nil)
      }
      try await records.perform(
        "keep", on: "feed_difference", try await city.openDifference().id, version: nil,
        asked: ["reason": .text("实地为86号")])
      #expect(try await city.record("X1")["house_number"].text == "86号")
      // The same again says nothing new; another value is told again.
      #expect(
        try await city.load(FeedFixture.address("X1", "四川省达州市通川区东城街道荷叶街90号")).tally[.unchanged] == 1)
      #expect(try await city.load(FeedFixture.address("X1", "四川省达州市通川区东城街道荷叶街92号")).tally[.held] == 1)
      try await records.perform("take", on: "feed_difference", try await city.openDifference().id, version: nil)
      #expect(try await city.record("X1")["house_number"].text == "92号")
      // From now on it follows again.
      #expect(try await city.load(FeedFixture.address("X1", "四川省达州市通川区东城街道荷叶街94号")).tally[.updated] == 1)
      #expect(try await city.record("X1")["house_number"].text == "94号")
    }
  }

  @Test func whoTakesADifferenceStandsInTheHistoryOfTheRecord() async throws {
    try await FeedFixture.run { city in
      _ = try await corrected(city)
      try await city.load(FeedFixture.address("X1", "四川省达州市通川区东城街道荷叶街90号"))
      let user = try await city.store.records(as: .system).insert(
        "app_user", ["account": .text("wumin"), "name": .text("吴敏")], input: .code)
      let clerk = Principal(
        kind: .user, id: user.id, name: "吴敏", unit: nil,
        grants: Grants(
          ["view", "take"].map { Grants.Grant(Permission("feed_difference", $0), .all) }), clearance: .inner)
      let id = try await city.openDifference().id
      try await city.store.records(as: clerk).perform("take", on: "feed_difference", id, version: nil)
      let record = try await city.record("X1")
      #expect(record.updatedBy == user.id && record["house_number"].text == "90号")
      let stranger = Principal(
        kind: .user, id: user.id + 1, name: "某人", unit: nil,
        grants: Grants([Grants.Grant(Permission("feed_difference", "view"), .all)]), clearance: .inner)
      await #expect(throws: Refusal.self) {
        try await city.store.records(as: stranger).perform("take", on: "feed_difference", id, version: nil)
      }
    }
  }

  @Test func anAddressThatIsBeingVerifiedIsNotTouched() async throws {
    try await FeedFixture.run { city in
      try await city.load(FeedFixture.address("X1", "四川省达州市通川区东城街道荷叶街88号"))
      let id = try await city.record("X1").id
      try await city.store.records(as: .system).update(
        "address", id, version: nil, ["error_kind": .text("house_number")], input: .code)
      #expect(try await city.count("select count(*) from address_defect where state = 'open'") == 1)
      let run = try await city.load(FeedFixture.address("X1", "四川省达州市通川区东城街道荷叶街90号"))
      #expect(run.tally[.held] == 1)
      #expect(try await city.openDifference()["cause"].text == "open")
      let gone = try await city.load(FeedFixture.address("X1", "四川省达州市通川区东城街道荷叶街90号", state: "0"))
      #expect(gone.tally[.held] == 1 && gone.tally[.cancelled] == 0)
      #expect(try await city.record("X1")["status"].text == "pending")
    }
  }

  @Test func aDifferenceIsGoneWhenBothSidesAgreeAgain() async throws {
    try await FeedFixture.run { city in
      _ = try await corrected(city)
      try await city.load(FeedFixture.address("X1", "四川省达州市通川区东城街道荷叶街90号"))
      #expect(try await city.load(FeedFixture.address("X1", "四川省达州市通川区东城街道荷叶街86号")).tally[.held] == 0)
      #expect(try await city.count("select count(*) from feed_difference where state = 'gone'") == 1)
    }
  }
}
