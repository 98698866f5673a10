import Access
import Audit
import Core
import Entities
import Feeds
import Peers
import SQL
import Testing

/// Everything compared: what is no longer there is cancelled, never deleted, and never many without asking.
@Suite struct FullRunTests {
  @Test func fewThatAreGoneAreCancelled() async throws {
    try await FeedFixture.run { city in
      try await city.sync()
      city.peers.forgotten = 3
      let run = try await city.sync("standard_addresses", .full)
      #expect(run.state == .done && run.tally[.cancelled] == 3, "\(run.tally.words)")
      #expect(try await city.count("select count(*) from address where status = 'cancelled'") == 3)
      #expect(try await city.count("select count(*) from address") == 100)
      // Those that changed nothing are counted only.
      #expect(run.tally[.unchanged] == 97)
      #expect(try await city.outcomes(run, "SC511710000050") == [])
      #expect(try await city.outcomes(run, "SC511710000001") == ["cancelled"])
    }
  }

  @Test func manyThatAreGoneStopTheRunUntilSomebodySaysSo() async throws {
    try await FeedFixture.run { city in
      try await city.sync()
      city.peers.forgotten = 30
      let run = try await city.sync("standard_addresses", .full)
      #expect(run.state == .asking && run.tally[.vanished] == 30, "\(run.tally.words)")
      #expect(try await city.count("select count(*) from address where status = 'cancelled'") == 0)
      #expect(try await city.outcomes(run, "SC511710000007") == ["vanished"])
      await #expect(throws: Refusal.self) { try await city.sync() }
      let decided = try await city.service.decide(run.id, cancels: true, by: .system, origin: .inside)
      #expect(decided.state == .running)
      let done = try await city.finish(decided)
      #expect(done.state == .done && done.tally[.cancelled] == 30, "\(done.tally.words)")
      #expect(try await city.count("select count(*) from address where status = 'cancelled'") == 30)
    }
  }

  @Test func whoKeepsThemCancelsNothing() async throws {
    try await FeedFixture.run { city in
      try await city.sync()
      city.peers.forgotten = 30
      let run = try await city.sync("standard_addresses", .full)
      let decided = try await city.service.decide(run.id, cancels: false, by: .system, origin: .inside)
      #expect(decided.state == .done)
      #expect(try await city.count("select count(*) from address where status = 'cancelled'") == 0)
      city.peers.grow("addresses", by: 10)
      #expect(try await city.sync().tally[.created] == 4)
    }
  }

  @Test func onlyWhoMayDecideDecides() async throws {
    try await FeedFixture.run { city in
      try await city.sync()
      city.peers.forgotten = 30
      let run = try await city.sync("standard_addresses", .full)
      let clerk = Principal(
        kind: .user, id: 77, name: "吴敏", unit: nil, grants: Grants([Grants.Grant(Permission("feed", "run"), .all)]),
        clearance: .inner)
      await #expect(throws: Refusal.self) {
        _ = try await city.service.decide(run.id, cancels: true, by: clerk, origin: .inside)
      }
    }
  }
}
