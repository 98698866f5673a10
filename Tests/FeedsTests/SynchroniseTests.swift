import Access
import Addresses
import Core
import Entities
import Feeds
import Peers
import SQL
import Testing

/// Keeping the base of addresses in step with the provincial one, by interface and by file (A-015, A-074, A-158).
@Suite struct SynchroniseTests {
  @Test func everythingComesOnceAndChangesFollow() async throws {
    try await FeedFixture.run { city in
      let first = try await city.sync()
      #expect(first.state == .done && first.tally[.created] == 100, "\(first.tally.words)")
      let code = try await city.record("SC511710000004")["code"].text
      #expect(code != nil)
      let again = try await city.sync()
      #expect(again.tally.total == 0)
      city.peers.grow("addresses", by: 100)
      let second = try await city.sync()
      #expect(second.tally[.created] == 40 && second.tally[.updated] == 40, "\(second.tally.words)")
      #expect(second.tally[.unchanged] == 10 && second.tally[.cancelled] == 10)
      let changed = try await city.record("SC511710000004")
      #expect(changed["house_number"].text == "1001号" && changed["code"].text == code)
      let gone = try await city.record("SC511710000009")
      #expect(gone["status"].text == "cancelled")
      #expect(try await city.count("select count(*) from address") == 140)
      let count = try #require(second.byDivision.first)
      #expect((count.division, count.theirs, count.ours) == ("511702", 130, 130))
    }
  }

  @Test func aFileBringsTheSameRowsAsTheInterface() async throws {
    try await FeedFixture.run { city in
      try await city.sync()
      let run = try await city.load(
        FeedFixture.address("SC511710000000", " 四川省达州市通川区东城街道锦华路１号 ")
          + FeedFixture.address("X1", "四川省达州市通川区东城街道荷叶街88号")
          + FeedFixture.address("X2", "四川省达州市通川区东城街道临时工棚1号") + "{\"address_id\":\"\"}\n"
          + FeedFixture.address("X3", "啊"))
      #expect(run.tally[.created] == 1 && run.tally[.dropped] == 1, "\(run.tally.words)")
      #expect(run.tally[.unchanged] == 1 && run.tally[.refused] == 2)
      #expect(try await city.record("X1")["house_number"].text == "88号")
      let table = try await city.load(
        "标准地址编号,标准地址,区划代码,状态（1 正常、0 已注销）\nX1,四川省达州市通川区东城街道荷叶街90号,511702001,1\n")
      #expect(table.tally[.updated] == 1, "\(table.tally.words)")
      #expect(try await city.record("X1")["house_number"].text == "90号")
    }
  }

  @Test func anAddressThatIsThereAlreadyIsFoundAndKeepsItsCode() async throws {
    try await FeedFixture.run { city in
      let made = try await city.store.records(as: .system).insert(
        "address",
        [
          "division_code": .text("511702001"), "road": .text("荷叶街"), "house_number": .text("88号"),
          "status": .text("confirmed"),
        ], input: .code)
      let run = try await city.load(FeedFixture.address("X1", "达州市通川区东城街道荷叶街88号"))
      #expect(run.tally.total == 1 && run.tally[.created] == 0, "\(run.tally.words)")
      let found = try await city.record("X1")
      #expect(found.id == made.id && found["code"] == made["code"] && found["status"].text == "confirmed")
      let twice = try await city.load(FeedFixture.address("X2", "达州市通川区东城街道荷叶街88号"))
      #expect(twice.tally[.refused] == 1)
    }
  }

  @Test func whatWasRefusedIsTriedAgainAndComesWhenItCan() async throws {
    try await FeedFixture.run { city in
      let unit = { (code: String, parent: String) in
        #"{"org_code":"\#(code)","org_name":"机构\#(code)","parent_code":"\#(parent)","division_code":"511702000000","org_kind":"局","state":"1"}"#
          + "\n"
      }
      let first = try await city.load(unit("B", "A"), into: "police_units")
      #expect(first.tally[.refused] == 1)
      let row = try #require(try await city.database.query("select row_sealed::text as t from feed_pending").first)
      #expect(!(try row.get("t", as: String.self)).contains("org_code"))
      let second = try await city.load(unit("A", ""), into: "police_units")
      #expect(second.tally[.created] == 1 && second.tally[.refused] == 1)
      let third = try await city.load(unit("A", ""), into: "police_units")
      #expect(third.tally[.created] == 1 && third.tally[.unchanged] == 1, "\(third.tally.words)")
      #expect(try await city.count("select count(*) from feed_pending") == 0)
    }
  }

  @Test func aRunThatIsBrokenOffLosesAndDoublesNothing() async throws {
    try await FeedFixture.run(addresses: 5000) { city in
      city.time.advance(seconds: 60)
      let run = try await city.service.begin(
        "standard_addresses", .incremental, from: .connector, by: .system, on: city.jobs)
      struct Crash: Error {}
      let pages = Pages()
      await #expect(throws: Crash.self) {
        _ = try await city.service.run(
          run.id, committing: { _, _ in if pages.next() == 2 { throw Crash() } })
      }
      let after = try await city.count("select count(*) from address")
      #expect(after == 2000)
      #expect(try await city.database.value("select cursor from feed_state", as: String.self) == "2000")
      // Nobody else begins meanwhile; later the same run goes on.
      await #expect(throws: Refusal.self) {
        _ = try await city.service.begin("standard_addresses", .full, from: .connector, by: .system, on: city.jobs)
      }
      city.time.advance(seconds: 600)
      let resumed = try await city.sync()
      #expect(resumed.id == run.id && resumed.tally[.created] == 5000)
      #expect(try await city.count("select count(*) from address") == 5000)
      #expect(try await city.count("select count(*) from feed_row") == 5000)
    }
  }

  @Test func theOtherSideOutOfReachLeavesEverythingAsItIs() async throws {
    try await FeedFixture.run { city in
      try await city.sync()
      city.peers.mode = .status(500)
      await #expect(throws: Refusal.self) { try await city.sync() }
      city.peers.mode = .well
      city.peers.grow("addresses", by: 10)
      #expect(try await city.sync().tally[.created] == 4)
    }
  }

  @Test func formerDivisionsBecomeThoseOfToday() async throws {
    let gazetteer = try FeedFixture.gazetteer.get()
    for (code, today) in [
      ("511702", "511702"), ("511721", "511703"), ("511721001000", "511703001"), ("513001", "511702"),
      ("511702001002", "511702001002"),
    ] {
      #expect(FeedFixture.today(code, gazetteer) == today, "\(code)")
    }
    #expect(FeedFixture.today("999999", gazetteer) == nil)
  }
}
