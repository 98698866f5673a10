import Core
import Messaging
import SQL
import Synchronization
import TestSupport
import Testing
import Transport

@Suite struct DeliveryTests {
  // MARK: Tries

  @Test func failuresAreTriedAgainAfterLongerAndLongerPauses() async throws {
    let messages = try await MessageFixture()
    try await messages.send("slow", to: 1)
    messages.sms.always(.failed("短信平台答复 500"))
    // A runner a try, so that no circuit breaker stands in between.
    var pauses: [Int64] = []
    for attempt in 1...5 {
      #expect(try await messages.drain() == 1)
      let entry = try await messages.entry(.sms)
      #expect(entry.state == .queued && entry.attempts == attempt && entry.reason == "短信平台答复 500")
      let pause = Int64(try #require(entry.runAt) - messages.time.clock.now())
      pauses.append(pause)
      messages.time.advance(seconds: pause - 1)
      #expect(try await messages.drain() == 0)
      messages.time.advance(seconds: 1)
    }
    for (pause, base) in zip(pauses, [30, 60, 120, 240, 480] as [Int64]) {
      #expect((base...(base + base / 4)).contains(pause), "\(pauses)")
    }
    #expect(try await messages.drain() == 1)
    let entry = try await messages.entry(.sms)
    #expect(entry.state == .failed && entry.attempts == 6 && entry.runAt == nil)
    #expect(messages.sms.taken.count == 6)
    #expect(
      try await messages.center.delivery(entry.id).attempts.map(\.outcome) == Array(repeating: "failed", count: 6))
  }

  @Test func whatIsRefusedForGoodIsNotTriedAgain() async throws {
    let messages = try await MessageFixture()
    try await messages.send("slow", to: 1)
    messages.sms.answer(.refused("空号"))
    #expect(try await messages.drain() == 1)
    messages.time.advance(seconds: 3600)
    #expect(try await messages.drain() == 0)
    #expect(try await messages.state(.sms) == .failed)
  }

  @Test func nothingIsSentAfterItsTime() async throws {
    let messages = try await MessageFixture()
    try await messages.send("alarm", to: 1)
    try await messages.send("alarm", to: 2)
    messages.sms.always(.failed("忙"))
    #expect(try await messages.drain() == 2)
    messages.time.advance(seconds: 3600)
    #expect(try await messages.drain() == 0)
    let entries = try await messages.center.log(.init()).entries
    #expect(entries.map(\.state) == [.expired, .expired])
    #expect(entries.allSatisfy { $0.reason?.contains("忙") == true })
    #expect(messages.sms.taken.count == 2)
  }

  @Test func whatIsPressingGoesFirst() async throws {
    let messages = try await MessageFixture()
    try await messages.send("slow", to: 1)
    messages.time.advance(seconds: 10)
    try await messages.send("alarm", to: 2)
    try await messages.drain()
    #expect(messages.sms.taken.map(\.template) == ["alarm", "slow"])
  }

  @Test func aCityMaySendInTheOrderOfTime() async throws {
    let messages = try await MessageFixture()
    try await messages.send("slow", to: 1)
    messages.time.advance(seconds: 10)
    try await messages.send("alarm", to: 2)
    try await messages.drain(messages.runner { $0.order = .time })
    #expect(messages.sms.taken.map(\.template) == ["slow", "alarm"])
  }

  @Test func aChannelSendsNoMoreInAMinuteThanItMay() async throws {
    let messages = try await MessageFixture()
    for user in Int64(1)...5 { try await messages.send("slow", to: user) }
    let runner = messages.runner { $0.rates = [.sms: 2] }
    #expect(try await messages.drain(runner) == 2)
    messages.time.advance(seconds: 59)
    #expect(try await messages.drain(runner) == 0)
    messages.time.advance(seconds: 2)
    #expect(try await messages.drain(runner) == 2)
    #expect(messages.sms.taken.count == 4)
  }

