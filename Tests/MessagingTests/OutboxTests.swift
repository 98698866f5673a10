import Access
import Audit
import Core
import Crypto
import Messaging
import SQL
import TestSupport
import Testing

@Suite struct OutboxTests {
  @Test func whatIsSentCommitsAndRollsBackWithTheCaller() async throws {
    let messages = try await MessageFixture()
    struct Undone: Error {}
    await #expect(throws: Undone.self) {
      try await messages.database.transaction { transaction in
        try await messages.center.send(
          "notice", to: [.user(1)], ["name": "刘芳", "what": "领证"], key: "1", in: transaction)
        throw Undone()
      }
    }
    #expect(try await messages.center.unread(of: 1) == 0)
    #expect(try await messages.drain() == 0)
    #expect(try await messages.notify(.user(1)) == 1)
    // Read your writes: the box has it before any runner has done anything.
    #expect(try await messages.center.unread(of: 1) == 1)
    #expect(try await messages.state(.site) == .delivered)
    #expect(try await messages.drain() == 3)
    #expect(messages.sms.taken.map(\.address) == ["13800001001"])
    #expect(messages.sms.taken.first?.content.sms == "刘芳，请来领证。")
    #expect(messages.sms.taken.first?.url == "https://city.example/cases/7")
    #expect(try await messages.state(.sms) == .sent)
    #expect(try await messages.entry(.sms).address == "138****1001")
  }

  @Test func theSameKeyCountsOncePerRecipient() async throws {
    let messages = try await MessageFixture()
    let phone = try #require(PhoneNumber("13912345678"))
    #expect(try await messages.notify(.user(1), .phone(phone)) == 2)
    #expect(try await messages.notify(.user(1), .phone(phone), .user(2)) == 1)
    #expect(try await messages.notify(.user(1), what: "再来", key: "2") == 1)
    // Two at once: one waits for the other and then finds it there.
    let counts = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<4 { group.addTask { try await messages.notify(.user(3), key: "3") } }
      return try await group.reduce(into: [Int]()) { $0.append($1) }
    }
    #expect(counts.reduce(0, +) == 1)
    #expect(try await messages.center.unread(of: 1) == 2)
  }

  @Test func manySendersOfTheSameNeverBlockEachOther() async throws {
    let messages = try await MessageFixture()
    let recipients = (1...20).map { MessageRecipient.user(Int64($0)) }
    let counts = try await withThrowingTaskGroup(of: Int.self) { group in
      for seed in 0..<4 {
        group.addTask {
          var random = SeededRandom(seed: UInt64(seed))
          let shuffled = recipients.shuffled(using: &random) + recipients.prefix(3)
          return try await messages.database.transaction(attempts: 1) { transaction in
            try await messages.center.send(
              "notice", to: shuffled, ["name": "刘芳", "what": "领证"], key: "1", in: transaction)
          }
        }
      }
      return try await group.reduce(into: [Int]()) { $0.append($1) }
    }
    #expect(counts.sorted() == [0, 0, 0, 20])
  }

  @Test func aTemplateWithoutWordsForAnAddressLeavesATrace() async throws {
    let messages = try await MessageFixture()
    let address = try #require(EmailAddress("liu@example.cn"))
    try await messages.database.transaction { transaction in
      _ = try await messages.center.send("slow", to: [.email(address)], [:], key: "1", in: transaction)
    }
    #expect(try await messages.drain() == 0)
    let entry = try await messages.entry(.email)
    #expect(entry.state == .skipped && entry.reason == "模板没有邮件渠道" && entry.attempts == 0)
  }

  @Test func nothingPersonalStandsInTheDatabaseInClear() async throws {
    let messages = try await MessageFixture()
    let phone = try #require(PhoneNumber("13912345678"))
    let mail = try #require(EmailAddress("liu@example.cn"))
    _ = try await messages.notify(.user(1), .phone(phone), .email(mail))
    try await messages.drain()
    let dump = try await messages.database.query(
      """
      select coalesce(string_agg(m::text, ' '), '') || (select string_agg(d::text, ' ') from message_delivery d) as dump
      from message m
      """)
    let text: String = try #require(try dump.first?.get("dump"))
    for secret in ["刘芳", "领证", "13912345678", "liu@example", "13800001001"] { #expect(!text.contains(secret)) }
    #expect(text.contains("139****5678") && text.contains("l***@example.cn"))
    #expect(messages.mail.taken.map(\.address) == ["liu@example.cn"])
  }

  @Test func aContentMovedToAnotherRecipientOpensNoMore() async throws {
    let messages = try await MessageFixture()
    _ = try await messages.notify(.user(1), .user(2))
    try await messages.database.execute(
      "update message set content = (select content from message where user_id = 1) where user_id = 2")
    #expect(try await messages.center.box(.init(), of: 1).messages.count == 1)
    await #expect(throws: CryptoFailure.self) { _ = try await messages.center.box(.init(), of: 2) }
  }

  @Test func errorsOfTheCallerAreFaults() async throws {
    let messages = try await MessageFixture()
    func send(_ name: String, _ values: [String: String]) async throws {
      try await messages.database.transaction { transaction in
        _ = try await messages.center.send(name, to: [.user(1)], values, key: "1", in: transaction)
      }
    }
    await #expect(throws: Fault.self) { try await send("nothing", [:]) }
    await #expect(throws: Fault.self) { try await send("notice", ["name": "刘芳"]) }
    await #expect(throws: Fault.self) { try await send("notice", ["name": "刘芳", "what": "好", "when": "今天"]) }
  }

  // MARK: Box

  @Test func theBoxShowsUnreadOnesFirstAndOnlyToTheirOwner() async throws {
    let messages = try await MessageFixture()
    for (key, what) in [("1", "甲"), ("2", "乙"), ("3", "丙")] {
      _ = try await messages.notify(.user(1), what: what, key: key)
      messages.time.advance(seconds: 60)
    }
    _ = try await messages.notify(.user(2), what: "丁")
    var box = try await messages.center.box(.init(), of: 1)
    #expect(box.messages.map(\.title) == ["通知：丙", "通知：乙", "通知：甲"])
    #expect(box.count == 3 && box.unread == 3 && box.kinds.map(\.label) == ["通知"])
    let newest = try #require(box.messages.first)
    let read = try await messages.center.read(newest.id, by: 1)
    #expect(read.readAt == messages.time.clock.now() && read.link == "/cases/7")
    box = try await messages.center.box(.init(), of: 1)
    #expect(box.messages.map(\.title) == ["通知：乙", "通知：甲", "通知：丙"] && box.unread == 2)
    let error = await #expect(throws: Refusal.self) { _ = try await messages.center.read(newest.id, by: 2) }
    #expect(error?.code == "message-missing")
    var unread = MessageCenter.BoxQuery()
    unread.isUnreadOnly = true
    #expect(try await messages.center.box(unread, of: 1).count == 2)
    #expect(try await messages.center.readAll(by: 1) == 2)
    #expect(try await messages.center.unread(of: 1) == 0)
    #expect(try await messages.center.unread(of: 2) == 1)
  }

  // MARK: Administrators

  @Test func aFailedDeliveryIsRepeatedByWhoeverMayAndItsTriesAreKept() async throws {
    let messages = try await MessageFixture()
    try await messages.send("slow", to: 1)
    messages.sms.answer(.refused("空号"))
    try await messages.drain()
    let failed = try await messages.entry(.sms)
    #expect(failed.state == .failed && failed.reason == "空号" && failed.attempts == 1)
    let audit = Audit(clock: messages.time.clock)
    let nobody = Principal(kind: .user, id: 9, name: "某", unit: nil, grants: Grants([]), clearance: .inner)
    await #expect(throws: Refusal.self) {
      try await messages.center.retry(failed.id, by: nobody, audit: audit, origin: .inside)
    }
    try await messages.center.retry(failed.id, by: .system, audit: audit, origin: .inside)
    #expect(try await messages.state(.sms) == .queued)
    try await messages.drain()
    let (entry, attempts) = try await messages.center.delivery(failed.id)
    #expect(entry.state == .sent && attempts.map(\.outcome) == ["failed", "sent"])
    let error = await #expect(throws: Refusal.self) {
      try await messages.center.retry(failed.id, by: .system, audit: audit, origin: .inside)
    }
    #expect(error?.code == "delivery-done")
    let actions = try await messages.database.query("select action from audit_entry").values(as: String.self)
    #expect(actions == ["message.retry"])
  }

  @Test func oldMessagesGo() async throws {
    let messages = try await MessageFixture()
    _ = try await messages.notify(.user(1))
    try await messages.drain()
    messages.time.advance(seconds: 731 * 86_400)
    _ = try await messages.notify(.user(1), key: "2")
    let runner = messages.runner()
    let running = Task { await runner.run() }
    defer { running.cancel() }
    #expect(
      try await eventually { try await messages.database.value("select count(*) from message", as: Int.self) == 1 })
  }

  // MARK: Receipts

  @Test func receiptsOfTheGatewayAreNotedOnce() async throws {
    let messages = try await MessageFixture()
    try await messages.send("slow", to: 1)
    try await messages.send("slow", to: 2)
    messages.sms.answer(.accepted(reference: "A1", via: "mas"), .accepted(reference: "A2", via: "mas"))
    try await messages.drain()
    let receipts = try MessageReceipt.read(
      try JSON(
        parsing:
          #"{"receipts":[{"id":"A1","state":"delivered"},{"id":"A2","state":"failed","reason":"停机"},{"id":"B","state":"failed"}]}"#
      ))
    #expect(
      try await messages.center.accept(receipts, from: "other") == ["A1", "A2", "B"], "another gateway's numbers")
    #expect(try await messages.center.accept(receipts, from: "mas") == ["B"])
    let entries = try await messages.center.log(.init()).entries
    #expect(entries.map(\.state) == [.failed, .delivered] && entries.map(\.reason) == ["停机", nil])
    #expect(try await messages.center.accept([MessageReceipt(reference: "A1", isDelivered: false)], from: "mas") == [])
    #expect(try await messages.center.log(.init()).entries.map(\.state) == [.failed, .delivered])
    for wrong in [#"{}"#, #"{"receipts":[{"id":"A1"}]}"#, #"{"receipts":[{"id":"A1","state":"gone"}]}"#] {
      let json = try JSON(parsing: wrong)
      #expect(throws: Refusal.self) { _ = try MessageReceipt.read(json) }
    }
  }

  @Test func aReceiptNeedsTheRightSignatureOfThisMoment() async throws {
    let messages = try await MessageFixture()
    let secret = SecretBytes(Array("geheim".utf8))
    var gateway = SMSGateway(code: "mas", name: "云MAS", url: "http://localhost")
    let body = Array(#"{"receipts":[]}"#.utf8)
    func check(_ timestamp: Int64, _ tag: String, _ body: [UInt8]) throws(Refusal) {
      try messages.center.checkReceipt(body: body, timestamp: String(timestamp), signature: tag, of: gateway)
    }
    func sign(_ timestamp: Int64) -> String {
      Hex.encode(HMAC(key: secret, .sha256).authenticate(Array("\(timestamp).".utf8) + body))
    }
    let now = messages.time.clock.now().seconds
    #expect(throws: Refusal.self) { try check(now, sign(now), body) }
    gateway.receiptSecret = secret
    try check(now, sign(now), body)
    try check(now - 299, sign(now - 299), body)
    #expect(throws: Refusal.self) { try check(now - 301, sign(now - 301), body) }
    #expect(throws: Refusal.self) { try check(now, sign(now - 1), body) }
    #expect(throws: Refusal.self) { try check(now, sign(now), body + [32]) }
    #expect(throws: Refusal.self) { try check(now, "", body) }
  }
}
