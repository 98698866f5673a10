import Access
import Core
import Crypto
import Ferry
import Files
import Foundation
import SQL
import TestSupport
import Testing

@Suite struct FerryTests {
  static func withFerry(_ body: (FerryFixture) async throws -> Void) async throws {
    let ferry = try await FerryFixture()
    defer { ferry.close() }
    try await body(ferry)
  }

  @Test func whatIsSentArrivesOnceInOrderAndIsAcknowledged() async throws {
    try await FerryTests.withFerry { ferry in
      for text in ["甲", "乙", "丙"] { try await ferry.outside.send(text) }
      try await ferry.inside.send("回")
      try await ferry.round()
      #expect(try await ferry.inside.notes() == ["甲", "乙", "丙"])
      #expect(try await ferry.outside.notes() == ["回"])
      let status = try await ferry.outside.dock.status()
      #expect(status.acknowledged == 3 && status.waitingOut == 0 && status.applied == 1)
      // What arrived is kept on neither side of the way.
      let kept = try await ferry.outside.database.query("select 1 from ferry_outbox where content is not null")
      let taken = try await ferry.inside.database.query("select 1 from ferry_inbox where content is not null")
      #expect(kept.isEmpty && taken.isEmpty)
    }
  }

  @Test func aChangeThatIsRolledBackSendsNothing() async throws {
    try await FerryTests.withFerry { ferry in
      await #expect(throws: FerryFixture.Crash.self) {
        try await ferry.outside.database.transaction { transaction in
          try await ferry.outside.post.send(
            FerryMessage(kind: "note", subject: "", payload: ["text": "撤"]), in: transaction)
          throw FerryFixture.Crash()
        }
      }
      try await ferry.outside.send("留")
      try await ferry.round()
      #expect(try await ferry.inside.notes() == ["留"])
      #expect(try await ferry.outside.dock.status().sent == 1)
    }
  }

  @Test(arguments: [UInt64(1), 2, 3, 4])
  func nothingIsLostOrDoubledHoweverBadTheDevice(_ seed: UInt64) async throws {
    try await FerryTests.withFerry { ferry in
      var random = SeededRandom(seed: seed)
      var texts: [String] = []
      for round in 0..<60 {
        if round < 12 {
          for index in 0..<3 {
            texts.append("\(round).\(index)")
            try await ferry.outside.send(texts[texts.count - 1], subject: "s\(index)")
          }
          try await ferry.inside.send("\(round)")
        }
        try await ferry.outside.dock.pass()
        try ferry.carryBadly(&random)
        // A node that is killed leaves what it had not committed; the next one begins from there.
        if Int.random(in: 0..<4, using: &random) == 0 { ferry.trouble.value = [FerryFixture.Crash()] }
        try await ferry.inside.dock.pass()
        try ferry.carryBadly(&random)
        ferry.time.advance(seconds: 40)
      }
      for _ in 0..<6 {
        try await ferry.round()
        ferry.time.advance(seconds: 700)
      }
      #expect(try await ferry.inside.notes() == texts)
      #expect(try await ferry.outside.notes() == (0..<12).map(String.init))
      let status = try await ferry.outside.dock.status()
      #expect(status.waitingOut == 0 && status.acknowledged == 36)
      #expect(status.repeats > 0)
    }
  }

  @Test func aGapIsNamedAndFilled() async throws {
    try await FerryTests.withFerry { ferry in
      for text in ["甲", "乙", "丙"] { try await ferry.outside.send(text) }
      try await ferry.outside.dock.pass()
      try ferry.drop("outside.out", "outside-000000000002.xml")
      try ferry.carry()
      try await ferry.inside.dock.pass()
      #expect(try await ferry.inside.notes() == ["甲"])
      let status = try await ferry.inside.dock.status()
      #expect(status.missing == [2] && status.waitingIn == 1)
      ferry.time.advance(seconds: 4)
      try ferry.carry()
      try await ferry.round()
      #expect(try await ferry.inside.notes() == ["甲", "乙", "丙"])
    }
  }

  @Test func aReplayedFileDoesNothing() async throws {
    try await FerryTests.withFerry { ferry in
      try await ferry.outside.send("甲")
      try await ferry.outside.dock.pass()
      let copy = try ferry.bytes("outside.out", "outside-000000000001.xml")
      try await ferry.round()
      try ferry.put(copy, "inside.in", "once-more.xml")
      try await ferry.inside.dock.pass()
      #expect(try await ferry.inside.notes() == ["甲"])
      #expect(try await ferry.inside.dock.status().duplicates == 1)
    }
  }

  @Test func anAlteredFileIsRefusedByNameAndComesAgain() async throws {
    try await FerryTests.withFerry { ferry in
      try await ferry.outside.send("甲")
      try await ferry.outside.dock.pass()
      let name = "outside-000000000001.xml"
      let text = String(decoding: try ferry.bytes("outside.out", name), as: UTF8.self)
      try ferry.drop("outside.out", name)
      for (file, altered) in [
        ("number.xml", text.replacingOccurrences(of: "number=\"1\"", with: "number=\"2\"")),
        ("time.xml", text.replacingOccurrences(of: "2026-11-18", with: "2026-11-19")),
        ("back.xml", text.replacingOccurrences(of: "from=\"outside\"", with: "from=\"inside\"")),
      ] { try ferry.put(Array(altered.utf8), "inside.in", file) }
      try FileManager.default.createSymbolicLink(
        atPath: "\(ferry.folder)/inside.in/link.xml", withDestinationPath: "/etc/passwd")
      try await ferry.inside.dock.pass()
      #expect(try await ferry.inside.notes() == [])
      let held = try await ferry.inside.dock.heldItems()
      #expect(Set(held.map(\.reason)) == ["签名不符，内容可能被改动", "方向不对", "不是普通文件"])
      #expect(held.map(\.subject).contains("number.xml"))
      #expect(try ferry.names("inside.in") == [])
      ferry.time.advance(seconds: 31)
      try await ferry.round()
      #expect(try await ferry.inside.notes() == ["甲"])
    }
  }

  @Test func filesForOrFromAnotherKeyAreRefused() async throws {
    try await FerryTests.withFerry { ferry in
      let stranger = try SM2PrivateKey.generate(.seeded(77))
      let own = try #require(try ferry.outside.dock.keyFolder.own())
      let peer = try #require(try ferry.outside.dock.keyFolder.peer())
      let plain = FerryMessage(kind: "note", subject: "", payload: ["text": "假"]).bytes
      let forged = try FerryEnvelope.seal(
        plain, .message, number: 1, from: .outside, at: FerryFixture.start, keys: FerryKeys(own: stranger, peer: peer))
      let misled = try FerryEnvelope.seal(
        plain, .message, number: 1, from: .outside, at: FerryFixture.start,
        keys: FerryKeys(own: own, peer: stranger.publicKey))
      try ferry.put(forged.xml, "inside.in", "forged.xml")
      try ferry.put(misled.xml, "inside.in", "misled.xml")
      try await ferry.inside.dock.pass()
      let reasons = try await ferry.inside.dock.heldItems().map(\.reason)
      #expect(reasons == ["签名不符，内容可能被改动", "不是用本侧的公钥加密"])
      #expect(try await ferry.inside.notes() == [])
    }
  }

  @Test func aNumberIsNeverTakenTwiceWithAnotherContent() async throws {
    try await FerryTests.withFerry { ferry in
      try await ferry.outside.send("甲")
      try await ferry.round()
      let own = try #require(try ferry.outside.dock.keyFolder.open())
      let other = FerryMessage(kind: "note", subject: "", payload: ["text": "乙"]).bytes
      let envelope = try FerryEnvelope.seal(
        other, .message, number: 1, from: .outside, at: FerryFixture.start, keys: own)
      try ferry.put(envelope.xml, "inside.in", "second-first.xml")
      try await ferry.inside.dock.pass()
      #expect(try await ferry.inside.notes() == ["甲"])
      #expect(try await ferry.inside.dock.heldItems().map(\.reason) == ["序号重复而内容不同"])
    }
  }

  @Test(arguments: [("一\r\n二", true), ("一\n二\t三", true), ("一\u{0}二", false), ("一\u{1B}二", false)])
  func linesMayEndAsBrowsersEndThem(_ text: String, _ fits: Bool) {
    #expect(FerryShape.text(max: 10).faults(in: .string(text)).isEmpty == fits)
  }

  @Test func whatDoesNotFitIsHeldAndHoldsItsSubjectOnly() async throws {
    try await FerryTests.withFerry { ferry in
      try await ferry.outside.send(String(repeating: "长", count: 21), subject: "a")
      try await ferry.outside.send("a 之后", subject: "a")
      try await ferry.outside.send("b", subject: "b")
      try await ferry.outside.send("没人懂", subject: "c", kind: "unknown")
      try await ferry.round()
      #expect(try await ferry.inside.notes() == ["b"])
      var held = try await ferry.inside.dock.heldItems()
      #expect(held.map(\.id) == [1, 2, 4])
      #expect(held[0].reason.contains("超过 20 个字") && held[1].reason.contains("前一条"))
      #expect(held[2].reason.contains("unknown"))
      // The stream goes on: everything is acknowledged.
      #expect(try await ferry.outside.dock.status().waitingOut == 0)
      await #expect(throws: Refusal.self) { try await ferry.inside.dock.retry(2, by: 1) }
      await #expect(throws: Refusal.self) { try await ferry.inside.dock.retry(1, by: 1) }
      try await ferry.inside.database.transaction {
        try await ferry.inside.dock.reject(1, reason: "太长", by: 1, in: $0)
      }
      try await ferry.inside.dock.retry(2, by: 1)
      #expect(try await ferry.inside.notes() == ["b", "a 之后"])
      held = try await ferry.inside.dock.heldItems()
      #expect(held.map(\.id) == [4])
    }
  }

  @Test func whatIsRefusedByItsReceiverIsTriedAgainByHandWithAllThatWaitedForIt() async throws {
    try await FerryTests.withFerry { ferry in
      ferry.trouble.value = [Refusal(.conflict, "busy", "现在不行。")]
      for text in ["一", "二", "三"] { try await ferry.outside.send(text, subject: "a") }
      try await ferry.round()
      #expect(try await ferry.inside.notes() == [])
      try await ferry.inside.dock.retry(1, by: 1)
      #expect(try await ferry.inside.notes() == ["一", "二", "三"])
      #expect(try await ferry.inside.dock.heldItems().isEmpty)
    }
  }

  @Test func aReceiverThatBreaksLeavesNothingAndIsGivenUpInTheEnd() async throws {
    try await FerryTests.withFerry { ferry in
      ferry.trouble.value = Array(repeating: FerryFixture.Crash(), count: 5)
      try await ferry.outside.send("坏", subject: "a")
      try await ferry.outside.send("好", subject: "b")
      try await ferry.round()
      for _ in 0..<5 { try await ferry.inside.dock.pass() }
      #expect(try await ferry.inside.notes() == ["好"])
      #expect(try await ferry.inside.dock.heldItems().map(\.id) == [1])
    }
  }

  @Test func aFileTravelsInPartsAndComesOutWhole() async throws {
    try await FerryTests.withFerry { ferry in
      let user = Principal(kind: .user, id: 7, name: "甲", unit: nil, grants: Grants([]), clearance: .open)
      let text = Array((0..<400).map { "第 \($0) 行\n" }.joined().utf8)
      let stored = try await ferry.outside.files.put(
        AsyncStream {
          $0.yield(text); $0.finish()
        }, name: "说明.txt", classification: .secret, by: user)
      try await ferry.outside.database.transaction { try await ferry.outside.post.send(stored, subject: "f", in: $0) }
      try await ferry.round()
      let parts = try await ferry.inside.database.query("select part from ferry_part")
      #expect(parts.count == (text.count + 999) / 1000)
      let arrived = try await ferry.inside.database.transaction { transaction in
        let file = try await ferry.inside.parts.assemble(
          stored.digest, name: "说明.txt", classification: .secret, policy: .documents, by: user, in: transaction)
        try await ferry.inside.parts.drop([stored.digest], in: transaction)
        return file
      }
      #expect(try await ferry.inside.files.bytes(of: arrived) == text)
      #expect(arrived.digest == stored.digest && arrived.isSealed)
      #expect(try await ferry.inside.database.query("select 1 from ferry_part").isEmpty)
      await #expect(throws: Refusal.self) {
        try await ferry.inside.database.transaction { transaction in
          _ = try await ferry.inside.parts.assemble(
            stored.digest, name: "说明.txt", classification: .secret, policy: .documents, by: user, in: transaction)
        }
      }
    }
  }

  @Test func aPauseOfTheDeviceIsAnAlarmAfterFiveMinutes() async throws {
    try await FerryTests.withFerry { ferry in
      let settings = ferry.outside.settings.value
      try await ferry.outside.send("甲")
      try await ferry.outside.dock.pass()
      #expect(try await ferry.outside.dock.status().alarm(settings) == nil)
      ferry.time.advance(seconds: 301)
      try await ferry.outside.dock.pass()
      #expect(try await ferry.outside.dock.status().alarm(settings)?.contains("5 分钟") == true)
      try await ferry.round()
      #expect(try await ferry.outside.dock.status().alarm(settings) == nil)
      // A number that is written again takes the place of its file, so a device that stands still fills no disk.
      #expect(try ferry.names("outside.out").filter { $0.contains("000000000001") }.count <= 1)
    }
  }

  @Test func nothingLeavesWithoutKeys() async throws {
    try await FerryTests.withFerry { ferry in
      try FileManager.default.removeItem(atPath: ferry.folder + "/keys.outside/peer.pub")
      try await ferry.outside.send("甲")
      await #expect(throws: Refusal.self) { try await ferry.outside.dock.pass() }
      #expect(try ferry.names("outside.out") == [])
    }
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "the openssl command is absent"))
  func theOpenSSLCommandAcceptsTheSignatureAndRefusesAnother() async throws {
    try await FerryTests.withFerry { ferry in
      try await ferry.outside.send("甲")
      try await ferry.outside.dock.pass()
      let envelope = try FerryEnvelope(xml: try ferry.bytes("outside.out", "outside-000000000001.xml"))
      let text = FerryEnvelope.signedText(
        envelope.kind, envelope.from, envelope.number, envelope.createdAt, key: envelope.key, content: envelope.content)
      try ferry.put(Array(text.utf8), "inside.out", "text")
      try ferry.put(Array((text + "x").utf8), "inside.out", "other")
      try ferry.put(envelope.signature, "inside.out", "signature")
      func verifies(_ file: String) throws -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = [
          "pkeyutl", "-verify", "-pubin", "-inkey", ferry.folder + "/keys.outside/own.pub", "-rawin", "-digest", "sm3",
          "-in", "\(ferry.folder)/inside.out/\(file)", "-sigfile", ferry.folder + "/inside.out/signature", "-pkeyopt",
          "distid:1234567812345678",
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
      }
      #expect(try verifies("text"))
      #expect(try !verifies("other"))
    }
  }
}