  @Test func theRecordNamesTheGatewayAndIsFoundByIt() async throws {
    let messages = try await MessageFixture()
    messages.sms.answer(.accepted(reference: "A1", via: "mas"), .accepted(reference: "A2", via: "backup"))
    for user in Int64(1)...2 { try await messages.send("slow", to: user) }
    try await messages.drain()
    var query = MessageCenter.LogQuery()
    query.via = "backup"
    #expect(try await messages.center.log(query).entries.map(\.user) == [2])
    query.via = nil
    query.user = 1
    #expect(try await messages.center.log(query).entries.map(\.via) == ["mas"])
    query = .init()
    query.key = "none"
    #expect(try await messages.center.log(query).count == 0)
    query = .init()
    (query.from, query.to) = (messages.center.clock.today(), messages.center.clock.today())
    #expect(try await messages.center.log(query).count == 2)
    query.from = messages.center.clock.today().adding(days: 1)
    query.to = nil
    #expect(try await messages.center.log(query).count == 0)
  }

  // MARK: What people want

  @Test func atNightOnlyUrgentMessagesGoOut() async throws {
    let messages = try await MessageFixture()
    messages.time.advance(seconds: 12 * 3600)  // 22:00
    try await messages.send("slow", to: 1)
    try await messages.send("alarm", to: 1)
    _ = try await messages.notify(.user(2))
    try await messages.drain()
    #expect(messages.sms.taken.map(\.template) == ["alarm"])
    #expect(try await messages.center.unread(of: 2) == 1)
    let held = try await messages.entry(.sms)
    #expect(held.state == .queued && held.runAt == Instant("2026-11-19 08:00") && held.attempts == 0)
    messages.time.advance(seconds: 10 * 3600 - 1)
    #expect(try await messages.drain() == 0)
    messages.time.advance(seconds: 1)
    try await messages.drain()
    #expect(messages.sms.taken.map(\.template) == ["alarm", "notice", "slow"])
  }

  @Test(
    arguments: [
      ("21:00", "08:00", "2026-11-18 20:59", nil), ("21:00", "08:00", "2026-11-18 21:00", "2026-11-19 08:00"),
      ("21:00", "08:00", "2026-11-19 00:00", "2026-11-19 08:00"), ("21:00", "08:00", "2026-11-19 08:00", nil),
      ("12:30", "14:00", "2026-11-19 13:00", "2026-11-19 14:00"), ("12:30", "14:00", "2026-11-19 12:29", nil),
      ("00:00", "00:00", "2026-11-19 03:00", nil),
    ] as [(String, String, String, String?)])
  func quietHours(_ from: String, _ to: String, _ at: String, _ end: String?) throws {
    let hours = try #require(QuietHours(from: from, to: to))
    #expect(hours.end(at: try #require(Instant(at))) == end.flatMap { Instant($0) })
  }

