import Connectors
import Core
import Entities
import Peers
import SQL
import Testing

/// Calls over HTTP to a peer that checks signatures and can fail on purpose.
@Suite struct CallTests {
  @Test func anAnswerIsYesNoOrUnknown() async throws {
    try await ConnectorFixture.run { city in
      for (number, outcome) in [
        ("T510000001", ConnectorOutcome.yes), ("T510000009", .no), ("T510000008", .no), ("T510000000", .unknown),
      ] {
        let answer = try await city.ask(number)
        #expect(answer.outcome == outcome)
        #expect(answer.reason?.isEmpty == false)
      }
    }
  }

  @Test func everyCallIsWrittenDownWithoutPersonalDataInClear() async throws {
    try await ConnectorFixture.run { city in
      _ = try await city.ask("T510000001")
      let entry = try #require(try await city.log().first)
      #expect(entry["actor_name"].text == "王民警" && entry["purpose"].text == "核验" && entry["outcome"].text == "yes")
      #expect(entry["attempts"].integer == 1 && entry["status"].integer == 200 && entry["succeeded"].boolean == true)
      #expect(entry["request"].text == "编号：T*********；姓名：张**")
      let row = try await city.database.query("select c::text as t from connector_call c").first
      let text: String = try #require(row).get("t")
      #expect(!text.contains("T510000001") && !text.contains("张小满"))
    }
  }

  @Test func theKeyIsNotKeptInClear() async throws {
    try await ConnectorFixture.run { city in
      for row in try await city.database.query("select c::text as t from connector c") {
        let text: String = try row.get("t")
        #expect(!text.contains(ConnectorFixture.secret))
      }
    }
  }

  @Test func aFailureIsRepeatedUnderTheSameNumberAfterLongerPauses() async throws {
    try await ConnectorFixture.run { city in
      city.peers.mode = .status(500)
      let answer = try await city.ask("T510000001")
      #expect(answer.outcome == .failed && answer.reason?.contains("500") == true)
      #expect(city.peers.seen.count == 3 && Set(city.peers.seen.map(\.number)).count == 1)
      #expect(city.pauses.milliseconds == [100, 200])
      #expect(try await city.log().first?["attempts"].integer == 3)
    }
  }

  @Test func aSystemThatFailsAgainAndAgainIsLeftAloneAndTriedAgain() async throws {
    try await ConnectorFixture.run { city in
      city.peers.mode = .status(503)
      for _ in 0..<2 { _ = try await city.ask("T510000001") }
      #expect(city.peers.seen.count == 6)
      // Open: nothing goes out, and the log says so.
      #expect(try await city.ask("T510000001").outcome == .open)
      #expect(city.peers.seen.count == 6 && city.client.restsUntil("certificate") != nil)
      // After the pause one try goes out; it fails, and the next pause is longer.
      city.time.advance(seconds: 31)
      #expect(try await city.ask("T510000001").outcome == .failed)
      #expect(city.peers.seen.count == 7)
      city.time.advance(seconds: 31)
      #expect(try await city.ask("T510000001").outcome == .open)
      city.time.advance(seconds: 31)
      city.peers.mode = .well
      #expect(try await city.ask("T510000001").outcome == .yes)
      #expect(city.client.restsUntil("certificate") == nil)
      #expect(try await city.ask("T510000001").outcome == .yes)
    }
  }

  @Test func nobodyWaitsLongerThanTheLimit() async throws {
    try await ConnectorFixture.run { city in
      city.peers.mode = .silent
      let clock = ContinuousClock()
      let start = clock.now
      let answer = try await city.ask("T510000001")
      #expect(answer.outcome == .timeout)
      #expect(start.duration(to: clock.now) < .seconds(20))
      #expect(city.peers.seen.count == 3)
    }
  }

  @Test func aWrongKeyIsSaidAndNotRepeated() async throws {
    try await ConnectorFixture.run(key: "other") { city in
      let answer = try await city.ask("T510000001")
      #expect(answer.outcome == .denied && answer.reason?.contains("签名") == true)
      #expect(city.peers.seen.count == 1)
    }
  }

  @Test func anAnswerThatWasNotAgreedIsNoAnswer() async throws {
    try await ConnectorFixture.run { city in
      city.peers.mode = .garbled
      let answer = try await city.ask("T510000001")
      #expect(answer.outcome == .malformed && answer.values.isEmpty)
    }
  }

  @Test func aSystemWithoutAnAddressIsNeverCalled() async throws {
    try await ConnectorFixture.run(configured: false) { city in
      let answer = try await city.ask("T510000001")
      #expect(answer.outcome == .off)
      #expect(try await city.log().isEmpty)
    }
  }

  @Test func withoutWhatItHasToBeAskedWithNothingGoesOut() async throws {
    try await ConnectorFixture.run { city in
      let answer = try await city.ask("")
      #expect(answer.outcome == .incomplete && answer.reason?.contains("编号") == true)
      #expect(city.peers.seen.isEmpty)
    }
  }

  @Test func moreThanTheQuotaDoesNotGoOut() async throws {
    try await ConnectorFixture.run { city in
      for _ in 0..<8 { _ = try await city.ask("T510000001") }
      #expect(try await city.ask("T510000001").outcome == .quota)
      #expect(city.peers.seen.count == 8)
      city.time.advance(seconds: 60)
      #expect(try await city.ask("T510000001").outcome == .yes)
    }
  }

  @Test func anApplicantReadsOnlyWhatIsTheirs() async throws {
    try await ConnectorFixture.run { city in
      let operation = try #require(city.client.connectors.connector("birth_certificate")?.operation("read"))
      func read(_ owner: String?) async throws -> ConnectorAnswer {
        try await city.client.read(
          "birth_certificate", operation, ["certificate_number": .text("T510000003")], owner: owner, purpose: "填写",
          by: ConnectorFixture.clerk)
      }
      let mine = try await read("511702199603071223")
      #expect(mine.outcome == .yes && mine.values["child_name"]?.text?.hasPrefix("张") == true)
      let foreign = try await read("511702199401019999")
      #expect(foreign.outcome == .no && foreign.values.isEmpty)
      #expect(try await read(nil).outcome == .yes)
    }
  }

  @Test func nobodyTriesNumbersOut() async throws {
    try await ConnectorFixture.run(configured: false) { city in
      let operation = try #require(city.client.connectors.connector("birth_certificate")?.operation("read"))
      func read() async throws {
        _ = try await city.client.read(
          "birth_certificate", operation, ["certificate_number": .text("T510000003")], owner: "x", purpose: "填写",
          by: ConnectorFixture.clerk)
      }
      for _ in 0..<20 { try await read() }
      await #expect(throws: Refusal.self) { try await read() }
    }
  }

  @Test func settingsOfAnAdministratorStayWhenTheServerStartsAgain() async throws {
    try await ConnectorFixture.run { city in
      try await ConnectorSettings.publish(city.client.connectors, in: city.store)
      #expect(try await city.ask("T510000001").outcome == .yes)
    }
  }
}