  @Test(arguments: ["24:00", "8", "08:60", "a:b", "", "-1:00", "08:00:00"])
  func noTimeOfTheDay(_ text: String) { #expect(QuietHours(from: text, to: "08:00") == nil) }

  @Test func whoSwitchedAChannelOffIsLeftInPeaceExceptInEmergencies() async throws {
    let messages = try await MessageFixture()
    try await messages.center.refuse([.sms, .email, .site], of: 1)
    _ = try await messages.notify(.user(1))
    try await messages.send("alarm", to: 1)
    try await messages.drain()
    #expect(messages.sms.taken.map(\.template) == ["alarm"])
    #expect(try await messages.center.unread(of: 1) == 1)
    #expect(try await messages.entry(.email).reason == "本人关闭了邮件")
    #expect(try await messages.state(.email) == .skipped)
    #expect(try await messages.entry(.wechat).reason == "没有绑定微信")
    try await messages.center.refuse([], of: 1)
    _ = try await messages.notify(.user(1), key: "2")
    try await messages.drain()
    #expect(messages.sms.taken.map(\.template) == ["alarm", "notice"])
  }

  @Test func whoCannotBeReachedIsSaidSo() async throws {
    let messages = try await MessageFixture()
    _ = try await messages.notify(.user(500))
    try await messages.drain()
    #expect(try await messages.entry(.sms).reason == "没有登记手机号码")
    #expect(try await messages.entry(.email).reason == "没有确认的邮箱")
    #expect(messages.sms.taken.isEmpty)
    #expect(try await messages.center.unread(of: 500) == 1)
  }

  @Test func aChannelThatIsNotConfiguredIsSkippedAndSaysSo() async throws {
    let messages = try await MessageFixture()
    _ = try await messages.notify(.user(1))
    let runner = messages.runner("一号", channels: [.sms(), .mail(), .wechat()])
    #expect(try await messages.drain(runner) == 3)
    #expect(try await messages.entry(.sms).reason == "短信平台没有配置")
    #expect(try await messages.entry(.email).reason == "邮件服务器没有配置")
    #expect(try await messages.entry(.wechat).reason == "微信公众号没有配置")
    #expect(try await runner.channelStates().map(\.problem) == ["没有启用的短信发送渠道", "邮件服务器没有配置", "微信公众号没有配置"])
  }

  // MARK: Addresses

  @Test func anEmailAddressCountsOnceItsCodeCameBack() async throws {
    let messages = try await MessageFixture()
    let address = try #require(EmailAddress("liu@example.cn"))
    try await messages.center.claim(address, by: 1)
    try await messages.drain()
    let code = try #require(messages.mail.taken.first?.content.text.split(separator: " ").first.map(String.init))
    #expect(messages.mail.taken.map(\.address) == ["liu@example.cn"] && code.count == 6)
    let tooSoon = await #expect(throws: Refusal.self) { try await messages.center.claim(address, by: 1) }
    #expect(tooSoon?.code == "code-too-soon")
    let wrong = code == "000000" ? "000001" : "000000"
    let error = await #expect(throws: Refusal.self) { try await messages.center.confirmEmail(code: wrong, by: 1) }
    #expect(error?.code == "code-wrong")
    await #expect(throws: Refusal.self) { try await messages.center.confirmEmail(code: code, by: 2) }
    #expect(try await messages.center.preferences(of: 1).email == nil)
    try await messages.center.confirmEmail(code: code, by: 1)
    #expect(try await messages.center.preferences(of: 1).email == address)
    _ = try await messages.notify(.user(1))
    try await messages.drain()
    #expect(messages.mail.taken.map(\.template) == ["email_code", "notice"])
    try await messages.center.removeEmail(of: 1)
    #expect(try await messages.center.preferences(of: 1).email == nil)
  }

  @Test func aCodeIsGuessedFiveTimesAtMost() async throws {
    let messages = try await MessageFixture()
    try await messages.center.claim(try #require(EmailAddress("liu@example.cn")), by: 1)
    try await messages.drain()
    let code = try #require(messages.mail.taken.first?.content.text.split(separator: " ").first.map(String.init))
    for _ in 1...5 {
      await #expect(throws: Refusal.self) { try await messages.center.confirmEmail(code: "x", by: 1) }
    }
    let error = await #expect(throws: Refusal.self) { try await messages.center.confirmEmail(code: code, by: 1) }
    #expect(error?.code == "code-expired")
  }

  @Test func aFollowerOfTheOfficialAccountGetsTemplateMessages() async throws {
    let messages = try await MessageFixture()
    try await messages.center.bindWeChat("oABCD1234", to: 1, in: messages.database)
    _ = try await messages.notify(.user(1))
    messages.wechat.answer(.accepted(reference: "99"))
    try await messages.drain()
    #expect(messages.wechat.taken.map(\.address) == ["oABCD1234"])
    #expect(try await messages.entry(.wechat).address == "oABC****")
    try await messages.center.bindWeChat(nil, to: 1, in: messages.database)
    #expect(try await messages.center.preferences(of: 1).hasWeChat == false)
  }

  // MARK: Circuit breaker

  @Test func aGatewayThatDoesNotAnswerIsLeftAloneForAWhile() async throws {
    let messages = try await MessageFixture()
    for user in 1...8 { try await messages.send("slow", to: Int64(user)) }
    _ = try await messages.notify(.email(try #require(EmailAddress("a@b.cn"))))
    messages.sms.always(.failed("超时没有答复"))
    let runner = messages.runner()
    try await messages.drain(runner)
    #expect(messages.sms.taken.count == 5)
    #expect(messages.mail.taken.count == 1)
    #expect(try await runner.channelStates().first?.problem?.contains("没有应答") == true)
    // One tries after half a minute; it fails, and the pause is twice as long.
    messages.time.advance(seconds: 30)
    try await messages.drain(runner)
    #expect(messages.sms.taken.count == 6)
    messages.time.advance(seconds: 59)
    try await messages.drain(runner)
    #expect(messages.sms.taken.count == 6)
    messages.sms.always(.accepted(reference: nil))
    messages.time.advance(seconds: 1)
    try await messages.drain(runner)
    #expect(try await runner.channelStates().first?.problem == nil)
    messages.time.advance(seconds: 300)
    try await messages.drain(runner)
    #expect(try await messages.center.log(.init()).entries.allSatisfy { $0.state == .sent })
  }

  @Test func theBreakerLetsOneTry() {
    let start = MessageFixture.start
    var breaker = CircuitBreaker()
    func admits(after seconds: Int64) -> Bool { breaker.admits(at: start + seconds) }
    for _ in 1..<CircuitBreaker.limit {
      breaker.failed(at: start)
      #expect(admits(after: 0))
    }
    breaker.failed(at: start)
    #expect(!admits(after: 29))
    #expect(admits(after: 30))
    #expect(!admits(after: 30))
    breaker.release(at: start + 31)
    #expect(admits(after: 31))
    breaker.failed(at: start + 31)
    #expect(!admits(after: 90))
    #expect(admits(after: 91))
    breaker.succeeded()
    #expect(breaker == CircuitBreaker())
  }

  // MARK: Several runners

  @Test func runnersNeverSendTheSameAtTheSameTime() async throws {
    let messages = try await MessageFixture()
    for user in 1...60 { try await messages.send("slow", to: Int64(user)) }
    let counts = try await withThrowingTaskGroup(of: Int.self) { group in
      for name in ["一号", "二号", "三号"] { group.addTask { try await messages.drain(messages.runner(name)) } }
      return try await group.reduce(into: [Int]()) { $0.append($1) }
    }
    #expect(counts.reduce(0, +) == 60)
    #expect(Set(messages.sms.taken.map(\.id)).count == 60 && messages.sms.taken.count == 60)
  }

  /// A gateway that does not answer until the test lets it.
  final class Gate: Sendable {
    private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))
    let arrivals = Counter()

    func pass() async {
      arrivals.next()
      await withCheckedContinuation { continuation in
        let isOpen = state.withLock { state in
          if !state.isOpen { state.waiting.append(continuation) }
          return state.isOpen
        }
        if isOpen { continuation.resume() }
      }
    }

    func open() {
      let waiting = state.withLock { state in
        state.isOpen = true
        defer { state.waiting = [] }
        return state.waiting
      }
      for one in waiting { one.resume() }
    }
  }

  @Test func aMessageWhoseRunnerDiedIsTakenUpAndTheDeadOneChangesNothing() async throws {
    let messages = try await MessageFixture()
    try await messages.send("slow", to: 1)
    let gate = Gate()
    let stuck = messages.runner(
      "一号",
      channels: [
        MessageChannel(.sms) { _, _ in
          await gate.pass()
          return .failed("太迟")
        }
      ])
    let dead = Task { try await stuck.runNext() }
    #expect(try await eventually { gate.arrivals.value == 1 })
    #expect(try await messages.entry(.sms).isUnderWay)
    // While its lease lasts nobody else has it: twice the time-out and a minute.
    messages.time.advance(seconds: 89)
    #expect(try await messages.drain(messages.runner("二号")) == 0)
    messages.time.advance(seconds: 2)
    #expect(try await messages.drain(messages.runner("二号")) == 1)
    gate.open()
    _ = try await dead.value
    let id = try await messages.entry(.sms).id
    let (entry, attempts) = try await messages.center.delivery(id)
    #expect(entry.state == .sent && attempts.map(\.outcome) == ["lost", "sent"])
    #expect(attempts.map(\.worker) == ["一号", "二号"])
  }

  @Test func aRunningRunnerHearsOfMessagesAtOnce() async throws {
    let messages = try await MessageFixture()
    var configuration = MessageRunner.Configuration(worker: "一号", log: .silent)
    configuration.poll = .seconds(600)
    let sms = messages.sms
    let runner = MessageRunner(
      center: messages.center, channels: [MessageChannel(.sms) { message, _ in sms.take(message) }],
      settings: { MessagingSettings() }, configuration: configuration)
    let running = Task { await runner.run() }
    defer { running.cancel() }
    // It has to listen first; a message that came before would be found by its first look.
    try await messages.send("alarm", to: 1)
    #expect(try await eventually { try await messages.state(.sms) == .sent })
    try await messages.send("alarm", to: 2)
    #expect(try await eventually { sms.taken.count == 2 })
  }
}
